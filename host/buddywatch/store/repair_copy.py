"""Copies all rows of a damaged database that can be read into a new file, and notes what is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import NamedTuple

from buddywatch.model.samples import DAMAGED
from buddywatch.store import migrations
from buddywatch.store.care import Progress
from buddywatch.store.database import PAGE_BYTES
from buddywatch.store.read import seconds
from buddywatch.store.salvage import Hole, Row, Salvage, Table, tables_of
from buddywatch.store.summaries import DAY_S, QUARTER_S

_TIMES = ("time_ms", "last_ms", "opened_ms", "created_ms", "since_ms", "until_ms")
_CHUNK_INDEX = "SELECT id, boot, first_seq, last_seq, first_ms, last_ms, samples FROM chunks INDEXED BY chunks_by_frame"
_EVENT_INDEX = "SELECT id, board, time_ms FROM events INDEXED BY events_by_time"
_BOOT_INDEX = "SELECT id, board, boot_id FROM boots INDEXED BY sqlite_autoindex_boots_1"


class Loss(NamedTuple):
    """board: "" if that is not known. first, last: seconds since 1970; None: not known."""

    board: str
    what: str
    first: float | None = None
    last: float | None = None


class Copy:
    """Copies all tables into a new file with the same schema."""

    def __init__(self, old: sqlite3.Connection, path: str, version: int) -> None:
        self._old, self._version = old, version
        self._new = sqlite3.connect(path, isolation_level=None)
        self._boards: dict[int, str] = {}  # by boots.id
        self._losses: list[Loss] = []

    def run(self, progress: Progress) -> list[Loss]:
        with closing(self._new):
            self._new.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            self._new.execute("PRAGMA synchronous = OFF")  # the file counts when it is whole, and not before
            migrations.migrate(self._new, last=self._version)
            tables = tables_of(self._old)
            tables.sort(key=lambda table: table.name != "boots")  # it says of which board a row is
            self._new.execute("BEGIN")
            for number, table in enumerate(tables):
                progress(number / len(tables))
                if table.name != "migrations":
                    self._copy(table)
            self._drop_orphans(tables)
            self._new.execute("COMMIT")
        return self._losses

    def _copy(self, table: Table) -> None:
        salvage = Salvage(self._old, table, self._prefixes(table))
        known = {row[1] for row in self._new.execute(f"PRAGMA table_info({table.name})")}
        columns = [name for name in table.columns if name in known]
        at = [table.columns.index(name) for name in columns]
        sql = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        refused = 0
        for row in salvage.rows():
            values = [row[place] for place in at]
            try:
                self._new.execute(sql, values)
            except (sqlite3.IntegrityError, sqlite3.InterfaceError, OverflowError):
                refused += not self._accept(table, row)
        self._tell(table, salvage, refused)

    def _accept(self, table: Table, row: Row) -> bool:
        """Store a row that lacks a value, if it is of use without it."""
        if table.name != "boots":
            return False
        named = dict(zip(table.columns, row, strict=True))
        return self._add_boot(named["id"], named["board"], named["boot_id"], named["started_ms"])

    def _add_boot(self, key: int, board: str | None, boot_id: str | None, started_ms: int | None = None) -> bool:
        """A boot without facts: its snapshots are kept, and the next hello of the board brings the facts again."""
        if board is None or boot_id is None:
            return False
        sql = "INSERT INTO boots (id, board, boot_id, kernel, started_ms, cause, facts) VALUES (?, ?, ?, ?, ?, ?, '{}')"
        self._new.execute(sql, (key, board, boot_id, key, started_ms or 0, "first"))
        what = f"the facts of boot {boot_id}: its snapshots are kept, and can be read after its next hello"
        self._losses.append(Loss(board, what))
        return True

    def _prefixes(self, table: Table) -> list[Row] | None:
        if table.key[0] != "boot":
            return None
        boots = list(self._boards)
        if table.key[1:-1] == ("step_s",):
            return [(key, step_s) for key in boots for step_s in (QUARTER_S, DAY_S)]
        return [(key,) for key in boots] if len(table.key) == 2 else None

    def _tell(self, table: Table, salvage: Salvage, refused: int) -> None:
        """Note what is lost of a table. Where an index names its rows, it says which are missing."""
        by_index = {"boots": self._add_missing_boots, "chunks": self._tell_chunks, "events": self._tell_events}
        if table.name in by_index and by_index[table.name]():
            return
        self._tell_holes(table, salvage.damage.holes)
        if refused:
            self._losses.append(Loss("", f"{refused} rows of {table.name}"))

    def _add_missing_boots(self) -> bool:
        self._boards = dict(self._new.execute("SELECT id, board FROM boots"))
        found = self._of_index(_BOOT_INDEX)
        for key, board, boot_id in found or []:
            if key not in self._boards and self._add_boot(key, board, boot_id):
                self._boards[key] = board
        return found is not None

    def _tell_chunks(self) -> bool:
        """False if the index is damaged as well, and so does not say which are missing."""
        found = self._of_index(_CHUNK_INDEX)
        if found is None:
            return False
        there = {key for (key,) in self._new.execute("SELECT id FROM chunks")}
        missing = [row[1:] for row in found if row[0] not in there and row[1] in self._boards]
        for boot, first_seq, last_seq, first_ms, last_ms, samples in missing:
            lose_chunk(self._new, boot, first_seq, last_seq, last_ms)
            what = f"{samples} snapshots"
            self._losses.append(Loss(self._boards[boot], what, seconds(first_ms), seconds(last_ms)))
        return True

    def _tell_events(self) -> bool:
        found = self._of_index(_EVENT_INDEX)
        if found is None:
            return False
        there = {key for (key,) in self._new.execute("SELECT id FROM events")}
        times: dict[str, list[int]] = {}
        for key, board, time_ms in found:
            if key not in there:
                times.setdefault(board, []).append(time_ms)
        for board, of_board in times.items():
            what = f"{len(of_board)} events"
            self._losses.append(Loss(board, what, seconds(min(of_board)), seconds(max(of_board))))
        return True

    def _of_index(self, sql: str) -> list[Row] | None:
        """What an index says of its table; None if it is damaged as well."""
        try:
            return self._old.execute(sql).fetchall()
        except sqlite3.DatabaseError:
            return None

    def _tell_holes(self, table: Table, holes: list[Hole]) -> None:
        boot_at = table.columns.index("boot") if "boot" in table.columns else None
        at = next((table.columns.index(name) for name in _TIMES if name in table.columns), None)
        for hole in holes:
            ends = [row for row in (hole.before, hole.after) if row is not None]
            times = [row[at] for row in ends if at is not None and isinstance(row[at], int)]
            boards = {self._boards.get(row[boot_at], "") for row in ends} if boot_at is not None else set()
            board = boards.pop() if len(boards) == 1 else ""
            spans = [seconds(time_ms) for time_ms in times]
            what = f"rows of {table.name}"
            self._losses.append(Loss(board, what, min(spans, default=None), max(spans, default=None)))

    def _drop_orphans(self, tables: list[Table]) -> None:
        """Rows of a boot or an incident that is lost say nothing any more."""
        for table in tables:
            for column, parent in (("boot", "boots"), ("incident", "incidents")):
                if column in table.columns:
                    orphans = f"{column} NOT IN (SELECT id FROM {parent})"
                    gone = self._new.execute(f"DELETE FROM {table.name} WHERE {orphans}").rowcount
                    if gone:
                        self._losses.append(Loss("", f"{gone} rows of {table.name}, which belong to nothing any more"))


def lose_chunk(new: sqlite3.Connection, boot: int, first_seq: int, last_seq: int, last_ms: int) -> None:
    """Note that frames which were stored are lost, and that nobody must count them as stored."""
    new.execute("DELETE FROM stored_ranges WHERE boot = ? AND first <= ? AND last >= ?", (boot, last_seq, first_seq))
    values = (boot, first_seq, last_seq, DAMAGED, last_ms)
    new.execute("INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?, ?)", values)
