"""Care for a database: sizes, a check of every row, a copy, packing all of it, removing a board."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import NamedTuple

from buddywatch.model.batch import VectorRow
from buddywatch.model.samples import milliseconds
from buddywatch.store.damage import DamageReports
from buddywatch.store.database import PAGE_BYTES, StoreError, explained
from buddywatch.store.pack import CHUNK_ROWS
from buddywatch.store.rows import Chunk
from buddywatch.store.store import Store

Progress = Callable[[float], None]  # the share that is done, 0 to 1
_BACKUP_PAGES = 4096  # between two calls of Progress
_ROW_BYTES = 20  # of a plain row beside its text, about


class BoardSize(NamedTuple):
    """snapshots: those whose rows are kept. bytes: of all that is stored of the board, about."""

    board: str
    snapshots: int
    bytes: int


def board_sizes(store: Store) -> list[BoardSize]:
    """The largest first."""
    chunks = """SELECT total(CASE WHEN body IS NULL THEN 0 ELSE samples END),
        total(coalesce(length(body), 0) + coalesce(length(summary), 0)) FROM chunks WHERE boot = ?"""
    journal = f"SELECT total(samples), total(length(body) + {_ROW_BYTES}) FROM journal WHERE boot = ?"
    events = f"SELECT 0, total(length(text) + 2 * {_ROW_BYTES}) FROM events WHERE boot = ?"
    found = []
    for board in store.boards():
        snapshots = size = 0.0
        for (key,) in list(store._rows("SELECT id FROM boots WHERE board = ?", (board,))):
            for sql in (chunks, journal, events):
                count, of_rows = store._row(sql, (key,)) or (0, 0)
                snapshots, size = snapshots + count, size + of_rows
        found.append(BoardSize(board, int(snapshots), int(size)))
    return sorted(found, key=lambda of: -of.bytes)


def file_bytes(path: str) -> dict[str, int]:
    """The size of the file and of the log beside it."""
    return {name: os.path.getsize(name) for name in (path, path + "-wal") if os.path.exists(name)}


def check(store: Store, progress: Progress) -> list[str]:
    """What is wrong with the database, one line each; reads all of it."""
    problems: list[str] = []
    for (line,) in store._rows("PRAGMA integrity_check(20)"):
        if line != "ok":
            problems.append(f"{store.path}: {line}")
    for table, row_id, parent, _ in store._rows("PRAGMA foreign_key_check"):
        problems.append(f"{store.path}: row {row_id} of {table} names a row of {parent} that does not exist")
    before, store.damage = store.damage, DamageReports(problems.append)
    try:
        boards = store.boards()
        for number, board in enumerate(boards):
            progress(number / len(boards))
            for _ in store.vectors(board):
                pass
            for _ in store.summaries(board):
                pass
    finally:
        store.damage = before
    return problems


def back_up(store: Store, path: str, progress: Progress) -> None:
    """Copy the database to a new file, also while a collector writes. StoreError if that file exists."""
    if os.path.exists(path):
        raise StoreError(f"{path}: exists already; name a new file")

    def tell(_: int, remaining: int, total: int) -> None:
        progress(1 - remaining / max(1, total))

    try:
        target = sqlite3.connect(path)
        try:
            store._connection.backup(target, pages=_BACKUP_PAGES, progress=tell)
        finally:
            target.close()
    except sqlite3.DatabaseError as error:
        raise explained(error, path) from error


def compact(store: Store, progress: Progress) -> None:
    """Pack what can be packed, and write the file anew without its free room. Nobody else may use it meanwhile."""
    (left,) = store._row("SELECT total(samples) FROM journal") or (0,)
    done = 0
    while store.pack_for(0.0):
        done += CHUNK_ROWS
        progress(min(0.9, done / max(1, left)))
    store.pack_all()
    progress(0.9)
    store._run("PRAGMA journal_mode = DELETE")  # in WAL mode the size of a page cannot change
    try:
        store._run(f"PRAGMA page_size = {PAGE_BYTES}")
        store._run("VACUUM")
    finally:
        store._run("PRAGMA journal_mode = WAL")


def remove(store: Store, board: str, before: float | None) -> None:
    """Remove what is stored of a board. before: only what is older, seconds since 1970; None: everything."""
    if before is None:
        forget(store, board)
    else:
        forget_before(store, board, before)


def forget(store: Store, board: str) -> None:
    """Remove all that is stored of a board."""
    boots = [key for (key,) in store._rows("SELECT id FROM boots WHERE board = ?", (board,))]
    incidents = [key for (key,) in store._rows("SELECT id FROM incidents WHERE board = ?", (board,))]
    tables = [name for (name,) in store._rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    with store.batch():
        store._run("PRAGMA defer_foreign_keys = ON")  # the tables go in any order
        for table in tables:
            columns = {row[1] for row in store._rows(f"PRAGMA table_info({table})")}
            for column, values in (("boot", boots), ("incident", incidents), ("board", [board])):
                if column in columns:
                    store._run_many(f"DELETE FROM {table} WHERE {column} = ?", [(value,) for value in values])
    store._forget()


def forget_before(store: Store, board: str, time: float) -> None:
    """Remove a board's snapshots, roll-ups, events, gaps and console text from before this time."""
    time_ms = milliseconds(time)
    with store.batch():
        for (key,) in list(store._rows("SELECT id FROM boots WHERE board = ?", (board,))):
            for chunk in list(_chunks_before(store, key, time_ms)):
                later = [VectorRow("", *row) for row in store._packed(key, chunk) if row[2] >= time_ms and row[3]]
                store._delete_chunks([chunk.id])
                if later:
                    store.add_chunk(key, later)
            store.forget_journal_before(key, time_ms)
            for table in ("rollups", "gaps"):
                store._run(f"DELETE FROM {table} WHERE boot = ? AND time_ms < ?", (key, time_ms))
        for table in ("events", "console"):
            store._run(f"DELETE FROM {table} WHERE board = ? AND time_ms < ?", (board, time_ms))
        store.sum_losses(board)
    store._forget()


def _chunks_before(store: Store, key: int, time_ms: int) -> Iterator[Chunk]:
    sql = "SELECT id, first_seq, last_seq, first_ms, last_ms, samples FROM chunks WHERE boot = ? AND first_ms < ?"
    return (Chunk(*row) for row in store._rows(sql, (key, time_ms)))
