"""What a link's connection counts, and when that is stored."""

import time

import pytest
from buddyd import wire
from buddywatch.collect.link_health import REPORT_S, LinkHealths
from buddywatch.links import open_link
from buddywatch.links.connection import Connection
from buddywatch.model.batch import Batch
from buddywatch.model.links import LinkHealth
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
