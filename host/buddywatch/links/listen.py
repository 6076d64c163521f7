"""listen://ADDRESS:PORT: boards dial in. Each connection becomes a link of its own."""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from time import monotonic

from buddywatch.links.base import NEVER, LinkDown, LinkError, why
from buddywatch.links.rare_news import RareNews
from buddywatch.links.resolve import Address, Resolver, written_out
from buddywatch.links.tcp import CONNECT_S, SocketLink
from buddywatch.text.escape import counted

CONNECTIONS_MAX = 64  # each takes a descriptor, and a process has 1024 on most systems
BUSY = b"busy: too many connections\r\n"


class AcceptedLink(SocketLink):
    """A connection that a board has made. When it ends, the board must make a new one."""

    ends = True

    def __init__(self, connection: socket.socket, name: str) -> None:
        super().__init__(f"caller://{name}", name)
        connection.setblocking(False)
        self._use(connection)


class Listener:
    """Waits for boards. read() never gives bytes; accepted() gives the new links, which are up."""

    flows_unasked = False
    takes_requests = has_human_side = False
    wants_write = False
    wake_s = NEVER

    def __init__(self, url: str, host: str, port: int, connections_max: int = CONNECTIONS_MAX) -> None:
        self.url = url
        self.refused = 0  # connections beyond connections_max
        self.unproven = RareNews()  # of callers that proved no secret in time
        self._turned_away = RareNews()
        self._news: list[str] = []
        self._address = (host, port)
        self._connections_max = connections_max
        self._socket: socket.socket | None = None
        self._resolver: Resolver | None = None
        self._deadline = 0.0  # of the look-up
        self._open: list[AcceptedLink] = []
        self._new: list[AcceptedLink] = []

    @property
    def up(self) -> bool:
        return self._socket is not None

    @property
    def host(self) -> str:
        return self._address[0]

    @property
    def port(self) -> int | None:
        """The port that is listened on; None while it is closed."""
        return None if self._socket is None else int(self._socket.getsockname()[1])

    def fileno(self) -> int | None:
        if self._resolver is not None:
            return self._resolver.fileno()
        return None if self._socket is None else self._socket.fileno()

    def start(self) -> None:
        self.close()
        address = written_out(*self._address)
        if address is not None:
            self._listen(address)
        else:
            self._deadline = monotonic() + CONNECT_S
            self._resolver = Resolver(*self._address)

    def read(self) -> bytes:
        if self._resolver is not None:
            self._see_address(self._resolver)
        while self._socket is not None:
            try:
                connection, address = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                break
            except OSError as error:
                self.close()
                raise LinkDown(f"{self.url}: {why(error)}") from None
            self._take(connection, address)
        return b""

    def accepted(self) -> list[AcceptedLink]:
        """The links accepted since the last call."""
        new, self._new = self._new, []
        return new

    def news(self) -> list[str]:
        """News for the user since the last call."""
        news, self._news = self._news, []
        return news

    def write(self, data: bytes) -> int:
        return len(data)

    def close(self) -> None:
        """Accept no more connections; existing ones stay open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._resolver is not None:
            self._resolver.close()
            self._resolver = None

    def _see_address(self, resolver: Resolver) -> None:
        """Listen once the name is resolved. LinkDown."""
        answer = resolver.answer()
        if answer is None and monotonic() <= self._deadline:
            return
        self.close()
        if not answer or isinstance(answer, str):
            reason = answer or "no answer about its address"
            raise LinkDown(f"{self.url}: {reason}; name an address of this machine, or 0.0.0.0 for all")
        try:
            self._listen(answer[0])
        except LinkError as error:
            raise LinkDown(str(error)) from None

    def _listen(self, address: Address) -> None:
        listener = socket.socket(address[0], socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            listener.bind(address[1])
            listener.listen(self._connections_max)
        except OSError as error:
            listener.close()
            raise LinkError(f"{self.url}: {_why_not_bound(error, self._address[1])}") from None
        self._socket = listener

    def _take(self, connection: socket.socket, address: tuple[str, int]) -> None:
        self._open = [link for link in self._open if link.up]
        host, port = address[:2]
        if len(self._open) >= self._connections_max:
            self._turn_away(connection, host)
            return
        link = AcceptedLink(connection, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        self._open.append(link)
        self._new.append(link)

    def _turn_away(self, connection: socket.socket, host: str) -> None:
        """Disconnect a board for which there is no room. It retries, so this is reported once a minute at most."""
        with suppress(OSError):
            connection.send(BUSY, socket.MSG_DONTWAIT)
        connection.close()
        self.refused += 1
        more = self._turned_away.more(monotonic())
        if more is None:
            return
        here = counted(len(self._open), "board")
        what = f"{here} connected, so another from {host} was disconnected{more}"
        self._news.append(f"{self.url}: {what}; allow more with ?connections=NUMBER")


def _why_not_bound(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use by another program; `ss -ltnp sport = :{port}` shows which"
    if error.errno == errno.EADDRNOTAVAIL:
        return "no interface of this machine has this address; name one that it has, or 0.0.0.0 for all"
    if error.errno == errno.EACCES:
        return "permission denied; ports below 1024 are for root: name a higher one"
    return why(error)
