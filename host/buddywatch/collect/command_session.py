"""Commands for a board, through the collector: who gives them, over which connection, and what comes of them.

A client of the collector's socket that has sent `run BOARD` sends a line for each command: its words in base64, with a
zero byte between two. It gets lines that begin with a letter for their kind. When it goes, its command is interrupted.
"""

from __future__ import annotations

import binascii
import pwd
import socket
from collections.abc import Iterable

from buddywatch.collect.console_session import LOST, OPEN, REFUSED, Session
from buddywatch.links.connection import Connection
from buddywatch.links.guarded import GuardedLink
from buddywatch.protocol.command_call import BYTES_MAX, CommandCall

RUN = "run"
OUTPUT, FAILURE, CODE = "b", "f", "d"  # kinds of lines to a client, beside those of a console session
WHO_CHARS = 32
NOT_PROVEN = "; over a network a board takes commands only from a host that has proven its secret (secret_file)"


def who(uid: int) -> str:
    """Who gives a command: the user and this machine, for the board's ring."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return f"{name}@{socket.gethostname().partition('.')[0]}"[:WHO_CHARS]


def is_fit(connection: Connection) -> bool:
    """True if an agent that takes commands may be on this link."""
    return connection.can_ask and connection.link.has_human_side


def is_proven(connection: Connection) -> bool:
    return isinstance(connection.link, GuardedLink) and connection.link.command_key() is not None


def command_key(connection: Connection) -> bytes:
    """The key for commands over a connection; b"" where no secret is proven, which a board takes on a line only."""
    key = connection.link.command_key() if isinstance(connection.link, GuardedLink) else None
    return key or b""


def silence_words(connection: Connection, error: str) -> str:
    """Why a command failed, with the likely reason where a board says nothing."""
    is_silent = error.startswith("no answer") and isinstance(connection.link, GuardedLink)
    return error + (NOT_PROVEN if is_silent and not is_proven(connection) else "")


class CommandSession(Session):
    """A client that gives commands to one board, one after the other. who: goes into the board's ring."""

    line_max = 2 * BYTES_MAX  # base64 takes a third more

    def __init__(self, stream: socket.socket, monotonic_s: float, connection: Connection, who: str) -> None:
        super().__init__(stream, monotonic_s)
        self.link = connection
        self._who = who
        self._call: CommandCall | None = None
        self.send(OPEN, connection.url)

    def take_lines(self, monotonic_s: float) -> None:
        """Read the client's commands."""
        lines = self.lines()
        if lines is None:
            self.leave(monotonic_s)
        for line in lines or ():
            if self._call is not None:
                self.end(LOST, "a command is running")
                return
            self._begin(line, monotonic_s)

    def _begin(self, line: bytes, monotonic_s: float) -> None:
        try:
            words = binascii.a2b_base64(line, strict_mode=True)
        except ValueError:
            self.end(LOST, "expected base64")
            return
        command = self._who.encode() + b"\0" + words
        if len(command) > BYTES_MAX:
            self.end(REFUSED, f"the command is too long: {len(command)} bytes, at most {BYTES_MAX}")
            return
        self._call = CommandCall(command, command_key(self.link), self._show, monotonic_s)

    def _show(self, data: bytes, is_failure: bool) -> None:
        self.send(FAILURE if is_failure else OUTPUT, binascii.b2a_base64(data, newline=False).decode())

    def work(self, monotonic_s: float) -> None:
        """Take what came over the connection, send what waits, and tell the client when the command has ended."""
        if self.is_over:
            return
        if not self.link.is_up:
            self.end(LOST, self.link.last_error or f"{self.link.url}: closed")
            return
        call = self._call
        if call is None:
            return
        pieces = self.link.pieces
        for piece in [piece for piece in pieces if piece.number == call.number]:
            pieces.remove(piece)
            call.take(piece, monotonic_s)
        call.tick(monotonic_s)
        self._speak(call, monotonic_s)
        if call.error is not None:
            self.end(REFUSED, f"{self.link.url}: {silence_words(self.link, call.error)}")
        elif call.code is not None:
            self._call = None
            self.send(CODE, str(call.code))

    def leave(self, monotonic_s: float) -> None:
        """The client is gone, or the collector ends: the board ends the command."""
        if self._call is not None:
            self._call.interrupt()
            self._speak(self._call, monotonic_s)
        self.is_over = True

    def _speak(self, call: CommandCall, monotonic_s: float) -> None:
        out, call.out = call.out, b""
        if out:
            self.link.say(out, monotonic_s)


def fit_connection(board: str, connections: Iterable[Connection]) -> Connection | None:
    """The best connection for commands to a board: one with a proven secret, else any other."""
    fit = [c for c in connections if c.board == board and is_fit(c)]
    return min(fit, key=lambda c: not is_proven(c)) if fit else None
