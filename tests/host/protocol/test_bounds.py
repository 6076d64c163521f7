"""Numbers that no board can have: told in a line, or kept as damage; never a time that no calendar has."""

import pytest
from buddyd import wire
from buddywatch.model.samples import UNDECODABLE, Boot, Event, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.bounds import FRAMES_MAX, INTERVAL_MAX_CS, UPTIME_MAX_CS, WHOLE_MAX, whole_number
from buddywatch.protocol.frame import Frame, Hello
from buddywatch.protocol.layout import Layout
from hypothesis import given
from hypothesis import strategies as st
from modelboard import facts
from trackertools import EPOCH, board, feed, gaps, held, hello, met

YEARS_200_S = 200 * 366 * 86_400


@given(st.integers(-10, 2 * WHOLE_MAX), st.integers(0, WHOLE_MAX))
def test_a_whole_number_is_one_up_to_the_largest(number, most):
    assert whole_number(str(number), most) == (number if 0 <= number <= most else None)


@pytest.mark.parametrize("text", ["", "-", "1.5", "+1", " 1", "1_0", "\u0661", "\u00b2", "9" * 5000])
def test_anything_else_is_none(text):
    assert whole_number(text) is None


@pytest.mark.parametrize(
    ("key", "most"),
    [("up", UPTIME_MAX_CS), ("interval_cs", INTERVAL_MAX_CS), ("oldest", FRAMES_MAX), ("next", FRAMES_MAX),
     ("key", FRAMES_MAX)],
)  # fmt: skip
def test_a_first_hello_with_a_number_out_of_bounds_is_told_and_not_used(key, most):
    made = board(polls=2)
    lines = [
        Hello(made.boot, {**item.facts, **({key: str(most + 1)} if key in item.facts else {})}) for item in hello(made)
    ]
    tracker = BoardTracker()
    assert feed(tracker, [*lines, *held(made)]) == []
    assert tracker.problem == f"hello with {key}='{most + 1}': expected a whole number, at most {most}"
    feed(tracker, hello(made))
    assert (tracker.problem, tracker.boot.boot_id) == (None, made.boot)


def test_a_later_hello_with_a_number_out_of_bounds_changes_nothing():
    made = board(polls=2)
    tracker, _ = met(made)
    assert feed(tracker, [Hello(made.boot, {"up": "9" * 13, "next": "9", "compaction": "?"})]) == []
    assert tracker.problem.startswith("hello with up='9999999999999'")
    assert tracker.missing_of(tracker.next_request(1000)) == 2
    feed(tracker, hello(made))
    assert tracker.problem is None


def test_more_orders_than_there_can_be_are_not_hidden_by_zeros():
    with pytest.raises(ValueError, match="z0="):
        Layout({**facts()[0], "z0": "0/N/0000000019999/1/2/3/4"})


@pytest.mark.parametrize("column", [0, 1, 2, 9], ids=["up", "proc", "free", "blocks"])
@pytest.mark.parametrize("number", [UPTIME_MAX_CS + 1, -UPTIME_MAX_CS, 2**62, -(2**62)])
def test_a_snapshot_with_a_number_out_of_bounds_is_damage(column, number):
    layout, width = facts()
    encoder, lines = wire.Encoder("0000000a", width, 500, 10_000), []
    vector = [1000, *[1] * (width - 1)]
    vector[column] = number
    encoder.snapshot(vector, lines.append)
    tracker = BoardTracker()
    feed(tracker, [Hello("0000000a", {**layout, "up": "1000", "oldest": "1", "next": "1"})])
    values = feed(tracker, [Frame("0000000a", 1, lines[0][1:2], lines[0][4 : -wire.CHECK_DIGITS])])
    is_believed = column in (1, 2, 9) and abs(number) < WHOLE_MAX and (number > 0 or column == 2)
    assert is_believed == (gaps(values) != [(1, 1, UNDECODABLE)])


@given(st.integers(), st.sampled_from(["alloc", "page"]), st.integers(), st.integers())
def test_an_event_never_gets_a_time_that_no_calendar_has(uptime_cs, kind, number, pid):
    made = board()
    tracker, _ = met(made)
    body = b"%d|%s|%d|%d|rm|text" % (uptime_cs, kind.encode(), number, pid)
    (event,) = feed(tracker, [Frame(made.boot, 1, wire.EVENT, body)])
    assert abs(event.time - EPOCH) < YEARS_200_S
    assert (event.kind == kind) == (0 <= uptime_cs <= UPTIME_MAX_CS and max(abs(number), abs(pid)) < WHOLE_MAX)
    assert event.kind == kind or (event.time, event.uptime_ms, event.text) == (EPOCH, None, body.decode())


NUMBERS = st.one_of(st.integers(0, 10**15), st.integers(0, 10**6)).map(str)


@given(st.fixed_dictionaries({}, optional={key: NUMBERS for key in ("up", "oldest", "next", "key", "interval_cs")}))
def test_whatever_a_hello_says_times_stay_near_the_arrival(told):
    made = board(polls=3)
    tracker = BoardTracker()
    whole = {key: value for item in hello(made) for key, value in item.facts.items()} | told
    values = feed(tracker, [Hello(made.boot, whole), *held(made), Hello(made.boot, told), *hello(made), *held(made)])
    for value in values:
        if isinstance(value, Snapshot | Event):
            assert abs(value.time - EPOCH) < YEARS_200_S
        elif isinstance(value, Boot):
            assert abs(value.started - EPOCH) < YEARS_200_S
