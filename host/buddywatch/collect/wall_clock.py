"""Whether somebody set this machine's clock while the collector ran. No I/O."""

from __future__ import annotations

STEP_S = 5.0  # corrections of NTP are smaller, or slower than 0.5 ms a second (adjtimex(2)): those are no step


class WallClock:
    """time: seconds since 1970. boottime_s: CLOCK_BOOTTIME, which nobody sets and which goes on in suspend."""

    def __init__(self, time: float, boottime_s: float) -> None:
        self._offset_s = time - boottime_s

    def step_s(self, time: float, boottime_s: float) -> float | None:
        """By how much the clock was set since the last call, forwards or (negative) backwards; None: it was not."""
        offset_s = time - boottime_s
        step_s, self._offset_s = offset_s - self._offset_s, offset_s
        return step_s if abs(step_s) >= STEP_S else None
