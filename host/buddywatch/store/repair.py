"""Makes a good database of a damaged one: copies all rows that can be read, and says which are lost.

The damaged file is only read. It is kept under another name, and the good one takes its place.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from buddywatch.store import care, chunk_format, migrations, summary_format
from buddywatch.store.care import Progress
from buddywatch.store.damage import DamageReports
from buddywatch.store.database import StoreDamaged, StoreError, check_file, check_version, explained
from buddywatch.store.read import seconds
from buddywatch.store.repair_copy import Copy, Loss, lose_chunk
from buddywatch.store.rows import Chunk
from buddywatch.store.store import Store

_COPIED, _PROVEN = 0.6, 0.9  # of the whole, when that is done


class Repaired(NamedTuple):
    """kept: where the damaged file lies now."""

    losses: list[Loss]
    kept: str


def repair(path: str, progress: Progress) -> Repaired | None:
    """Put a good file in the place of a damaged one. None: nothing is damaged. Nobody else may use it meanwhile.

    StoreError: it is not a database of ours, of a newer version, or of no use at all. The file is then as it was.
    """
    check_file(path)
    new = f"{path}.repairing"
    try:
        with closing(_opened(path)) as old:
            version = _version(old, path)
            if _is_sound(old, path, version):
                return None
            _remove(new)
            losses = Copy(old, new, version).run(lambda share: progress(share * _COPIED))
        losses += _proven(new, progress)
    except sqlite3.DatabaseError as error:
        _remove(new)
        why = explained(error, path)
        if isinstance(why, StoreDamaged):
            why = StoreError(
                f"{path}: where its tables lie cannot be read ({error}); use a backup (db backup makes one)"
            )
        raise why from error
    except BaseException:
        _remove(new)
        raise
    return Repaired(losses, _exchange(path, new))


def _opened(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(Path(path).absolute().as_uri() + "?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA writable_schema = ON")  # one damaged line of the schema must not hide the others
    return connection


def _version(old: sqlite3.Connection, path: str) -> int:
    """The schema's version; the newest where that cannot be read. StoreError if it is not ours."""
    try:
        return check_version(old, path)
    except sqlite3.DatabaseError:
        if old.execute("PRAGMA application_id").fetchone() != (migrations.APPLICATION_ID,):
            raise
        return len(migrations.MIGRATIONS)


def _is_sound(old: sqlite3.Connection, path: str, version: int) -> bool:
    try:
        if old.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
            return False
        if version < len(migrations.MIGRATIONS):
            return True
        with Store.open_readonly(path) as store:
            return not care.check(store, lambda share: None)
    except (sqlite3.DatabaseError, StoreError):
        return False


def _proven(path: str, progress: Progress) -> list[Loss]:
    """Bring the copy's schema up to date, and remove what is in it but cannot be read."""
    losses: list[Loss] = []
    with Store.open(path) as store:
        store.damage = DamageReports(lambda line: None)  # what they would say is told by board and time
        chunks = list(store._rows("SELECT id, first_seq, last_seq, first_ms, last_ms, samples, boot FROM chunks"))
        for number, (*values, boot) in enumerate(chunks):
            progress(_COPIED + (_PROVEN - _COPIED) * number / len(chunks))
            losses += _proven_chunk(store, boot, Chunk(*values))
        losses += _proven_journal(store)
        losses += [Loss("", problem) for problem in care.check(store, lambda share: None)]
        progress(_PROVEN)
        store._run("PRAGMA wal_checkpoint(TRUNCATE)")
        store._run("PRAGMA journal_mode = DELETE")  # so that no log lies beside it when it gets its name
    return losses


def _proven_chunk(store: Store, boot: int, chunk: Chunk) -> Iterator[Loss]:
    board, boot_id = store._row("SELECT board, boot_id FROM boots WHERE id = ?", (boot,)) or ("", "")
    span = (seconds(chunk.first_ms), seconds(chunk.last_ms))
    body, summary = store._row("SELECT body, summary FROM chunks WHERE id = ?", (chunk.id,)) or (None, None)
    rows = None
    with suppress(ValueError):
        rows = None if body is None else chunk_format.decode(boot_id, body)
    has_summary = False
    with suppress(ValueError):
        has_summary = summary is not None and bool(summary_format.decode(boot_id, summary))
    if rows is None and not has_summary:
        with store.batch():
            store._delete_chunks([chunk.id])
            lose_chunk(store._connection, boot, chunk.first_seq, chunk.last_seq, chunk.last_ms)
        yield Loss(board, f"{chunk.samples} snapshots", *span)
    elif rows is None and body is not None:
        store._run("UPDATE chunks SET body = NULL WHERE id = ?", (chunk.id,))
        yield Loss(board, f"{chunk.samples} snapshots, of which summaries are left", *span)
    elif rows is not None and not has_summary:
        found = store.summarize(boot, rows)
        blob = summary_format.encode(found) if found else None
        store._run("UPDATE chunks SET summary = ? WHERE id = ?", (blob, chunk.id))


def _proven_journal(store: Store) -> Iterator[Loss]:
    """Rows of the journal that cannot be read."""
    for boot, board in list(store._rows("SELECT id, board FROM boots")):
        if store._layout(boot) is None:
            continue
        bad = [
            old
            for old in store.segments_after(boot)
            if not all([store.is_readable(boot, row) for row in store.rows_of(boot, old)])
        ]
        store.drop_segments(boot, bad)
        if bad:
            times = [seconds(old.time_ms) for old in bad]
            yield Loss(board, f"{sum(old.samples for old in bad)} snapshots", min(times), max(times))


def _exchange(path: str, new: str) -> str:
    """Give the new file the name of the damaged one, which gets another. At no moment is neither of them there."""
    with open(new, "rb") as file:
        os.fsync(file.fileno())
    kept = _free_name(f"{path}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        os.rename(path, kept)
    # The log belongs to the damaged file: beside the new one, SQLite would play it into that.
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.rename(path + suffix, kept + suffix)
    os.replace(new, path)
    return kept


def _free_name(name: str) -> str:
    number, free = 1, name
    while os.path.exists(free):
        number, free = number + 1, f"{name}-{number}"
    return free


def _remove(path: str) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            os.unlink(path + suffix)
