"""The scoreboard on a few boards: the aims hold, the baselines are beaten, the table says what was counted."""

from pathlib import Path

import pytest
from buddywatch.model.forecasts import LEVEL, Forecast

from scripts.forecast.forecasters import FORECASTERS, Envelope, margin_line, stays
from scripts.forecast.histories import History, Sample, modelled, recorded
from scripts.forecast.score import HEAD, table
from scripts.forecast.warning import FAR, Score, score

TRACES = sorted((Path(__file__).parents[1] / "fixtures" / "traces").glob("*.tsv"))


def falling(count, refused_at):
    return History("test", "falling", [Sample(refused_at - i, 500, 64) for i in range(count)], refused_at)


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_recorded_boards_are_warned_of_in_time_and_never_in_vain(path):
    history = recorded(path)
    result = score(history, Envelope())
    assert (result.missed, result.short, result.in_vain) == (0, 0, 0)
    assert result.refused == (history.refused_at is not None)


@pytest.mark.parametrize(("kind", "seed"), [("cron", 1), ("staircase", 6), ("regime", 2)])
def test_a_modelled_board_that_fails_is_warned_of_in_time(kind, seed):
    history = modelled(kind, seed)
    assert history.refused_at is not None
    result = score(history, Envelope())
    assert (result.missed, result.short) == (0, 0)


def test_a_resident_board_is_never_warned_of():
    result = score(modelled("resident", 1), Envelope())
    assert result == Score(boards=1, weeks=1.0, forecasts=result.forecasts)
    assert result.forecasts > 1000


def test_to_say_nothing_is_to_miss():
    assert score(falling(400, 400), stays()).missed == 1


def test_a_warning_at_the_last_moment_is_short():
    late = score(falling(1000, 1000), lambda number, _: Forecast(LEVEL, 60.0 if number > 950 else None))
    assert (late.missed, late.short, late.lead) == (0, 1, 32)


def test_a_warning_that_was_taken_back_long_before_was_in_vain():
    once = score(falling(2 * FAR, 2 * FAR), lambda number, _: Forecast(LEVEL, 60.0 if number < 50 else None))
    assert (once.missed, once.in_vain) == (1, 1)


def test_the_interval_is_compared_with_the_truth():
    narrow = score(falling(400, 400), lambda number, _: Forecast(LEVEL, 60.0, 30.0, 90.0))
    assert (narrow.looks, narrow.early, narrow.late) == (16, 0, 16)


def test_the_tenths_are_those_of_the_forecast():
    result = score(falling(800, 800), Envelope())
    assert sum(result.tenths) == result.looks > 20
    assert sum(result.tenths[1:9]) > 20


def test_the_table_has_a_row_for_each_class_and_each_forecaster():
    scores = {name: score(falling(300, 300), make()) for name, make in FORECASTERS.items()}
    lines = table([("cron", scores), ("cron", scores)])
    assert lines[0] == HEAD
    assert lines[1].split()[:4] == ["cron", "2", "2", "0"]
    assert [line[:22].strip() for line in lines[2:-1]] == ["all of them", *FORECASTERS]
    assert lines[-1].startswith("refused in each tenth of buddywatch's forecast")
    assert score(falling(300, 300), margin_line()).missed == 0
