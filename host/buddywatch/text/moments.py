"""Moments as people type them: "2h", "14:05", "yesterday", an ISO time. The only place that reads them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from datetime import time as clock

from buddywatch.text.escape import one_line
from buddywatch.text.units import parse_duration

_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?", re.ASCII)
_DAY = timedelta(days=1)


def parse_time(text: str, now: float) -> float:
    """Seconds since 1970 for "2h" (so long before now), "yesterday" and "today" (their midnight), "14:05" (the last
    time that the clock showed it), or an ISO time, local unless it says otherwise. ValueError."""
    return _parsed(text, now, -1, "yesterday")


def parse_time_ahead(text: str, now: float) -> float:
    """As parse_time(), of what is planned: "2h" from now, "tomorrow", "14:05" when the clock shows it next."""
    return _parsed(text, now, 1, "tomorrow")


def _parsed(text: str, now: float, direction: int, next_day: str) -> float:
    """direction: 1 into the future, -1 into the past. next_day: the word for a day away in this direction."""
    stripped = text.strip()
    try:
        return now + direction * parse_duration(stripped)
    except ValueError:
        pass
    try:
        if stripped in ("today", next_day):
            return (_midnight(now) + (stripped != "today") * direction * _DAY).timestamp()
        if _CLOCK.fullmatch(stripped):
            at = _today_at(stripped, now)
            return (at if (at.timestamp() - now) * direction >= 0 else at + direction * _DAY).timestamp()
        return datetime.fromisoformat(stripped).timestamp()
    except (ValueError, OverflowError):
        expected = f'a duration such as "2h", a time such as 14:05 or 2026-11-22T10:15, or {next_day}'
        raise ValueError(f"{one_line(text, 40)!r}: expected {expected}") from None


def _midnight(now: float) -> datetime:
    return datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)


def _today_at(text: str, now: float) -> datetime:
    return datetime.combine(
        datetime.fromtimestamp(now).date(), clock.fromisoformat(text if text[2] == ":" else f"0{text}")
    )
