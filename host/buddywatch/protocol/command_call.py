"""One command that a board is asked to do: its parts are sent, then its output is asked for piece by piece. No I/O.

Whatever is lost on the way is sent or asked for again; the board does a command with the same number only once.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from itertools import count

from buddyd import wire_host
from buddyd.talk import secret

from buddywatch.protocol.frame import Piece

AGAIN_S = 2.0  # without an answer for so long, ask again
SILENT_S = 20.0  # without an answer for so long, give up
SENT_MAX = 10  # how often the parts are sent at most
BYTES_MAX = wire_host.PARTS_MAX * wire_host.PART_BYTES - secret.CODE_BYTES
INTERRUPTED = 130  # a code, as a shell gives it
_numbers = count(secrets.randbelow(1 << 31) + 1)


class CommandCall:
    """show(data, is_failure) is called with what the command prints, and with the lines that report its failures.

    code: the exit code, once the command has ended. error: why its end will never be known.
    """

    def __init__(self, command: bytes, key: bytes, show: Callable[[bytes, bool], None], now_s: float) -> None:
        """command: its words, at most BYTES_MAX bytes. key: of the connection, b"" where no secret is proven."""
        self.number = number = b"%08x" % next(_numbers)  # higher than all before, as a board with a secret demands
        self.code: int | None = None
        self.error: str | None = None
        self.out = b""  # lines to send
        self._show = show
        code = secret.command_code(key, number, command) if key else b""
        self._parts = [line + b"\n" for line in wire_host.command_parts(number, command + code)]
        self._at = 0  # the piece that is asked for
        self._sent = 0
        self._asked_s = self._heard_s = now_s
        self._send(range(len(self._parts)), now_s)

    @property
    def is_over(self) -> bool:
        return self.code is not None or self.error is not None

    def take(self, piece: Piece, now_s: float) -> None:
        """A piece came over the connection."""
        if piece.number != self.number or self.is_over:
            return
        self._heard_s = now_s
        if piece.kind == wire_host.REFUSED:
            self.error = piece.data.decode("ascii", "backslashreplace")
        elif piece.kind == wire_host.GONE:
            self.error = "the board began it, but how it ended is lost"
        elif piece.kind == wire_host.MISSING:
            missing = [digit - 33 for digit in piece.data]
            self._send(missing or range(len(self._parts)), now_s)
        elif piece.kind != wire_host.WORKING and piece.at == self._at:
            self._take_next(piece, now_s)

    def _take_next(self, piece: Piece, now_s: float) -> None:
        self._at += 1
        if piece.kind == wire_host.DONE:
            self.code = int(piece.data) if piece.data.isdigit() else 1
            return
        self._show(piece.data, piece.kind == wire_host.FAILURE)
        self._ask(now_s)

    def tick(self, now_s: float) -> None:
        """Call it several times a second."""
        if self.is_over:
            return
        if now_s - self._heard_s > SILENT_S:
            self.error = f"no answer for {SILENT_S:.0f} s"
        elif now_s - self._asked_s > AGAIN_S:
            self._ask(now_s)

    def interrupt(self) -> None:
        """Ask the board to end it, without waiting for the answer."""
        if not self.is_over:
            self.code = INTERRUPTED
            self.out += wire_host.end_command(self.number) + b"\n"

    def _send(self, indexes: range | list[int], now_s: float) -> None:
        self._sent += 1
        if self._sent > SENT_MAX:
            self.error = f"the board did not get the whole command in {SENT_MAX} tries"
            return
        self.out += b"".join(self._parts[index] for index in indexes if 0 <= index < len(self._parts))
        self._ask(now_s)

    def _ask(self, now_s: float) -> None:
        self._asked_s = now_s
        self.out += wire_host.ask_piece(self.number, self._at) + b"\n"
