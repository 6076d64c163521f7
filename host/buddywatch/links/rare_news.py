"""News that strangers can cause as often as they like: a line a minute at most, with the number of those left out."""

from __future__ import annotations

REPORT_S = 60.0


class RareNews:
    """News of one kind. Pure."""

    def __init__(self) -> None:
        self._due_s = 0.0
        self._left_out = 0

    def more(self, monotonic_s: float) -> str | None:
        """It happened again. None: do not report it; else what the report says of those left out before, "" if none."""
        if monotonic_s < self._due_s:
            self._left_out += 1
            return None
        left_out, self._left_out = self._left_out, 0
        self._due_s = monotonic_s + REPORT_S
        return f" (and {left_out} more since the last report)" if left_out else ""
