"""A board's picture as lines of characters: margins with forecast, free against usable memory, sizes, marks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from buddywatch.pictures.bars import bars
from buddywatch.pictures.board_picture import (
    EVENT,
    FAILURE,
    GAP,
    REBOOT,
    BoardPicture,
    NeedCourse,
    in_columns,
    mark_columns,
)
from buddywatch.pictures.heat import heat_row
from buddywatch.pictures.margin_chart import margin_chart
from buddywatch.text.escape import escaped, local_day_time, one_line, wrapped
from buddywatch.text.forecast_words import in_about
from buddywatch.text.units import brief_bytes, format_bytes

SIDE = 6  # columns for the numbers at the side
CHART_ROWS = 8
_MARKS_SHOWN = 8
_SIGNS = {FAILURE: ("✖", "X"), REBOOT: ("R", "R"), GAP: ("?", "?"), EVENT: ("!", "!")}
_LEAST_COLUMNS = 40


def plot_lines(picture: BoardPicture, columns: int, unicode: bool) -> list[str]:
    """At most so many columns wide, and at least 40."""
    width = max(columns, _LEAST_COLUMNS) - SIDE
    lines = [f"{escaped(picture.board)}  {_day(picture.since)} to {_day(picture.until)}"]
    for need in picture.needs:
        lines += ["", *need_lines(need, picture, width, unicode)]
    lines += ["", *_memory_lines(picture, width, unicode)]
    if picture.heat:
        lines += ["", *_heat_lines(picture, width, unicode)]
    return [line.rstrip() for line in [*lines, *_mark_lines(picture, width, unicode)]]


def need_words(need: NeedCourse) -> str:
    """ "httpd: 4 usable 256k blocks now, 9 at the begin, 3 at least; refused in about 6 h (3 to 11 h)"."""
    size = format_bytes(need.block_bytes)
    if not need.blocks:
        return f"{escaped(need.name)} ({size} blocks): nothing is known of this time"
    values = [max(0.0, value) for _, value in need.blocks]
    last = values[-1] if need.now is None else need.now
    before = f"{values[0]:.0f} at the begin, {min(values):.0f} at least"
    words = f"{escaped(need.name)}: {last:.0f} usable {size} blocks now, {before}"
    if last <= 0:
        return f"{words}; FAILS"
    ahead = in_about(need.forecast)
    return f"{words}; refused {ahead} at this rate" if ahead else words


def need_lines(need: NeedCourse, picture: BoardPicture, width: int, unicode: bool) -> list[str]:
    """A chart with the time below it."""
    lines = wrapped(need_words(need), "", "  ", width + SIDE)
    if not need.blocks:
        return lines
    course = [(picture.until - time, value) for time, value in need.blocks]
    drawn = margin_chart(course, need.forecast, width + SIDE, CHART_ROWS, unicode, picture.until - picture.since)
    return [*lines, *(line.text for line in drawn)]


def _memory_lines(picture: BoardPicture, width: int, unicode: bool) -> list[str]:
    """Free memory beside the largest request that succeeds: the gap between them is fragmentation."""
    free, usable = (in_columns(points, picture, width) for points in (picture.free, picture.usable))
    if not picture.free:
        return ["free memory: nothing is known of this time"]
    top = max(value for _, value in picture.free)  # of both, so that they can be compared
    rows = [("free", bars(free, top, unicode)), ("usable", bars(usable, top, unicode))]
    title = f"free {_range(picture.free)}; usable, the largest request that succeeds, {_range(picture.usable)}"
    return [*wrapped(title, "", "  ", width + SIDE), *(f"{name[: SIDE - 1]:>{SIDE - 1}} {row}" for name, row in rows)]


def _range(points: Sequence[tuple[float, float]]) -> str:
    values = [int(value) for _, value in points]
    return "unknown" if not values else f"{format_bytes(min(values))} to {format_bytes(max(values))}"


def _heat_lines(picture: BoardPicture, width: int, unicode: bool) -> list[str]:
    legend = "· none ░ 1 ▒ 2-3 ▓ 4-7 █ 8 and more" if unicode else ". none - 1 + 2-3 * 4-7 # 8 and more"
    lines = ["free blocks by size:", legend]
    for order in reversed(range(len(picture.heat))):
        size = f"#{order}" if picture.page_bytes is None else brief_bytes(picture.page_bytes << order)
        lines.append(f"{size:>{SIDE - 1}} {heat_row(in_columns(picture.heat[order], picture, width), unicode)}")
    return lines


def _mark_lines(picture: BoardPicture, width: int, unicode: bool) -> list[str]:
    """Failures, reboots and gaps under their time, and the newest in words."""
    if not picture.marks:
        return []
    at = mark_columns(picture.marks, picture, width)
    row = "".join(_SIGNS[at[column].kind][not unicode] if column in at else " " for column in range(width))
    signs = {kind: sign[not unicode] for kind, sign in _SIGNS.items()}
    legend = f"{signs[FAILURE]} failure  {signs[REBOOT]} reboot  {signs[GAP]} gap  {signs[EVENT]} event"
    newest = picture.marks[-_MARKS_SHOWN:]
    more, room = len(picture.marks) - len(newest), max(20, width - 18)
    return [
        " " * SIDE + row, legend, *([f"  and {more} before"] if more else []),
        *(f"  {signs[mark.kind]} {local_day_time(mark.time)} {one_line(mark.text, room)}" for mark in newest),
    ]  # fmt: skip


def _day(time: float) -> str:
    return local_day_time(time)[:16]
