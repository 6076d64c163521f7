"""One console session with a board, on the collector's side: lines in both directions, and the end of the answers."""

from __future__ import annotations

import secrets
import socket

from buddywatch.links.connection import Connection

LINE_MAX = 256  # bytes that a client may send before a newline
OUT_MAX = 65536  # bytes that a client may leave unread
ANSWER_S = 20.0  # limit for a board's answer to the last question, and between two outputs of a shell
SHELL_ANSWER_S = 600.0  # limit for a shell to finish everything that was typed, even while it prints
OPEN, REFUSED, TEXT, PARTIAL, END, LOST = "o", "n", "t", "p", "d", "e"  # kinds of lines to a client


class EndMark:
    """A word that a shell is asked to print at the end, because a shell does not report that it is done.

    A time limit would not show the end: a command may be silent for long, and the kernel or a background program may
    print all the time. The quotes keep the word out of the terminal's echo of the command.
    """

    def __init__(self) -> None:
        number = secrets.token_hex(4)
        self.word = f"buddywatch-{number}"
        self.command = f"echo buddy''watch-{number}"


class Session:
    """connection: the board's, once open. finishing_s: when the client sent its last line; answers may still come."""

    line_max = LINE_MAX

    def __init__(self, stream: socket.socket, monotonic_s: float) -> None:
        self.stream = stream
        self.connection: Connection | None = None
        self.is_shell = self.is_follower = False
        self.is_patient = False  # it waits as long as what it ordered takes
        self.since_s = monotonic_s
        self.heard_s = monotonic_s  # when the board last sent something
        self.finishing_s: float | None = None
        self.end_mark: EndMark | None = None  # what a shell was asked to print at the end
        self.is_over = False
        self._line = bytearray()
        self._out = bytearray()
        self._partial = ""

    def lines(self) -> list[bytes] | None:
        """Lines that the client sent since the last call; None at its end. A line that is too long ends the session."""
        lines: list[bytes] = []
        while True:
            try:
                data = self.stream.recv(4096)
            except BlockingIOError:
                return lines
            except OSError:
                self.is_over = True
                return lines
            if not data:
                return lines or None
            *whole, rest = (bytes(self._line) + data).split(b"\n")
            self._line[:] = rest
            lines += whole
            if max(map(len, [*whole, rest])) > self.line_max:
                self.end(LOST, f"a line may have {self.line_max} bytes")
                return []

    def send(self, kind: str, text: str) -> None:
        line = f"{kind}{text}".replace("\n", " ").encode("utf-8", "backslashreplace") + b"\n"
        if len(self._out) + len(line) > OUT_MAX:
            self.is_over = True  # the client does not read
        else:
            self._out += line

    def hear(self, text: str) -> None:
        """The board sent a line."""
        self.show_partial("")
        mark = self.end_mark
        if mark is None:
            self.send(TEXT, text)
        elif mark.word in text:
            output = text.partition(mark.word)[0]  # of a command whose output does not end with a newline
            if output.strip():
                self.send(TEXT, output)
            self.end(END)
        elif mark.command not in text:
            self.send(TEXT, text)

    def lateness(self, finishing_s: float, monotonic_s: float) -> str | None:
        """Why the answers to what was typed before finishing_s are overdue; None if they are not."""
        last_s = max(finishing_s, self.heard_s) if self.is_shell else finishing_s
        if monotonic_s - last_s > ANSWER_S:
            return f"no answer for {ANSWER_S:.0f} s"
        if monotonic_s - finishing_s > SHELL_ANSWER_S:
            return f"the shell did not finish in {SHELL_ANSWER_S / 60:.0f} min"
        return None

    def show_partial(self, text: str) -> None:
        if text != self._partial:
            self._partial = text
            if text:
                self.send(PARTIAL, text)

    def end(self, kind: str, text: str = "") -> None:
        self.send(kind, text)
        self.flush()
        self.is_over = True

    def flush(self) -> None:
        try:
            while self._out:
                del self._out[: self.stream.send(self._out)]
        except BlockingIOError:
            pass
        except OSError:
            self.is_over = True
