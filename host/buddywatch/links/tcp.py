"""tcp://HOST:PORT and telnet://HOST[:23]: connecting never blocks."""

from __future__ import annotations

import errno
import os
import select
import socket
from contextlib import suppress
from time import monotonic

from buddyd.links.telnet_filter import TelnetFilter, escape

from buddywatch.links.base import NEVER, LinkDown, why
from buddywatch.links.resolve import Address, Resolver

CONNECT_S = 10.0  # for the look-up, and for each address
READ_BYTES = 16384
WRITE_BYTES = 4096  # taken at a time
OUT_BYTES = 4096  # answers to telnet commands that may wait for the peer
# A board that is switched off does not close: after 60 s of silence it is probed, and dropped 60 s later.
KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
UNSENT_MS = 120_000


class SocketLink:
    """An established connection. _encode and _decode are overridden for telnet."""

    flows_unasked = False
    takes_requests = has_human_side = True
    ends = False  # whether it cannot be started again
    wake_s = NEVER

    def __init__(self, url: str, name: str) -> None:
        self.url = url
        self._name = name  # for messages
        self._socket: socket.socket | None = None
        self._out = bytearray()
        self._connected = False

    @property
    def up(self) -> bool:
        return self._connected

    @property
    def wants_write(self) -> bool:
        return bool(self._out)

    def fileno(self) -> int | None:
        return None if self._socket is None else self._socket.fileno()

    def start(self) -> None:
        """It is connected already."""

    def read(self) -> bytes:
        if self._socket is None or not self._connected:
            return b""
        text = b""
        try:
            data = self._socket.recv(READ_BYTES)
            if not data:
                raise self._gone("the other side closed the connection")
            text = self._decode(data)
        except BlockingIOError:
            pass
        except OSError as error:
            raise self._gone(why(error)) from None
        if self._out:
            with suppress(OSError):  # recv() reports a broken connection as well, after the received data
                self._flush()
        return text

    def write(self, data: bytes) -> int:
        if self._socket is None or not self._connected:
            return 0
        try:
            self._flush()
            if self._out:
                return 0
            data = data[:WRITE_BYTES]
            self._out += self._encode(data)
            self._flush()
        except OSError as error:
            raise self._gone(why(error)) from None
        return len(data)

    def close(self) -> None:
        self._connected = False
        self._out.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _use(self, connection: socket.socket) -> None:
        """Use this connection."""
        self._socket = connection
        self._connected = True
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in (*KEEPALIVE, (socket.TCP_USER_TIMEOUT, UNSENT_MS)):
            connection.setsockopt(socket.IPPROTO_TCP, option, value)

    def _flush(self) -> None:
        while self._out and self._socket is not None:
            try:
                del self._out[: self._socket.send(self._out)]
            except BlockingIOError:
                return

    def _encode(self, data: bytes) -> bytes:
        return data

    def _decode(self, data: bytes) -> bytes:
        return data

    def _gone(self, reason: str) -> LinkDown:
        self.close()
        return LinkDown(f"{self._name}: {reason}", self.ends)


class TcpLink(SocketLink):
    """Connects to each address of the host in turn."""

    def __init__(self, url: str, host: str, port: int) -> None:
        super().__init__(url, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self._host = host
        self._port = port
        self._resolver: Resolver | None = None
        self._addresses: list[Address] = []
        self._deadline = 0.0
        self._failure = ""  # of the address tried last

    @property
    def wants_write(self) -> bool:
        return bool(self._out) or (self._socket is not None and not self._connected)

    def fileno(self) -> int | None:
        return self._resolver.fileno() if self._resolver else super().fileno()

    def start(self) -> None:
        self.close()
        self._failure = ""
        self._deadline = monotonic() + CONNECT_S
        self._resolver = Resolver(self._host, self._port)

    def read(self) -> bytes:
        if not self._connected:
            if self._resolver is not None:
                self._see_addresses(self._resolver)
            elif self._socket is not None:
                self._see_connection(self._socket)
        return super().read()

    def close(self) -> None:
        super().close()
        if self._resolver is not None:
            self._resolver.close()
            self._resolver = None

    def _see_addresses(self, resolver: Resolver) -> None:
        answer = resolver.answer()
        if isinstance(answer, str):
            self.close()
            raise LinkDown(answer)
        if answer is not None:
            resolver.close()
            self._resolver = None
            self._addresses = answer
            self._try_next()
        elif monotonic() > self._deadline:
            raise self._gone("no answer about its address")

    def _try_next(self) -> None:
        """Begin to connect to the next address. LinkDown: none is left."""
        while self._addresses:
            family, address = self._addresses.pop(0)
            try:
                self._socket = socket.socket(family, socket.SOCK_STREAM)
                self._socket.setblocking(False)
                number = self._socket.connect_ex(address)
            except OSError as error:
                number = error.errno or errno.EIO
            if number in (0, errno.EINPROGRESS):
                self._deadline = monotonic() + CONNECT_S
                return
            self._give_up_address(os.strerror(number))
        raise self._gone(self._failure or "it has no address")

    def _see_connection(self, connection: socket.socket) -> None:
        poller = select.poll()
        poller.register(connection, select.POLLOUT)
        if poller.poll(0):
            number = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number == 0:
                self._use(connection)
                return
            self._give_up_address(os.strerror(number))
        elif monotonic() > self._deadline:
            self._give_up_address(f"no answer in {CONNECT_S:.0f} s")
        else:
            return
        self._try_next()

    def _give_up_address(self, reason: str) -> None:
        self._failure = reason[:1].lower() + reason[1:]
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class TelnetLink(TcpLink):
    """The same through telnet's network virtual terminal, without any option."""

    def start(self) -> None:
        super().start()
        self._telnet_filter = TelnetFilter()

    def _encode(self, data: bytes) -> bytes:
        return bytes(escape(data.replace(b"\n", b"\r\n")))

    def _decode(self, data: bytes) -> bytes:
        return bytes(self._telnet_filter.feed(data, self._reply))

    def _reply(self, answer: bytes) -> None:
        if len(self._out) < OUT_BYTES:
            self._out += answer
