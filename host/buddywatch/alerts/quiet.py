"""Quiet hours, and the times of digests and reports. Pure, except that the time zone is this host's."""

from __future__ import annotations

from datetime import datetime, timedelta

_DAY_MIN = 24 * 60
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def newest_time(minutes: int, now: float) -> float:
    """When the clock showed this time of day last, in seconds since 1970. minutes: since midnight."""
    clock = datetime.fromtimestamp(now).replace(hour=minutes // 60, minute=minutes % 60, second=0, microsecond=0)
    today = clock.timestamp()
    return today if today <= now else (clock - timedelta(1)).timestamp()


def newest_on(minutes: int, days: tuple[str, ...], now: float) -> float:
    """The same on one of these days: "mon" to "sun"."""
    clock = datetime.fromtimestamp(newest_time(minutes, now))
    while _DAYS[clock.weekday()] not in days:
        clock -= timedelta(1)
    return clock.timestamp()


def is_quiet(hours: tuple[int, int] | None, now: float) -> bool:
    """hours: (begin, end) in minutes since midnight, by the clock; may span midnight. None: there are none."""
    if hours is None:
        return False
    clock = datetime.fromtimestamp(now)
    begin, end = hours
    return (clock.hour * 60 + clock.minute - begin) % _DAY_MIN < (end - begin) % _DAY_MIN
