"""Writes to the store in its own thread (see supervision.py): the loop gives it a batch, and never waits for the disk
or for a lock.

A batch that cannot be written (a full disk, another program's lock) stays here and is tried again until it is written;
meanwhile the loop gathers the next one. The same thread plans messages and packs snapshots after each batch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from buddywatch.config.sections import Storage
from buddywatch.model.batch import Batch
from buddywatch.store import care
from buddywatch.store.database import StoreDamaged
from buddywatch.store.store import Store, StoreError

RETRY_S = 2.0
TIDY_S = 0.05  # after each batch
EXPIRE_EVERY_S = 60.0  # and after each batch while something is left to remove
BUSY_S = 1.0  # how long one attempt waits for another program's lock


class Planner(Protocol):
    """Makes the messages that are due; returns how many."""

    def run(self, now: float) -> int: ...


class Writer:
    """error: why the last batch could not be written, None if it was.

    new_planner(store): makes the planner that runs after each batch. wake_outbox: called after new messages.
    storage: how long what is stored is kept; None: for ever.
    """

    def __init__(
        self,
        db: Path,
        new_planner: Callable[[Store], Planner],
        wake_outbox: Callable[[], None] = lambda: None,
        storage: Storage | None = None,
    ) -> None:
        self.error: str | None = None
        self._db = db
        self._new_planner = new_planner
        self._wake_outbox = wake_outbox
        self._storage = storage
        self._expired_s = -EXPIRE_EVERY_S  # by the steady clock: when what is too old was removed last
        self._store: Store | None = None
        self._planner: Planner | None = None
        self._batch: Batch | None = None
        self._refused: list[tuple[str, str]] = []  # (board, why) of rows that can never be stored
        self._failures = 0  # attempts that failed
        self._is_urgent = False  # the next attempt shall begin at once
        self._stopping = False
        self._changed = threading.Condition()

    @property
    def is_idle(self) -> bool:
        """True if offer() would accept a batch."""
        with self._changed:
            return self._batch is None

    def holds(self, board: str) -> bool:
        """True while rows of the board are being written."""
        with self._changed:
            return self._batch is not None and self._batch.holds(board)

    def offer(self, batch: Batch) -> bool:
        """Give a batch to the writer, which then owns it. False if the one before is not written yet."""
        with self._changed:
            if self._batch is not None or self._stopping:
                return False
            self._batch = batch
            self._changed.notify_all()
            return True

    def refused(self) -> list[tuple[str, str]]:
        """Boards whose rows can never be stored, with the reason; each once. The rows are dropped."""
        with self._changed:
            refused, self._refused = self._refused, []
            return refused

    def finish(self, patience_s: float) -> bool:
        """Wait for the batch being written, and begin the next attempt at once. False if that failed, or took longer.

        So another program's lock delays the end of the collector by one attempt, and a slow disk by patience_s.
        """
        with self._changed:
            failures, self._is_urgent = self._failures, True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._batch is None or self._failures > failures, patience_s)
            return self._batch is None

    def stop(self) -> None:
        """Make run() return. A batch that could not be written is dropped; the boards still hold its data."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def cut_short(self) -> None:
        """Nothing to do: an attempt ends after BUSY_S."""

    def run(self) -> None:
        """Write batches until stop(). After any exception the current batch is kept for the next call."""
        try:
            while (batch := self._next()) is not None:
                self._keep_trying(batch)
        finally:
            self._close()

    def _next(self) -> Batch | None:
        with self._changed:
            self._changed.wait_for(lambda: self._batch is not None or self._stopping)
            return None if self._stopping else self._batch

    def _keep_trying(self, batch: Batch) -> None:
        while not self._stopping:
            error = self._try(batch)
            with self._changed:
                self.error = error
                if error is None:
                    self._batch = None
                    self._changed.notify_all()
                    break
                self._failures, self._is_urgent = self._failures + 1, False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._stopping or self._is_urgent, RETRY_S)
        self._tidy()

    def _tidy(self) -> None:
        """Pack snapshots of earlier batches, and remove what is too old, for a moment."""
        with suppress(StoreError):  # a full disk, a lock: the next batch reports it
            if self._store is None or self._stopping:
                return
            self._store.pack_for(TIDY_S)
            self._store.bound_log()
            if self._storage is None or time.monotonic() - self._expired_s < EXPIRE_EVERY_S:
                return
            if not self._store.expire_for(TIDY_S, self._storage, time.time()):
                self._expired_s = time.monotonic()

    def _try(self, batch: Batch) -> str | None:
        """Write the batch and plan messages; returns why that failed, or None."""
        try:
            store, planner = self._opened()
            self._write(store, batch)
            if planner.run(time.time()):
                self._wake_outbox()
        except StoreError as error:
            return str(error)
        except Exception as error:  # a defect that shows in one batch must not stop the writing of others
            self._close()
            return f"{self._db}: {type(error).__name__}: {error}; this is a defect of buddywatch: please report it"
        return None

    def _write(self, store: Store, batch: Batch) -> None:
        try:
            store.write(batch)
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, StoreDamaged):
                raise
            # A row does not fit, or its place in the file is damaged: find its board, and store the rows of the others.
            for board in list(batch.boards):
                self._write_alone(store, batch, board)
            rest = Batch()
            rest.links, rest.healths, rest.urls, rest.moves = batch.links, batch.healths, batch.urls, batch.moves
            store.write(rest)
        batch.boards.clear()
        batch.links.clear()
        batch.moves.clear()
        self._remove(store, batch)

    def _remove(self, store: Store, batch: Batch) -> None:
        while batch.removals:
            removal = batch.removals[0]
            try:
                care.remove(store, removal.board, removal.before)
            except StoreDamaged as error:  # it would fail each time
                removal.problem = str(error)
            del batch.removals[0]

    def _write_alone(self, store: Store, batch: Batch, board: str) -> None:
        alone = Batch()
        alone.boards[board] = batch.boards[board]
        try:
            store.write(alone)
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, StoreDamaged):
                raise
            with self._changed:
                self._refused.append((board, f"{type(error).__name__}: {error}"))
        del batch.boards[board]

    def _opened(self) -> tuple[Store, Planner]:
        if self._store is None or self._planner is None:
            self._store = Store.open(self._db, BUSY_S)
            self._planner = self._new_planner(self._store)
        return self._store, self._planner

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = self._planner = None
