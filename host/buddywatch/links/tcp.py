"""tcp://HOST:PORT and telnet://HOST:PORT: a connection to the board, or to a terminal server in front of it."""

from __future__ import annotations

import os
import socket
import threading

from buddyd import nvt

from buddywatch.links.base import Link, LinkDown
from buddywatch.links.url import LinkUrl

CONNECT_S = 15.0
READ_BYTES = 65536
KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
TELNET_PORT = 23


class Stream:
    """A connected TCP socket. Telnet commands in what comes are answered, and left out of the data, where asked for."""

    def __init__(self, connection: socket.socket, telnet: bool) -> None:
        connection.setblocking(False)
        # A peer that is gone without a word is noticed within two minutes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
        self._socket = connection
        self._nvt = nvt.Nvt() if telnet else None

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> bytes:
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise LinkDown(f"connection lost ({error.strerror or error})") from error
        if not data:
            raise LinkDown("the other side closed the connection")
        if self._nvt is None:
            return data
        answers: list[bytes] = []
        text = bytes(self._nvt.feed(data, answers.append))
        if answers:
            self.write(b"".join(answers))
        return text

    def write(self, data: bytes) -> int:
        """Sent as it is: what a collector says is ASCII, so that telnet has nothing to escape."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise LinkDown(f"connection lost ({error.strerror or error})") from error

    def close(self) -> None:
        self._socket.close()


class TcpLink(Link):
    """Resolving a name may take as long as it likes, so a thread connects; a pipe wakes the collector then."""

    is_telnet = False

    def __init__(self, url: LinkUrl, default_port: int | None = None) -> None:
        super().__init__(url.text)
        url.only()
        self._endpoint = url.endpoint(default_port)
        self._dial: _Dial | None = None
        self._stream: Stream | None = None

    @property
    def is_connected(self) -> bool:
        return self._stream is not None

    def start(self) -> None:
        self._dial = _Dial(self._endpoint)

    def fileno(self) -> int:
        if self._stream is not None:
            return self._stream.fileno()
        assert self._dial is not None
        return self._dial.fileno()

    def read(self) -> bytes:
        if self._stream is not None:
            return self._stream.read()
        assert self._dial is not None
        outcome = self._dial.outcome()
        if isinstance(outcome, OSError):
            host, port = self._endpoint
            raise LinkDown(f"no connection to {host} port {port} ({outcome.strerror or outcome})")
        if outcome is not None:
            self._stream = Stream(outcome, self.is_telnet)
            self._dial.give_up()
            self._dial = None
        return b""

    def write(self, data: bytes) -> int:
        return 0 if self._stream is None else self._stream.write(data)

    def close(self) -> None:
        if self._dial is not None:
            self._dial.give_up()
            self._dial = None
        if self._stream is not None:
            self._stream.close()
            self._stream = None


class TelnetLink(TcpLink):
    is_telnet = True

    def __init__(self, url: LinkUrl) -> None:
        super().__init__(url, TELNET_PORT)


class _Dial:
    """Connects in a thread. fileno() is readable when outcome() is known."""

    def __init__(self, endpoint: tuple[str, int]) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._given_up = False
        self._outcome: socket.socket | OSError | None = None
        self._done_read, self._done_write = os.pipe()
        threading.Thread(target=self._connect, name=f"connect {endpoint[0]}", daemon=True).start()

    def fileno(self) -> int:
        return self._done_read

    def outcome(self) -> socket.socket | OSError | None:
        """The connection, which is the caller's from now on, or why there is none; None if it is not known yet."""
        with self._lock:
            outcome, self._outcome = self._outcome, None
            return outcome

    def give_up(self) -> None:
        """Nobody waits for it any more. The thread ends when its connection does, or within CONNECT_S."""
        with self._lock:
            if self._given_up:
                return
            self._given_up = True
            os.close(self._done_read)
            os.close(self._done_write)
            if isinstance(self._outcome, socket.socket):
                self._outcome.close()

    def _connect(self) -> None:
        outcome: socket.socket | OSError
        try:
            outcome = socket.create_connection(self._endpoint, CONNECT_S)
        except OSError as error:
            outcome = error
        with self._lock:
            if not self._given_up:
                self._outcome = outcome
                os.write(self._done_write, b"x")
            elif isinstance(outcome, socket.socket):
                outcome.close()
