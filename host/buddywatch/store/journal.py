"""The journal: what of each boot's snapshots is in no chunk yet. A row holds a segment (protocol/segment.py).

No snapshot is stored twice, whether in the journal or in chunks: it is looked for before it is added, within the same
transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from buddywatch.model.batch import Segment, VectorRow
from buddywatch.protocol import segment
from buddywatch.store.database import Database

END_SEQ = 2**63 - 1
_COLUMNS = "first_seq, seq, time_ms, samples, body"

# first_seq, seq, time_ms, vector; None instead of a vector: frames first_seq..seq cannot be read.
Row = tuple[int, int, int, Any]


class JournalStore(Database):
    def segments_after(self, key: int, after: int = 0, last: int = END_SEQ, limit: int = -1) -> list[Segment]:
        """Those of a boot that end in after < frame <= last, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM journal WHERE boot = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        return [Segment(*row) for row in self._rows(sql, (key, after, last, limit))]

    def segments_before(self, key: int, after: int, before: int, limit: int) -> list[Segment]:
        """Those of a boot that end behind frame `after` and begin before frame `before`, newest first."""
        # Segments do not overlap, so only the first one that ends at `before` or later may begin before it.
        sql = f"""SELECT {_COLUMNS} FROM journal WHERE boot = ?1 AND seq > ?2 AND first_seq < ?3 AND seq <=
            coalesce((SELECT min(seq) FROM journal WHERE boot = ?1 AND seq >= ?3), ?3) ORDER BY seq DESC LIMIT ?4"""
        return [Segment(*row) for row in self._rows(sql, (key, after, before, limit))]

    def rows_of(self, key: int, found: Segment) -> list[Row]:
        """The rows of a segment; one without a vector if it cannot be read."""
        try:
            rows: list[Row] = [row[1:] for row in segment.decode("", found.body)]
            if not rows or (rows[0][0], rows[-1][1]) != found[:2]:
                raise ValueError("its frames are not those of its row")
            return rows
        except ValueError as error:
            board, boot_id = self._row("SELECT board, boot_id FROM boots WHERE id = ?", (key,)) or ("", "")
            first, last = found.first_seq, found.seq
            what = f"snapshot {last}" if first == last else f"row of snapshots {first} to {last}"
            remedy = self._removal("journal", f"boot = {key} AND seq = {last}")
            self._report_damage(f"{what} of boot {boot_id} of board {board}", str(error), remedy)
            return [(first, last, found.time_ms, None)]

    def is_in_journal(self, key: int, seq: int) -> bool:
        """True if a readable row has the snapshot with this frame number."""
        found = self.segments_after(key, seq - 1, limit=1)
        if not found or found[0].first_seq > seq:
            return False
        return any(row[1] == seq and row[3] is not None for row in self.rows_of(key, found[0]))

    def put_segment(self, key: int, new: Segment) -> None:
        """Add a segment whose frames are not stored. An unreadable row with the same last frame is replaced."""
        self._run("INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?, ?, ?)", (key, new.seq, new.first_seq, *new[2:]))

    def drop_segments(self, key: int, gone: Iterable[Segment]) -> None:
        self._run_many("DELETE FROM journal WHERE boot = ? AND seq = ?", [(key, old.seq) for old in gone])

    def retime_journal(self, key: int, started_ms: int, from_uptime_ms: int, to_uptime_ms: int) -> None:
        """Correct the times of the boot's snapshots in the journal; see Retime."""
        for old, rows in self._readable_segments(key):
            right = [_retimed(row, started_ms, from_uptime_ms, to_uptime_ms) for row in rows]
            if right != rows:
                self._replace(key, old, right)

    def forget_journal_before(self, key: int, time_ms: int) -> None:
        """Remove snapshots of the boot from before this time."""
        self._run("DELETE FROM journal WHERE boot = ? AND time_ms < ?", (key, time_ms))
        for old, rows in self._readable_segments(key):
            later = [row for row in rows if row[2] >= time_ms]
            if later != rows:
                self._replace(key, old, later)

    def _readable_segments(self, key: int) -> Iterator[tuple[Segment, list[Row]]]:
        for old in self.segments_after(key):
            rows = self.rows_of(key, old)
            if rows[0][3] is not None:
                yield old, rows

    def _replace(self, key: int, old: Segment, rows: Iterable[Row]) -> None:
        """Store these rows, which have its frames, instead of a readable segment."""
        self.drop_segments(key, [old])
        for new in segment.segments_of([VectorRow("", *row) for row in rows], segment.interval_of(old.body)):
            self.put_segment(key, new)

    def _journal_to(self, key: int) -> int:
        """The last frame of a boot in the journal, 0 without any."""
        row = self._row("SELECT max(seq) FROM journal WHERE boot = ?", (key,))
        return 0 if row is None or row[0] is None else int(row[0])


def _retimed(row: Row, started_ms: int, from_uptime_ms: int, to_uptime_ms: int) -> Row:
    first_seq, seq, time_ms, vector = row
    uptime_ms = 10 * vector[0]
    is_in = from_uptime_ms <= uptime_ms <= to_uptime_ms
    return first_seq, seq, started_ms + uptime_ms if is_in else time_ms, vector
