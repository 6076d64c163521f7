"""Brings the journal of schemas 1 to 19 over: table `snapshots`, with a row and a JSON list for each snapshot.

That may be millions of rows, so they are moved in steps, each one transaction, before the schema's step is taken. What
was moved stays moved if the program is killed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

from buddywatch.model.batch import Segment, VectorRow
from buddywatch.protocol.segment import segments_of

STEP_ROWS = 4096
_TELL_S = 2.0
_TABLE = """CREATE TABLE IF NOT EXISTS journal (
    boot INTEGER NOT NULL REFERENCES boots, seq INTEGER NOT NULL, first_seq INTEGER NOT NULL,
    time_ms INTEGER NOT NULL, samples INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (boot, seq)) STRICT, WITHOUT ROWID"""
_OldRow = tuple[int, int, int, int, str]  # boot, first_seq, seq, time_ms, vector


class Connection(Protocol):
    """What the steps need of a database connection in autocommit mode."""

    @property
    def in_transaction(self) -> bool: ...
    def execute(self, sql: str, values: Any = (), /) -> Any: ...
    def executemany(self, sql: str, rows: Any, /) -> Any: ...


def move_rows(connection: Connection, tell: Callable[[str], None]) -> None:
    """Move all rows. tell: called with a line of progress where it takes long. Kept up to the last step if it fails."""
    total = connection.execute("SELECT count(*) FROM snapshots").fetchone()[0]
    moved, told_s = 0, time.monotonic()
    is_more = True
    while is_more:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(_TABLE)
            moved_now = _move_some(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        moved, is_more = moved + moved_now, moved_now > 0
        if time.monotonic() >= told_s + _TELL_S:
            told_s = time.monotonic()
            tell(f"{moved} of {total} snapshots are brought into the form of this version")


def finish(connection: Connection) -> None:
    """Move what is left, and drop the old table, all in the caller's transaction."""
    connection.execute(_TABLE)
    while _move_some(connection):
        pass
    connection.execute("DROP TABLE snapshots")


def _move_some(connection: Connection) -> int:
    """Move the first rows; returns how many."""
    sql = f"SELECT boot, first_seq, seq, time_ms, vector FROM snapshots ORDER BY boot, seq LIMIT {STEP_ROWS}"
    rows = connection.execute(sql).fetchall()
    for boot, of_boot in groupby(rows, key=itemgetter(0)):
        new = [(boot, one.seq, one.first_seq, *one[2:]) for one in _segments(of_boot)]
        connection.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?, ?, ?)", new)
    if rows:
        connection.execute("DELETE FROM snapshots WHERE (boot, seq) <= (?, ?)", (rows[-1][0], rows[-1][2]))
    return len(rows)


def _segments(rows: Iterable[_OldRow]) -> list[Segment]:
    """A row that cannot be read stays one."""
    readable, found = [], []
    for _, first_seq, seq, time_ms, text in rows:
        try:
            readable.append(VectorRow("", first_seq, seq, time_ms, _vector(text)))
        except (ValueError, RecursionError):
            found.append(Segment(first_seq, seq, time_ms, 1, text.encode("utf-8", "surrogatepass")))
    return [*found, *segments_of(readable, 0)]


def _vector(text: str) -> list[int]:
    vector = json.loads(text)
    if not isinstance(vector, list) or not vector or set(map(type, vector)) != {int}:
        raise ValueError
    return vector
