"""The formats that are known, by their content: a file's name never decides. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from buddywatch.model.samples import Boot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.recorded import (
    atlas,
    collectd_csv,
    csv_table,
    export_stream,
    json_lines,
    metrics,
    plain_log,
    rrd_text,
    trace,
    wire_stream,
)
from buddywatch.recorded.lives import in_lives
from buddywatch.recorded.outline import outline
from buddywatch.recorded.pieces import Flags, Line, Piece, RecordedError, Unreadable
from buddywatch.recorded.records import Kept
from buddywatch.recorded.restore import restore
from buddywatch.recorded.series import joined
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
    """name: as messages have it. recognises: by the first lines. read: the items with their boards. RecordedError.

    is_joined: several files are read as one, each after a line with its path (series.name_line)."""

    name: str
    recognises: Callable[[Sequence[str]], bool]
    read: Callable[[Source], Iterator[tuple[str, Streamed]]]
    is_joined: bool = False


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
    names = [] if source.board is None else wire_stream.boards_of(source.lines())
    board = source.board
    tracker_of = source.tracker_of
    if board is not None and len(names) == 1:
        tracker_of = lambda name: source.tracker_of(board)  # noqa: E731
    return _as_board(wire_stream.read_stream(source.lines, source.ended, tracker_of), board, names)


def _export(
    read: Callable[[Iterable[Line]], Iterator[tuple[str, Kept | Unreadable]]],
) -> Callable[[Source], Iterator[tuple[str, Streamed]]]:
    """A reader of an export."""

    def read_source(source: Source) -> Iterator[tuple[str, Streamed]]:
        names: list[str] = []
        if source.board is not None:
            boots = (name for name, item in read(source.lines()) if isinstance(item, Boot))
            names = list(dict.fromkeys(boots))
        return _as_board(read(source.lines()), source.board, names)

    return read_source


def _as_board(
    items: Iterator[tuple[str, Streamed]], board: str | None, names: Sequence[str]
) -> Iterator[tuple[str, Streamed]]:
    """A recording that names its boards: the user's name picks one of several, or renames the only one."""
    if board is None:
        return items
    if len(names) > 1 and board not in names:
        raise RecordedError(f"no board {board!r} in it; it has {', '.join(names)}")
    return ((board, item) for name, item in items if len(names) < 2 or name in (board, ""))


FORMATS = (
    Format(json_lines.NAME, json_lines.recognises, _export(json_lines.read)),
    Format(csv_table.NAME, csv_table.recognises, _export(csv_table.read)),
    Format(export_stream.NAME, export_stream.recognises, _export(export_stream.read)),
    Format(wire_stream.NAME, wire_stream.recognises, _read_stream),
    Format(trace.NAME, trace.recognises, _of_one_board(trace.NAME, lambda lines, ended: trace.pieces(lines))),
    Format(
        collectd_csv.NAME, collectd_csv.recognises, _of_one_board(collectd_csv.NAME, joined(collectd_csv.points)), True
    ),
    Format(rrd_text.NAME, rrd_text.recognises, _of_one_board(rrd_text.NAME, joined(rrd_text.points)), True),
    Format(metrics.NAME, metrics.recognises, _of_one_board(metrics.NAME, metrics.pieces)),
    Format(atlas.NAME, atlas.recognises, _of_one_board(atlas.NAME, atlas.pieces)),
    Format(plain_log.NAME, plain_log.recognises, _of_one_board(plain_log.NAME, plain_log.pieces)),
    Format(
        plain_log.KERNEL_LOG,
        plain_log.recognises_kernel_log,
        _of_one_board(plain_log.KERNEL_LOG, plain_log.pieces),
    ),
)
