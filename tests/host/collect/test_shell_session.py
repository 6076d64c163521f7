"""Where a session with a board's shell ends: once all that was typed is answered. Times are the test's own."""

import os
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from buddywatch.collect import console_session, control_socket
from buddywatch.collect.console_server import Control
from buddywatch.links.connection import Connection
from buddywatch.links.urls import open_link
from buddywatch.protocol.line_stream import Text
from linktools import wait
from waiting import wait_for

TURN_S = 0.25


class Session:
    """A person's session, over a collector's door, with a shell that the test plays on a pseudo-terminal."""

    def __init__(self, folder: Path) -> None:
        self.control = Control(folder / "x.db")
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.connection = Connection(open_link(f"serial://{os.ttyname(self._slave)}?shared=true"), "roof")
        self.now_s = 100.0
        self.heard = b""
        self.is_closed = False
        self._came = 0  # lines from the board

    def open(self) -> None:
        self.connection.tend(self.now_s)
        self.person = control_socket.connect(self.control.path)
        self.person.setblocking(False)
        self.person.sendall(b"shell roof\n")
        self.turn()
        assert self.heard.startswith(b"oserial://")

    def turn(self) -> None:
        """One turn of the collector's loop, and what the person hears of it."""
        self.now_s += TURN_S
        for item in self.connection.receive(self.now_s):
            assert isinstance(item, Text)
            self._came += 1
            self.control.forward(self.connection, item.text, self.now_s)
        self.control.serve([self.connection], self.now_s)
        try:
            while data := self.person.recv(4096):
                self.heard += data
            self.is_closed = True
        except BlockingIOError:
            pass

    def turns(self, seconds: float) -> None:
        for _ in range(int(seconds / TURN_S)):
            self.turn()

    def type(self, line: bytes) -> None:
        """Type a line, the last one; the terminal echoes it."""
        self.person.sendall(line + b"\n")
        self.person.shutdown(1)
        self.turns(1)
        arrived = b""
        while arrived.count(b"\n") < 2:
            arrived += os.read(self._master, 4096)
        typed = arrived.splitlines()
        self.mark = typed[-1].removeprefix(b"echo ").replace(b"''", b"")  # what a shell prints
        self.says(b"".join(b"board# " + part + b"\r\n" for part in typed))

    def says(self, data: bytes) -> None:
        """The board sends it. All its whole lines arrive, however the terminal hands them out."""
        come = self._came + data.count(b"\n")
        os.write(self._master, data)

        def receive() -> None:
            wait(self.connection.link)
            self.turn()

        wait_for(lambda: self._came == come, f"{come} lines", receive)

    @property
    def shown(self) -> list[str]:
        return [line[1:].decode() for line in self.heard.splitlines() if line.startswith(b"t")]

    def close(self) -> None:
        self.person.close()
        self.connection.close()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    made = Session(tmp_path)
    with made.control:
        made.open()
        yield made
        made.close()


def test_answer_that_comes_late_is_waited_for(session: Session) -> None:
    session.type(b"sleep 5; echo done")
    session.turns(5)
    assert not session.is_closed
    session.says(b"done\r\n" + session.mark + b"\r\nboard# ")
    assert session.is_closed
    assert session.heard.endswith(b"d\n")
    assert session.shown == ["board# sleep 5; echo done", "done"]


def test_board_that_goes_on_talking_holds_no_session_open(session: Session) -> None:
    session.type(b"echo done")
    session.says(b"done\r\n" + session.mark + b"\r\nboard# ")
    for number in range(8):
        session.says(b"eth0: link %d\r\n" % number) if not session.is_closed else None
    assert session.is_closed
    assert session.heard.endswith(b"d\n")


def test_end_is_seen_behind_a_line_without_an_end(session: Session) -> None:
    session.type(b"printf abc")
    session.says(b"abc" + session.mark + b"\r\n")
    assert session.is_closed
    assert session.shown[-1] == "abc"


@pytest.mark.parametrize("talks", [False, True])
def test_session_ends_where_no_shell_answers(session: Session, talks: bool) -> None:
    session.type(b"cat >file")
    limit_s = console_session.SHELL_ANSWER_S if talks else console_session.ANSWER_S
    end_s = session.now_s + limit_s + 3
    while not session.is_closed and session.now_s < end_s:
        session.says(b"eth0: link up\r\n") if talks else session.turn()
        session.turns(2)
    assert session.heard.splitlines()[-1].startswith(b"e"), "the board did not answer all"
