"""A file of 0.1 is brought over whole, at whatever moment the program that does it is killed, and killed again."""

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest
from boards import FACTS
from buddywatch.store import database, journal_migration, migrations
from buddywatch.store.store import Store, StoreError

pytestmark = pytest.mark.slow  # hundreds of kills
ROWS = 20  # of each board
TICK = 300  # instructions of SQLite's machine between two moments within statements


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(journal_migration, "STEP_ROWS", 7)


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A database as 0.1 left it: step 1 of the schema alone, pages of 4 kB, something in every table."""
    path = tmp_path_factory.mktemp("released") / "a.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        migrations.migrate(db, last=1)
        for boot, board in enumerate(("xp", "yp"), 1):
            fill(db, boot, board)
        assert db.execute("PRAGMA page_size").fetchone() == (4096,)
        empty = [name for (name,) in tables(db) if not db.execute(f"SELECT count(*) FROM {name}").fetchone()[0]]
        assert not empty
    assert not path.with_name("a.db-wal").exists()
    return path


def fill(db, boot, board):
    facts = json.dumps({**FACTS, "name": board})
    for seq in range(1, ROWS + 1):
        vector = "[1," if (boot, seq) == (2, 9) else json.dumps([500 * seq, *[seq % 7] * 19])
        db.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", (boot, seq, seq, 5000 * seq, 5000 * seq, vector))
    for table, *values in (
        ("boots", boot, board, "0000b001", boot, 1000, "first", facts),
        ("events", boot, board, boot, boot, 99, 9, 9, "alloc", 61440, 1, "rm", "text", 0),
        ("gaps", boot, 200, 207, "overwritten", 5),
        ("console", boot, board, 5, "text"),
        ("links", board, "tcp://192.0.2.1:1", 1, 5),
        ("judged", board, boot, 12),
        ("incidents", boot, board, "refused", "rm", "critical", "firing", 5, None, "t", None, None),
        ("rule_states", board, "refused", "rm", "firing", 2, boot),
        ("transitions", boot, boot, board, "refused", "rm", "ok", "firing", "critical", 5, 5, "b", 3, 9, "t", 0, 0),
        ("silences", boot, board, "", "", 5, 6, "why"),
        ("outbox", boot, "mail", 5, board, "s", "b", "<m>", "", "{}", "waiting", 0, 5, None, None, None),
    ):
        db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


def tables(db):
    return db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall()


def content(path):
    """All rows of all tables; the times at which steps were taken differ."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not db.execute("PRAGMA foreign_key_check").fetchall()
        found = {name: db.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables(db)}
    found["migrations"] = [row[:2] for row in found["migrations"]]
    return found


class Moments:
    """Counts what SQLite does on the connections of this process, and ends it at one moment."""

    def __init__(self, last=None):
        self.passed, self._last = 0, last

    def connect(self, *arguments, **options):
        connection = sqlite3_connect(*arguments, **options)
        connection.set_trace_callback(self.passes)
        connection.set_progress_handler(self.passes, TICK)
        return connection

    def passes(self, *_):
        if self.passed == self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1
        return 0


sqlite3_connect = sqlite3.connect


def opened(path, monkeypatch, last=None):
    """Open the database in a process of its own that is killed at this moment. How many it passed; None: killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        moments = Moments(last)
        monkeypatch.setattr(database.sqlite3, "connect", moments.connect)
        Store.open(path).close()
        os.write(writing, str(moments.passed).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        passed = told.read()
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return int(passed) if passed else None


def copied(released, path):
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shutil.copy(released, path)


def test_a_kill_at_any_moment_leaves_what_is_brought_over_by_the_next_start(released, tmp_path, monkeypatch):
    whole, path = tmp_path / "whole.db", tmp_path / "a.db"
    copied(released, whole)
    moments = opened(whole, monkeypatch)
    assert moments > 150
    expected = content(whole)
    assert sum(row[4] for row in expected["journal"]) == 2 * ROWS
    killed = 0
    for moment in range(moments):
        copied(released, path)
        killed += opened(path, monkeypatch, moment) is None
        opened(path, monkeypatch, moment % 41)  # while it goes on, and early
        Store.open(path).close()
        assert content(path) == expected, f"killed at moment {moment} of {moments}"
    assert killed == moments


def test_a_reader_of_a_half_moved_file_is_told_in_one_line(released, tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    copied(released, path)
    moments = opened(tmp_path / "new.db", monkeypatch)
    halves = 0
    for moment in range(0, 3 * moments, 25):
        copied(released, path)
        if opened(path, monkeypatch, moment) is not None:
            break
        try:
            Store.open_readonly(path).close()
        except StoreError as error:
            assert "`buddywatch collect` brings it up to date" in str(error) and "\n" not in str(error)
            halves += 1
    assert halves > 3


def test_kills_in_a_row_come_to_an_end(released, tmp_path, monkeypatch):
    """Each start goes on behind what the ones before it did."""
    path, starts = tmp_path / "a.db", 1
    copied(released, path)
    moments = opened(tmp_path / "new.db", monkeypatch)
    while opened(path, monkeypatch, moments) is None:
        starts += 1
        assert starts < 50
    assert starts > 1
    assert sum(row[4] for row in content(path)["journal"]) == 2 * ROWS
