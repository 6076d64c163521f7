"""A part that ends is restarted, reported, and shown in `status`; with real threads and a real store."""

import os
import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from buddywatch.collect.supervision import Supervised
from buddywatch.model.health import RESTARTING, RUNNING, STOPPED
from buddywatch.store import database
from buddywatch.store.store import Store
from runner import Runner
from waiting import DEADLINE_S, wait_for


class Frail:
    """A part that ends by these errors, one after the other, and then runs until it is stopped."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.runs = 0
        self.end = threading.Event()
        self.running = threading.Event()

    def run(self):
        self.runs += 1
        if self.errors:
            error = self.errors.pop(0)
            if error is None:
                return
            raise error
        self.running.set()
        self.end.wait()

    def stop(self):
        self.end.set()

    def cut_short(self):
        self.end.set()


@pytest.fixture
def db(tmp_path):
    Store.open(tmp_path / "buddywatch.db").close()
    return tmp_path / "buddywatch.db"


def health(db):
    with Store.open_readonly(db) as store:
        return store.part("mail")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(ValueError("bad\nrow"), "ValueError: bad row (test_supervision.py:", id="exception"),
        pytest.param(SystemExit(3), "SystemExit: 3", id="exit"),
        pytest.param(None, "it ended without an error", id="return"),
    ],
)
def test_a_part_that_ends_is_started_again_and_told_once(db, error, words):
    reports, part = [], Frail(error)
    thread = Supervised("mail", part, db, reports.append)
    thread.start()
    assert part.running.wait(DEADLINE_S)
    wait_for(lambda: health(db).state == RUNNING, "the part to run")
    now = health(db)
    assert (now.restarts, part.runs) == (1, 2)
    assert now.last_error.startswith(words) and now.last_error_at <= now.since
    (report,) = reports
    assert report.startswith(f"mail stopped: {words}") and "started again in 1 s" in report
    thread.stop()
    assert (health(db).state, health(db).restarts) == (STOPPED, 1)


def test_the_time_between_restarts_grows(db):
    part = Frail(ValueError(), ValueError())
    reports = []
    thread = Supervised("mail", part, db, reports.append)
    thread.start()
    wait_for(lambda: len(reports) == 2, "two reports")
    assert "in 2 s" in reports[1]
    assert health(db).state == RESTARTING
    thread.stop()  # does not wait for the restart


def test_a_terminal_and_a_store_that_fail_do_not_end_the_supervision(tmp_path):
    def broken(line):
        raise BrokenPipeError

    part = Frail(ValueError())
    thread = Supervised("mail", part, tmp_path / "no-folder" / "x.db", broken)
    thread.start()
    assert part.running.wait(DEADLINE_S)
    thread.stop()


def test_status_shows_a_part_that_had_to_be_restarted(db, tmp_path, capsys):
    part = Frail(ValueError("bad row"))
    thread = Supervised("mail", part, db, lambda line: None)
    status = Runner(tmp_path, capsys)
    assert status("status", "--json").json["collector"]["mail"] == {
        "state": "off",
        "since": None,
        "restarts": 0,
        "last_error": None,
        "last_error_at": None,
    }
    thread.start()
    wait_for(lambda: (found := health(db)) and (found.restarts, found.state) == (1, RUNNING), "a restart")
    shown = status("status", "--json").json["collector"]["mail"]
    assert (shown["state"], shown["restarts"]) == ("running", 1)
    assert "ValueError: bad row" in shown["last_error"]
    line = r"collector: mail running \(1 restart; last error \d+ s ago: ValueError: bad row \("
    assert re.search(line, status("status").out)
    thread.stop()
    assert "collector:" not in status("status").out


def test_a_collector_that_was_killed_is_seen_as_stopped(db):
    source = (
        "import os, sys; from buddywatch.model.health import *; from buddywatch.store.store import Store\n"
        "Store.open(sys.argv[1]).save_part(PartHealth('mail', RUNNING, 1.0)); os._exit(9)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", source, str(db)], env=env, check=False)
    assert health(db).state == STOPPED


def test_part_starts_although_its_health_cannot_be_kept(db):
    """Another program locks the database: the part must not wait for it as long as a command does."""
    part = Frail()
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        supervised = Supervised("mail", part, db, lambda line: None)
        supervised.start()
        assert part.running.wait(database.BUSY_S - 1)
        other.execute("ROLLBACK")
    supervised.stop()
