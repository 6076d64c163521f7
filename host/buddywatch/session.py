"""What one connection brings, line by line: hellos, numbered frames, gap reports, and everything else as console text.

No I/O. A line may be shared with the board's console: a frame may follow a shell prompt, a kernel message may have run
into it, and our own requests may come back as an echo. So the last mark that starts a valid frame counts, and what is
no frame is kept as text. A numbered frame is valid only under the boot id of the link and its whole sequence number, of
which two digits are sent: the number is looked for near the live position and near what was asked for.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from buddyd import wire

LINE_KEPT = 4096  # bytes of an unfinished line: what a canonical tty hands out at most (N_TTY_BUF_SIZE)
WAITING_MAX = 256  # frames that came before the hello of their boot
UNVERIFIED_MAX = 2  # frames in a row that fit no known boot: it is time to ask who is there

_MARK = wire.MARK[0]
_DIGITS = bytes(range(wire.FIRST_DIGIT, wire.FIRST_DIGIT + wire.BASE))
_PRINTABLE = bytes(range(32, 127))
_SHORTEST = len(b"~dSS") + wire.CHECK_DIGITS
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Hello:
    """One line of a hello: some of the facts of a boot, without `boot`."""

    boot_id: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """A verified numbered frame. kind: one of wire.NUMBERED, as bytes. body: its digits, or an event's text."""

    boot_id: str
    seq: int
    kind: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class GapReport:
    """The board says that it cannot send first..last any more."""

    boot_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Text:
    """A line, or the part of one, that is no frame. Not escaped: it is what the board sent."""

    text: str


Item = Hello | Frame | GapReport | Text


def board_name(facts: Mapping[str, str]) -> str:
    """The name that a board goes by, from its hello: 1 to 64 of A-Z a-z 0-9 . _ -, whatever it sent."""
    return _NOT_IN_A_NAME.sub("_", facts.get("name", ""))[:64] or "board"


class LinkSession:
    """One per connection; a new connection gets a new one."""

    def __init__(self) -> None:
        self.boot_id: str | None = None  # of the hello last heard
        self.damaged = 0  # lines that look like frames and are none
        self.dropped_bytes = 0  # of lines longer than LINE_KEPT
        self._line = bytearray()  # the unfinished line
        self._was_cut = False
        self._waiting: deque[bytes] = deque()  # lines with frames that may belong to a boot we have not heard of yet
        self._live = 1  # the number that comes next, as far as is known
        self._expected = 1  # the number that is asked for

    @property
    def wants_hello(self) -> bool:
        """Whether the board should be asked who it is."""
        return self.boot_id is None or len(self._waiting) >= UNVERIFIED_MAX

    @property
    def unfinished(self) -> str:
        """The line that is under way, as text; "" if it may become a frame."""
        line = bytes(self._line[-LINE_KEPT:])
        return "" if wire.MARK in line else line.decode("utf-8", "backslashreplace")

    def expect(self, near: int) -> None:
        """Frames from number `near` on were asked for."""
        self._expected = near

    def feed(self, data: bytes) -> list[Item]:
        """What the received bytes complete, in the order of arrival."""
        out: list[Item] = []
        first, *others = data.split(b"\n")
        self._line += first
        for following in others:
            self._take_line(out)
            self._line += following
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
        """Keep only the end, in which a frame may be; the first part of the line is told as text, once."""
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
        # CR LF, and the LF CR of some UART drivers (drivers/serial/mcf.c), whose CR comes first on the next line
        line = bytes(self._line.strip(b"\r\0"))
        self._line.clear()
        self._was_cut = False
        if line and not self._take_frames(line, out):
            self._take_other(line, out)

    def _take_frames(self, line: bytes, out: list[Item]) -> bool:
        """Take the frames that the line ends with (two where a newline was lost) and the text before them."""
        found: list[Item] = []
        rest = line
        while (cut := self._last_frame(rest)) is not None:
            at, item = cut
            found.append(item)
            rest = rest[:at].rstrip(b"\r")
        if not found:
            return False
        if any(isinstance(item, Frame) for item in found):
            self._give_up_waiting(out)  # the boot is as we believe, so they were damaged
        self.damaged += _looks_like_frame(rest)
        _put_text(out, rest)
        out += reversed(found)
        if self._waiting and any(isinstance(item, Hello) for item in found):
            self._try_waiting(out)
        return True

    def _take_other(self, line: bytes, out: list[Item]) -> None:
        if _looks_like_frame(line):
            self._waiting.append(line)
            if len(self._waiting) > WAITING_MAX:
                self._give_up(self._waiting.popleft(), out)
            return
        echo = line.rfind(wire.ASK)
        if echo >= 0 and wire.unseal(line[echo:]) is not None:
            line = line[:echo]
        _put_text(out, line)

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

    def _last_frame(self, line: bytes) -> tuple[int, Item] | None:
        """Where the last mark that starts a valid frame is, and the frame."""
        lowest = max(0, len(line) - wire.LINE_MAX)
        at = line.rfind(_MARK, lowest)
        while at >= 0:
            item = self._open(line[at:])
            if item is not None:
                return at, item
            at = line.rfind(_MARK, lowest, at)
        return None

    def _open(self, line: bytes) -> Item | None:
        kind = line[1:2]
        if len(line) < _SHORTEST or not kind:
            return None
        if kind in wire.NUMBERED:
            return self._open_numbered(line, kind)
        content = wire.unseal(line)
        if content is None:
            return None
        try:
            if kind == wire.HELLO:
                return self._open_hello(content)
            if kind == wire.GAP:
                return GapReport(*wire.parse_numbers(content))
        except ValueError:
            pass
        return None

    def _open_hello(self, content: bytes) -> Hello | None:
        facts = wire.parse_facts(content)
        boot_id = facts.pop("boot", "")
        if len(boot_id) != 8:
            return None
        if boot_id != self.boot_id:
            self.boot_id, self._live, self._expected = boot_id, 1, 1
        following = facts.get("next", "")
        if following.isascii() and following.isdigit():
            self._live = max(self._live, int(following[:15]))
        return Hello(boot_id, facts)

    def _open_numbered(self, line: bytes, kind: bytes) -> Frame | None:
        if self.boot_id is None:
            return None
        tried = None
        for near in (self._live, self._expected):
            seq = wire.candidate_sequence(line, near)
            if seq is None or seq == tried:
                continue
            tried = seq
            content = wire.unseal(line, wire.context(self.boot_id, seq))
            if content is not None:
                if near == self._expected:
                    self._expected = seq + 1
                self._live = max(self._live, seq + 1)
                return Frame(self.boot_id, seq, kind, content[4:])
        return None


def _looks_like_frame(line: bytes) -> bool:
    """Whether the line ends with something of a numbered frame's shape."""
    lowest = max(0, len(line) - wire.LINE_MAX)
    at = line.rfind(_MARK, lowest)
    while at >= 0:
        kind = line[at + 1 : at + 2]
        if len(line) - at >= _SHORTEST and kind in wire.NUMBERED:
            allowed = _PRINTABLE if kind == wire.EVENT else _DIGITS
            if not line[at + 2 :].translate(None, allowed):
                return True
        at = line.rfind(_MARK, lowest, at)
    return False


def _put_text(out: list[Item], line: bytes) -> None:
    line = line.strip(b"\r\0")
    if line.strip():
        out.append(Text(line.decode("utf-8", "backslashreplace")))
