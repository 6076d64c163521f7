"""Other programs read, and the log beside the database stays short, or somebody is told. Real processes, real locks."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from boards import boot, snapshot
from buddywatch.store import log_bound
from buddywatch.store.store import Store
from runner import ENV

SMALL = 150_000
READS_ONCE = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN")
db.execute("SELECT count(*) FROM boots").fetchone()
print("reads", flush=True)
sys.stdin.read()
"""
# One of two is always in the middle of reading, and neither for long.
READS_IN_TURN = """
import sqlite3, sys, threading
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
both = [sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60) for _ in range(2)]
def begin(db):
    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM journal").fetchone()
begin(both[0])
print("reads", flush=True)
while not ended.wait(0.002):
    begin(both[1])
    both[0].execute("ROLLBACK")
    both.reverse()
"""


@contextmanager
def beside(code, path):
    """Another process, which reads until this ends."""
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert reader.stdin is not None and reader.stdout is not None
    try:
        assert reader.stdout.readline() == b"reads\n"
        yield reader
        assert reader.poll() is None
    finally:
        reader.stdin.close()
        reader.wait(60)
        reader.stdout.close()


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(log_bound, "RESTART_BYTES", SMALL)
    monkeypatch.setattr(log_bound, "MANY_BYTES", 2 * SMALL)
    monkeypatch.setattr(log_bound, "PAUSE_MAX_S", 0.0)
    monkeypatch.setattr(log_bound.LogBoundStore, "_pause_s", 0.0)
    with Store.open(tmp_path / "a.db") as store:
        store.add_boot("xp", boot())
        yield store


def log_bytes(store):
    return os.path.getsize(f"{store.path}-wal")


def write(store, first, count, *, is_bound):
    """The longest that the log was."""
    longest = 0
    for seq in range(first, first + count):
        store.add_snapshot("xp", snapshot(seq))
        if is_bound:
            store.bound_log()
        longest = max(longest, log_bytes(store))
    return longest


@pytest.mark.parametrize("is_bound", [True, False])
def test_many_short_readers_do_not_keep_the_log_from_being_taken_over(store, monkeypatch, is_bound):
    monkeypatch.setattr(log_bound, "WAIT_MS", 60_000)  # however slow this machine is
    store._run("PRAGMA wal_autocheckpoint = 20")
    with beside(READS_IN_TURN, store.path):
        longest = write(store, 1, 400, is_bound=is_bound)
    assert longest < 2 * SMALL if is_bound else longest > 4 * SMALL
    assert store.snapshot_count("xp") == 400


def test_a_reader_that_stays_is_told_once_the_writer_goes_on_and_the_log_shrinks_when_it_ends(
    store, monkeypatch, capsys
):
    monkeypatch.setattr(log_bound, "WAIT_MS", 1)
    with beside(READS_ONCE, store.path):
        assert write(store, 1, 300, is_bound=True) > 2 * SMALL
        assert store.snapshot_count("xp") == 300
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"buddywatch: {store.path}-wal: more than") and line.endswith("the log shrinks again")
    assert log_bytes(store) > 2 * SMALL
    write(store, 301, 1, is_bound=True)
    assert log_bytes(store) == 0
    assert capsys.readouterr().err == ""


def test_attempts_become_rare_while_a_reader_stays(store, monkeypatch):
    monkeypatch.setattr(log_bound, "WAIT_MS", 1)
    monkeypatch.setattr(log_bound, "PAUSE_MAX_S", 3600.0)
    store._pause_s = 1800.0
    attempts = []
    restart = store._restart_log
    monkeypatch.setattr(store, "_restart_log", lambda: attempts.append(1) or restart())
    with beside(READS_ONCE, store.path):
        write(store, 1, 200, is_bound=True)
    assert attempts == [1] and store._pause_s == 3600.0


def test_an_answer_that_nobody_reads_on_does_not_hold_the_log(store):
    """As behind a pager: it was asked for more than a pipe holds."""
    store.add_snapshots("xp", map(snapshot, range(1, 3000)))
    asked = [sys.executable, "-m", "buddywatch", "--db", store.path, "sql", "SELECT * FROM snapshots"]
    with subprocess.Popen(asked, env=ENV, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline().startswith(b"board,boot_id,first_seq")
        reader.stdout.readline()  # its rows are on their way, and it waits
        write(store, 3000, 10, is_bound=False)
        assert store._row("PRAGMA wal_checkpoint(TRUNCATE)") == (0, 0, 0)
        assert reader.poll() is None
        assert sum(1 for _ in reader.stdout) == 2998
