"""Words, numbers and times as they stand in a message: ASCII, 78 columns, local time with its UTC offset."""

from __future__ import annotations

import textwrap

from buddywatch.text import counted, escaped, local_clock, local_time, one_line, rough_duration

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

COLUMNS = 78  # RFC 5322, 2.1.1
INDENT = "  "


def wrapped(text: str, indent: str = INDENT, hanging: str | None = None) -> list[str]:
    """A paragraph as escaped lines of at most 78 columns, indented; hanging: the indent from the second line on."""
    return textwrap.wrap(
        escaped(text),
        COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )
