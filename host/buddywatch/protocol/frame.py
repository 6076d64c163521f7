"""Frames in a line of text: where the last valid one begins, and what it says. No I/O.

A numbered frame is valid only under the boot id of the link and its whole sequence number, of which two digits are
sent: the number is looked for near the live position and near what was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from buddyd import wire, wire_host

from buddywatch.protocol.bounds import FRAMES_MAX, whole_number

_MARK = wire.MARK[0]
_DIGITS = bytes(range(wire.FIRST_DIGIT, wire.FIRST_DIGIT + wire.BASE))
_PRINTABLE = bytes(range(32, 127))
_SHORTEST = len(b"~dSS") + wire.CHECK_DIGITS


@dataclass(frozen=True, slots=True)
class Hello:
    """One line of a hello: some of the facts of a boot, without `boot`."""

    boot_id: str
    facts: dict[str, str]


class Frame(NamedTuple):
    """A verified numbered frame. kind: one of wire.NUMBERED, as bytes. body: its digits, or an event's text."""

    boot_id: str
    seq: int
    kind: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class GapReport:
    """The board reports that it has overwritten first..last."""

    boot_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of what a command on the board printed, or why there is none. number: the command's, 8 hex digits.

    kind: one of wire_host.PIECE_KINDS.
    """

    number: bytes
    at: int
    kind: bytes
    data: bytes


Opened = Hello | Frame | GapReport | Piece
_Item = TypeVar("_Item")


def together(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items one by one, except that frames of one boot which follow each other stay together."""
    run: list[_Item] = []
    boot_id = None  # of the frames in `run`
    for item in items:
        of_item = item.boot_id if isinstance(item, Frame) else None
        if run and (of_item is None or of_item != boot_id):
            yield run
            run = []
        run.append(item)
        boot_id = of_item
    if run:
        yield run


class Opener:
    """boot_id: of the hello last heard; frames of no other boot are valid."""

    def __init__(self) -> None:
        self.boot_id: str | None = None
        self._live = 1  # the number that comes next, as far as is known
        self._expected = 1  # the number that is asked for

    def expect(self, near: int) -> None:
        """Frames from number `near` on were asked for."""
        self._expected = near

    def start_anew(self, following: int) -> None:
        """A later boot has the same id: the next frame that it makes is `following`."""
        self._live, self._expected = following, 1

    def last_frame(self, line: bytes) -> tuple[int, Opened] | None:
        """Where the last mark that starts a valid frame is, and the frame."""
        lowest = max(0, len(line) - wire.LINE_MAX)
        at = line.rfind(_MARK, lowest)
        while at >= 0:
            item = self._open(line[at:])
            if item is not None:
                return at, item
            at = line.rfind(_MARK, lowest, at)
        return None

    def sole_frame(self, line: bytes) -> Frame | None:
        """The numbered frame that the whole line is, without another mark in it; None if it is anything else."""
        if line[:1] != wire.MARK or line.rfind(_MARK) or not _SHORTEST <= len(line) <= wire.LINE_MAX:
            return None
        return self._open_numbered(line, line[1:2]) if line[1] in wire.NUMBERED else None

    def _open(self, line: bytes) -> Opened | None:
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
            if kind == wire_host.PIECE:
                return Piece(*wire_host.parse_piece(content))
        except ValueError:
            pass
        return None

    def _open_hello(self, content: bytes) -> Hello | None:
        facts = wire_host.parse_facts(content)
        boot_id = facts.pop("boot", "")
        if len(boot_id) != 8:
            return None
        if boot_id != self.boot_id:
            self.boot_id, self._live, self._expected = boot_id, 1, 1
        self._live = max(self._live, whole_number(facts.get("next", ""), FRAMES_MAX) or 1)
        return Hello(boot_id, facts)

    def _open_numbered(self, line: bytes, kind: bytes) -> Frame | None:
        boot_id, tried = self.boot_id, None
        if boot_id is None:
            return None
        for near in (self._live, self._expected):
            seq = wire_host.candidate_sequence(line, near)
            if seq is None or seq == tried:
                continue
            tried = seq
            if wire_host.is_sealed(line, _boot_crc(boot_id), seq):
                if near == self._expected:
                    self._expected = seq + 1
                if seq >= self._live:
                    self._live = seq + 1
                return Frame(boot_id, seq, kind, line[4 : -wire.CHECK_DIGITS])
        return None


@lru_cache(maxsize=4096)
def _boot_crc(boot_id: str) -> int:
    return int(wire_host.boot_crc(boot_id))


def request_start(line: bytes) -> int:
    """Where the valid request begins that the line ends with, as an echo does; -1 if there is none."""
    at = line.find(wire.ASK, max(0, len(line) - wire.ASK_MAX))
    while at >= 0 and wire.unseal(line[at:]) is None:  # the mark is a digit as well, and may stand in a check
        at = line.find(wire.ASK, at + 1)
    return at


def looks_like_frame(line: bytes) -> bool:
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
