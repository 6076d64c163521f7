"""Detects that this machine's clock was set while the collector runs. No I/O."""

from __future__ import annotations

STEP_S = 5.0  # NTP corrections are smaller, or slower than 0.5 ms a second (adjtimex(2)); they are not steps


class WallClock:
    """time: seconds since 1970. boottime_s: CLOCK_BOOTTIME, which cannot be set and goes on during suspend."""

    def __init__(self, time: float, boottime_s: float) -> None:
        self._offset_s = time - boottime_s

    def step_s(self, time: float, boottime_s: float) -> float | None:
        """The seconds by which the clock was set since the last call, negative for back; None if it was not set."""
        offset_s = time - boottime_s
        step_s, self._offset_s = offset_s - self._offset_s, offset_s
        return step_s if abs(step_s) >= STEP_S else None
