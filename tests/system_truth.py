"""Reads what an agent really recorded from its standard output, and checks that a store holds exactly that.

Of the host only the forms of stored snapshots are used here: frames are opened by buddyd.wire, and the database is read
with plain SQL.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from buddyd import wire, wire_host, wire_read
from buddywatch.protocol import segment
from buddywatch.store import chunk_format

ORDERS = 11  # the last columns of a one-zone board of this age


class Happened(NamedTuple):
    """An event as the agent sent it."""

    uptime_cs: int
    kind: str
    number: int | None
    pid: int | None
    comm: str | None
    text: str


@dataclass
class Life:
    """One life of an agent. Frames are numbered from 1 without a hole; each is a snapshot (a vector) or an event."""

    boot_id: str
    facts: dict[str, str] = field(default_factory=dict)
    last: int = 0  # number of the newest frame
    vectors: dict[int, list[int]] = field(default_factory=dict)
    events: dict[int, Happened] = field(default_factory=dict)
    numbers: dict[bytes, int] = field(default_factory=dict)  # of frames, by their lines

    @property
    def nr_free(self) -> list[int]:
        """The newest snapshot's blocks by order; [] before the first."""
        return self.vectors[max(self.vectors)][-ORDERS:] if self.vectors else []

    def width(self) -> int:
        """Columns of a snapshot: those named, then for each zone four marks, if they are known, and its orders."""
        zones = [self.facts[f"z{number}"].split("/") for number in range(int(self.facts["zones"]))]
        return self.facts["cols"].count(",") + 1 + sum(int(zone[2]) + 4 * (zone[3] != "-") for zone in zones)


class Record:
    """Follows the file that `buddyd --stdout` writes, one life of the agent after the other."""

    def __init__(self, path: Path) -> None:
        self.lives: dict[str, Life] = {}
        self._path = path
        self._read_bytes = 0
        self._life: Life | None = None
        self._vector: list[int] = []
        self._column = 0

    def update(self) -> Life | None:
        """Read what was written since; returns the newest run of the agent, None before the first."""
        if not self._path.exists():
            return None
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            self._take(line)
        return self._life

    def frames(self) -> int:
        """How many frames were recorded so far."""
        self.update()
        return sum(life.last for life in self.lives.values())

    def lasts(self) -> dict[str, int]:
        """Number of the newest frame by boot id."""
        self.update()
        return {boot_id: life.last for boot_id, life in self.lives.items()}

    def _take(self, line: bytes) -> None:
        if line[:2] == wire.MARK + wire.HELLO:
            content = wire.unseal(line)
            assert content is not None, line
            facts = wire_host.parse_facts(content)
            boot_id = facts.pop("boot")
            if self._life is None or self._life.boot_id != boot_id:
                self._life = self.lives[boot_id] = Life(boot_id)
                self._column = 0
            self._life.facts.update(facts)
        elif line:
            self._take_frame(line)

    def _take_frame(self, line: bytes) -> None:
        life = self._life
        assert life is not None, f"a frame before any hello: {line!r}"
        seq = life.last + 1
        assert wire.short_sequence(seq) == line[2:4], f"frame {seq} of {life.boot_id} expected in the record: {line!r}"
        content = wire.unseal(line, wire.context(life.boot_id, seq))
        assert content is not None, f"frame {seq} of {life.boot_id} is damaged in the record: {line!r}"
        life.last = life.numbers[line] = seq
        if content[1:2] == wire.EVENT:
            life.events[seq] = Happened(*wire_host.parse_event(content[4:]))
            return
        if not self._vector or seq == 1:
            self._vector = [0] * life.width()
        interval_cs = int(life.facts["interval_cs"])
        self._column = wire_read.apply_frame(content, self._vector, self._column, interval_cs)
        assert self._column == 0, "the boards of these tests fit a frame"
        life.vectors[seq] = list(self._vector)


@dataclass
class Stored:
    """The contents of a database for one boot."""

    vectors: dict[int, list[int]] = field(default_factory=dict)
    uptimes_ms: dict[int, int] = field(default_factory=dict)
    times_ms: dict[int, int] = field(default_factory=dict)
    events: dict[int, tuple[Happened, bool]] = field(default_factory=dict)  # and whether it is a copy
    gaps: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def numbers(self) -> set[int]:
        """Of the frames that are there."""
        return {*self.vectors, *self.events}

    def add(self, first_seq: int, seq: int, time_ms: int, uptime_ms: int, vector: list[int]) -> None:
        assert first_seq == seq, "the boards of these tests fit a frame"
        assert seq not in self.vectors, f"snapshot {seq} is stored twice"
        self.vectors[seq], self.uptimes_ms[seq], self.times_ms[seq] = vector, uptime_ms, time_ms

    @property
    def lost(self) -> set[int]:
        """Numbers of the frames in gaps."""
        return {number for first, last, _ in self.gaps for number in range(first, last + 1)}


def stored(db: Path, board: str) -> dict[str, Stored]:
    """By boot id, in the order in which the collector met them. {} where there is no database yet."""
    if not db.exists():
        return {}
    with closing(sqlite3.connect(f"{db.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        connection.execute("BEGIN")  # one moment for all tables
        has_tables = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'journal'").fetchone()[0]
        return _read(connection, board) if has_tables else {}


def _read(connection: sqlite3.Connection, board: str) -> dict[str, Stored]:
    boots = "SELECT boot_id FROM boots WHERE board = ? ORDER BY id"
    found = {boot_id: Stored() for (boot_id,) in connection.execute(boots, (board,))}

    def rows(columns: str, table: str) -> Iterator[tuple]:
        sql = f"SELECT b.boot_id, {columns} FROM {table} t JOIN boots b ON b.id = t.boot WHERE b.board = ?"
        return connection.execute(sql, (board,))

    for table, decode in (("journal", segment.decode), ("chunks", chunk_format.decode)):
        for boot_id, body in rows("body", table):
            for row in decode(boot_id, body):
                found[boot_id].add(row.first_seq, row.seq, row.time_ms, 10 * row.vector[0], list(row.vector))
    for boot_id, seq, uptime_ms, copy, *rest in rows("seq, uptime_ms, copy, kind, number, pid, comm, text", "events"):
        if seq is not None:
            assert seq not in found[boot_id].events, f"event {seq} of {boot_id} is stored twice"
            found[boot_id].events[seq] = (Happened(uptime_ms // 10, *rest), bool(copy))
    for boot_id, first, last, reason in rows("first, last, reason", "gaps"):
        found[boot_id].gaps.append((first, last, reason))
    return found


def has(db: Path, board: str, lasts: dict[str, int]) -> bool:
    """True if every frame up to these numbers (by boot id) is in the store, or in a gap."""
    found = stored(db, board)
    return all(
        boot_id in found and found[boot_id].numbers | found[boot_id].lost >= set(range(1, last + 1))
        for boot_id, last in lasts.items()
    )


def check(db: Path, board: str, record: Record, lasts: dict[str, int], whole: bool = True) -> None:
    """The store holds what the agent recorded up to these numbers, each frame once, in order, with its true values.

    whole: without any gap. Else what is in no gap is there, and what is in a gap is not. Beyond those numbers an agent
    may have been ended while a frame was on its way; what is there all the same must be true.
    """
    found = stored(db, board)
    assert list(found) == list(record.lives), {boot_id: len(here.numbers) for boot_id, here in found.items()}
    for boot_id, last in lasts.items():
        here, life = found[boot_id], record.lives[boot_id]
        expected = set(range(1, last + 1))
        if whole:
            assert [gap for gap in here.gaps if gap[0] <= last] == []
        assert here.numbers & here.lost == set()
        assert (here.numbers | here.lost) & expected == expected
        check_values(here, life)


def check_values(here: Stored, life: Life) -> None:
    """Check that the stored frames of a boot are those that its agent recorded, in order."""
    for seq, vector in here.vectors.items():
        if seq <= life.last:
            assert vector == life.vectors.get(seq), f"snapshot {seq} of {life.boot_id}"
            assert here.uptimes_ms[seq] == vector[0] * 10, f"uptime of snapshot {seq} of {life.boot_id}"
    for seq, (event, _) in here.events.items():
        if seq <= life.last:
            assert event == life.events.get(seq), f"event {seq} of {life.boot_id}"
    in_sequence = [here.times_ms[seq] for seq in sorted(here.vectors)]
    assert in_sequence == sorted(in_sequence), f"times of {life.boot_id} are not in order"
