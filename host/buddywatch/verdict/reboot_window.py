"""The last time before a refusal at which a board may be rebooted. Pure; days and hours are those of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Protocol

from buddywatch.model.forecasts import Forecast

AHEAD_DAYS_MAX = 400  # a window for a time further ahead is not looked for
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")  # as date.weekday() counts

Span = tuple[float, float]  # seconds since 1970


class Window(Protocol):
    """begin, end: minutes since midnight; end is on the next day if it is not after begin."""

    @property
    def begin(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def days(self) -> tuple[str, ...]: ...


def deadline(forecasts: Mapping[str, Forecast], now: float) -> float | None:
    """The earliest time at which a need may be refused, by its interval; None if nothing points to it."""
    ahead_s = [f.low_s for f in forecasts.values() if f.in_s is not None and f.low_s is not None]
    return now + min(ahead_s) if ahead_s else None


def last_window(windows: Iterable[Window], now: float, before: float) -> Span | None:
    """The last window that is over before then, and not over yet; None if there is none."""
    last_day = date.fromtimestamp(min(before, now + AHEAD_DAYS_MAX * 86_400))
    known = list(windows)
    for ago in range(AHEAD_DAYS_MAX + 2):
        day = last_day - timedelta(ago)
        spans = [_span(window, day) for window in known if _DAYS[day.weekday()] in window.days]
        fitting = [span for span in spans if now < span[1] <= before]
        if fitting:
            return max(fitting)
        if day < date.fromtimestamp(now) - timedelta(1):
            return None
    return None


def _span(window: Window, day: date) -> Span:
    midnight = datetime(day.year, day.month, day.day)
    end_day = midnight if window.end > window.begin else midnight + timedelta(1)
    begin, end = _at_clock(midnight, window.begin), _at_clock(end_day, window.end)
    return begin.timestamp(), end.timestamp()


def _at_clock(midnight: datetime, minutes: int) -> datetime:
    """That time of day by the clock, also on a day when the clock is changed."""
    return midnight.replace(hour=minutes // 60, minute=minutes % 60)
