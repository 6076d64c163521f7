"""What one connection brings, line by line: hellos, numbered frames, gap reports, and everything else as console text.

No I/O. A line may be shared with the board's console: a frame may follow a shell prompt, a kernel message may have run
into it, and our own requests may come back as an echo. So the last mark that starts a valid frame counts, and what is
not a frame is kept as text.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from buddyd import wire

from buddywatch.protocol.bounds import FRAMES_MAX, whole_number
from buddywatch.protocol.frame import Frame, GapReport, Hello, Opener, Piece, looks_like_frame, request_start

LINE_KEPT = 4096  # bytes of an unfinished line: a canonical tty never hands out more (N_TTY_BUF_SIZE)
WAITING_MAX = 1024  # frames that came before the hello of their boot
# CR LF, and the LF CR of some UART drivers (drivers/serial/mcf.c), whose CR comes first on the next line
_NOT_TEXT = b"\r\0"
PIECES_MAX = 64  # pieces of a command's output that wait for whoever gave the command
UNVERIFIED_MAX = 2  # frames in a row that match no known boot: time to ask for a hello


@dataclass(frozen=True, slots=True)
class Text:
    """A line, or a part of one, that is not a frame. Not escaped: exactly what the board sent."""

    text: str


Item = Hello | Frame | GapReport | Text


class LinkSession:
    """One per connection; a new connection gets a new one."""

    def __init__(self) -> None:
        self.damaged = 0  # lines that look like frames but fail their check
        self.dropped_bytes = 0  # of lines longer than LINE_KEPT
        self.pieces: deque[Piece] = deque(maxlen=PIECES_MAX)  # for whoever gave a command, who takes them
        self._line = bytearray()  # the unfinished line
        self._was_cut = False
        self._waiting: deque[bytes] = (
            deque()
        )  # lines with frames that may belong to a boot whose hello is still to come
        self._opener = Opener()

    @property
    def boot_id(self) -> str | None:
        """Of the hello last heard."""
        return self._opener.boot_id

    @property
    def wants_hello(self) -> bool:
        """Whether the board should be asked who it is."""
        return self.boot_id is None or len(self._waiting) >= UNVERIFIED_MAX

    @property
    def has_unverified(self) -> bool:
        """Whether a line came that looks like a frame but belongs to no known boot: an agent is there."""
        return bool(self._waiting)

    @property
    def unfinished(self) -> str:
        """The unfinished line, as text; "" if it may become a frame."""
        line = bytes(self._line[-LINE_KEPT:])
        return "" if wire.MARK in line else line.decode("utf-8", "backslashreplace")

    def expect(self, near: int) -> None:
        """Frames from number `near` on were asked for."""
        self._opener.expect(near)

    def start_anew(self, hello: Hello) -> list[Item]:
        """A later boot has the same id. What came of it already, and could not be checked by the numbers before."""
        self._opener.start_anew(whole_number(hello.facts.get("next", ""), FRAMES_MAX) or 1)
        out: list[Item] = []
        self._try_waiting(out)
        return out

    def feed(self, data: bytes) -> list[Item]:
        """What the received bytes complete, in the order of arrival."""
        out: list[Item] = []
        *lines, unfinished = data.split(b"\n")
        for line in lines:
            frame = None if self._line or self._waiting else self._opener.sole_frame(line.strip(_NOT_TEXT))
            if frame is not None:  # the ordinary case, at a third of the cost
                out.append(frame)
                continue
            self._line += line
            self._take_line(out)
        self._line += unfinished
        if len(self._line) > LINE_KEPT:
            self._cut_line(out)
        return out

    def close(self) -> list[Item]:
        """What was still waiting when the connection ended."""
        out: list[Item] = []
        self._take_line(out)
        self._give_up_waiting(out)
        return out

    def _cut_line(self, out: list[Item]) -> None:
        """Keep only the end, where a frame may be; pass the first part of the line on as text, once."""
        begin = self._line[: -wire.LINE_MAX]
        del self._line[: -wire.LINE_MAX]
        if not self._was_cut:
            self._was_cut = True
            _put_text(out, bytes(begin[:LINE_KEPT]))
            del begin[:LINE_KEPT]
        self.dropped_bytes += len(begin)

    def _take_line(self, out: list[Item]) -> None:
        if len(self._line) > LINE_KEPT:
            self._cut_line(out)
        line = bytes(self._line.strip(_NOT_TEXT))
        self._line.clear()
        self._was_cut = False
        if line and not self._take_frames(line, out):
            self._take_other(line, out)

    def _take_frames(self, line: bytes, out: list[Item]) -> bool:
        """Take the frames that the line ends with (two where a newline was lost) and the text before them."""
        found: list[Hello | Frame | GapReport] = []
        rest = line
        while (cut := self._opener.last_frame(rest)) is not None:
            at, item = cut
            if isinstance(item, Piece):
                self.pieces.append(item)
            else:
                found.append(item)
            rest = rest[:at].rstrip(b"\r")
        if len(rest) == len(line):
            return False
        if self._waiting and any(isinstance(item, Hello) for item in found):
            self._try_waiting(out)  # they came before the hello, whose facts about the ring are newer
        if any(isinstance(item, Frame) for item in found):
            self._give_up_waiting(out)  # the boot has not changed, so they were damaged
        self.damaged += looks_like_frame(rest)
        _put_text(out, rest)
        out += reversed(found)
        return True

    def _take_other(self, line: bytes, out: list[Item]) -> None:
        if looks_like_frame(line):
            self._waiting.append(line)
            if len(self._waiting) > WAITING_MAX:
                self._give_up(self._waiting.popleft(), out)
            return
        echo = request_start(line)
        _put_text(out, line if echo < 0 else line[:echo])

    def _try_waiting(self, out: list[Item]) -> None:
        lines, self._waiting = self._waiting, deque()
        for line in lines:
            if not self._take_frames(line, out):
                self._waiting.append(line)

    def _give_up_waiting(self, out: list[Item]) -> None:
        while self._waiting:
            self._give_up(self._waiting.popleft(), out)

    def _give_up(self, line: bytes, out: list[Item]) -> None:
        self.damaged += 1
        _put_text(out, line)


def _put_text(out: list[Item], line: bytes) -> None:
    text = line.strip(_NOT_TEXT).decode("utf-8", "backslashreplace")
    if text.strip():
        out.append(Text(text))
