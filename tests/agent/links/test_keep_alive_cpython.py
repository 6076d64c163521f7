"""A collector that vanished is found by the kernel: which options the agent's connections have.

Under CPython, as MicroPython has no getsockopt(); the code is the same.
"""

import socket
from contextlib import closing

from buddyd import compat
from buddyd.links import dial
from places import Place

WANTED = {
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE): 1,
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE): 60,
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL): 15,
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT): 4,
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT): 120_000,
}


def options_of(stream: socket.socket) -> dict[tuple[int, int], int]:
    return {key: stream.getsockopt(*key) for key in WANTED}


def test_client_that_vanishes_is_found() -> None:
    with Place() as place:
        place.come()
        place.settle()
        (stream,) = [peer.stream for peer in place.link.conversations if peer.stream is not None]
        assert options_of(stream) == WANTED


def test_collector_that_was_dialled_and_vanishes_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, closing(dial.dial(server.getsockname())) as stream:
        assert options_of(stream) == WANTED


class OldKernel:
    """A socket before Linux 2.6.37, which does not know TCP_USER_TIMEOUT."""

    def __init__(self) -> None:
        self.known: list[int] = []

    def setsockopt(self, level: int, option: int, value: int) -> None:
        if option == socket.TCP_USER_TIMEOUT:
            raise OSError(92, "protocol not available")
        self.known.append(option)


def test_kernel_without_the_user_timeout_does_what_it_can() -> None:
    stream = OldKernel()
    compat.keep_alive(stream)
    assert stream.known == [socket.SO_KEEPALIVE, socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
