"""Turns readings into the frames that an agent would send: hellos, snapshots, and gaps for missed polls.

There is no ring: polls that were missed while the link was down are lost. They get numbers all the same, so that they
are shown as a gap. `ring=0` in the hello says so. Pure.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from buddyd import wire

from buddywatch.kernel_text.raw import ZoneKey
from buddywatch.links.hush_shell.interview import Board, Reading
from buddywatch.protocol.layout import pages
from buddywatch.verdict.reclaim import fact_of

MISSING = ("kernel-log", "stat")  # no built-in waits for the kernel log; /proc/stat is long, and read byte by byte
SAME_START_CS = 6000
_GROUP_BYTES = 4096


class HushBoard:
    """Like one run of an agent: until the board restarts, or the layout of its readings changes."""

    def __init__(self, board: Board, first: Reading, name: str, interval_s: int, now_s: float) -> None:
        """now_s: when it was read, seconds of a steady clock."""
        self._board = board
        self._name = name
        self._interval_cs = interval_s * 100
        self._page_bytes = first.page_bytes or board.page_bytes
        self._orders = {key: len(counts) for key, counts in first.zones.items()}
        self._marks = {key: first.marks[key] for key in first.zones if key in first.marks}
        self._columns = ("up", *(("free", "recl") if self._page_bytes and first.meminfo_kb else ()))
        self._last_cs = first.up_cs
        self._read_at_s = now_s
        width = len(self._columns) + sum(self._orders.values()) + 4 * len(self._marks)
        self._encoder = wire.Encoder(secrets.token_hex(4), width, self._interval_cs, _GROUP_BYTES)

    def is_of(self, board: Board, reading: Reading, now_s: float) -> bool:
        """True if a reading after a new login is from the same kernel boot, and has the same layout."""
        mine, other = self._board.values.get("boot_id", ""), board.values.get("boot_id", "")
        if mine and other:
            same_boot = mine == other
        else:
            passed_cs = (now_s - self._read_at_s) * 100
            same_boot = abs(reading.up_cs - self._last_cs - passed_cs) <= SAME_START_CS + passed_cs / 100
        return same_boot and reading.up_cs >= self._last_cs and self.has_shape_of(reading)

    def has_shape_of(self, reading: Reading) -> bool:
        """True if the reading fits the columns in the hello."""
        has_memory = "MemFree" in reading.meminfo_kb
        return {key: len(counts) for key, counts in reading.zones.items()} == self._orders and (
            has_memory or "free" not in self._columns
        )

    def hello(self) -> bytes:
        """The hello, as whole lines."""
        return _lines(wire.hello_lines(self._encoder.boot, self._facts()))

    def gap(self, first: int, last: int) -> bytes:
        """The answer to a request for earlier frames."""
        last = min(last, self._encoder.sequence - 1)
        return _lines([wire.gap_line(self._encoder.boot, first, last)]) if first <= last else b""

    @property
    def boot_id(self) -> str:
        return str(self._encoder.boot)

    def snapshot(self, reading: Reading, now_s: float) -> bytes:
        """The frames of a reading, after a gap for the missed polls before it."""
        missed = int((reading.up_cs - self._last_cs) / self._interval_cs + 0.25) - 1
        self._last_cs, self._read_at_s = reading.up_cs, now_s
        self._marks.update({key: marks for key, marks in reading.marks.items() if key in self._marks})
        before = b""
        if missed > 0:
            self._encoder.sequence += missed
            self._encoder.key_due = 0
            before = self.hello()
        lines: list[bytes] = []
        self._encoder.snapshot(self._vector(reading), lines.append)
        return before + _lines(lines)

    def _vector(self, reading: Reading) -> list[int]:
        vector, in_blocks = [], sum(pages(counts) for counts in reading.zones.values())
        for key in self._orders:
            vector += [*self._marks.get(key, ()), *reading.zones[key]]
        memory = []
        if self._page_bytes and len(self._columns) > 1:
            page_kb = self._page_bytes // 1024
            free_pages = reading.meminfo_kb.get("MemFree", 0) // page_kb
            memory = [free_pages - in_blocks, _reclaimable_kb(reading.meminfo_kb) // page_kb]
        return [reading.up_cs, *memory, *vector]

    def _facts(self) -> Iterator[tuple[str, str]]:
        values, sequence = self._board.values, str(self._encoder.sequence)
        no_mmu = self._board.is_no_mmu
        yield "v", str(wire.VERSION)
        yield "name", self._name
        yield "agent", "none"
        yield "impl", "shell"
        yield "interval_cs", str(self._interval_cs)
        yield "kernel", values.get("osrelease") or _release_in(values.get("version", "")) or "?"
        yield "machine", self._board.machine or "?"
        yield "page_bytes", str(self._page_bytes or "?")
        yield "nommu", "1" if no_mmu else "0" if self._marks and not no_mmu else "?"
        yield "compaction", "impossible" if no_mmu else "?"
        yield "kboot", values.get("boot_id", "")[:8] or "-"
        for fact in ("shift", "trim"):
            if values.get(fact):
                yield fact, values[fact]
        yield "files", fact_of(self._board.files)
        yield "cols", ",".join(self._columns)
        yield "zones", str(len(self._orders))
        for number, key in enumerate(self._orders):
            yield f"z{number}", self._zone_fact(key)
        yield "missing", ",".join([*MISSING, *([] if self._marks else ["zoneinfo"])])
        yield "ring", "0"
        yield "up", str(self._last_cs)
        yield "key", "0"
        yield "oldest", sequence
        yield "next", sequence

    def _zone_fact(self, key: ZoneKey) -> str:
        marks = [str(mark) for mark in self._marks.get(key, ())] or ["-"] * 4
        return "/".join([str(key[0]), key[1], str(self._orders[key]), *marks])


def _reclaimable_kb(meminfo_kb: dict[str, int]) -> int:
    """The pages that reclaim could free at best, counted as in buddyd.meminfo."""
    lists = [meminfo_kb.get(key) for key in ("Active(file)", "Inactive(file)")]
    if None in lists:  # before 2.6.28
        return meminfo_kb.get("Buffers", 0) + meminfo_kb.get("Cached", 0)
    return sum(kb or 0 for kb in lists) + meminfo_kb.get("SReclaimable", 0)


def _release_in(version: str) -> str:
    """`Linux version 2.6.30-uc0 (build@board) ...`"""
    words = version.split()
    return words[2] if len(words) > 2 else ""


def _lines(lines: Iterator[bytes] | list[bytes]) -> bytes:
    return b"".join([line + b"\n" for line in lines])
