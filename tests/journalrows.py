"""The rows of the journal in a database, without the store: what tests read there, and what they spoil."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from buddywatch.model.batch import VectorRow
from buddywatch.protocol import segment


@dataclass(frozen=True)
class JournalRow:
    board: str
    boot_id: str
    row: VectorRow


def journal_rows(connection: sqlite3.Connection) -> list[JournalRow]:
    """All snapshots in the journal."""
    sql = "SELECT board, boot_id, body FROM boots b JOIN journal j ON j.boot = b.id ORDER BY b.id, j.seq"
    return [
        JournalRow(board, boot_id, row)
        for board, boot_id, body in connection.execute(sql)
        for row in segment.decode(boot_id, body)
    ]


def journal_seqs(db: Path, boot_id: str) -> set[int]:
    """Last frames of the snapshots of a boot that are in the journal."""
    with closing(sqlite3.connect(db)) as connection:
        return {of.row.seq for of in journal_rows(connection) if of.boot_id == boot_id}


def change_journal(db: Path, seq: int, change: Callable[[VectorRow], VectorRow | None], where: str = "1") -> None:
    """Store what change() makes of the snapshot of this frame; None: nothing. where: of its row in the journal."""
    sql = f"SELECT boot, seq, body FROM journal WHERE first_seq <= {seq} AND seq >= {seq} AND {where}"
    with closing(sqlite3.connect(db)) as connection, connection:
        for boot, last, body in connection.execute(sql).fetchall():
            rows = [change(row) if row.seq == seq else row for row in segment.decode("", body)]
            connection.execute("DELETE FROM journal WHERE boot = ? AND seq = ?", (boot, last))
            for new in segment.segments_of([row for row in rows if row is not None], segment.interval_of(body)):
                values = (boot, new.seq, new.first_seq, *new[2:])
                connection.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", values)
