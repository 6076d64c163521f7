"""What is stored besides snapshots: transitions, when a board was heard, lines of the console, who owns a row."""

import os
import subprocess
import sys

import pytest
from boards import START, boot
from buddywatch.model.alerts import Incident, Transition
from buddywatch.model.batch import Batch, NotedTransition
from buddywatch.model.samples import ConsoleLine
from buddywatch.store import process_owner, write
from buddywatch.store.heard import boottime_s
from buddywatch.store.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


def test_transitions_of_a_batch_are_stored_with_their_incident(store):
    batch = Batch()
    rows = batch.of("xp")
    rows.boots.append(boot())
    rows.incidents.append(Incident(7, "xp", "refused", "rm", "critical", "firing", START, None, "text", None, None))
    change = Transition(0, 7, "xp", "refused", "rm", "ok", "firing", "critical", START, 5, None, None, "text", False)
    rows.transitions.append(NotedTransition(change, START + 1, True))
    rows.transitions.append(NotedTransition(change, START + 2, False))
    store.write(batch)
    assert [(one.incident_id, one.to, one.seq) for one in store.transitions("xp")] == [(7, "firing", 5)] * 2
    assert [noted for _, noted in store.unreported("xp")] == [START + 1]


def test_boards_are_heard_at_the_time_of_the_batch(store):
    batch = Batch()
    batch.of("xp").heard_boottime_s = boottime_s() - 100
    batch.of("silent")
    store.write(batch)
    assert 99.999 <= store.heard_ago_s("xp") < 1000  # it is kept in whole milliseconds
    assert store.heard_ago_s("silent") is None
    assert store.heard_ago_s("other") is None


def test_process_that_has_ended_owns_nothing():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    alive = process_owner.this_process()
    assert process_owner.is_alive(alive)
    assert not process_owner.is_alive(f"{os.getpid()}/1")  # another process had this number
    ended.wait()
    for owner in (str(ended.pid), f"{ended.pid}/1", None, "", "x", "9" * 10):
        assert not process_owner.is_alive(owner), owner


def test_console_log_keeps_the_newest_lines_of_each_board(store, monkeypatch):
    monkeypatch.setattr(write, "CONSOLE_LINES_MAX", 300)
    store.add_console("quiet", ConsoleLine(START, "login:"))
    for number in range(1000):
        store.add_console("xp", ConsoleLine(START + number, f"line {number}"))
        if number % 50 == 0:
            assert len(store.console("xp", 10_000)) >= min(number + 1, 300)
    kept = store.console("xp", 10_000)
    assert kept[-1] == ConsoleLine(START + 999, "line 999")
    assert 300 <= len(kept) < 300 + 200
    assert store.console("quiet") == [ConsoleLine(START, "login:")]
    assert [line.text for line in store.console("xp", 2)] == ["line 998", "line 999"]
    since = [line.text for line in store.console_since("xp", START + 998)]
    assert since == ["line 998", "line 999"]
