"""What a connection sends: it asks for a hello, then keep-alives, so that it is not disconnected."""

from collections.abc import Iterator

import pytest
from buddyd import wire, wire_host
from buddywatch.links import open_link
from buddywatch.links.connection import KEEPALIVE, KEEPALIVE_S, Connection
from linktools import listening, read_until

BOOT_ID = "3f9a0c52"
HELLO = [("name", "xport"), ("v", "1"), ("next", "1"), ("oldest", "1")]


class Line:
    """A connection over TCP, and the board's end of it; time is what the test says."""

    def __init__(self) -> None:
        with listening() as server:
            self.connection = Connection(open_link(f"tcp://127.0.0.1:{server.getsockname()[1]}"), "xport")
            self.connection.tend(0.0)
            read_until(self.connection.link, lambda _: self.connection.link.up)
            self.board = server.accept()[0]
        self.connection.receive(0.0)
        self.connection.news.clear()

    def said(self, monotonic_s: float) -> bytes:
        """What the connection says when it is looked after at a time."""
        self.connection.tend(monotonic_s)
        self.board.sendall(b"x")  # behind this all that was said before is there
        read_until(self.connection.link, lambda came: came.endswith(b"x"))
        self.board.setblocking(False)
        try:
            return self.board.recv(4096)
        except BlockingIOError:
            return b""
        finally:
            self.board.setblocking(True)


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.connection.close()
    made.board.close()


def hear_hello(line: Line) -> None:
    line.board.sendall(b"\n".join([*wire.hello_lines(BOOT_ID, HELLO), b""]))
    while line.connection.boot_id is None:
        line.connection.receive(0.0)


def test_it_asks_who_is_there(line: Line) -> None:
    assert line.said(0.0) == wire_host.ask_hello() + b"\n"


def test_a_board_that_is_known_hears_a_sign_of_life_each_four_minutes(line: Line) -> None:
    line.said(0.0)
    hear_hello(line)
    sign = wire_host.ask_frames(BOOT_ID, 1, 0) + b"\n"
    assert line.said(KEEPALIVE_S - 0.1) == b""
    assert line.said(KEEPALIVE_S) == sign
    assert line.said(2 * KEEPALIVE_S - 0.1) == b""
    assert line.said(2 * KEEPALIVE_S) == sign
    assert line.connection.due_s(2 * KEEPALIVE_S) == 3 * KEEPALIVE_S


def test_what_else_is_said_puts_the_sign_of_life_off(line: Line) -> None:
    line.said(0.0)
    hear_hello(line)
    line.connection.say(b"@f\n", 100.0)
    assert line.said(KEEPALIVE_S) == b"@f\n"
    assert line.said(100.0 + KEEPALIVE_S) != b""


def test_before_a_hello_the_sign_of_life_asks_for_nothing() -> None:
    assert KEEPALIVE == wire.ASK + b"\n"
    assert KEEPALIVE_S < 600  # after which buddyd lets a silent client go
