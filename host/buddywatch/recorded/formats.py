"""The formats that are known, by their content: a file's name never decides. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.recorded import plain_log, trace, wire_stream
from buddywatch.recorded.lives import in_lives
from buddywatch.recorded.outline import outline
from buddywatch.recorded.pieces import Flags, Line, Piece, RecordedError
from buddywatch.recorded.restore import restore
from buddywatch.recorded.wire_stream import Streamed

HEAD_LINES = 200  # of a file, which decide about its format
Lines = Callable[[], Iterator[Line]]  # a recording from its start, each time that it is called


@dataclass(frozen=True)
class Source:
    """A recording. ended: when it was written, seconds since 1970. board: the name that the user gives; else file_board
    is taken where the recording names no board. tracker_of: where the data of a board in a stream go on."""

    lines: Lines
    head: Sequence[str]
    ended: float
    flags: Flags
    board: str | None
    file_board: str
    tracker_of: Callable[[str], BoardTracker] = lambda name: BoardTracker()


class Format(NamedTuple):
    """name: as messages have it. recognises: by the first lines. read: the items with their boards. RecordedError."""

    name: str
    recognises: Callable[[Sequence[str]], bool]
    read: Callable[[Source], Iterator[tuple[str, Streamed]]]


def format_of(head: Sequence[str]) -> Format:
    """The format of a recording with these first lines. RecordedError."""
    for known in FORMATS:
        if known.recognises(head):
            return known
    names = ", ".join(known.name for known in FORMATS)
    raise RecordedError(f"of no known format; known are: {names}")


def _of_one_board(
    name: str, pieces: Callable[[Iterable[Line], float], Iterator[Piece]]
) -> Callable[[Source], Iterator[tuple[str, Streamed]]]:
    """A reader of a format that names no board."""

    def read(source: Source) -> Iterator[tuple[str, Streamed]]:
        board, flags = source.board or source.file_board, source.flags
        lives = outline(in_lives(pieces(source.lines(), source.ended), flags), flags, source.ended)
        placed = in_lives(pieces(source.lines(), source.ended), flags)
        return ((board, item) for item in restore(placed, lives, flags, board, name))

    return read


def _read_stream(source: Source) -> Iterator[tuple[str, Streamed]]:
    """A stream names its boards: the user's name picks one of several, or renames the only one."""
    board = source.board
    if board is None:
        return wire_stream.read_stream(source.lines, source.ended, source.tracker_of)
    names = wire_stream.boards_of(source.lines())
    if board in names or len(names) > 1:
        _check_name(board, names)
        items = wire_stream.read_stream(source.lines, source.ended, source.tracker_of)
        return (item for item in items if item[0] == board)
    items = wire_stream.read_stream(source.lines, source.ended, lambda name: source.tracker_of(board))
    return ((board, item) for _, item in items)


def _check_name(board: str, names: Sequence[str]) -> None:
    if board not in names:
        raise RecordedError(f"no board {board!r} in it; it has {', '.join(names)}")


FORMATS = (
    Format(wire_stream.NAME, wire_stream.recognises, _read_stream),
    Format(trace.NAME, trace.recognises, _of_one_board(trace.NAME, lambda lines, ended: trace.pieces(lines))),
    Format(plain_log.NAME, plain_log.recognises, _of_one_board(plain_log.NAME, plain_log.pieces)),
    Format(
        plain_log.KERNEL_LOG,
        plain_log.recognises_kernel_log,
        _of_one_board(plain_log.KERNEL_LOG, plain_log.pieces),
    ),
)
