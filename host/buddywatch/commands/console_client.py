"""An interactive session with a board: through the running collector, or over a link opened for it.

Both have the same methods: send() a line, read() the answers, finish() after the last line. PersonError: the session
ended before all lines were answered.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from buddyd import wire_host

from buddywatch.collect import console_server, console_session, control_socket
from buddywatch.links.base import LinkError
from buddywatch.links.connection import Connection
from buddywatch.protocol.frame import Hello
from buddywatch.protocol.line_stream import Text

OPEN_S = 30.0  # for a connection, and for the first hello
ANSWER_S = console_session.ANSWER_S


class PersonError(LinkError):
    """The session cannot start, or ended too early."""


class Conversation(Protocol):
    """show(text, is_whole) is called for what comes. is_whole: a whole line; otherwise the start of one (a prompt)."""

    over: bool  # everything sent before finish() is answered
    name: str  # of the link

    def fileno(self) -> int | None: ...

    def send(self, line: str) -> None: ...

    def finish(self) -> None: ...

    def read(self, show: Callable[[str, bool], None]) -> None:
        """Show what came. Call it when there is something to read, and regularly. PersonError."""

    def close(self) -> None: ...


class ThroughCollector:
    """Through the collector's socket, which is beside the database."""

    def __init__(self, db: Path, board: str, is_shell: bool) -> None:
        path = control_socket.control_path(db)
        try:
            self._socket = control_socket.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise PersonError(
                f"no collector runs on {db}; start `buddywatch collect`, or name the link itself: "
                "buddywatch console telnet://HOST:PORT"
            ) from None
        except OSError as error:
            raise PersonError(f"{path}: {error.strerror}; only the user who runs the collector may use it") from None
        self.over = False
        self.name = ""
        self._rest = b""
        self._socket.settimeout(OPEN_S)
        self.send(f"{console_server.SHELL if is_shell else console_server.CONSOLE} {board}")
        while not self.name:
            self.read(lambda text, is_whole: None)
        self._socket.settimeout(0)

    def fileno(self) -> int | None:
        return self._socket.fileno()

    def send(self, line: str) -> None:
        with suppress(OSError):  # read() reports why the collector is gone
            self._socket.sendall(line.encode() + b"\n")

    def finish(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def read(self, show: Callable[[str, bool], None]) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            raise PersonError(f"the collector does not answer ({error.strerror or error})") from None
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(line[:1].decode(), line[1:].decode("utf-8", "replace"), show)
        if not data and not self.over:
            raise PersonError("the collector ended the session")

    def close(self) -> None:
        self._socket.close()

    def _take(self, kind: str, text: str, show: Callable[[str, bool], None]) -> None:
        if kind == console_session.OPEN:
            self.name = text
        elif kind == console_session.END:
            self.over = True
        elif kind in (console_session.REFUSED, console_session.LOST):
            raise PersonError(text)
        elif kind in (console_session.TEXT, console_session.PARTIAL):
            show(text, kind == console_session.TEXT)


class OverLink:
    """Over its own connection, authenticated with the secret where the board demands it."""

    def __init__(self, connection: Connection) -> None:
        self.over = False
        self.name = connection.url
        self.connection = connection
        self._finishing_s: float | None = None
        end_s = time.monotonic() + OPEN_S
        while connection.boot_id is None:
            if time.monotonic() > end_s:
                raise PersonError(
                    f"{self.name}: connected, but no agent answers; check that buddyd runs, the cable, the baud rate"
                )
            self.read(lambda text, is_whole: None)
            time.sleep(0.02)

    def fileno(self) -> int | None:
        return self.connection.link.fileno()

    def send(self, line: str) -> None:
        self.connection.say(line.encode() + b"\n", time.monotonic())

    def finish(self) -> None:
        self._finishing_s = time.monotonic()
        self.connection.say(wire_host.ask_hello() + b"\n", self._finishing_s)

    def read(self, show: Callable[[str, bool], None]) -> None:
        now_s = time.monotonic()
        self.connection.tend(now_s)
        items = self.connection.receive(now_s) if self.connection.is_started else []
        for item in items:
            if isinstance(item, Text):
                show(item.text, True)
            elif isinstance(item, Hello) and self._finishing_s is not None:
                self.over = True
                return
        if self.connection.last_error:
            raise PersonError(self.connection.last_error)
        if self._finishing_s is not None and now_s - self._finishing_s > ANSWER_S:
            raise PersonError(f"{self.name}: no answer for {ANSWER_S:.0f} s")

    def close(self) -> None:
        self.connection.close()
