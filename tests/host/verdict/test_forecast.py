"""What the forecast must understand, each in a history made for it."""

import random
from dataclasses import replace

import pytest
from boards import RM, snapshot
from buddywatch.model.forecasts import FALLING, LEVEL, RISING, UNKNOWN, Forecast
from buddywatch.verdict.forecast import forecast
from buddywatch.verdict.judge import judge
from buddywatch.verdict.margin_history import MarginHistory

PERIOD_S = 5.0


def told(margins, period_s=PERIOD_S):
    history = MarginHistory(period_s)
    for number, margin in enumerate(margins):
        history.add(number * period_s, round(margin))
    return forecast(history)


def noisy(margins, seed=1, pages=6):
    noise = random.Random(seed)
    return [margin + noise.uniform(-pages, pages) for margin in margins]


def falling(start, per_sample, count):
    return [start - per_sample * i for i in range(count)]


def test_silent_before_the_window_is_full():
    assert told(falling(400, 1, 40)) == Forecast(UNKNOWN)


@pytest.mark.parametrize("period_s", [0.2, 5.0, 600.0])
def test_a_line_is_met_where_it_meets_zero_at_any_period(period_s):
    found = told(noisy(falling(400, 0.5, 600)), period_s)
    assert found.trend == FALLING
    assert found.in_s == pytest.approx(200 * period_s, rel=0.2)
    assert found.low_s < found.in_s < found.high_s
    assert found.low_s < 200 * period_s < found.high_s
    assert found.since_s == 0


def test_a_level_board_is_never_refused():
    assert told(noisy([200] * 3000)) == Forecast(LEVEL, since_s=pytest.approx(0, abs=3000 * PERIOD_S))


def test_a_board_that_gets_better():
    found = told(noisy([100 + 0.2 * i for i in range(800)]))
    assert (found.trend, found.in_s, found.low_s, found.high_s) == (RISING, None, None, None)


def test_the_saw_tooth_of_normal_work_is_level():
    teeth = [300 - 2 * (i % 100) for i in range(4000)]
    assert told(teeth).trend == LEVEL
    assert told(teeth).in_s is None


@pytest.mark.parametrize("phase", range(10, 100, 10))
def test_within_a_tooth_as_deep_as_those_before_there_is_no_forecast(phase):
    teeth = [300 - 2 * (i % 100) for i in range(4000 + phase)]
    assert told(teeth).in_s is None


def test_a_saw_tooth_whose_low_points_sink():
    teeth = [400 - 2 * (i % 50) - 0.1 * i for i in range(2000)]
    found = told(noisy(teeth))
    assert found.trend == FALLING
    assert found.low_s < 1000 * PERIOD_S < found.high_s


def test_a_staircase_goes_on():
    stairs = [400 - 32 * (i // 150) for i in range(1500)]
    found = told(stairs)
    assert found.trend == FALLING
    assert found.low_s < 450 * PERIOD_S < found.high_s


def test_a_job_that_starts_ends_the_say_of_the_old_history():
    found = told(noisy([400] * 3000 + falling(400, 0.5, 400)))
    assert found.trend == FALLING
    assert found.low_s < 400 * PERIOD_S < found.high_s
    assert found.since_s > 2500 * PERIOD_S


def test_a_job_that_stops_takes_the_forecast_back():
    before = falling(400, 0.5, 600)
    assert told(noisy(before)).in_s is not None
    assert told(noisy(before + [100] * 600)).in_s is None


def test_recovery_takes_the_forecast_back():
    assert told(noisy(falling(400, 0.5, 700) + [380] * 300)).in_s is None


def test_gaps_do_not_bend_the_line():
    history = MarginHistory(PERIOD_S)
    for number, margin in enumerate(noisy(falling(400, 0.5, 600))):
        if not 200 <= number < 350:
            history.add(number * PERIOD_S, round(margin))
    assert forecast(history).in_s == pytest.approx(200 * PERIOD_S, rel=0.25)


def test_a_level_board_so_near_to_zero_that_its_noise_refuses():
    found = told(noisy([12] * 2000, pages=11))
    assert found.trend == LEVEL
    assert found.in_s is not None


def test_a_refused_need_is_refused_now():
    found = told(noisy(falling(400, 0.5, 900), pages=1))
    assert found.low_s <= found.in_s < 20 * PERIOD_S


@pytest.mark.parametrize("seed", range(20))
def test_any_history_gives_numbers_in_order(seed):
    walk = random.Random(seed)
    margins = [walk.randint(0, 400)]
    for _ in range(walk.randint(1, 3000)):
        margins.append(max(-50, margins[-1] + walk.choice((-16, -1, 0, 0, 1, 15))))
    found = told(margins)
    times = [time for time in (found.low_s, found.in_s, found.high_s) if time is not None]
    assert times == sorted(times)
    assert all(time >= 0 for time in times)


def test_a_board_that_settles_after_its_boot_is_not_forecast_to_fail():
    """Programs start in the first minutes, and then no more."""
    settling = [500 - 2 * min(i, 120) for i in range(1000)]
    assert told(noisy(settling)).in_s is None


def test_a_fall_that_levels_off_takes_the_forecast_back():
    levelling = [80 + 400 * 0.99**i for i in range(1500)]
    assert told(noisy(levelling[:200])).in_s is not None
    assert told(noisy(levelling)).in_s is None


def margins_of(blocks_at, needs, rule, count=600):
    """The forecast of each need of these bytes, from the block counts of so many snapshots."""
    histories = {size: MarginHistory(PERIOD_S) for size in needs}
    for number in range(count):
        shot = snapshot(number + 1, blocks_at(number))
        for size, history in histories.items():
            margin = judge(shot, 4096, replace(RM, bytes=size), rule).margin_pages
            history.add(number * PERIOD_S, margin)
    return {size: forecast(history) for size, history in histories.items()}


def test_needs_that_share_a_cause_fail_from_the_largest_down():
    def blocks_at(number):
        """A leak takes the large blocks one by one; each breaks into smaller ones, some of which stay."""
        large = 40 - number // 20
        return (100, 50, 20, 10, 12, 4, large, 0, 0, 0, 0)

    found = margins_of(blocks_at, (61440, 245760), "old")
    assert {forecast.trend for forecast in found.values()} == {FALLING}
    assert found[245760].in_s < found[61440].in_s


def test_free_memory_that_runs_out_is_forecast():
    """A need of one page is refused when all that is free is at the min mark, however large the blocks are."""
    found = margins_of(lambda number: (900 - number, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0), (4096,), "new")[4096]
    assert found.trend == FALLING
    left_s = (300 + 128 - 90 - 1) * PERIOD_S
    assert found.in_s == pytest.approx(left_s, rel=0.1)
