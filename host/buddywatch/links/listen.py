"""listen://ADDRESS:PORT: boards dial in (buddyd --connect). Each caller is a link of its own."""

from __future__ import annotations

import socket
from contextlib import suppress

from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.tcp import Stream
from buddywatch.links.url import LinkUrl

CALLERS_MAX = 64
BUSY = b"busy: too many boards are connected\r\n"


class ListenLink(Link):
    """Bound to the given address only. callers=N in the URL: how many at once, at most."""

    def __init__(self, url: LinkUrl) -> None:
        super().__init__(url.text)
        url.only("callers")
        self._endpoint = url.endpoint()
        self._callers_max = url.number("callers", CALLERS_MAX, 1, 1000)
        self._listener: socket.socket | None = None
        self._callers: list[CallerLink] = []

    def start(self) -> None:
        host, port = self._endpoint
        try:
            family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            self._listener = socket.create_server((host, port), family=family)
        except OSError as error:
            raise LinkError(f"cannot listen on {host} port {port} ({error.strerror or error})") from error
        self._listener.setblocking(False)

    def fileno(self) -> int:
        assert self._listener is not None
        return self._listener.fileno()

    def read(self) -> bytes:
        return b""

    def write(self, data: bytes) -> int:
        return len(data)  # there is nobody to hear it

    def accept(self) -> list[Link]:
        self._callers = [caller for caller in self._callers if not caller.ended]
        assert self._listener is not None
        try:
            connection, address = self._listener.accept()
        except OSError:  # it went before we came
            return []
        if len(self._callers) >= self._callers_max:
            connection.setblocking(False)
            with suppress(OSError):
                connection.send(BUSY)
            connection.close()
            return []
        caller = CallerLink(f"{self.url} from {address[0]}:{address[1]}", connection)
        self._callers.append(caller)
        return [caller]

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class CallerLink(Link):
    """One that dialled in. It may come through a terminal server, so that telnet commands are understood."""

    is_passing = True

    def __init__(self, url: str, connection: socket.socket) -> None:
        super().__init__(url)
        self._stream = Stream(connection, True)

    def start(self) -> None:
        """It is connected already."""

    def fileno(self) -> int:
        return self._stream.fileno()

    def read(self) -> bytes:
        try:
            return self._stream.read()
        except LinkDown:
            self.ended = True
            raise

    def write(self, data: bytes) -> int:
        try:
            return self._stream.write(data)
        except LinkDown:
            self.ended = True
            raise

    def close(self) -> None:
        self.ended = True
        self._stream.close()
