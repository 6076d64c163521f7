"""`collect --plain` whose output is not read, as with a pager that was stopped: it stores all the same."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

from bench import store_sizes
from runner import ENV
from waiting import DEADLINE_S, wait_for


def full_pipe():
    """(reader, writer) of a pipe that takes nothing more."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"\n" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def snapshots(db):
    try:
        with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT total(samples) FROM journal").fetchone()[0]
    except sqlite3.OperationalError:  # not there yet
        return 0


def wait_for_more(process, db, than):
    def count():
        assert process.poll() is None
        stored = snapshots(db)
        return stored if stored > than else 0

    return wait_for(count, f"more than {than} snapshots in the store")


def test_frames_are_stored_while_nobody_reads_the_news(tmp_path):
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    lines = [bytes(line) + b"\n" for line in store_sizes.stream("cron-a").splitlines()]
    reader, writer = full_pipe()
    argv = [sys.executable, "-m", "buddywatch", "--db", db, "--config", config, "collect", "--plain", "-"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=writer, env=ENV)
    try:
        process.stdin.write(b"".join(lines[:500]))
        process.stdin.flush()
        stored = wait_for_more(process, db, 0)
        process.stdin.write(b"".join(lines[500:1000]))
        process.stdin.flush()
        wait_for_more(process, db, stored)
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reader)
        os.close(writer)
