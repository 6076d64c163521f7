"""The host's side of the proof of a secret (PROTOCOL.md, Secrets), for one connection. No I/O.

Lines of the proof are taken out of what the board sends. If a proof is demanded, all other input before it is dropped.
"""

from __future__ import annotations

from collections.abc import Callable

from buddyd import wire
from buddyd.talk import secret

LINE_KEPT = 4096  # bytes of an unfinished line that may be held back


class HandshakeError(Exception):
    """The proof failed, or no answer is possible. Its text is the end of a sentence."""


class Handshake:
    """key_of(name): the secret of the board of that name, None if it has none. nonce: never used before.

    proven: the board's name, once the board has proven that it has the secret of that name. out: what to send.
    """

    def __init__(self, key_of: Callable[[str], bytes | None], demanded: bool, nonce: bytes) -> None:
        self.proven: str | None = None
        self.out = bytearray()
        self._key_of = key_of
        self._demanded = demanded
        self._nonce = nonce
        self._line = bytearray()
        self._asked: tuple[bytes, bytes] | None = None  # name and nonce of the challenge that we answered
        self._key = b""

    def command_key(self) -> bytes | None:
        """The key for commands over this connection; None before the board has proven the secret."""
        if self.proven is None or self._asked is None:
            return None
        return bytes(secret.command_key(self._key, *self._asked, self._nonce))

    @property
    def is_answered(self) -> bool:
        """Whether we sent our proof and wait for theirs."""
        return self._asked is not None and self.proven is None

    def feed(self, data: bytes) -> bytes:
        """The part of the received bytes that is for the session. Raises HandshakeError."""
        if self.proven is not None or (not self._line and self._is_plain(data)):
            return data
        self._line += data
        end = self._line.rfind(b"\n") + 1
        lines = bytes(self._line[:end])
        del self._line[:end]
        if secret.CHALLENGE in lines or secret.PROOF in lines:
            lines = self._take_lines(lines)
        elif self._demanded:
            lines = b""
        if len(self._line) > LINE_KEPT:
            lines += b"" if self._demanded else self._line
            self._line.clear()
        return lines

    def _is_plain(self, data: bytes) -> bool:
        """Whether these are whole lines of which none is about a secret, and all may pass: the ordinary case."""
        return not self._demanded and data[-1:] == b"\n" and secret.CHALLENGE not in data and secret.PROOF not in data

    def _take_lines(self, lines: bytes) -> bytes:
        """The part of whole lines that is for the session; with the unfinished one if the other side has proved it."""
        passed = b""
        while lines:
            line, _, lines = lines.partition(b"\n")
            if not self._take(line.strip(b"\r")) and not self._demanded:
                passed += line + b"\n"
            if self.proven is not None:
                passed += lines + self._line
                self._line.clear()
                break
        return passed

    def rest(self) -> bytes:
        """The unfinished line that was held back, when the connection has ended."""
        return b"" if self._demanded or self.proven is not None else bytes(self._line)

    def _take(self, line: bytes) -> bool:
        """Whether the line is one of the proof."""
        line = line[max(line.rfind(wire.MARK), 0) :]
        words = secret.parse(line, secret.CHALLENGE, 2)
        if words is not None:
            self._answer(words[0], words[1])
            return True
        words = secret.parse(line, secret.PROOF, 1)
        if words is None:
            return False
        self._check(words[0])
        return True

    def _answer(self, name: bytes, of_board: bytes) -> None:
        if self._asked == (name, of_board):
            return  # the board repeats its challenge after each line that is not the answer
        if self._asked is not None:
            raise HandshakeError("it asks for a second proof, with another number")
        key = self._key_of(name.decode("ascii", "replace"))
        if key is None:
            shown = name.decode("ascii", "backslashreplace")
            raise HandshakeError(f"board {shown} demands a secret; give its [[board]] a secret_file")
        self._asked, self._key = (name, of_board), key
        self.out += bytes(secret.answer(key, name, of_board, self._nonce)) + b"\n"

    def _check(self, claim: bytes) -> None:
        if self._asked is None:
            raise HandshakeError("it sends a proof that nobody asked for")
        name, of_board = self._asked
        if not secret.same(claim, secret.proof(self._key, secret.BOARD, name, of_board, self._nonce)):
            raise HandshakeError("authentication failed: its proof is wrong; give both sides the same secret")
        self.proven = name.decode("ascii")
