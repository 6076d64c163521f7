"""Words, numbers and times as they stand in a message: ASCII, 78 columns, local time with its UTC offset."""

from __future__ import annotations

from buddywatch.text.escape import COLUMNS, counted, escaped, local_clock, local_time, one_line, rough_duration, wrapped

__all__ = [
    "COLUMNS",
    "INDENT",
    "counted",
    "escaped",
    "local_clock",
    "local_time",
    "one_line",
    "rough_duration",
    "wrapped",
]

INDENT = "  "
