"""What held the memory at a kill, where the text has tables but no state beside them. Pure."""

from __future__ import annotations

from bisect import bisect_left

from buddywatch.kernel_text.holdings import KB, SLAB, TASK
from buddywatch.kernel_text.raw import Dump, Message, Raw
from buddywatch.text.escape import one_line

_REPORT_CHARS = 60_000
_NAMED = 3
_WORTH_TELLING_KB = 1024


def largest_tasks(message: Message, raw: Raw) -> str:
    """The largest programs of the group, by the table of its tasks."""
    return _largest_between(message.offset, raw.end_of(message, _REPORT_CHARS), raw)


def largest_before(message: Message, raw: Raw) -> str:
    """The largest programs, by the table that stands above a kill whose header is not in the text."""
    return _largest_between(raw.start_of(message, _REPORT_CHARS), message.offset, raw)


def _largest_between(start: int, end: int, raw: Raw) -> str:
    first, last = (bisect_left(raw.holdings, offset, key=lambda row: row.offset) for offset in (start, end))
    rows = [row for row in raw.holdings[first:last] if row.kind == TASK]
    largest = sorted(rows, key=lambda row: -row.amount)[:_NAMED]
    told = [f"{one_line(row.name, 40)}{f' ({row.pid})' if row.pid else ''} {row.amount:.0f}" for row in largest]
    return f"The largest programs, in {largest[0].unit}: {', '.join(told)}." if told else ""


def largest_cache(message: Message, raw: Raw) -> str:
    """The largest cache of kernel objects, by a table near the message."""
    start, end = raw.start_of(message, _REPORT_CHARS), raw.end_of(message, _REPORT_CHARS)
    rows = [row for row in raw.holdings if start <= row.offset < end and row.kind == SLAB and row.unit == KB]
    largest = max(rows, key=lambda row: row.amount, default=None)
    if largest is None or largest.amount < _WORTH_TELLING_KB:
        return ""
    return f"the kernel objects {one_line(largest.name, 40)} hold {largest.amount:.0f} kB"


def free_in(dump: Dump) -> str:
    """What the zones' own lines say: the sum, and whether each zone was below its min mark."""
    zones = [zone.values for zone in dump.zones.values() if zone.says_free and "free" in zone.values]
    if not zones:
        return "what was free is listed."
    low = all(values["free"] <= values.get("min", -1) for values in zones)
    free_kb = sum(values["free"] for values in zones)
    return f"{free_kb} kB were free{', each zone was below its min mark' if low else ''}."
