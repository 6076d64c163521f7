"""Losses of room that last."""

from buddywatch.model.lives import Life
from buddywatch.verdict.losses import LONG_S, LOSSES_MAX, losses_of
from buddywatch.verdict.room import Point


def points(*rooms, step_s=100.0):
    return [Point(step_s * number, room, None) for number, room in enumerate(rooms)]


def life(name, started_s, ended_s=None):
    return Life("b", 7, name, started_s, ended_s or 9999.0, ended_s, 15)


QUIET = (64,) * 12


def test_what_comes_back_is_no_loss():
    assert losses_of("b", points(*QUIET, 48, 48, 64, *QUIET), []) == []


def test_what_does_not_come_back_is_one_with_who_stayed():
    resident, job = life("httpd", 1120), life("job", 1120, 1150.0)
    early, late = life("early", 1000), life("late", 1300)
    (loss,) = losses_of("b", points(*QUIET, 48, *(48,) * 10), [early, job, resident, late])
    assert (loss.begin_s, loss.end_s, loss.pages) == (1100.0, 1200.0, 16)
    assert [one.name for one in loss.near] == ["httpd"]


def test_loss_counts_what_never_comes_back_only():
    (loss,) = losses_of("b", points(*QUIET, 16, 16, 48, *(48,) * 10), [])
    assert (loss.begin_s, loss.pages) == (1100.0, 16)


def test_what_is_too_new_to_last_is_none():
    rooms = (*QUIET, 48, *(48,) * int(LONG_S / 100 - 1))
    assert losses_of("b", points(*rooms), []) == []
    assert len(losses_of("b", points(*rooms, 48), [])) == 1


def test_steps_in_a_row_are_one_loss_and_only_the_largest_are_listed():
    (loss,) = losses_of("b", points(*QUIET, 60, 50, 40, *(40,) * 200, step_s=5.0), [])
    assert loss.pages == 24
    rooms = [room for number in range(LOSSES_MAX + 3) for room in (400 - 16 * number - number * number,) * 3]
    found = losses_of("b", points(*rooms, *(rooms[-1],) * 9), [])
    assert len(found) == LOSSES_MAX
    assert [one.begin_s for one in found] == sorted(one.begin_s for one in found)
    assert min(one.pages for one in found) > 16 + 1
