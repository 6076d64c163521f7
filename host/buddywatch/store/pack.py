"""Moves snapshots from the journal into chunks, in steps of a few milliseconds, each one transaction.

A step that is interrupted leaves the journal as it was. Databases of earlier versions have all of their snapshots in
the journal, and are packed in the same way, by and by.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby

from buddywatch.model.batch import Segment, VectorRow
from buddywatch.store.database import StoreDamaged
from buddywatch.store.resume import FrameStore
from buddywatch.store.rows import Chunk

CHUNK_ROWS = 256  # of a new chunk; when there are JOINED_CHUNKS of them, they become one
KEPT_ROWS = 64  # the newest ones of a board stay in the journal, where `status` reads them at once

_BOOTS = """
    WITH RECURSIVE seen (boot) AS (SELECT min(boot) FROM journal UNION ALL
        SELECT (SELECT min(boot) FROM journal WHERE boot > seen.boot) FROM seen WHERE boot IS NOT NULL)
    SELECT boot FROM seen WHERE boot IS NOT NULL"""


class PackStore(FrameStore):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._unpacked: list[int] | None = None  # boots.id of those in the journal that are still to be looked at
        self._pack_from: dict[int, int] = {}  # by boots.id: only rows behind this frame are still to be packed

    def pack_for(self, limit_s: float) -> bool:
        """Pack what is due, until it has taken so long; at least one step. Returns whether more is due."""
        deadline_s = time.monotonic() + limit_s
        for key in self._due():
            try:
                while self.pack_step(key):
                    if time.monotonic() >= deadline_s:
                        return True
            except StoreDamaged as error:  # what is on a damaged page stays as it is; other boots go on
                self.damage.notice(str(error))
        return False

    def look_again(self) -> None:
        """Boots have other ids than before."""
        self._unpacked = None
        self._pack_from.clear()
        self._journal_rows.clear()

    def pack_step(self, key: int) -> bool:
        """Pack one chunk of a boot. Returns whether there was enough for one."""
        return self._pack_up_to(key, self._is_over(key))

    def pack_all(self) -> None:
        """Pack what the steps leave in the journal, and join what is small: no more is expected soon."""
        for key in list(self._keys_of_journal()):
            with suppress(StoreDamaged):  # as in pack_for(), which told it
                while self._pack_up_to(key, True):
                    pass
        for (key,) in list(self._rows("SELECT DISTINCT boot FROM chunks")):
            with suppress(StoreDamaged), self.batch():
                self.join_rest(key)

    def _pack_up_to(self, key: int, the_end: bool) -> bool:
        with self.batch():
            of_boot = self._layout(key)
            found = self._packable(key, the_end)
            if not found or of_boot is None:
                return False
            width = of_boot[1].width
            rows = {old: rows for old in found if (rows := self._of_width(key, old, width))}
            if not rows:
                self._pack_from[key] = found[-1].seq
                return True
            self._fold(key)  # resume() looks for frames among the rows of the journal, and in what was folded
            in_order = [row for of_segment in rows.values() for row in of_segment]
            self.drop_segments(key, rows)  # first: a new chunk makes roll-ups of all that is stored
            packed = {row.seq for of_chunk in self._by_chunk(key, in_order) for row in self._pack(key, *of_chunk)}
            for old in rows:
                if old.seq not in packed:
                    self.put_segment(key, old)
            if not packed:
                self._pack_from[key] = found[-1].seq
            self.join_small(key)
        return True

    def _due(self) -> Iterator[int]:
        """Boots that may have enough in the journal for a chunk."""
        if self._unpacked is None:  # the first look
            self._unpacked = list(self._keys_of_journal())
        while self._unpacked:
            yield self._unpacked[-1]
            self._unpacked.pop()
        for key, added in list(self._journal_rows.items()):
            if added >= CHUNK_ROWS:
                yield key
                self._journal_rows[key] = 0

    def _keys_of_journal(self) -> Iterator[int]:
        return (key for (key,) in self._rows(_BOOTS))

    def _packable(self, key: int, the_end: bool) -> list[Segment]:
        """The oldest of the journal, if there is enough for a chunk. the_end: any number is enough."""
        after = self._pack_from.get(key, 0)
        (left,) = self._row("SELECT total(samples) FROM journal WHERE boot = ? AND seq > ?", (key, after)) or (0,)
        found: list[Segment] = []
        enough = 0
        for segment in self.segments_after(key, after, limit=CHUNK_ROWS):
            left -= segment.samples
            if enough >= CHUNK_ROWS or not (the_end or left >= KEPT_ROWS):
                break
            found.append(segment)
            enough += segment.samples
        return found if the_end or enough >= CHUNK_ROWS else []

    def _of_width(self, key: int, segment: Segment, width: int) -> list[VectorRow]:
        """The rows of a segment; none if it cannot be read, or does not fit its boot: then it stays where it is."""
        rows = [VectorRow("", *row) for row in self.rows_of(key, segment)]
        return rows if all(row.vector is not None and len(row.vector) == width for row in rows) else []

    def _is_over(self, key: int) -> bool:
        sql = """SELECT 1 FROM boots b WHERE b.id = ? AND NOT EXISTS (SELECT 1 FROM endings WHERE boot = b.id)
            AND EXISTS (SELECT 1 FROM boots WHERE board = b.board AND id > b.id)"""
        return self._row(sql, (key,)) is not None

    def _by_chunk(self, key: int, rows: Sequence[VectorRow]) -> Iterator[tuple[Chunk | None, list[VectorRow]]]:
        """Rows that lie within the same chunk, or between the same two: (that chunk, None if between, rows)."""
        packed_to = self._packed_to(key)

        def place(row: VectorRow) -> tuple[bool, Chunk | None]:
            following = None if row.seq > packed_to else self.chunk_around(key, row.seq)
            return following is not None and following.first_seq <= row.seq, following

        for (is_within, chunk), of_place in groupby(rows, key=place):
            yield (chunk if is_within else None), list(of_place)

    def _pack(self, key: int, chunk: Chunk | None, rows: list[VectorRow]) -> list[VectorRow]:
        """Put rows into a chunk of their own, or into one that is there. Returns them if that worked."""
        if chunk is None:
            self.add_chunk(key, rows)
            return rows
        return rows if self.merge_late(key, chunk, rows) else []
