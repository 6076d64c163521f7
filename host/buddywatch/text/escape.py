"""Words, numbers and times for people. Text from a board is escaped here before it reaches a terminal or a mail."""

from __future__ import annotations

import re
import textwrap
from datetime import datetime

from buddywatch.text.units import format_duration

UNKNOWN_TIME = "unknown time"
_NO_BREAK = "\0"  # escaped text has none
_BOUND = re.compile(r"(?<=\d) (?=(?:[smhdB]|min|[kMG]B|bytes|pages?|[+-]\d{4})\b)")
COLUMNS = 78  # RFC 5322, 2.1.1: for mails, and for a terminal as well


def escaped(text: str) -> str:
    """text, which may be anything, with all but printable ASCII as \\xNN, \\uNNNN or \\UNNNNNNNN."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if " " <= char <= "~" else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str, limit: int = 200) -> str:
    """The words of text on one line, escaped, cut to `limit` characters."""
    line = escaped(" ".join(text.split()))
    return line if len(line) <= limit else line[: limit - 3] + "..."


def local_time(time: float) -> str:
    """ "2026-11-22 10:15:03 +0100" for seconds since 1970."""
    return _formatted(time, "%Y-%m-%d %H:%M:%S %z")


def local_day_time(time: float) -> str:
    """ "2026-11-22 10:15:03", for tables whose heading has the offset."""
    return _formatted(time, "%Y-%m-%d %H:%M:%S")


def local_clock(time: float) -> str:
    """ "10:15:03", for tables whose heading has the day and the offset."""
    return _formatted(time, "%H:%M:%S")


def iso_time(time: float) -> str:
    """ "2026-11-22T10:15:03.250+01:00": the same moment as the seconds, for a spreadsheet (ISO 8601)."""
    try:
        return datetime.fromtimestamp(time).astimezone().isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return ""


def _formatted(time: float, form: str) -> str:
    """The formatted time. A stored time that no calendar has must not end a command: it is shown as unknown."""
    try:
        return datetime.fromtimestamp(time).astimezone().strftime(form)
    except (ValueError, OverflowError, OSError):
        return UNKNOWN_TIME


def rough_duration(seconds: float) -> str:
    """A duration, rounded: seconds up to 10 minutes, minutes up to 2 days, then hours."""
    try:
        whole = max(0, round(seconds))
    except (ValueError, OverflowError):  # not a number, or infinite
        return UNKNOWN_TIME
    step = 1 if whole < 600 else 60 if whole < 2 * 86400 else 3600
    return format_duration((whole + step // 2) // step * step)


def brief_duration(seconds: float) -> str:
    """A duration in at most five characters: "14m", "2h40", "7d"; for tables."""
    try:
        whole = max(0, round(seconds))
    except (ValueError, OverflowError):
        return "?"
    if whole < 100:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 100:
        return f"{minutes}m"
    if minutes < 600:
        return f"{minutes // 60}h{minutes % 60:02}"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{min(minutes // 1440, 9999)}d"


def counted(count: int, thing: str) -> str:
    """ "1 page", "2 pages"."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def table(rows: list[list[str]], right: frozenset[int] = frozenset(), gap: str = "  ") -> list[str]:
    """rows as lines with aligned columns; right: the columns that hold numbers. The last column is not padded."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if i in right else text.ljust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(gap.join(cells).rstrip())
    return lines


def wrapped(text: str, indent: str = "  ", hanging: str | None = None, columns: int = COLUMNS) -> list[str]:
    """A paragraph as escaped lines of at most so many columns; hanging: the indent from the second line on.

    A number and its unit stay on one line, and a time and its offset.
    """
    lines = textwrap.wrap(
        _BOUND.sub(_NO_BREAK, escaped(text)),
        columns,
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(_NO_BREAK, " ") for line in lines]
