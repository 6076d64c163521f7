"""The database file: opens it, runs transactions, explains errors. Its schema is in migrations.py."""

from __future__ import annotations

import os
import shlex
import sqlite3
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from buddywatch.store import migrations
from buddywatch.store.damage import DamageReports

BUSY_S = 10.0  # how long to wait for another process's transaction; the longest of ours takes well under a second

# Of new files. A page is the least that a transaction writes, and a chunk wastes half of one: a day at 1 Hz took
# 2.9 bytes a snapshot with 1 kB and 5.4 with 4 kB.
PAGE_BYTES = 1024
LOG_BYTES = 4 << 20
_HEADER_BYTES = 100  # sqlite.org/fileformat2.html, 1.3
_Values = Sequence[str | bytes | int | float | None]


class StoreError(Exception):
    """One line: the file, what is wrong with it, what to do."""


class StoreFull(StoreError):
    """The disk is full. Nothing of the batch was stored; the next write succeeds as soon as there is room."""


class StoreDamaged(StoreError):
    """A page of the file is damaged. What lies on other pages can be read and written."""


class StoreBusy(StoreError):
    """Another process locked the database for longer than BUSY_S. Nothing of the batch was stored; try again."""


class Database:
    """One connection, for the thread that opened it. damage: told of each unreadable row."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.damage = DamageReports(_to_stderr)
        self._connection = connection

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction: if anything inside fails, nothing is stored. A batch inside another joins the outer one."""
        if self._connection.in_transaction:
            yield
            return
        self._run("BEGIN IMMEDIATE")
        try:
            self._begun()
            yield
            self._run("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def data_version(self) -> int:
        """It changes whenever another connection has changed the database."""
        row = self._row("PRAGMA data_version")
        return 0 if row is None else int(row[0])

    def close(self) -> None:
        self._connection.close()

    def read_anew(self) -> None:
        """Another connection has removed rows, whose numbers may be used again: empty the caches."""
        self._forget()

    def _roll_back(self) -> None:
        """Undo the batch. When the disk is full, SQLite has already done it."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._forget()

    def _begun(self) -> None:
        """A batch begins: from here on no other connection writes."""

    def _forget(self) -> None:
        """Empty the caches: they may hold rows of a batch that was rolled back."""

    def _report_damage(self, row: str, why: str, remedy: str) -> None:
        """Report once that a row cannot be read and is left out, and what to do about it."""
        self.damage.add(self.path, row, why, remedy)

    def _removal(self, table: str, condition: str) -> str:
        """The remedy for a damaged row: the command that removes it."""
        return f'to remove it: sqlite3 {shlex.quote(self.path)} "DELETE FROM {table} WHERE {condition}"'

    def _run(self, sql: str, values: _Values = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error

    def _run_many(self, sql: str, rows: Iterable[_Values]) -> int:
        """Run a statement for each row; returns how many rows of the table it changed."""
        try:
            return self._connection.executemany(sql, rows).rowcount
        except sqlite3.DatabaseError as error:
            raise explained(error, self.path) from error

    def _rows(self, sql: str, values: _Values = ()) -> Generator[tuple[Any, ...], None, None]:
        """The rows of a query, one at a time: a table may hold years."""
        cursor = self._run(sql, values)
        while True:
            try:
                row = cursor.fetchone()
            except sqlite3.DatabaseError as error:
                raise explained(error, self.path) from error
            if row is None:
                return
            yield row

    def _row(self, sql: str, values: _Values = ()) -> tuple[Any, ...] | None:
        rows = self._rows(sql, values)
        try:
            return next(rows, None)
        finally:
            rows.close()  # an open query would keep SQLite from moving the write-ahead log into the file


def connect(path: str, read_only: bool, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """A connection to the database at `path`, its schema brought up to date. Raises StoreError."""
    if read_only:
        _check_there(path)
    check_file(path)
    try:
        # The URI keeps a "?" in the path from being read as an option.
        uri = Path(path).absolute().as_uri() + ("?mode=ro" if read_only else "")
        connection = sqlite3.connect(uri, uri=True, timeout=busy_s, isolation_level=None)
        # Text that is not UTF-8 may only cost its own row; Python's default fails the whole query.
        connection.text_factory = _text
        try:
            _prepare(connection, path, read_only)
        except BaseException:
            connection.close()
            raise
        return connection
    except sqlite3.DatabaseError as error:
        raise explained(error, path) from error


def _check_there(path: str) -> None:
    try:
        os.stat(path)
    except PermissionError:
        raise StoreError(f"{path}: no permission to look there; join the group of its folder, or become root") from None
    except OSError:
        text = "no such file; run `buddywatch collect` first, or name the database with --db"
        raise StoreError(f"{path}: {text}") from None


def check_file(path: str) -> None:
    """StoreError if SQLite must not even look at what lies there."""
    _check_kind(path)
    _check_size(path)


def _check_kind(path: str) -> None:
    """Refuse a FIFO and the like: opening one waits for the other end, for ever if nobody comes."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise StoreError(f"{path}: a FIFO, socket or device, expected a file; name a file with --db")


def _check_size(path: str) -> None:
    """Refuse a file that is shorter than a header: SQLite would take it for an empty one and overwrite it.

    The file is not opened here: closing it would drop all locks that this process holds on it, and another program
    that ends would then delete the log that we write to (sqlite.org/howtocorrupt.html, 2.2).
    """
    if os.path.isfile(path) and 0 < os.stat(path).st_size < _HEADER_BYTES:
        raise _not_a_database(path)


def check_version(connection: sqlite3.Connection, path: str) -> int:
    """The version of the schema, 0 for an empty file. StoreError if the file is not ours, or of a newer program."""
    version, newest = migrations.schema_version(connection), len(migrations.MIGRATIONS)
    if version is None:
        raise StoreError(f"{path}: a database of another program; name another file with --db")
    if version > newest:
        raise StoreError(
            f"{path}: schema {version}, this buddywatch knows up to {newest}; use the newer buddywatch that wrote it"
        )
    return version


def _prepare(connection: sqlite3.Connection, path: str, read_only: bool) -> None:
    version, newest = check_version(connection, path), len(migrations.MIGRATIONS)
    if read_only:
        if version == 0:
            raise StoreError(f"{path}: empty; run `buddywatch collect` first, or name the database with --db")
        if version < newest:
            raise StoreError(f"{path}: schema {version}, expected {newest}; `buddywatch collect` brings it up to date")
        return
    if version == 0:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last batches, never half of one
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")  # a log that a reader held open shrinks afterwards
    connection.execute("PRAGMA foreign_keys = ON")
    migrations.migrate(connection, lambda line: _to_stderr(f"{path}: {line}"))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _to_stderr(line: str) -> None:
    print(f"buddywatch: {line}", file=sys.stderr, flush=True)


def explained(error: sqlite3.DatabaseError, path: str) -> Exception:
    """The error as a StoreError; unchanged if the program is at fault and not the file."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
        return error
    code &= 0xFF  # the primary code; the higher bits are details
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _disk_is_full(path)):
        return StoreFull(f"{path}: disk full, nothing of the last batch was kept; make room on that disk")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"{path}: locked by another program; end it, or try again")
    if code == sqlite3.SQLITE_NOTADB:
        return _not_a_database(path)
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamaged(
            f"{path}: damaged ({error}); end `collect`, then `buddywatch db repair` saves what can be read"
        )
    if code == sqlite3.SQLITE_CANTOPEN or os.path.isdir(path):  # read-only, a folder can be opened and fails later
        return StoreError(f"{path}: {_why_not_opened(path)}")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return StoreError(
            f"{path}: no permission to write; make the file and its folder yours, or choose another with --db"
        )
    return StoreError(f"{path}: {error}; check the disk, or name another file with --db")


def _not_a_database(path: str) -> StoreError:
    return StoreError(f"{path}: not a database; move it away, or name another file with --db")


def _why_not_opened(path: str) -> str:
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        return "a folder, expected a file; name a file with --db"
    if not os.path.isdir(folder):
        return f"the folder does not exist; create it: mkdir -p {folder}"
    if _disk_is_full(path):
        return "disk full; make room on that disk"
    return "cannot be opened; make the file and its folder yours, or choose another with --db"


def _disk_is_full(path: str) -> bool:
    """True if the disk is full: SQLite reports an I/O error when it cannot create the log's index there."""
    try:
        return os.statvfs(os.path.dirname(os.path.abspath(path))).f_bavail == 0
    except OSError:
        return False
