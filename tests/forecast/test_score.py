"""The scoreboard on a few boards: the aims hold, the baselines are beaten, the table says what was counted."""

from pathlib import Path

import pytest
from buddywatch.model.forecasts import LEVEL, Forecast

from scripts.forecast.forecasters import FORECASTERS, Envelope, Line, Stays
from scripts.forecast.histories import History, Sample, modelled, recorded
from scripts.forecast.score import HEAD, TENTHS_HEAD, table
from scripts.forecast.warning import FAR, Score, score

TRACES = sorted((Path(__file__).parents[1] / "fixtures" / "traces").glob("*.tsv"))


def falling(count, refused_at):
    return History("test", "falling", [Sample(refused_at - i, 500, 64) for i in range(count)], refused_at)


class Says:
    """A forecaster that says what it was made to say of each number of a snapshot."""

    def __init__(self, forecast_at):
        self._forecast_at = forecast_at

    def take(self, number, _):
        return self._forecast_at(number)

    def deciles(self):
        return [None] * 9


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
    assert score(falling(400, 400), Stays()).missed == 1


def test_a_warning_at_the_last_moment_is_short():
    late = score(falling(1000, 1000), Says(lambda number: Forecast(LEVEL, 60.0 if number > 950 else None)))
    assert (late.missed, late.short, late.leads) == (0, 1, [40])


def test_a_warning_that_was_taken_back_long_before_was_in_vain():
    once = score(falling(2 * FAR, 2 * FAR), Says(lambda number: Forecast(LEVEL, 60.0 if number < 50 else None)))
    assert (once.missed, once.in_vain) == (1, 1)


def test_the_interval_is_compared_with_the_truth():
    narrow = score(falling(400, 400), Says(lambda number: Forecast(LEVEL, 60.0, 30.0, 90.0)))
    assert (narrow.looks, narrow.early, narrow.late) == (16, 0, 16)


def test_the_tenths_are_those_of_the_forecast():
    result = score(falling(800, 800), Envelope())
    assert sum(result.tenths) == result.looks > 20
    assert sum(result.tenths[1:9]) > 20


def test_a_refusal_that_was_missed_had_no_lead():
    both = score(falling(400, 400), Stays())
    both.add(score(falling(400, 400), Envelope()))
    assert both.refused == 2
    assert both.leads[0] == 0 < both.leads[1]


def test_a_line_has_deciles_that_begin_and_end_with_its_interval():
    line = Line(lambda sample: sample.margin)
    for number in range(200):
        found = line.take(number, Sample(300 - number + number % 7, 500, 64))
    tenths = line.deciles()
    assert (tenths[0], tenths[4], tenths[8]) == (found.low_s, pytest.approx(found.in_s), found.high_s)
    assert tenths == sorted(tenths)


def test_tenths_that_are_all_alike_are_even():
    assert Score(tenths=[3] * 10).unevenness == pytest.approx(0)
    assert Score(tenths=[30, *[0] * 9]).unevenness == pytest.approx(0.18)


def test_the_table_has_a_row_for_each_class_and_each_forecaster():
    scores = {name: score(falling(300, 300), make()) for name, make in FORECASTERS.items()}
    lines = table([("cron", scores), ("cron", scores)])
    assert lines[0] == HEAD
    assert lines[1].split()[:4] == ["cron", "2", "2", "0"]
    assert [line[:22].strip() for line in lines[2:8]] == ["all of them", *FORECASTERS]
    assert lines[8:10] == ["", TENTHS_HEAD]
    assert [line[:22].strip() for line in lines[10:]] == list(FORECASTERS)
    assert lines[-1].endswith("never says a time")
