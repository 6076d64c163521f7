"""Forecasts of a need, and what is kept of its margin to make them: plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace

FALLING, LEVEL, RISING, UNKNOWN = "falling", "level", "rising", "unknown"
TRENDS = (FALLING, LEVEL, RISING, UNKNOWN)


@dataclass(frozen=True)
class Forecast:
    """in_s, low_s, high_s: median and 80 % interval, in seconds from now; None: too far ahead to say.

    since_s: the uptime at which the trend began.
    """

    trend: str
    in_s: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    since_s: float | None = None

    def later(self, elapsed_s: float) -> Forecast:
        """The same forecast as it reads so many seconds later."""
        return replace(
            self,
            in_s=_less(self.in_s, elapsed_s),
            low_s=_less(self.low_s, elapsed_s),
            high_s=_less(self.high_s, elapsed_s),
        )


def _less(time_s: float | None, elapsed_s: float) -> float | None:
    return None if time_s is None else max(0.0, time_s - elapsed_s)


@dataclass(frozen=True)
class NeedForecast:
    """A forecast made when the board was up for uptime_s, in this boot."""

    need: str
    boot_id: str
    uptime_s: float
    forecast: Forecast


@dataclass(frozen=True)
class MarginRecord:
    """The history of a need's margin up to frame seq of a boot, as MarginHistory.dump() writes it.

    basis: how the margins were computed. A history with another basis is not continued. level: what the forecast says
    for the rule refused_within, since level_since_s of uptime.
    """

    need: str
    boot_id: str
    seq: int
    basis: str
    text: str
    level: str | None = None
    level_since_s: float = 0.0
