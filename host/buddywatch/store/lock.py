"""The lock of the one process that may judge what a database holds, or put another file in its place."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from buddywatch.store.database import StoreError


@contextmanager
def alone(db: Path) -> Iterator[None]:
    """Lock the database: two collectors would both judge, and both send mail. The lock ends with the process."""
    busy = f"{db}: another `buddywatch collect` runs on it; end that, or choose another with --db"
    with _locked(db, ".lock", busy):
        yield


@contextmanager
def alone_as_bridge(db: Path, name: str) -> Iterator[None]:
    """Lock a bridge of the database: two processes would both push the same."""
    busy = f"bridge {name}: another process pushes already; `collect` does so for each [[bridge]]"
    with _locked(db, f".bridge-{name}.lock", busy):
        yield


@contextmanager
def _locked(db: Path, ending: str, busy: str) -> Iterator[None]:
    path = db.with_name(db.name + ending)
    try:
        db.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; make its folder yours, or choose another with --db") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(busy) from error
        yield
    finally:
        os.close(descriptor)
