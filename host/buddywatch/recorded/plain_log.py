"""A log of repeated `cat /proc/buddyinfo`, with what else was printed: dates, uptimes, meminfo, zoneinfo, /proc/stat,
`uname -a` and the kernel's own lines, in any order that repeats. Also kernel logs alone: syslog files, dmesg.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from buddywatch.model.samples import Zone
from buddywatch.protocol.console_text import kernel_message
from buddywatch.recorded.cycle import Cycle
from buddywatch.recorded.dates import CLOCK_WAS_SET_S, Dates
from buddywatch.recorded.meminfo import reclaimable_kb
from buddywatch.recorded.pieces import KernelLine, KnownFact, Line, Piece, Reading, Unreadable
from buddywatch.recorded.zoneinfo import ZoneinfoReader

NAME, KERNEL_LOG = "log", "kernel log"

_ROW = re.compile(r"Node\s{1,8}(\d{1,4}),\s{0,8}zone\s{1,16}([A-Za-z]\w{0,15})((?:\s{1,16}\d{1,12})*)(\s*)$")
_OTHER_ROW = re.compile(r"Node\s{1,8}\d{1,4},\s{0,8}zone\s{1,16}\w{1,16}, type ")  # pagetypeinfo
_MEMINFO = re.compile(
    r"(MemFree|Buffers|Cached|Active\(file\)|Inactive\(file\)|SReclaimable|Slab|MmapCopy):\s{1,32}(\d{1,15}) kB"
)
_PROC_UPTIME = re.compile(r"(\d{1,10})\.(\d\d) \d{1,12}\.\d\d$")
_UPTIME = re.compile(
    r"\d{1,2}:\d\d(?::\d\d)?(?: [AaPp][Mm])?\s{1,3}up (?:(\d{1,5}) days?,\s{1,3})?(?:(\d{1,2}):(\d\d)|(\d{1,2}) min)"
)
_PROCESSES = re.compile(r"processes (\d{1,15})$")
_RELEASE = re.compile(r"^Linux (?:version |\S{1,64} )(\d{1,2}\.\d{1,3}[\w.+~-]{0,60})")
_KERNEL_WORDS = re.compile(r"llocation|oom-killer|ut of memory|Killed process|Unable to ")
_SYSLOG = re.compile(r"\[ {0,8}\d{1,10}\.\d{6}\]|<\d{1,3}>|\bkernel: ")
_DATE, _UP, _ROWS, _MEMORY, _MARKS, _STAT = "date", "uptime", "row", "meminfo", "zoneinfo", "stat"


def recognises(head: Sequence[str]) -> bool:
    """True if these first lines hold rows of /proc/buddyinfo."""
    return any(match[3].count(" ") > 1 for match in map(_ROW.search, head) if match)


def recognises_kernel_log(head: Sequence[str]) -> bool:
    """True if most of these first lines are of a kernel's log."""
    written = [line for line in head if line.strip()]
    return bool(written) and sum(bool(_SYSLOG.search(line[:120])) for line in written) * 2 > len(written)


def pieces(lines: Iterable[Line], ended: float) -> Iterator[Piece]:
    reader = _Reader(ended)
    for line in lines:
        yield from reader.take(line)
    yield from reader.end()


@dataclass
class _Block:
    """What belongs to one reading."""

    line: int = 0
    time: float | None = None
    uptime_ms: int | None = None
    zones: list[Zone] = field(default_factory=list)
    memory_kb: dict[str, int] = field(default_factory=dict)
    processes: int | None = None


class _Reader:
    def __init__(self, ended: float) -> None:
        self._dates = Dates(ended)
        self._block = _Block()
        self._cycle = Cycle()
        self._zoneinfo = ZoneinfoReader()
        self._stamp: float | None = None  # of the line, or of the newest that had one
        self._known: set[tuple[str, str]] = set()

    def take(self, line: Line) -> Iterator[Piece]:
        text = line.text.rstrip("\r")
        dated = self._dates.at_start(text)
        if dated is not None:
            self._stamp, text = dated.time, dated.rest
            if not text.strip():
                yield from self._begin(_DATE, None)
                self._set_time(dated.time)
                return
        if "Node" in text and (match := _ROW.search(text)):
            yield from self._take_row(line, match, dated is not None)
        elif self._zoneinfo.take(text):
            pass
        else:
            yield from self._take_other(line, text, dated is not None)

    def end(self) -> Iterator[Piece]:
        yield from self._finish()

    def _take_row(self, line: Line, match: re.Match[str], is_stamped: bool) -> Iterator[Piece]:
        key = (int(match[1]), match[2])
        if not match[3]:
            yield from self._begin(_MARKS, key)
            self._zoneinfo.begin(key)
            return
        yield from self._begin(_ROWS, key)
        if is_stamped and self._block.time is None and self._stamp is not None:
            self._set_time(self._stamp)
        if not line.is_whole and not match[4]:
            yield Unreadable(line.number, "the last number may be cut: the line has no end")
            return
        self._block.line = self._block.line or line.number
        self._block.zones.append(Zone(*key, tuple(map(int, match[3].split()))))

    def _take_other(self, line: Line, text: str, is_stamped: bool) -> Iterator[Piece]:
        text = text.strip()
        if text.endswith(" kB") and (match := _MEMINFO.match(text)):
            yield from self._begin(_MEMORY, match[1])
            self._block.memory_kb[match[1]] = int(match[2])
            if match[1] == "MmapCopy":
                yield from self._fact("nommu", "1")
        elif match := _PROC_UPTIME.match(text):
            yield from self._begin(_UP, None)
            self._block.uptime_ms = int(match[1]) * 1000 + int(match[2]) * 10
        elif match := _UPTIME.search(text):
            yield from self._begin(_UP, None)
            minutes = int(match[2] or 0) * 60 + int(match[3] or match[4])
            self._block.uptime_ms = (int(match[1] or 0) * 1440 + minutes) * 60_000
        elif match := _PROCESSES.match(text):
            yield from self._begin(_STAT, None)
            self._block.processes = int(match[1])
        elif _KERNEL_WORDS.search(text) and (message := kernel_message(text)):
            found, stamp_cs, words = message
            time = self._stamp if is_stamped or stamp_cs is None else None
            yield KernelLine(line.number, time, None if stamp_cs is None else stamp_cs * 10, *found, words)
        elif match := _RELEASE.match(text):
            yield from self._fact("kernel", match[1])
        elif text.startswith("Node ") and not _OTHER_ROW.match(text):
            yield Unreadable(line.number, "a row of buddyinfo that is torn")

    def _fact(self, key: str, value: str) -> Iterator[Piece]:
        if (key, value) not in self._known:
            self._known.add((key, value))
            yield KnownFact(key, value)

    def _begin(self, kind: str, key: object) -> Iterator[Piece]:
        """Something of a reading comes, perhaps of the next one."""
        if self._cycle.begins_with(kind, key):
            yield from self._finish()

    def _set_time(self, time: float) -> None:
        """A clock that was never set counts from 1970: that is an uptime, not a date."""
        if time >= CLOCK_WAS_SET_S:
            self._block.time = time
        elif self._block.uptime_ms is None:
            self._block.uptime_ms = round(time * 1000)

    def _finish(self) -> Iterator[Piece]:
        block, self._block = self._block, _Block()
        self._zoneinfo.finish()
        if not block.zones:
            return
        memory = block.memory_kb
        yield Reading(
            block.line, block.time, block.uptime_ms, tuple(map(self._zoneinfo.marked, block.zones)), block.processes,
            memory.get("MemFree"), reclaimable_kb(memory), memory.get("Slab"),
        )  # fmt: skip
