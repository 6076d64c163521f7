"""Series of collectd's buddyinfo plugin: one for each size of each zone, joined into readings. No I/O.

Its names (src/buddyinfo.c): "Node0/Normal", and "4KB" of type freepages. So a file is HOST/buddyinfo-Node0_Normal/
freepages-4KB.rrd, or -4KB-2026-11-30 for the CSV of a day. A file's content does not say which series it is: a line
with the name stands before it. A legend of `rrdtool xport` has the name, too.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from buddywatch.model.samples import Zone
from buddywatch.recorded.pieces import KnownFact, Line, Piece, Reading, Unreadable

TOGETHER_S = 0.5  # collectd dates each value of one read by itself
_NAME = re.compile(r"Node(\d{1,4})[/_]([A-Za-z][A-Za-z0-9]{0,15})[/\s_-]{1,3}(?:freepages-)?(\d{1,8})KB")
_COUNT_MAX = 2.0**40


class Column(NamedTuple):
    """Whose series it is: free blocks of kb kB in a zone."""

    node: int
    zone: str
    kb: int


class Point(NamedTuple):
    """One value of a series. An average is rounded."""

    line: int
    time: float
    column: Column
    blocks: int


def column_of(text: str) -> Column | None:
    """The series that a text names."""
    match = _NAME.search(text)
    return None if match is None else Column(int(match[1]), match[2], int(match[3]))


def count_of(text: str) -> int | None:
    """The value of a point; None if it is unknown (nan, U)."""
    try:
        value = float(text)
    except ValueError:
        return None
    return None if math.isnan(value) or not 0 <= value < _COUNT_MAX else round(value)


def name_line(path: str) -> str:
    """The line that stands before a file's content."""
    return f"==> {path} <=="


def joined(
    points_of: Callable[[Iterable[Line]], Iterator[Point | Unreadable]],
) -> Callable[[Iterable[Line], float], Iterator[Piece]]:
    """A reader of files that hold series."""

    def pieces(lines: Iterable[Line], ended: float) -> Iterator[Piece]:
        points: list[Point] = []
        for found in points_of(lines):
            if isinstance(found, Point):
                points.append(found)
            else:
                yield found
        if points:
            yield KnownFact("page_bytes", str(min(point.column.kb for point in points) * 1024))
            yield from _readings(sorted(points, key=lambda point: point.time))

    return pieces


def _readings(points: list[Point]) -> Iterator[Piece]:
    zones: dict[tuple[int, str], list[int]] = defaultdict(list)  # the sizes of each zone
    for node, zone, kb in sorted({point.column for point in points}):
        zones[node, zone].append(kb)
    together: dict[Column, Point] = {}
    first_s = -math.inf
    for point in points:
        if point.time - first_s >= TOGETHER_S or point.column in together:
            yield from _reading(together, zones)
            together, first_s = {}, point.time
        together[point.column] = point
    yield from _reading(together, zones)


def _reading(together: dict[Column, Point], zones: dict[tuple[int, str], list[int]]) -> Iterator[Piece]:
    if not together:
        return
    first = min(together.values(), key=lambda point: point.time)
    wanted = [Column(node, zone, kb) for (node, zone), sizes in zones.items() for kb in sizes]
    missing = [column for column in wanted if column not in together]
    if missing:
        node, zone, kb = missing[0]
        yield Unreadable(first.line, f"no value for {kb} kB of node {node}, {zone}, at the time of the others")
        return
    made = [
        Zone(node, zone, tuple(together[Column(node, zone, kb)].blocks for kb in sizes))
        for (node, zone), sizes in zones.items()
    ]
    yield Reading(first.line, first.time, None, tuple(made))
