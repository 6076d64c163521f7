"""Quiet hours: what is only a warning waits until they are over. Pure, except that the time zone is this host's."""

from __future__ import annotations

from datetime import datetime

_DAY_MIN = 24 * 60


def is_quiet(hours: tuple[int, int] | None, now: float) -> bool:
    """hours: (begin, end) in minutes since midnight, by the clock; may span midnight. None: there are none."""
    if hours is None:
        return False
    clock = datetime.fromtimestamp(now)
    begin, end = hours
    return (clock.hour * 60 + clock.minute - begin) % _DAY_MIN < (end - begin) % _DAY_MIN
