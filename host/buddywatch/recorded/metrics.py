"""The text of node_exporter, scraped again and again into one file, with or without dates between. No I/O.

node_buddyinfo_blocks comes from its buddyinfo collector, which is off unless it is asked for; node_zoneinfo_* from the
collector zoneinfo. node_time_seconds dates each scrape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from buddywatch.kernel_text.raw import ZoneKey
from buddywatch.model.samples import Zone
from buddywatch.recorded.cycle import Cycle
from buddywatch.recorded.dates import Dates
from buddywatch.recorded.meminfo import reclaimable_kb
from buddywatch.recorded.pieces import KnownFact, Line, Piece, Reading, Unreadable
from buddywatch.recorded.zoneinfo import ZoneinfoReader

NAME = "node_exporter text"

_METRIC = re.compile(r"(node_\w{1,80})(?:\{([^}]{0,2000})\})?\s{1,4}(\S{1,40})(?:\s(\d{10,16}))?$")
_LABEL = re.compile(r'(\w{1,40})="([^"]{0,200})"')
_BLOCKS = "node_buddyinfo_blocks"
_MEMORY = {
    "node_memory_MemFree_bytes": "MemFree",
    "node_memory_Buffers_bytes": "Buffers",
    "node_memory_Cached_bytes": "Cached",
    "node_memory_Active_file_bytes": "Active(file)",
    "node_memory_Inactive_file_bytes": "Inactive(file)",
    "node_memory_SReclaimable_bytes": "SReclaimable",
    "node_memory_Slab_bytes": "Slab",
}
_ONE = ("node_time_seconds", "node_boot_time_seconds", "node_forks_total")
_MARKS = {f"node_zoneinfo_{mark}_pages": mark for mark in ("min", "low", "high")}
_PROTECTION = re.compile(r"node_zoneinfo_protection_(\d{1,2})$")
_ORDERS_MAX = 64


def recognises(head: Sequence[str]) -> bool:
    return any(line.startswith(("# HELP node_", "# TYPE node_", _BLOCKS, "# HELP go_")) for line in head)


def pieces(lines: Iterable[Line], ended: float) -> Iterator[Piece]:
    reader = _Reader(ended)
    for line in lines:
        yield from reader.take(line)
    yield from reader.end()


@dataclass
class _Scrape:
    line: int = 0
    time: float | None = None
    boot_time: float | None = None
    processes: int | None = None
    blocks: dict[ZoneKey, dict[int, int]] = field(default_factory=dict)
    memory_kb: dict[str, int] = field(default_factory=dict)
    marks: dict[ZoneKey, dict[str, int]] = field(default_factory=dict)
    protection: dict[ZoneKey, dict[int, int]] = field(default_factory=dict)


class _Reader:
    def __init__(self, ended: float) -> None:
        self._dates = Dates(ended)
        self._cycle = Cycle()
        self._scrape = _Scrape()
        self._zoneinfo = ZoneinfoReader()
        self._release = ""

    def take(self, line: Line) -> Iterator[Piece]:
        match = _METRIC.match(line.text.strip())
        if match is None:
            dated = self._dates.at_start(line.text)
            if dated is not None and not dated.rest.strip():
                yield from self._begin("date", None)
                self._scrape.time = dated.time
            elif line.text.startswith(_BLOCKS):
                yield Unreadable(line.number, f"a value of {_BLOCKS} that is torn")
            return
        name, labels, value = match[1], dict(_LABEL.findall(match[2] or "")), _number(match[3])
        if name == "node_uname_info" and labels.get("release", self._release) != self._release:
            self._release = labels["release"]
            yield KnownFact("kernel", self._release)
        if value is not None and (
            name in _MEMORY or name in _ONE or name == _BLOCKS or name.startswith("node_zoneinfo_")
        ):
            yield from self._begin(name, match[2])
            self._keep(line, name, labels, value)
            if match[4] and self._scrape.time is None:
                self._scrape.time = int(match[4]) / 10.0 ** (len(match[4]) - 10)

    def end(self) -> Iterator[Piece]:
        yield from self._finish()

    def _begin(self, kind: str, key: object) -> Iterator[Piece]:
        if self._cycle.begins_with(kind, key):
            yield from self._finish()

    def _keep(self, line: Line, name: str, labels: dict[str, str], value: float) -> None:
        scrape = self._scrape
        if name in _MEMORY:
            scrape.memory_kb[_MEMORY[name]] = round(value / 1024)
        elif name == "node_time_seconds":
            scrape.time = value
        elif name == "node_boot_time_seconds":
            scrape.boot_time = value
        elif name == "node_forks_total":
            scrape.processes = round(value)
        elif labels.get("node", "").isdecimal() and labels.get("zone"):
            key = (int(labels["node"]), labels["zone"])
            protection = _PROTECTION.match(name)
            if name == _BLOCKS and labels.get("size", "").isdecimal() and int(labels["size"]) < _ORDERS_MAX:
                scrape.line = scrape.line or line.number
                scrape.blocks.setdefault(key, {})[int(labels["size"])] = round(value)
            elif name in _MARKS:
                scrape.marks.setdefault(key, {})[_MARKS[name]] = round(value)
            elif protection:
                scrape.protection.setdefault(key, {})[int(protection[1])] = round(value)

    def _finish(self) -> Iterator[Piece]:
        scrape, self._scrape = self._scrape, _Scrape()
        for key, marks in scrape.marks.items():
            protection = scrape.protection.get(key, {})
            self._zoneinfo.put(key, marks, tuple(protection[index] for index in sorted(protection)))
        self._zoneinfo.finish()
        if not scrape.blocks:
            return
        if any(len(blocks) != max(blocks) + 1 for blocks in scrape.blocks.values()):
            yield Unreadable(scrape.line, "a scrape that lacks some sizes")
            return
        zones = [
            Zone(*key, tuple(blocks[o] for o in range(len(blocks)))) for key, blocks in sorted(scrape.blocks.items())
        ]
        uptime_ms = None
        if scrape.time is not None and scrape.boot_time is not None:
            uptime_ms = max(0, round((scrape.time - scrape.boot_time) * 1000))
        memory = scrape.memory_kb
        yield Reading(
            scrape.line, scrape.time, uptime_ms, tuple(map(self._zoneinfo.marked, zones)), scrape.processes,
            memory.get("MemFree"), reclaimable_kb(memory), memory.get("Slab"),
        )  # fmt: skip


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 2.0**53 else None
