"""The formats that are known, by their content: a file's name never decides. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from buddywatch.recorded import plain_log, trace
from buddywatch.recorded.lives import in_lives
from buddywatch.recorded.outline import outline
from buddywatch.recorded.pieces import Flags, Line, Piece, RecordedError
from buddywatch.recorded.restore import Restored, restore

HEAD_LINES = 200  # of a file, which decide about its format
Lines = Callable[[], Iterator[Line]]  # a recording from its start, each time that it is called


class Format(NamedTuple):
    """name: as messages have it. recognises: by the first lines. pieces(lines, ended): ended is when it was written."""

    name: str
    recognises: Callable[[Sequence[str]], bool]
    pieces: Callable[[Iterable[Line], float], Iterator[Piece]]


FORMATS = (
    Format(trace.NAME, trace.recognises, lambda lines, ended: trace.pieces(lines)),
    Format(plain_log.NAME, plain_log.recognises, plain_log.pieces),
    Format(plain_log.KERNEL_LOG, plain_log.recognises_kernel_log, plain_log.pieces),
)


def format_of(head: Sequence[str]) -> Format:
    """The format of a recording with these first lines. RecordedError."""
    for known in FORMATS:
        if known.recognises(head):
            return known
    names = ", ".join(known.name for known in FORMATS)
    raise RecordedError(f"of no known format; known are: {names}")


def read(lines: Lines, known: Format, flags: Flags, board: str, ended: float) -> Iterator[Restored]:
    """What a recording holds, which ended at that time: boots, snapshots, events, unreadable lines. RecordedError."""
    lives = outline(in_lives(known.pieces(lines(), ended), flags), flags, ended)
    return restore(in_lives(known.pieces(lines(), ended), flags), lives, flags, board, known.name)
