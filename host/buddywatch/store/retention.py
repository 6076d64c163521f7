"""Removes what is older than it must be kept, in steps of a few milliseconds, each one transaction.

Of old snapshots first their rows go: summaries stay, and roll-ups are made. Later the summaries go,
and the roll-ups of 15 minutes. Roll-ups of a day stay.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial

from buddywatch.config.sections import Storage
from buddywatch.model.batch import VectorRow
from buddywatch.store import summary_format
from buddywatch.store.database import StoreDamaged
from buddywatch.store.rows import Chunk
from buddywatch.store.rules import RulesStore
from buddywatch.store.summaries import DAY_S, QUARTER_S

_CHUNK = "c.id, c.first_seq, c.last_seq, c.first_ms, c.last_ms, c.samples"
QUARTER_SAMPLES = 25  # with fewer, a roll-up takes more than its snapshots
_ROWS = 500  # that one step deletes
_RAW = """SELECT id FROM chunks INDEXED BY chunks_raw WHERE body IS NOT NULL AND last_ms < ? ORDER BY last_ms"""
# The newest chunk of each board stays: commands show the last known state of a board that is gone, too.
_IS_NOT_NEWEST = """SELECT 1 FROM chunks c JOIN boots b ON b.id = c.boot WHERE c.id = ?
    AND EXISTS (SELECT 1 FROM chunks d JOIN boots e ON e.id = d.boot
        WHERE e.board = b.board AND (d.boot > c.boot OR (d.boot = c.boot AND d.last_seq > c.last_seq)))"""
_FOREVER_MS = 2**62


class RetentionStore(RulesStore):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._oldest: int | None = None  # the chunk whose rows are being removed
        self._damaged: set[int] = set()  # chunks whose rows cannot be removed

    def expire_for(self, limit_s: float, storage: Storage, now: float) -> bool:
        """Remove what is too old, until it has taken so long. Returns whether more is due."""
        deadline_s = time.monotonic() + limit_s
        for step in self._expiry(storage, now):
            while self._did(step):
                if time.monotonic() >= deadline_s:
                    return True
        return False

    def _did(self, step: Callable[[], bool]) -> bool:
        """Take a step. What lies on a damaged page stays, and is said once."""
        try:
            return step()
        except StoreDamaged as error:
            self.damage.notice(str(error))
            if self._oldest is not None:
                self._damaged.add(self._oldest)
            return self._oldest is not None

    def used_bytes(self) -> int:
        """Of the file, without pages that are free for new rows."""
        names = ("page_count", "freelist_count", "page_size")
        pages, free, page_bytes = (int((self._row(f"PRAGMA {name}") or (0,))[0]) for name in names)
        return (pages - free) * page_bytes

    def raw_since(self) -> float | None:
        """When the oldest snapshot was made whose row is in a chunk."""
        row = self._row(
            "SELECT first_ms FROM chunks INDEXED BY chunks_raw WHERE body IS NOT NULL ORDER BY last_ms LIMIT 1"
        )
        return None if row is None else row[0] / 1000

    def _expiry(self, storage: Storage, now: float) -> Iterator[Callable[[], bool]]:
        def before_ms(keep_s: int) -> int:
            return round((now - keep_s) * 1000)

        yield partial(self._expire_raw, before_ms(storage.keep_raw_s))
        yield partial(self._expire_summaries, before_ms(storage.keep_rollups_s))
        yield partial(self._expire_events, before_ms(storage.keep_events_s))
        yield partial(self._expire_incidents, before_ms(storage.keep_events_s))
        if storage.max_bytes:
            yield partial(self._shrink, storage.max_bytes)

    def _shrink(self, max_bytes: int) -> bool:
        """Remove the oldest rows of snapshots, then the oldest summaries, while the file holds more than max_bytes."""
        if self.used_bytes() <= max_bytes:
            return False
        if self._expire_raw(_FOREVER_MS) or self._expire_summaries(_FOREVER_MS):
            self.damage.notice(
                f"{self.path}: max_bytes is reached: the oldest snapshots become roll-ups before their time"
            )
            return True
        return False

    def _expire_raw(self, before_ms: int) -> bool:
        with self.batch():
            chunk_id = self._oldest_raw(before_ms)
            if chunk_id is None:
                return False
            *values, key = self._row(f"SELECT {_CHUNK}, boot FROM chunks c WHERE id = ?", (chunk_id,)) or ()
            chunk = Chunk(*values)
            if self._layout(key) is not None and not self._stored_summaries(key, chunk):
                found = self.summarize(key, [VectorRow("", *row) for row in self._packed(key, chunk) if row[3]])
                blob = summary_format.encode(found) if found else None
                self._run("UPDATE chunks SET summary = ? WHERE id = ?", (blob, chunk.id))
            self.roll_up(key, DAY_S, chunk.first_ms, chunk.last_ms)
            if chunk.samples * QUARTER_S * 1000 > QUARTER_SAMPLES * (chunk.last_ms - chunk.first_ms):
                self.roll_up(key, QUARTER_S, chunk.first_ms, chunk.last_ms)
            self._run("UPDATE chunks SET body = NULL WHERE id = ?", (chunk.id,))
            self._decoded.clear()
        return True

    def _oldest_raw(self, before_ms: int) -> int | None:
        """The oldest chunk whose rows can go. The index has their ids: no damaged page hides those on others."""
        self._oldest = None
        for (chunk_id,) in self._rows(_RAW, (before_ms,)):
            if chunk_id not in self._damaged:
                self._oldest = chunk_id
                if self._row(_IS_NOT_NEWEST, (chunk_id,)) is not None:
                    return int(chunk_id)
        self._oldest = None
        return None

    def _expire_summaries(self, before_ms: int) -> bool:
        oldest = "SELECT id FROM chunks INDEXED BY chunks_retired WHERE body IS NULL AND last_ms < ? ORDER BY last_ms"
        quarters = (
            "SELECT boot, step_s, time_ms FROM rollups INDEXED BY rollups_by_time WHERE step_s = ? AND time_ms < ?"
        )
        with self.batch():
            gone = self._run(f"DELETE FROM chunks WHERE id IN ({oldest} LIMIT {_ROWS // 10})", (before_ms,)).rowcount
            sql = f"DELETE FROM rollups WHERE (boot, step_s, time_ms) IN ({quarters} LIMIT {_ROWS})"
            gone += self._run(sql, (QUARTER_S, before_ms)).rowcount
        return gone > 0

    def _expire_events(self, before_ms: int) -> bool:
        """Events and gaps of boots that are over, and messages that were sent."""
        over = "boot IN (SELECT id FROM boots WHERE board = ?1 AND id < (SELECT max(id) FROM boots WHERE board = ?1))"
        of_boards = (
            f"events WHERE id IN (SELECT id FROM events WHERE board = ?1 AND time_ms < ?2 AND {over} LIMIT {_ROWS})",
            f"gaps WHERE time_ms < ?2 AND {over}",
        )
        gone = 0
        for board in self.boards():
            with self.batch():
                for sql in of_boards:
                    gone += self._run(f"DELETE FROM {sql}", (board, before_ms)).rowcount
        with self.batch():
            sent = f"SELECT id FROM outbox WHERE state = 'sent' AND sent_ms < ? LIMIT {_ROWS}"
            gone += self._run(f"DELETE FROM outbox WHERE id IN ({sent})", (before_ms,)).rowcount
        return gone > 0

    def _expire_incidents(self, before_ms: int) -> bool:
        """Alerts that ended, with what the rules noted about them. The newest stays, so that no number comes twice."""
        ended = """SELECT id FROM incidents i WHERE closed_ms < ? AND id < (SELECT max(id) FROM incidents)
            AND NOT EXISTS (SELECT 1 FROM rule_states WHERE incident = i.id)
            AND NOT EXISTS (SELECT 1 FROM transitions WHERE incident = i.id AND told = 0) LIMIT ?"""
        alone = "SELECT id FROM transitions WHERE incident IS NULL AND noted_ms < ? AND told = 1 LIMIT ?"
        with self.batch():
            ids = list(self._rows(ended, (before_ms, _ROWS // 10)))
            for table, column in (("transitions", "incident"), ("acknowledgements", "incident"), ("incidents", "id")):
                self._run_many(f"DELETE FROM {table} WHERE {column} = ?", ids)
            gone = self._run(f"DELETE FROM transitions WHERE id IN ({alone})", (before_ms, _ROWS)).rowcount
        return bool(ids) or gone > 0
