"""The store: one SQLite file (write-ahead log) with the data of all boards, the rules' states and alerts, the outbox.

One process writes the boards' data; others may read, and send messages of the outbox, at the same time. A Store
belongs to the thread that opened it. Database errors are raised as a StoreError of one line.
"""

from __future__ import annotations

import os
from typing import Self

from buddywatch.store.batch import BatchStore
from buddywatch.store.database import BUSY_S, StoreBusy, StoreError, StoreFull, connect
from buddywatch.store.log_bound import LogBoundStore
from buddywatch.store.outbox import OutboxStore
from buddywatch.store.parts import PartStore

__all__ = ["Store", "StoreBusy", "StoreError", "StoreFull"]


class Store(BatchStore, OutboxStore, PartStore, LogBoundStore):
    """Write with `with store.batch():`; a write outside of one is a batch of its own."""

    @classmethod
    def open(cls, path: str | os.PathLike[str], busy_s: float = BUSY_S) -> Self:
        """Open the store at `path`, or create it in an existing folder; update its schema. StoreError."""
        return cls(os.fspath(path), connect(os.fspath(path), read_only=False, busy_s=busy_s))

    @classmethod
    def open_readonly(cls, path: str | os.PathLike[str], busy_s: float = BUSY_S) -> Self:
        """Open the store at `path` read-only. StoreError, also if it does not exist."""
        return cls(os.fspath(path), connect(os.fspath(path), read_only=True, busy_s=busy_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
