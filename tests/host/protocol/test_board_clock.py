import math
from itertools import pairwise

import pytest
from buddywatch.protocol.board_clock import CLOCK_WAS_SET_S, KNOTS_MAX, SLACK_S, SLEW, WINDOW_S, BoardClock
from hypothesis import given
from hypothesis import strategies as st

EPOCH = 1.7e9


def run(clock, samples):
    """Give each (uptime, arrival) to the clock; the times it assigns."""
    times = []
    for uptime_s, arrival in samples:
        clock.observe(uptime_s, arrival)
        times.append(clock.assign(uptime_s))
    return times


def test_time_is_that_of_the_least_delayed_arrival():
    clock = BoardClock(100.0, EPOCH + 100 + 3)  # the first was 3 s late
    run(clock, [(100 + i, EPOCH + 100 + i + (0.0 if i == 50 else 2.0)) for i in range(1, 200)])
    assert clock.wall(299.0) == pytest.approx(EPOCH + 299, abs=SLACK_S)


def test_a_late_arrival_changes_nothing():
    clock = BoardClock(0.0, EPOCH)
    run(clock, [(5.0 * i, EPOCH + 5.0 * i) for i in range(1, 50)])
    before = clock.wall(1000.0)
    clock.observe(250.0, EPOCH + 250 + 3600)
    assert clock.wall(1000.0) == before


def test_an_arrival_from_before_the_times_given_changes_none_of_them():
    clock = BoardClock(0.0, EPOCH)
    given_times = [clock.assign(uptime_s) for uptime_s in (400.0, 1000.0)]
    clock.observe(500.0, EPOCH + 100)
    assert [clock.wall(400.0), clock.wall(1000.0)] == given_times
    clock.observe(1100.0, EPOCH + 700)
    assert [clock.wall(400.0), clock.wall(1000.0)] == given_times
    assert clock.wall(1100.0) == pytest.approx(given_times[1] + 100 * (1 - SLEW), abs=1e-3)


def test_an_uptime_that_falls_is_no_new_arrival():
    """It was made earlier, or its number is wrong: it came too soon to tell how late the others are."""
    clock = BoardClock(0.0, EPOCH)
    run(clock, [(5.0 * i, EPOCH + 5.0 * i) for i in range(1, 201)])
    clock.observe(900.0, EPOCH + 500)
    clock.observe(1000.0, EPOCH + 500)
    run(clock, [(5.0 * i, EPOCH + 5.0 * i) for i in range(201, 260)])
    assert clock.wall(1290.0) == pytest.approx(EPOCH + 1290, abs=SLACK_S)


def test_drift_is_followed():
    drift = 1.0001  # a crystal that is 100 ppm off: 8.6 s a day
    clock = BoardClock(0.0, EPOCH)
    times = run(clock, [(5.0 * i, EPOCH + 5.0 * i * drift) for i in range(1, 17280)])
    assert times[-1] == pytest.approx(EPOCH + 5.0 * 17279 * drift, abs=0.2)


@pytest.mark.parametrize("step_s", [-3600.0, -30.0, 30.0, 3600.0])
def test_a_step_of_the_hosts_clock_is_followed_slowly(step_s):
    clock = BoardClock(0.0, EPOCH)
    times = run(clock, [(5.0 * i, EPOCH + 5.0 * i + (step_s if i > 200 else 0)) for i in range(1, 12000)])
    speeds = [(b - a) / 5.0 for a, b in pairwise(times)]
    assert min(speeds) >= 1 - SLEW - 1e-6
    assert max(speeds) <= 1 + SLEW + 1e-6
    assert times[-1] == pytest.approx(EPOCH + 5.0 * 11999 + step_s, abs=2 * SLACK_S)


def test_a_host_clock_that_was_wrong_by_years_is_followed_at_once():
    years_s = 3 * 365 * CLOCK_WAS_SET_S
    clock = BoardClock(0.0, EPOCH)
    times = run(clock, [(5.0 * i, EPOCH + 5.0 * i + (years_s if i > 10 else 0)) for i in range(1, 400)])
    assert times[399 - 1] == pytest.approx(EPOCH + 5.0 * 399 + years_s, abs=SLACK_S)
    assert times[int(WINDOW_S / 5) + 12] == pytest.approx(EPOCH + WINDOW_S + 65 + years_s, abs=SLACK_S)
    assert times == sorted(times)


ERROR_S = st.floats(-1e9, 1e9) | st.floats(-100, 100)
SAMPLES = st.lists(st.tuples(st.floats(0.01, 2000), ERROR_S, st.floats(-0.9, 0)), min_size=1, max_size=60)


@given(SAMPLES)
def test_times_rise_with_uptime_whatever_the_hosts_clock_does(samples):
    """Some of the uptimes are those of frames that were missing, and get their time later than younger ones."""
    clock, uptime_s, given_times = BoardClock(0.0, EPOCH), 0.0, []
    for passed_s, error_s, back in samples:
        uptime_s += passed_s
        clock.observe(uptime_s, EPOCH + uptime_s + error_s)
        given_times.append((uptime_s, clock.assign(uptime_s)))
        missing_s = uptime_s * (1 + back)
        given_times.append((missing_s, clock.assign(missing_s)))
    times = [time for _, time in sorted(given_times)]
    for earlier, later in pairwise(times):
        assert later >= earlier - 1e-5  # a double resolves 2.4e-7 s today


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 2e9)), max_size=100))
def test_any_arrivals_are_taken(samples):
    assert all(map(math.isfinite, run(BoardClock(5.0, EPOCH), samples)))


def test_it_goes_on_from_the_times_before():
    clock = BoardClock(0.0, EPOCH)
    times = run(clock, [(5.0 * i, EPOCH + 5.5 * i) for i in range(1, 400)])
    kept = [(5.0 * i, times[i - 1]) for i in (100, 250, 399)]
    resumed = BoardClock(*kept[-1], before=kept[:-1])
    for uptime_s, time in kept:
        assert resumed.wall(uptime_s) == pytest.approx(time, abs=1e-3)
    assert times[-1] < resumed.wall(2000.0) < times[-1] + 6.0


def test_memory_is_bounded():
    clock = BoardClock(0.0, EPOCH)
    for i in range(1, 4 * KNOTS_MAX):
        clock.observe(10.0 * i, EPOCH + 10.0 * i + (i % 3) * 0.9)
        clock.observe(10.0 * i, EPOCH + 20.0 * i)
        clock.assign(10.0 * i)
    assert len(clock._uptimes) <= KNOTS_MAX
    assert len(clock._arrivals) <= WINDOW_S / 10 + 2


@pytest.mark.parametrize("step_s", [8 * 3600.0, -30 * 86_400.0])
def test_clock_restarts_at_once_where_the_hosts_clock_was_set(step_s):
    clock = BoardClock(100.0, EPOCH + 100)
    run(clock, [(100 + 5.0 * i, EPOCH + 100 + 5.0 * i) for i in range(1, 50)])
    assert clock.restart(step_s) == (0.0, 345.0, EPOCH + step_s)
    assert clock.wall(200.0) == pytest.approx(EPOCH + 200 + step_s)
    times = run(clock, [(345 + 5.0 * i, EPOCH + step_s + 345 + 5.0 * i) for i in range(1, 50)])
    assert times == pytest.approx([EPOCH + step_s + 345 + 5.0 * i for i in range(1, 50)])


def test_what_an_earlier_collector_stored_stays_where_it_does_not_contradict():
    """A clock 8 h slow at the start of this collector, then set right: the times before were right all along."""
    earlier = [(0.0, EPOCH), (1000.0, EPOCH + 1000)]
    clock = BoardClock(2000.0, EPOCH + 2000, before=earlier)
    slow = -8 * 3600.0
    run(clock, [(2000 + 5.0 * i, EPOCH + 2000 + slow + 5.0 * i) for i in range(1, 100)])
    assert clock.is_ahead
    assert clock.restart(-slow) == (2000.0, 2495.0, EPOCH)
    assert [clock.wall(uptime_s) for uptime_s in (500.0, 1000.0)] == [EPOCH + 500, EPOCH + 1000]
    assert clock.wall(2400.0) == pytest.approx(EPOCH + 2400)
    assert not clock.is_ahead


def test_times_that_an_earlier_collector_gave_ahead_are_wrong_as_well():
    """30 days fast, set right while no collector ran: what is stored lies in the future."""
    fast = 30 * 86_400.0
    clock = BoardClock(2000.0, EPOCH + fast + 2000, before=[(0.0, EPOCH + fast), (1000.0, EPOCH + fast + 1000)])
    clock.observe(2005.0, EPOCH + 2005)
    assert clock.is_ahead
    assert clock.restart(0.0) == (0.0, 2005.0, EPOCH)
    assert clock.wall(1500.0) == pytest.approx(EPOCH + 1500)


def test_clock_that_gave_no_time_has_nothing_to_restart():
    assert BoardClock(100.0, EPOCH).restart(3600.0) is None


@given(
    st.lists(st.floats(0.1, 100), min_size=1, max_size=30),
    st.floats(-1e7, 1e7),
    st.lists(st.floats(0.1, 100), min_size=1, max_size=30),
)
def test_times_rise_whatever_step_the_hosts_clock_takes(before, step_s, after):
    clock, uptime_s = BoardClock(0.0, EPOCH, before=[]), 0.0
    for span_s in before:
        uptime_s += span_s
        clock.observe(uptime_s, EPOCH + uptime_s)
        clock.assign(uptime_s)
    clock.restart(step_s)
    given_times = [clock.wall(uptime_s * share / 10) for share in range(11)]
    for span_s in after:
        uptime_s += span_s
        clock.observe(uptime_s, EPOCH + uptime_s + step_s)
        given_times.append(clock.assign(uptime_s))
    assert all(a <= b for a, b in pairwise(given_times))
    assert given_times[-1] == pytest.approx(EPOCH + uptime_s + step_s, abs=1e-3)


def near(times):
    """pytest's own tolerance would be 1,700 s for these."""
    return pytest.approx(times, rel=0, abs=0.01)


def test_what_lies_before_the_wrong_times_keeps_its_time():
    """Between the last stored time and this collector, and up to a second step: nothing is moved that was right."""
    clock = BoardClock(2000.0, EPOCH + 2000, before=[(0.0, EPOCH), (1000.0, EPOCH + 1100)])
    run(clock, [(2000 + 5.0 * i, EPOCH + 2000 + 5.0 * i) for i in range(1, 100)])
    between = [clock.wall(uptime_s) for uptime_s in (500.0, 1000.0, 1500.0, 1990.0)]
    assert clock.restart(600.0) == (2000.0, 2495.0, EPOCH + 600)
    assert [clock.wall(uptime_s) for uptime_s in (500.0, 1000.0, 1500.0, 1990.0)] == near(between)
    right = [clock.wall(uptime_s) for uptime_s in (2000.0, 2100.0, 2495.0)]
    assert right == near([EPOCH + 600 + uptime_s for uptime_s in (2000.0, 2100.0, 2495.0)])
    run(clock, [(2495 + 5.0 * i, EPOCH + 600 + 2495 + 5.0 * i) for i in range(1, 20)])
    assert clock.restart(60.0) == (2495.0, 2590.0, EPOCH + 660)  # only what came since the first step
    assert [clock.wall(uptime_s) for uptime_s in (2000.0, 2100.0)] == near(right[:2])


def test_second_step_is_for_all_times_where_the_first_one_was():
    clock = BoardClock(100.0, EPOCH + 100)
    run(clock, [(100 + 5.0 * i, EPOCH + 100 + 5.0 * i) for i in range(1, 50)])
    clock.restart(8 * 3600.0)
    assert clock.restart(60.0) == (0.0, 345.0, EPOCH + 8 * 3600.0 + 60)
    assert clock.wall(200.0) == near(EPOCH + 200 + 8 * 3600.0 + 60)
