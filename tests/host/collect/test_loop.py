"""The loop: what one link brings does not stop the others, and a turn touches only what is ready."""

import socket
import threading
from contextlib import closing

import pytest
from boards import config
from buddyd import wire_host
from buddywatch.collect.boards import Boards
from buddywatch.collect.console_server import Control
from buddywatch.collect.control_socket import following, let_write
from buddywatch.collect.loop import Collector
from buddywatch.collect.writer import Writer
from buddywatch.links.connection import Connection
from buddywatch.links.tcp import TcpLink
from buddywatch.links.urls import open_link
from buddywatch.store.store import Store
from modelboard import ModelBoard
from waiting import wait_for

FACTS = {"v": "1", "kernel": "2.6.30", "page_bytes": "4096", "cols": "up,proc,free,recl,slab", "zones": "1",
         "z0": "0/DMA/4/90/112/135/0", "interval_cs": "100", "kboot": "-", "ring": "32768"}  # fmt: skip


class BrokenLink(TcpLink):
    """A link with a defect of ours in it."""

    def read(self):
        raise ZeroDivisionError("division by zero")


class News:
    def __init__(self):
        self.lines = []

    def report(self, line):
        self.lines.append(line)

    def show(self, problem):
        pass


class Planner:
    def __init__(self, store):
        pass

    def run(self, now):
        return 0


class Running:
    """A collector in a thread."""

    def __init__(self, db, links, write_every_s=None):
        Store.open(db).close()
        self._write_every_s = write_every_s
        self.news, self.failure = News(), None
        self.connections = [Connection(link) for link in links]
        self._db = db
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self):
        writer = Writer(self._db, Planner)
        writing = threading.Thread(target=writer.run)
        writing.start()
        try:
            with Store.open(self._db) as store, Control(self._db) as control:
                boards = Boards(store, config(), self.news.report, writer.holds)
                self.collector = Collector(
                    boards, writer, self.connections, self.news, lambda *_: [], control,
                    write_every_s=self._write_every_s,
                )  # fmt: skip
                self._ready.set()
                self.collector.run()
        except BaseException as error:
            self.failure = error
        finally:
            writer.stop()
            writing.join(10)

    def heard(self, board):
        """The newest frame that came from a board."""
        return self.collector._boards._boards[board].tracker._current.frames.end

    def stop(self):
        self.collector.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert self.failure is None


class Server:
    """A board that waits for the collector, on a port of its own."""

    def __init__(self, name, **facts):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.board = ModelBoard(f"{abs(hash(name)) % 16**8:08x}", {**FACTS, "name": name, **facts}, 5 + 4 + 4, 32768, 1)
        self.peer = None

    def accept(self):
        self._listener.settimeout(10)
        self.peer = self._listener.accept()[0]

    def say(self, polls):
        self._send(self.board.hello())
        self.go_on(polls)

    def go_on(self, polls):
        """Snapshots whose blocks hardly change, so that they change no alert."""
        self._send(self.board.stream(polls))

    def _send(self, lines):
        self.peer.sendall(b"".join(bytes(line) + b"\n" for line in lines))

    def close(self):
        self._listener.close()
        if self.peer:
            self.peer.close()


def stored(db, board):
    with Store.open_readonly(db) as store:
        return len(list(store.snapshots(board))) if board in store.boards() else 0


def test_what_waits_is_written_for_a_reader_for_the_live_view_and_at_the_end(tmp_path):
    db = tmp_path / "a.db"
    with closing(Server("one")) as one, closing(Server("two")) as two:
        running = Running(db, [open_link(one.url), open_link(two.url)], write_every_s=3600)
        try:
            one.accept()
            two.accept()
            one.say(3)
            wait_for(lambda: stored(db, "one") == 3, "a new boot, which does not wait")
            one.go_on(2)
            two.say(1)
            wait_for(lambda: stored(db, "two") == 1, "the other board's new boot")
            assert stored(db, "one") == 3
            wait_for(lambda: let_write(db) or stored(db, "one") == 5, "what waited")
            with following(db):
                one.go_on(2)
                wait_for(lambda: stored(db, "one") == 7, "what came meanwhile")
            one.go_on(2)
            wait_for(lambda: running.heard("one") == 9, "the last ones")
            assert stored(db, "one") == 7
        finally:
            running.stop()
        assert stored(db, "one") == 9


def test_what_no_board_holds_is_written_at_once(tmp_path):
    db = tmp_path / "a.db"
    with closing(Server("one", ring="0")) as one:
        running = Running(db, [open_link(one.url)], write_every_s=3600)
        try:
            one.accept()
            one.say(1)
            wait_for(lambda: stored(db, "one") == 1, "the first snapshot")
            one.go_on(1)
            wait_for(lambda: stored(db, "one") == 2, "the second one")
        finally:
            running.stop()
        assert stored(db, "one") == 2


def test_defect_in_one_link_stops_no_other(tmp_path):
    db = tmp_path / "a.db"
    with closing(Server("good")) as good, closing(Server("bad")) as bad:
        host, port = bad.url.removeprefix("tcp://").split(":")
        running = Running(db, [BrokenLink("tcp://broken", host, int(port)), open_link(good.url)])
        good.accept()
        good.say(3)
        try:
            wait_for(lambda: stored(db, "good") == 3, "the snapshots of the good board")
            good.say(2)
            wait_for(lambda: stored(db, "good") == 5, "more of them")
        finally:
            running.stop()
        told = [line for line in running.news.lines if "ZeroDivisionError" in line]
        assert len(told) == 1 and "test_loop.py" in told[0]


@pytest.mark.parametrize("many", [10, 200])
def test_silent_links_are_not_touched(tmp_path, many):
    """What a turn does with a link is counted: those that say nothing are left alone, however many there are."""
    servers = [Server(f"board-{number}") for number in range(many)]
    touched = []

    class Counted(TcpLink):
        def read(self):
            touched.append(self.url)
            return super().read()

    links = []
    for server in servers:
        host, port = server.url.removeprefix("tcp://").split(":")
        links.append(Counted(server.url, host, int(port)))
    running = Running(tmp_path / "a.db", links)
    try:
        for server in servers:
            server.accept()
            server.say(1)
        wait_for(lambda: all(connection.boot_id for connection in running.connections), "all hellos")
        wait_for(lambda: stored(tmp_path / "a.db", f"board-{many - 1}") == 1, "all snapshots")
        touched.clear()
        servers[0].say(1)
        wait_for(lambda: stored(tmp_path / "a.db", "board-0") == 2, "one more snapshot")
        assert set(touched) <= {servers[0].url}
    finally:
        running.stop()
        for server in servers:
            server.close()


def test_need_that_turns_refused_asks_for_a_map_once(tmp_path):
    """Of whatever blocks this board has, none is of 61440 bytes."""
    with closing(Server("xp")) as server:
        running = Running(tmp_path / "a.db", [open_link(server.url)])
        heard = b""

        def asked():
            nonlocal heard
            heard += server.peer.recv(4096)
            return wire_host.ask_map() in heard

        try:
            server.accept()
            server.peer.settimeout(10)
            server.say(3)
            wait_for(lambda: stored(tmp_path / "a.db", "xp") == 3, "three snapshots")
            server.say(1)  # with which the collector looks at what it wants
            wait_for(asked, "a request for a map")
            server.say(3)
            wait_for(lambda: stored(tmp_path / "a.db", "xp") == 7, "three snapshots more")
        finally:
            running.stop()
        while data := server.peer.recv(4096):
            heard += data
        assert heard.count(wire_host.ask_map()) == 1
