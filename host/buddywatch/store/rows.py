"""Reads a boot's snapshots as rows, in the order of the board, from closed chunks and from the journal as one.

The journal (journal.py) has what came lately, and what came late. A packer, perhaps of another process, moves
rows from there into chunks at any time. So each step of a reader looks at both in one moment, and goes on from the last
frame that it gave: no row is missing, and none comes twice.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import NamedTuple

from buddywatch.model.batch import Segment
from buddywatch.store import chunk_format
from buddywatch.store.database import StoreDamaged
from buddywatch.store.journal import END_SEQ, JournalStore, Row

_STEP_SEGMENTS = 16  # of the journal
_BACK_SEGMENTS = 4  # few are wanted
_CHUNK = "id, first_seq, last_seq, first_ms, last_ms, samples"
_DECODED_MAX = 4


class Chunk(NamedTuple):
    id: int
    first_seq: int
    last_seq: int
    first_ms: int
    last_ms: int
    samples: int


class Span(NamedTuple):
    """since_ms <= time < until_ms."""

    since_ms: int = -END_SEQ
    until_ms: int = END_SEQ


ALWAYS = Span()


class RowStore(JournalStore):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._decoded: dict[Chunk, list[Row]] = {}

    def rows_after(self, key: int, after: int = 0, span: Span = ALWAYS) -> Iterator[Row]:
        """A boot's rows behind frame `after`, oldest first."""
        while True:
            with self._moment():
                chunk = self._chunk(
                    "last_seq > ? AND last_ms >= ? AND first_ms < ? ORDER BY last_seq", (key, after, *span)
                )
                last = END_SEQ if chunk is None else chunk.last_seq
                late, last = self.journal_step(key, after, last)
                packed = [] if chunk is None else self._packed(key, chunk)
            for row in merged_rows([row for row in packed if after < row[1] <= last], late):
                if in_span(row, span):
                    yield row
            if last == END_SEQ:
                return
            after = last

    def rows_before(self, key: int, before: int = END_SEQ) -> Iterator[Row]:
        """A boot's rows up to the frame before `before`, newest first."""
        while True:
            with self._moment():
                chunk = self._chunk("first_seq < ? ORDER BY last_seq DESC", (key, before))
                last = -1 if chunk is None else chunk.last_seq
                newest = self.segments_before(key, last, before, _BACK_SEGMENTS)
                found: list[Row] = []
                if not newest and chunk is not None:  # only now is it worth unpacking
                    late = self.segments_before(key, chunk.first_seq - 1, before, END_SEQ)[::-1]
                    found = merged_rows(self._packed(key, chunk), self.rows_of_all(key, late))
            for segment in newest:
                yield from (row for row in reversed(self.rows_of(key, segment)) if row[1] < before)
            yield from (row for row in reversed(found) if row[1] < before)
            if newest:
                before = newest[-1].first_seq
            elif chunk is not None:
                before = chunk.first_seq
            else:
                return

    def newest_row(self, key: int) -> Row | None:
        """A boot's last row; None without any."""
        with self._moment():
            found = self.segments_before(key, self._packed_to(key), END_SEQ, 1)
        return self.rows_of(key, found[0])[-1] if found else next(self.rows_before(key), None)

    def is_packed(self, key: int, seq: int) -> bool:
        """True if a chunk of the boot has a snapshot with this frame number, or had one that was removed since."""
        chunk = self._chunk("last_seq >= ? AND first_seq <= ? ORDER BY last_seq", (key, seq, seq))
        if chunk is None:
            return False
        rows = self._packed(key, chunk)
        at = bisect_left(rows, seq, key=itemgetter(1))
        return not rows or rows[0][3] is None or (at < len(rows) and rows[at][1] == seq)

    def journal_step(self, key: int, after: int, last: int) -> tuple[list[Row], int]:
        """Rows of the journal in after < frame <= last, or up to an earlier frame, which is given as well."""
        segments = self.segments_after(key, after, last, _STEP_SEGMENTS)
        if len(segments) == _STEP_SEGMENTS:
            last = segments[-1].seq
        return [row for row in self.rows_of_all(key, segments) if row[1] > after], last

    def rows_of_all(self, key: int, segments: list[Segment]) -> list[Row]:
        return [row for segment in segments for row in self.rows_of(key, segment)]

    def _chunk(self, where: str, values: tuple[int, ...]) -> Chunk | None:
        row = self._row(f"SELECT {_CHUNK} FROM chunks WHERE boot = ? AND {where} LIMIT 1", values)
        return None if row is None else Chunk(*row)

    def _packed_to(self, key: int) -> int:
        """The last frame of a boot's chunks, 0 without any."""
        row = self._row("SELECT max(last_seq) FROM chunks WHERE boot = ?", (key,))
        return 0 if row is None or row[0] is None else int(row[0])

    def _packed(self, key: int, chunk: Chunk) -> list[Row]:
        """The rows of a chunk; one without a vector if it cannot be read, none if it holds no more than a summary."""
        if chunk not in self._decoded:
            rows: list[Row] = []
            try:
                row = self._row("SELECT body FROM chunks WHERE id = ?", (chunk.id,))
                if row is not None and row[0] is not None:
                    rows = [row[1:] for row in chunk_format.decode("", row[0])]
            except (ValueError, StoreDamaged) as error:
                self._report_chunk(key, chunk, str(error))
                rows = [(chunk.first_seq, chunk.last_seq, chunk.last_ms, None)]
            while len(self._decoded) >= _DECODED_MAX:
                del self._decoded[next(iter(self._decoded))]
            self._decoded[chunk] = rows
        return self._decoded[chunk]

    def _report_chunk(self, key: int, chunk: Chunk, why: str) -> None:
        board, boot_id = self._row("SELECT board, boot_id FROM boots WHERE id = ?", (key,)) or ("", "")
        what = f"chunk of snapshots {chunk.first_seq} to {chunk.last_seq} of boot {boot_id} of board {board}"
        self._report_damage(what, why, "end `collect`, then `buddywatch db repair` removes it")

    @contextmanager
    def _moment(self) -> Iterator[None]:
        """All reads inside see the same state of the file."""
        if self._connection.in_transaction:
            yield
            return
        self._run("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _forget(self) -> None:
        super()._forget()
        self._decoded.clear()


def merged_rows(packed: list[Row], late: list[Row]) -> list[Row]:
    """Both in ascending order; what is in both counts once."""
    if not late or not packed:
        return packed or late
    by_seq = {row[1]: row for row in late}
    by_seq.update({row[1]: row for row in packed})
    return [by_seq[seq] for seq in sorted(by_seq)]


def in_span(row: Row, span: Span) -> bool:
    return span.since_ms <= row[2] < span.until_ms
