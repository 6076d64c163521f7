"""Splits a recording into the boots that it shows, and leaves out readings that are torn. No I/O.

The readings of a boot have one shape: the same zones and orders, and the same kinds of numbers. A reading of another
shape is torn (a writer was cut short, a line is missing), unless the next one has that shape as well: then the board
runs another kernel. An uptime that falls is a reboot; a date that goes back is a clock that was set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from buddywatch.protocol.bounds import UPTIME_MAX_CS, WHOLE_MAX
from buddywatch.protocol.layout import pages
from buddywatch.recorded.pieces import Flags, KernelLine, KnownFact, Piece, Reading, RecordedError, Unreadable

FIRST, REBOOT, AGENT_RESTART = "first", "reboot", "agent-restart"  # causes of a model.samples.Boot
_FALLS_MS = 1000
_FALLS_S = 1.0
_OPTIONAL = ("processes", "free_kb", "reclaimable_kb", "slab_kb")


@dataclass(frozen=True)
class Shape:
    """zones: (node, name, orders, has marks) of each. numbers: which of a reading's optional numbers are there."""

    zones: tuple[tuple[int, str, int, bool], ...] = ()
    has_time: bool = False
    has_uptime: bool = False
    numbers: frozenset[str] = frozenset()

    def takes(self, other: Shape) -> bool:
        """True if a reading of the other shape has all that this one needs."""
        mine, its = (self.zones, self.has_time, self.has_uptime), (other.zones, other.has_time, other.has_uptime)
        return mine == its and self.numbers <= other.numbers


class InLife(NamedTuple):
    """A piece and the life that it belongs to: its number from 1 on, why it began, and its shape."""

    life: int
    cause: str
    shape: Shape
    piece: Piece


def shape_of(reading: Reading) -> Shape:
    zones = tuple((zone.node, zone.name, len(zone.nr_free), zone.min_pages is not None) for zone in reading.zones)
    numbers = frozenset(name for name in _OPTIONAL if getattr(reading, name) is not None)
    return Shape(zones, reading.time is not None, reading.uptime_ms is not None, numbers)


def in_lives(pieces: Iterable[Piece], flags: Flags) -> Iterator[InLife]:
    """The pieces with their lives; a torn reading comes as Unreadable. RecordedError: readings without any time."""
    splitter = _Splitter(flags)
    for piece in pieces:
        yield from splitter.take(piece)
    yield from splitter.end()


class _Splitter:
    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._life = 0
        self._cause = FIRST
        self._shape: Shape | None = None
        self._last: Reading | None = None
        self._last_stamp_ms = 0  # of the kernel's lines, where there are no readings
        self._candidate: Reading | None = None  # of another shape: torn, or the first of a new life
        self._held: list[Piece] = []  # what came after it

    def take(self, piece: Piece) -> Iterator[InLife]:
        if isinstance(piece, Reading) and _is_impossible(piece):
            piece = Unreadable(piece.line, "numbers that no machine has")
        if isinstance(piece, Reading):
            yield from self._take_reading(piece)
        elif self._candidate is not None or self._shape is None:
            self._held.append(piece)
        else:
            yield self._placed(piece)

    def end(self) -> Iterator[InLife]:
        if self._candidate is not None and self._shape is None:
            yield from self._begin(self._candidate, None)
        elif self._candidate is not None:
            yield self._placed(_torn(self._candidate))
        yield from self._held_lines()

    def _held_lines(self) -> Iterator[InLife]:
        """What waited for a life; a log without any reading is a life without zones, until its stamps fall."""
        held, self._held = self._held, []
        has_readings = self._shape is not None
        for piece in held:
            stamp_ms = piece.uptime_ms if isinstance(piece, KernelLine) else None
            if not has_readings and stamp_ms is not None:
                if self._shape is not None and stamp_ms < self._last_stamp_ms - _FALLS_MS:
                    self._life, self._cause = self._life + 1, REBOOT
                self._last_stamp_ms = stamp_ms
            if self._shape is None:
                self._shape, self._life = Shape(), 1
            yield self._placed(piece)

    def _take_reading(self, reading: Reading) -> Iterator[InLife]:
        shape = shape_of(reading)
        if self._shape is not None and self._shape.takes(shape):
            if self._candidate is not None:
                yield self._placed(_torn(self._candidate))
                self._candidate = None
            yield from self._held_lines()
            yield from self._go_on(reading)
        elif self._candidate is not None and shape_of(self._candidate).takes(shape):
            yield from self._begin(self._candidate, reading)
            yield from self._held_lines()
            yield from self._go_on(reading)
        else:
            if self._candidate is not None:
                self._held.append(_torn(self._candidate))
            self._candidate = reading

    def _begin(self, reading: Reading, following: Reading | None) -> Iterator[InLife]:
        """A life of another shape begins with this reading. What came before it is of this life, if it is the first."""
        shape = shape_of(reading)
        is_only = self._shape is None and following is None  # a single one was made when it was written
        if not (is_only or shape.has_time or shape.has_uptime or self._flags.interval_s):
            raise RecordedError(
                f"line {reading.line}: no date and no uptime with the readings: give --interval SECONDS, their spacing"
            )
        is_first = self._shape is None
        self._cause = FIRST if is_first else self._fallen(reading) or AGENT_RESTART
        self._life += 1
        self._shape, self._candidate, self._last = shape, None, reading
        before = [piece for piece in self._held if _is_before(piece, reading)]
        self._held = self._held[len(before) :]
        for piece in before:
            yield self._placed(piece)
        yield self._placed(reading)

    def _go_on(self, reading: Reading) -> Iterator[InLife]:
        cause = self._fallen(reading)
        if cause is not None:
            self._life, self._cause = self._life + 1, cause
        self._last = reading
        yield self._placed(reading)

    def _fallen(self, reading: Reading) -> str | None:
        """Why a new life begins with a reading, by its uptime or else its date; None if nothing fell."""
        last = self._last
        if last is None:
            return None
        if last.uptime_ms is not None and reading.uptime_ms is not None:
            return REBOOT if reading.uptime_ms < last.uptime_ms - _FALLS_MS else None
        if last.time is not None and reading.time is not None and reading.time < last.time - _FALLS_S:
            return AGENT_RESTART
        return None

    def _placed(self, piece: Piece) -> InLife:
        return InLife(self._life, self._cause, self._shape or Shape(), piece)


def _is_before(piece: Piece, reading: Reading) -> bool:
    return isinstance(piece, KnownFact) or piece.line < reading.line


def _is_impossible(reading: Reading) -> bool:
    """True for numbers that a snapshot cannot hold."""
    free_pages = sum(pages(zone.nr_free) for zone in reading.zones)
    return free_pages >= WHOLE_MAX or (reading.uptime_ms or 0) > UPTIME_MAX_CS * 10


def _torn(reading: Reading) -> Unreadable:
    return Unreadable(reading.line, "torn, or without its date: it differs from the readings around it")
