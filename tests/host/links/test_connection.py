"""What a connection sends: it asks for a hello, then keep-alives, so that it is not disconnected."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from buddyd import wire, wire_host
from buddywatch.links.connection import CALLER_S, KEEPALIVE, KEEPALIVE_S, Connection
from buddywatch.links.listen import Listener
from buddywatch.links.urls import open_link
from linktools import listening, read_until, wait
from waiting import wait_for

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


@contextmanager
def called() -> Iterator[tuple[Connection, socket.socket]]:
    """The connection of somebody who dialled in, and the other end."""
    listener = Listener("listen://127.0.0.1:0", "127.0.0.1", 0)
    listener.start()
    with closing(listener), socket.create_connection(("127.0.0.1", listener.port)) as board:
        wait(listener)
        listener.read()
        caller = Connection(listener.accepted()[0], is_call=True)
        caller.tend(0.0)
        yield caller, board
        caller.close()


def receive_until(connection: Connection, condition: Callable[[], bool], monotonic_s: float = 0.0) -> None:
    def receive() -> None:
        if connection.is_started:
            wait(connection.link, 0.2)
            connection.receive(monotonic_s)

    wait_for(condition, lambda: f"more than {connection.news}", receive)


def news_of_the_end(line: Line) -> list[str]:
    """The board hangs up: what the user reads."""
    line.board.close()
    receive_until(line.connection, lambda: not line.connection.is_started)
    return line.connection.news


def test_what_the_other_side_said_before_it_hung_up_is_in_the_news(line: Line) -> None:
    """Such as a third collector's: its agent has no place for it."""
    line.board.sendall(b"Type help.\r\nbusy: 2 clients are connected\r\n")
    url = line.connection.url
    reason = "the other side closed the connection; it said: busy: 2 clients are connected"
    assert news_of_the_end(line) == [f"{url.removeprefix('tcp://')}: {reason}"]
    assert line.connection.last_error.endswith("busy: 2 clients are connected")


def test_what_was_said_is_escaped_and_cut(line: Line) -> None:
    line.board.sendall(b"\x1b[2J" + 200 * b"x")  # without the newline
    (news,) = news_of_the_end(line)
    assert news.isprintable()
    said = news.partition("; it said: ")[2]
    assert said == "\\x1b[2J" + 70 * "x" + "..."


def test_what_was_said_before_a_frame_is_no_reason(line: Line) -> None:
    line.board.sendall(b"unknown: rm. Type help.\r\n")
    hear_hello(line)
    (news,) = news_of_the_end(line)
    assert news.endswith(": the other side closed the connection")


def test_what_was_said_over_the_last_connection_is_forgotten(line: Line) -> None:
    line.board.sendall(b"busy\r\n")
    news_of_the_end(line)
    line.connection.tend(60.0)  # nobody listens any more
    receive_until(line.connection, lambda: not line.connection.is_started, 60.0)
    assert line.connection.news[-1].endswith(": connection refused")


def test_caller_is_named_by_its_board_and_address() -> None:
    """Nobody can connect to its port, whose number says nothing."""
    with called() as (caller, board):
        address = "{}:{}".format(*board.getsockname())
        assert caller.url == f"caller://{address}"
        assert caller.news == []  # it may be anybody
        board.sendall(b"\n".join([*wire.hello_lines(BOOT_ID, HELLO), b""]) * 2)
        receive_until(caller, lambda: caller.boot_id is not None)
        assert caller.news == [f"xport from {address}: dialled in"]
        board.close()
        receive_until(caller, lambda: caller.ended)
        assert caller.news[1].startswith(f"xport from {address}: ")  # closed, or reset, as it left our request unread


def test_caller_that_is_no_board_is_named_by_its_address() -> None:
    with called() as (caller, board):
        caller.tend(CALLER_S)
        assert caller.news == ["{}:{}: no agent answered, so it was disconnected".format(*board.getsockname())]
        assert caller.ended
