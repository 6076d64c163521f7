"""What the readers of the formats find, in the order of the recording. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.model.samples import Zone


class RecordedError(Exception):
    """A recording cannot be used. One line: what was read, what was expected, what to do."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a recording. number: from 1. is_whole: it ends with a newline, so that no writer is in the middle."""

    number: int
    text: str
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """One poll. time: seconds since 1970; uptime_ms: since the kernel's boot; either may be unknown. Zones without
    marks have None there."""

    line: int
    time: float | None
    uptime_ms: int | None
    zones: tuple[Zone, ...]
    processes: int | None = None
    free_kb: int | None = None
    reclaimable_kb: int | None = None
    slab_kb: int | None = None


@dataclass(frozen=True, slots=True)
class KernelLine:
    """A line of the kernel's log about memory. text: without what a log puts before it."""

    line: int
    time: float | None
    uptime_ms: int | None
    kind: str
    number: int
    pid: int | None
    comm: str | None
    text: str


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact of the board, by the key that a hello has for it: `kernel`, `page_bytes`."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that should hold data and cannot be used."""

    line: int
    why: str


Piece = Reading | KernelLine | KnownFact | Unreadable


@dataclass(frozen=True)
class Flags:
    """What the user says about a recording, because it does not say so itself. None: not given.

    interval_s: the spacing of readings without dates. low_kb, min_kb: the marks of the zone that serves the kernel.
    """

    kernel: str | None = None
    page_bytes: int | None = None
    min_kb: int | None = None
    low_kb: int | None = None
    interval_s: float | None = None
