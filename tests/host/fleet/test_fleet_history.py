"""Steps of a board's course, and the times without data between them."""

import pytest
from buddywatch.fleet.engine import Course
from buddywatch.fleet.history import gaps_of, step_for, steps_of

STEP_S = 60.0


def course(*ends, **labels):
    return Course(labels, [(end, 7.4) for end in ends])


def test_a_step_has_what_is_known_of_it_by_its_beginning():
    courses = [("free_bytes", course(160.0)), ("usable_blocks", course(100.0, 160.0, need="rm"))]
    courses.append(("margin_pages", Course({"need": "rm"}, [(160.0, float("nan"))])))
    first, last = steps_of(courses, STEP_S)
    assert (first.time, first.free_bytes, first.needs) == (40.0, None, {"rm": {"usable_blocks": 7}})
    assert (last.time, last.free_bytes, last.needs) == (100.0, 7, {"rm": {"usable_blocks": 7}})


@pytest.mark.parametrize(
    ("ends", "gaps"),
    [
        ((60, 120, 180, 240), []),
        ((60, 120, 240), [(120.0, 180.0)]),
        ((180, 240), [(0.0, 120.0)]),
        ((60, 120), [(120.0, 240.0)]),
        ((), [(0.0, 240.0)]),
    ],
)
def test_times_without_data_are_gaps(ends, gaps):
    steps = steps_of([("free_bytes", course(*map(float, ends)))], STEP_S)
    assert gaps_of(steps, 0.0, 240.0, STEP_S) == gaps


@pytest.mark.parametrize(
    ("span_s", "step_s"), [(600, 10), (3600, 60), (86_400, 1800), (7 * 86_400, 21_600), (1e9, 16_666_667)]
)
def test_a_screenful_of_steps_if_nothing_is_said(span_s, step_s):
    assert step_for(span_s) == step_s
