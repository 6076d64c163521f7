"""A clock that is set is recognised; one that drifts, or is slewed, is not taken for it."""

import pytest
from buddywatch.collect.wall_clock import STEP_S, WallClock


def test_clock_that_goes_on_as_it_should_was_not_set():
    clock = WallClock(1.7e9, 100.0)
    assert all(clock.step_s(1.7e9 + turn, 100.0 + turn) is None for turn in range(1, 1000))


def test_slewed_clock_was_not_set():
    """NTP corrects by at most 0.5 ms a second; what that makes in a day is more than a step."""
    clock = WallClock(1.7e9, 0.0)
    assert all(clock.step_s(1.7e9 + turn * 1.0005, float(turn)) is None for turn in range(1, 86_400))


@pytest.mark.parametrize("step_s", [8 * 3600.0, -30 * 86_400.0, STEP_S, -STEP_S])
def test_step_is_told_once_and_exactly(step_s):
    clock = WallClock(1.7e9, 100.0)
    assert clock.step_s(1.7e9 + 1 + step_s, 101.0) == pytest.approx(step_s)
    assert clock.step_s(1.7e9 + 2 + step_s, 102.0) is None


def test_suspended_machine_was_not_set():
    clock = WallClock(1.7e9, 100.0)
    assert clock.step_s(1.7e9 + 50_000, 50_100.0) is None
