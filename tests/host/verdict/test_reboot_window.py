"""The last reboot window before a deadline, over days, midnight, and the change of the clocks."""

from datetime import datetime, timedelta

import pytest
from buddywatch.config.sections import Window
from buddywatch.model.forecasts import FALLING, LEVEL, Forecast
from buddywatch.text.forecast_words import reboot_words
from buddywatch.verdict.reboot_window import deadline, last_window
from hypothesis import given
from hypothesis import strategies as st

NIGHT = Window(begin=120, end=270)
MIDNIGHT = Window(begin=23 * 60, end=60, days=("sat",))


def at(text):
    return datetime.fromisoformat(text).timestamp()


def words(span):
    return None if span is None else tuple(datetime.fromtimestamp(time).strftime("%m-%d %H:%M") for time in span)


@pytest.mark.parametrize(
    ("windows", "now", "before", "expected"),
    [
        ([NIGHT], "2026-11-30T12:00", "2026-12-02T12:00", ("12-02 02:00", "12-02 04:30")),
        ([NIGHT], "2026-11-30T12:00", "2026-12-02T04:29", ("12-01 02:00", "12-01 04:30")),
        ([NIGHT], "2026-11-30T12:00", "2026-12-01T04:00", None),
        ([NIGHT], "2026-11-30T03:00", "2026-12-01T04:00", ("11-30 02:00", "11-30 04:30")),
        ([MIDNIGHT], "2026-11-30T12:00", "2026-12-09T12:00", ("12-05 23:00", "12-06 01:00")),
        ([MIDNIGHT], "2026-12-06T00:30", "2026-12-07T12:00", ("12-05 23:00", "12-06 01:00")),
        ([NIGHT, MIDNIGHT], "2026-12-04T12:00", "2026-12-06T04:00", ("12-05 23:00", "12-06 01:00")),
        ([], "2026-11-30T12:00", "2026-12-02T12:00", None),
    ],
)
def test_last_window(windows, now, before, expected):
    assert words(last_window(windows, at(now), at(before))) == expected


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 10**6), st.integers(0, 10**6))
def test_it_is_the_last_of_all(begin, end, ahead_s, now):
    window, now = Window(begin, end, ("mon", "wed")), 1_700_000_000.0 + now
    found = last_window([window], now, now + ahead_s)
    starts = [datetime(2023, 11, 1, begin // 60, begin % 60) + timedelta(day) for day in range(60)]
    length_s = ((end - begin) % 1440 or 1440) * 60
    spans = [(start.timestamp(), start.timestamp() + length_s) for start in starts if start.weekday() in (0, 2)]
    fitting = [span for span in spans if now < span[1] <= now + ahead_s]
    assert found == max(fitting, default=None)


def test_a_deadline_is_the_earliest_end_of_an_interval():
    far, near = Forecast(FALLING, 900.0, 600.0, None), Forecast(FALLING, 800.0, 700.0, 2000.0)
    assert deadline({"a": far, "b": near, "c": Forecast(LEVEL)}, 1000.0) == 1600.0
    assert deadline({"c": Forecast(LEVEL)}, 1000.0) is None


def test_words():
    soon = {"rm": Forecast(FALLING, 40 * 3600.0, 30 * 3600.0, None)}
    now = at("2026-11-30T12:00")
    assert reboot_words([NIGHT], soon, now, now) == "last safe reboot window: Tue 2026-12-01 02:00 to 04:30"
    assert reboot_words([MIDNIGHT], soon, now, now).startswith(
        "no reboot window is over before a need may be refused, at "
    )
    assert reboot_words([], soon, now, now) == ""
    assert reboot_words([NIGHT], {}, now, now) == ""
