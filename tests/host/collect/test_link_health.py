"""What a link's connection counts, and when that is stored."""

import time

import pytest
from buddyd import wire
from buddywatch.collect.link_health import REPORT_S, LinkHealths
from buddywatch.links.connection import Connection
from buddywatch.links.urls import open_link
from buddywatch.model.batch import Batch
from buddywatch.model.links import LinkHealth, UnheardLink
from buddywatch.protocol.line_stream import LINE_KEPT
from buddywatch.store.store import Store
from linktools import listening, wait
from waiting import wait_for

BOOT = "0000b001"


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "db") as opened:
        yield opened


class Line:
    """A connection of the collector to a board whose side the test has."""

    def __init__(self, server):
        self.server = server
        self.connection = Connection(open_link("tcp://{}:{}".format(*server.getsockname())), "xp")
        self.now_s = 0.0
        self.open()

    def open(self):
        self.connection.tend(self.now_s)
        while not self.connection.is_up:
            self._turn()
        self.peer, _ = self.server.accept()

    def sends(self, data, until):
        self.peer.sendall(data)
        wait_for(until, "what was sent", self._turn)

    def hangs_up(self):
        self.peer.close()
        while self.connection.is_up:
            self._turn()

    def _turn(self):
        wait(self.connection.link, 0.1)
        self.connection.receive(self.now_s)


@pytest.fixture
def line():
    with listening() as server:
        made = Line(server)
        yield made
        made.peer.close()
        made.connection.close()


def stored(store):
    (link,) = store.links("xp")
    return link.health


def hello():
    return next(wire.hello_lines(BOOT, ())) + b"\n"


def damaged_frame():
    lines = []
    wire.Encoder(BOOT, 4, 500, 4096).snapshot([1000, 1, 7, 1], lines.append)
    return lines[0].replace(lines[0][6:7], b"!") + b"\n"


def test_damaged_lines_are_counted(line):
    line.sends(hello() + damaged_frame(), lambda: line.connection.boot_id == BOOT)
    line.hangs_up()
    assert line.connection.health().damaged_lines == 1


def test_counts_go_on_when_the_link_is_opened_again(line):
    connection = line.connection
    line.sends(hello() + b"x" * (LINE_KEPT * 3) + b"\n", lambda: connection.health().dropped_bytes)
    before = connection.health().dropped_bytes
    connection.count_reasked(7)
    line.hangs_up()
    assert connection.health() == LinkHealth(0, before, 7, connection.last_error)
    assert connection.last_error
    line.now_s = 1000.0
    line.open()
    line.sends(hello() + b"x" * (LINE_KEPT * 3) + b"\n", lambda: connection.health().dropped_bytes == 2 * before)
    assert connection.health() == LinkHealth(0, 2 * before, 7, "")


def save(healths, store, connection, at_once, now_s):
    """What the loop does with the health of links each second; how many were written."""
    batch = Batch()
    batch.healths = healths.changed([connection], at_once, now_s)
    store.write(batch)
    return len(batch.healths)


def test_health_is_stored_once_a_minute_and_when_the_link_goes_down(line, store):
    connection, healths = line.connection, LinkHealths()
    store.link_state("xp", connection.url, True, time.time())
    connection.count_reasked(1)
    save(healths, store, connection, False, 0.0)
    assert stored(store) == LinkHealth(reasked_frames=1)
    connection.count_reasked(1)
    save(healths, store, connection, False, REPORT_S - 1)
    assert stored(store) == LinkHealth(reasked_frames=1)
    save(healths, store, connection, False, REPORT_S)
    assert stored(store) == LinkHealth(reasked_frames=2)
    connection.count_reasked(1)
    line.hangs_up()
    save(healths, store, connection, True, REPORT_S + 1)
    assert stored(store) == LinkHealth(reasked_frames=3, last_error=connection.last_error)


def test_health_that_has_not_changed_is_not_written(line, store):
    connection, healths = line.connection, LinkHealths()
    store.link_state("xp", connection.url, True, time.time())
    save(healths, store, connection, True, 0.0)
    assert [save(healths, store, connection, True, minute * REPORT_S) for minute in range(1, 5)] == [0, 0, 0, 0]


def keep(healths, store, *connections):
    """What the loop does with unheard links each second; what is stored then."""
    batch = Batch()
    batch.unheard = healths.unheard(connections)
    store.write(batch)
    return len(batch.unheard), store.unheard_links()


def test_link_is_unheard_until_a_board_is_heard(store):
    healths = LinkHealths()
    with listening() as server:
        connection = Connection(open_link("tcp://{}:{}".format(*server.getsockname())))
        assert keep(healths, store, connection) == (0, []), "it has not been tried yet"
        line = Line.__new__(Line)
        line.server, line.connection, line.now_s = server, connection, 0.0
        line.open()
        url = connection.url
        assert keep(healths, store, connection) == (1, [UnheardLink(url, True, "")])
        assert keep(healths, store, connection)[0] == 0
        line.hangs_up()
        assert keep(healths, store, connection) == (1, [UnheardLink(url, False, connection.last_error)])
        assert "closed" in connection.last_error
        line.now_s = 1000.0
        line.open()
        named = next(wire.hello_lines(BOOT, (("name", "xp"),))) + b"\n"
        line.sends(named, lambda: connection.board == "xp")
        assert keep(healths, store, connection) == (1, [])
        line.hangs_up()
        assert keep(healths, store, connection) == (0, [])
        line.peer.close()
        connection.close()


def test_link_of_a_named_board_that_was_never_open_is_unheard(store):
    with listening() as server:
        url = "tcp://{}:{}".format(*server.getsockname())
    connection = Connection(open_link(url), "xp")
    wait_for(lambda: connection.tend(0.0) or connection.receive(0.0) or connection.last_error, "the refusal")
    expected = [UnheardLink(url, False, connection.last_error)]
    assert keep(LinkHealths(), store, connection) == (1, expected)
    store.links_down(time.time())
    assert store.unheard_links() == []


def test_callers_and_missing_recordings_are_not_unheard_links(store, tmp_path):
    missing = Connection(open_link(f"file:{tmp_path / 'none'}"))
    missing.tend(0.0)
    assert missing.last_error
    with listening() as server:
        caller = Connection(open_link("tcp://{}:{}".format(*server.getsockname())), is_call=True)
        line = Line.__new__(Line)
        line.server, line.connection, line.now_s = server, caller, 0.0
        line.open()
        assert keep(LinkHealths(), store, missing, caller) == (0, [])
        line.peer.close()
        caller.close()
