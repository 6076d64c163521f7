"""Tables of what holds memory: the tasks and caches of an OOM report, /proc/slabinfo, slabtop, ps and top. Pure.

dump_tasks() of mm/oom_kill.c and dump_unreclaimable_slab() of mm/slab_common.c, 2.6.30 to 7.2: the columns differ, and
the line above them names them. procps and BusyBox print kB, or with a unit behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

TASK, SLAB = "task", "slab"
KB, PAGES = "kB", "pages"
_MOST_ROWS = 5000
_MOST_MISSES = 3  # lines in a row that are none of the table
_UNITS = {"": 1, "k": 1, "K": 1, "m": 1024, "M": 1024, "g": 1 << 20, "G": 1 << 20}


@dataclass(frozen=True, slots=True)
class Row:
    """amount: in `unit`. pid: of tasks, where the table has it."""

    offset: int
    kind: str
    source: str
    name: str
    amount: float
    unit: str
    pid: int | None = None
    table: int = 0  # where its table begins


_Parse = Callable[[str, int], "Row | None"]

# "[  656]     0   656     2043      412       8        0             0 mmcqd": pid, uid, tgid, total_vm, rss, ..., name
_TASK = re.compile(
    r"\[ *(\d{1,10})\] +\d{1,10} +\d{1,10} +\d{1,15} +(\d{1,15})(?: +-?\d{1,15}){2,7} +(\S[^\n]{0,31}?)\s*$"
)
_CACHE = re.compile(r"(\S{1,40}) +\d{1,12} ?KB +(\d{1,12}) ?KB\s*$")
_SLABINFO = re.compile(
    r"(\S{1,40}) +\d{1,12} +\d{1,12} +\d{1,12} +\d{1,12} +(\d{1,5}) "
    r": tunables[\d ]{1,60}: slabdata +\d{1,12} +(\d{1,12})"
)
_SLABTOP = re.compile(r"\d{1,12} +\d{1,12} +\d{1,3}% +[\d.]{1,12}K +\d{1,12} +\d{1,12} +(\d{1,12})K (\S{1,40})")
_AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([kKmMgG]?)(?:i?B)?")
_RESIDENT, _VIRTUAL = ("RSS", "RES"), ("VSZ", "VIRT", "VSIZE", "SIZE", "VmSize")
_NAMES = ("COMMAND", "CMD", "NAME", "Command", "COMM", "ARGS")
# The marks that every such table has in the line above it.
_MARKS = ("total_vm", "Unreclaimable slab info", "<active_objs>", "OBJ/SLAB", *(f" {name}" for name in _NAMES))


def rows(text: str) -> Iterator[Row]:
    """The rows of all tables in text, which has no prefixes any more."""
    seen: set[int] = set()
    if "total_vm" not in text:
        yield from _headless(text)
    for mark in _MARKS:
        at = text.find(mark)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            header = text[start : end if end >= 0 else len(text)]
            parse = _parser(header) if start not in seen and len(header) < 300 else None
            seen.add(start)
            if parse is not None and end >= 0:
                yield from (replace(row, table=start) for row in _rows_below(text, end + 1, parse))
            at = text.find(mark, at + 1 if parse is None else max(end, at + 1))


# The first row of a table whose head is not in the text.
_HEADLESS = re.compile(
    r"^\[ *\d{1,10}\] +\d{1,10} +\d{1,10} +\d{1,15} +\d{1,15}(?: +-?\d{1,15}){2,7} +\S", re.MULTILINE
)


def _headless(text: str) -> Iterator[Row]:
    """The rows of a table of tasks that begins in its middle; other numbers in brackets do not have the columns."""
    first = _HEADLESS.search(text)
    if first:
        yield from (replace(row, table=first.start()) for row in _rows_below(text, first.start(), _oom_task))


def _rows_below(text: str, start: int, parse: _Parse) -> Iterator[Row]:
    misses = 0
    for _ in range(_MOST_ROWS):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)].strip()
        row = parse(line, start)
        if row is None and any(mark in line for mark in _MARKS):
            return
        misses = 0 if row else misses + 1
        if row:
            yield row
        if misses > _MOST_MISSES or end < 0:
            return
        start = end + 1


def _parser(header: str) -> _Parse | None:
    """How to read the rows below this line; None if it is above no such table."""
    if "total_vm" in header and "rss" in header:
        return _oom_task
    if "Unreclaimable slab info" in header:
        return _oom_cache
    if "<active_objs>" in header:
        return _slabinfo
    if "OBJ/SLAB" in header:
        return _slabtop
    return _columns(header.split())


def _oom_task(line: str, offset: int) -> Row | None:
    match = _TASK.match(line)
    return Row(offset, TASK, "oom-tasks", match[3], int(match[2]), PAGES, int(match[1])) if match else None


def _oom_cache(line: str, offset: int) -> Row | None:
    match = _CACHE.match(line)
    return Row(offset, SLAB, "oom-slabs", match[1], int(match[2]), KB) if match else None


def _slabinfo(line: str, offset: int) -> Row | None:
    match = _SLABINFO.match(line)
    return Row(offset, SLAB, "slabinfo", match[1], int(match[2]) * int(match[3]), PAGES) if match else None


def _slabtop(line: str, offset: int) -> Row | None:
    match = _SLABTOP.match(line)
    return Row(offset, SLAB, "slabtop", match[2], int(match[1]), KB) if match else None


def _columns(names: list[str]) -> _Parse | None:
    """ps and top: the column of the memory and the one of the name, which is the last."""
    is_table = "PID" in names and names[-1] in _NAMES
    memory = next((name for name in (*_RESIDENT, *_VIRTUAL) if name in names), None) if is_table else None
    if memory is None:
        return None
    at, pid_at, last = names.index(memory), names.index("PID"), len(names) - 1
    source = "top" if {"%CPU", "TIME+"} & set(names) and names[0] == "PID" else "ps"
    source += "" if memory in _RESIDENT else "-virtual"

    def parse(line: str, offset: int) -> Row | None:
        cells = line.split(maxsplit=last)
        amount = _AMOUNT.fullmatch(cells[at]) if len(cells) > last else None
        if amount is None or not cells[pid_at].isdecimal():
            return None
        name = cells[last].split("  ")[0][:32].strip()
        return Row(offset, TASK, source, name, float(amount[1]) * _UNITS[amount[2]], KB, int(cells[pid_at]))

    return parse
