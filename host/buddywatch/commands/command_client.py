"""Gives commands to a board: through the running collector, or over a link opened for them.

Both have the same method: do() gives one command and returns its exit code when it has ended. CommandFailure: it was
not begun, or its end is not known.
"""

from __future__ import annotations

import binascii
import os
import select
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from buddywatch.collect import command_session, console_session, control_socket
from buddywatch.commands import CommandError
from buddywatch.commands.console_client import OverLink, PersonError
from buddywatch.config.sections import Config
from buddywatch.links.factory import Doors
from buddywatch.protocol.command_call import BYTES_MAX, CommandCall

OPEN_S = 30.0  # for the collector's first answer
LOOK_S = 0.05  # between two looks at a link
WORD_MAX = BYTES_MAX - command_session.WHO_CHARS
Show = Callable[[bytes, bool], None]  # what a command prints; whether it reports a failure


class CommandFailure(PersonError):
    """The command was not begun, or its end is not known."""


class Commander(Protocol):
    """show(data, is_failure) is called with what the command prints."""

    def do(self, words: Sequence[bytes], show: Show) -> int: ...

    def close(self) -> None: ...


def commander(config: Config, board: str) -> Commander:
    """board: a name, or a link. CommandError, LinkError."""
    if "://" not in board:
        return ThroughCollector(config.collector.db, board)
    try:
        connection = Doors(config).connection(board)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not connection.link.has_human_side:
        raise CommandError(f"{board}: no agent answers over this kind of link; name telnet://, tcp:// or serial:///")
    return OverOwnLink(OverLink(connection))


def packed(words: Sequence[bytes]) -> bytes:
    """The words of a command as they are sent. CommandError: they cannot be."""
    if any(b"\0" in word for word in words[:-1]):
        raise CommandError("a word of a command cannot have a zero byte in it")
    whole = b"\0".join(words)
    if len(whole) > WORD_MAX:
        raise CommandError(f"the command has {len(whole)} bytes; a board takes at most {WORD_MAX}")
    return whole


class ThroughCollector:
    """Through the collector's socket, which is beside the database."""

    def __init__(self, db: Path, board: str) -> None:
        path = control_socket.control_path(db)
        try:
            self._socket = control_socket.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise CommandFailure(
                f"no collector runs on {db}; start `buddywatch collect`, or name the link itself: telnet://HOST:PORT"
            ) from None
        except OSError as error:
            raise CommandFailure(f"{path}: {error.strerror}; only the user who runs the collector may use it") from None
        self._rest = b""
        self._lines: list[bytes] = []
        self._socket.settimeout(OPEN_S)
        self._send(f"{command_session.RUN} {board}".encode())
        self._next_line()

    def do(self, words: Sequence[bytes], show: Show) -> int:
        self._socket.settimeout(None)  # the collector ends what takes too long
        self._send(binascii.b2a_base64(packed(words), newline=False))
        while True:
            kind, text = self._next_line()
            if kind == command_session.CODE:
                return int(text)
            if kind in (command_session.OUTPUT, command_session.FAILURE):
                show(binascii.a2b_base64(text), kind == command_session.FAILURE)

    def close(self) -> None:
        self._socket.close()

    def _send(self, line: bytes) -> None:
        with suppress(OSError):  # _next_line() reports why the collector is gone
            self._socket.sendall(line + b"\n")

    def _next_line(self) -> tuple[str, str]:
        """(kind, text) of the next line. CommandFailure: it is the reason for an end, or there is none."""
        while not self._lines:
            try:
                data = self._socket.recv(65536)
            except OSError as error:
                raise CommandFailure(f"the collector does not answer ({error.strerror or error})") from None
            if not data:
                raise CommandFailure("the collector ended the session")
            *self._lines, self._rest = (self._rest + data).split(b"\n")
        line = self._lines.pop(0).decode("utf-8", "replace")
        if line[:1] in (console_session.REFUSED, console_session.LOST):
            raise CommandFailure(line[1:])
        return line[:1], line[1:]


class OverOwnLink:
    """Over a connection of its own, authenticated with the secret where the board demands it."""

    def __init__(self, conversation: OverLink) -> None:
        self._conversation = conversation
        self._connection = conversation.connection

    def do(self, words: Sequence[bytes], show: Show) -> int:
        connection = self._connection
        command = command_session.who(os.getuid()).encode() + b"\0" + packed(words)
        call = CommandCall(command, command_session.command_key(connection), show, time.monotonic())
        try:
            while not call.is_over:
                self._speak(call)
                descriptor = connection.link.fileno()
                select.select([] if descriptor is None else [descriptor], [], [], LOOK_S)
                self._conversation.read(lambda text, is_whole: None)
                while connection.pieces:
                    call.take(connection.pieces.popleft(), time.monotonic())
                call.tick(time.monotonic())
        except KeyboardInterrupt:
            call.interrupt()
            self._speak(call)
            raise
        if call.error is not None:
            raise CommandFailure(f"{connection.url}: {command_session.silence_words(connection, call.error)}")
        assert call.code is not None
        return call.code

    def _speak(self, call: CommandCall) -> None:
        out, call.out = call.out, b""
        if out:
            self._connection.say(out, time.monotonic())

    def close(self) -> None:
        self._conversation.close()
