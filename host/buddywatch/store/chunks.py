"""Writes the chunks of a boot: new ones, others in their place, small ones joined. Chunks of a boot never overlap."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import groupby, takewhile
from typing import Any

from buddywatch.model.batch import VectorRow
from buddywatch.model.summaries import Summary, merged
from buddywatch.store import chunk_format, summary_format
from buddywatch.store.rollups import RollupStore
from buddywatch.store.rows import Chunk
from buddywatch.store.summaries import DAY_S

JOINED_CHUNKS = 16  # so many small ones in a row become one
FULL_ROWS = 4096  # a chunk with as many rows is not joined any more
_COLUMNS = "id, first_seq, last_seq, first_ms, last_ms, samples"


class ChunkStore(RollupStore):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._deleted_id = 0  # the highest; SQLite would use it again

    def add_chunk(self, key: int, rows: Sequence[VectorRow]) -> None:
        """Rows of a boot, all of one width, in ascending order, that overlap no chunk."""
        self._insert_chunk(key, rows, chunk_format.encode(rows))

    def join_small(self, key: int) -> bool:
        """Make one chunk of the boot's newest small ones, if there are enough. Returns whether it did."""
        newest = self._newest_small(key)
        return len(newest) == JOINED_CHUNKS and self._join(key, newest)

    def join_rest(self, key: int) -> bool:
        """The same, however few there are."""
        newest = self._newest_small(key)
        return len(newest) > 1 and self._join(key, newest)

    def _newest_small(self, key: int) -> list[Chunk]:
        """Those behind the last large one, JOINED_CHUNKS of them at most, in order."""
        sql = f"SELECT {_COLUMNS} FROM chunks WHERE boot = ? ORDER BY last_seq DESC LIMIT ?"
        newest = [Chunk(*row) for row in self._rows(sql, (key, JOINED_CHUNKS))]
        return list(takewhile(lambda chunk: chunk.samples < FULL_ROWS // 2, newest))[::-1]

    def _join(self, key: int, newest: Sequence[Chunk]) -> bool:
        bodies = [self._body(chunk.id) for chunk in newest]
        try:
            body = None if None in bodies else chunk_format.joined([body for body in bodies if body is not None])
        except ValueError:  # a damaged one; reading reports it
            return False
        if body is None:
            return False
        ids = [chunk.id for chunk in newest]
        places = ", ".join("?" * len(ids))
        columns = (
            "boot, min(first_seq), max(last_seq), min(first_ms), max(last_ms), min(first_uptime_ms), "
            "max(last_uptime_ms), sum(samples), ?, ?"
        )
        row = self._row(
            f"SELECT {columns} FROM chunks WHERE id IN ({places})", (self._joined_summary(key, newest), body, *ids)
        )
        self._delete_chunks(ids)
        assert row is not None
        self._insert(row)
        return True

    def retime_chunks(self, key: int, started_ms: int, from_uptime_ms: int, to_uptime_ms: int) -> None:
        """Correct the times of the boot's packed snapshots; see Retime."""
        sql = f"SELECT {_COLUMNS} FROM chunks WHERE boot = ? AND last_uptime_ms >= ? AND first_uptime_ms <= ?"
        moved = [Chunk(*row) for row in self._rows(sql, (key, from_uptime_ms, to_uptime_ms))]
        for chunk in moved:
            rows = []
            for first_seq, seq, time_ms, vector in self._packed(key, chunk):
                if vector is None:
                    break
                uptime_ms = 10 * vector[0]
                if from_uptime_ms <= uptime_ms <= to_uptime_ms:
                    time_ms = started_ms + uptime_ms
                rows.append(VectorRow("", first_seq, seq, time_ms, vector))
            if rows:
                self._delete_chunks([chunk.id])
                self.add_chunk(key, rows)
        for chunk in moved:
            self.forget_days(key, chunk.first_ms, chunk.last_ms)
            self.roll_up(key, DAY_S, chunk.first_ms, chunk.last_ms)

    def merge_late(self, key: int, chunk: Chunk, late: Sequence[VectorRow]) -> bool:
        """Put rows that came late into the chunk within which they lie. False if the chunk cannot be read."""
        rows = {row[1]: VectorRow("", *row) for row in self._packed(key, chunk) if row[3] is not None}
        if not rows:
            return False
        rows = {row.seq: row for row in late} | rows
        self._delete_chunks([chunk.id])
        in_order = [rows[seq] for seq in sorted(rows)]
        for _, of_width in groupby(in_order, key=lambda row: len(row.vector)):
            self.add_chunk(key, list(of_width))
        return True

    def chunk_around(self, key: int, seq: int) -> Chunk | None:
        """The boot's first chunk that ends with this frame or later."""
        return self._chunk("last_seq >= ? ORDER BY last_seq", (key, seq))

    def _insert_chunk(self, key: int, rows: Sequence[VectorRow], body: bytes) -> None:
        times = [row.time_ms for row in rows]
        uptimes = [10 * row.vector[0] for row in rows]
        ends = (rows[0].first_seq, rows[-1].seq, min(times), max(times), min(uptimes), max(uptimes))
        summaries = self.summarize(key, rows)
        summary = summary_format.encode(summaries) if summaries else None
        values = (key, *ends, len(rows), summary, body)
        self._insert(values)
        self._roll_days(key, *ends[:4])

    def _insert(self, values: Sequence[Any]) -> None:
        """With an id of its own: a reader that knows the rows of a deleted chunk by its id takes no other for it."""
        (newest,) = self._row("SELECT max(id) FROM chunks") or (None,)
        chunk_id = max(newest or 0, self._deleted_id) + 1
        self._run("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (chunk_id, *values))

    def _roll_days(self, key: int, first_seq: int, last_seq: int, first_ms: int, last_ms: int) -> None:
        """Make the roll-ups of the days that a new chunk of these frames and times ends, or belongs to afterwards."""
        before = "SELECT last_ms FROM chunks WHERE boot = ? AND last_seq < ? ORDER BY last_seq DESC LIMIT 1"
        after = "SELECT 1 FROM chunks WHERE boot = ? AND last_seq > ? LIMIT 1"
        (begin_ms,) = self._row(before, (key, first_seq)) or (first_ms,)
        self.forget_days(key, first_ms, last_ms)
        day_ms = 1000 * DAY_S
        end_ms = last_ms if self._row(after, (key, last_seq)) else last_ms // day_ms * day_ms - 1
        if min(begin_ms, first_ms) <= end_ms:
            self.roll_up(key, DAY_S, min(begin_ms, first_ms), end_ms)

    def _joined_summary(self, key: int, chunks: Sequence[Chunk]) -> bytes | None:
        """The summaries of chunks that become one; None if one is missing, and readers will go by the rows."""
        if self._layout(key) is None:
            return None
        found: list[Summary] = []
        for chunk in chunks:
            stored = self._stored_summaries(key, chunk)
            if not stored or (found and not summary_format.same_form(found[-1], stored[0])):
                return None
            if found and found[-1].time == stored[0].time:
                found[-1] = merged(found[-1], stored[0], found[-1].time, found[-1].step_s)
                stored = stored[1:]
            found += stored
        return summary_format.encode(found)

    def _delete_chunks(self, ids: Sequence[int]) -> None:
        self._deleted_id = max(self._deleted_id, *ids)
        self._run(f"DELETE FROM chunks WHERE id IN ({', '.join('?' * len(ids))})", ids)

    def _body(self, chunk_id: int) -> bytes | None:
        row = self._row("SELECT body FROM chunks WHERE id = ?", (chunk_id,))
        return None if row is None else row[0]
