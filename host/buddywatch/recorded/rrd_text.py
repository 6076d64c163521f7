"""What rrdtool prints of a round robin database: fetch, dump (XML) and xport (XML or JSON). No I/O.

Of a dump, the archive of averages with the shortest steps is taken. Averages of block counts over longer steps are not
what the kernel had at any moment: they show the trend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from buddywatch.recorded.pieces import Line, Unreadable
from buddywatch.recorded.series import Column, Point, column_of, count_of

NAME = "rrdtool text"

_FETCHED = re.compile(r"(\d{9,10}):\s{1,4}(\S{1,40})$")
_DUMPED = re.compile(r"<!-- .{0,60}/ (\d{9,10}) --> ?<row><v>([^<]{1,40})</v></row>")
_TAG = re.compile(r"<(start|step)>\s*(\d{1,12})\s*<")
_ENTRY = re.compile(r"<entry>([^<]{0,200})</entry>")
_ROW = re.compile(r"<row>(?:<t>\s*(\d{1,12})\s*</t>)?((?:<v>[^<]{0,40}</v>){1,1000})</row>")
_STEPS = re.compile(r"<pdp_per_row>\s*(\d{1,9})\s*<")
_VALUE = re.compile(r"<v>([^<]{0,40})</v>")
_FETCH_HEAD = re.compile(r"\s{10,}[A-Za-z_]\w{0,18}\s*$")


def recognises(head: Sequence[str]) -> bool:
    start = "\n".join(head[:8])
    return (
        "<rrd>" in start
        or "<xport>" in start
        or "RRDtool graph JSON output" in start
        or (any(_FETCH_HEAD.match(line) for line in head[:3]) and any(_FETCHED.match(line.strip()) for line in head))
    )


def points(lines: Iterable[Line]) -> Iterator[Point | Unreadable]:
    reader = _Reader(None)
    for line in lines:
        if line.text.startswith("==>"):
            yield from reader.end()
            reader = _Reader(column_of(line.text))
        else:
            yield from reader.take(line)
    yield from reader.end()


class _Reader:
    """Reads one file. column: the series that its name says."""

    def __init__(self, column: Column | None) -> None:
        self._column = column
        self._legend: list[Column | None] = []
        self._numbers: dict[str, int] = {}  # start and step of an xport
        self._rows = 0
        self._archives: list[tuple[int, list[Point]]] = []  # of a dump: (steps in a row, points)
        self._archive: list[Point] | None = None  # the points of the one being read; None: its head is not in the text
        self._is_average: bool | None = None
        self._json: list[str] = []
        self._reported: set[str] = set()  # what was said of the file; once is enough

    def take(self, line: Line) -> Iterator[Point | Unreadable]:
        text = line.text.strip()
        if self._json or text.startswith("{"):
            self._json.append(text)
        elif match := _FETCHED.match(text):
            yield from self._point(line.number, float(match[1]), self._column, match[2])
        elif match := _DUMPED.search(text):
            yield from self._dumped(line.number, match)
        elif match := _ROW.search(text):
            yield from self._xported(line.number, match)
        else:
            self._note(text)

    def end(self) -> Iterator[Point | Unreadable]:
        """The points that are known only at the end of a file."""
        if self._json:
            yield from self._of_json()
        finest = min(self._archives, default=None, key=lambda archive: (not archive[1], archive[0]))
        yield from finest[1] if finest else ()
        self._archives = []

    def _dumped(self, number: int, match: re.Match[str]) -> Iterator[Unreadable]:
        """A row of a dump. Without the head of its archive nobody knows whether it is an average, or of how long."""
        if self._archive is None or self._is_average is None:
            yield from self._report(number, "rows of an archive whose <cf> or <pdp_per_row> is missing")
            return
        for point in self._point(number, float(match[1]), self._column, match[2]):
            if isinstance(point, Unreadable):
                yield point
            elif self._is_average:
                self._archive.append(point)

    def _report(self, number: int, why: str) -> Iterator[Unreadable]:
        if why not in self._reported:
            self._reported.add(why)
            yield Unreadable(number, why)

    def _note(self, text: str) -> None:
        """A line that says what the rows are."""
        if match := _TAG.search(text):
            self._numbers[match[1]] = int(match[2])
        elif match := _ENTRY.search(text):
            self._legend.append(column_of(match[1]) or self._column)
        elif text in ("<rra>", "</rra>"):
            self._archive = self._is_average = None
        elif text.startswith("<cf>"):
            self._is_average = "AVERAGE" in text
        elif match := _STEPS.match(text):
            self._archive = []
            self._archives.append((int(match[1]), self._archive))
        elif column_of(text) is not None:
            self._column = column_of(text)

    def _xported(self, number: int, match: re.Match[str]) -> Iterator[Point | Unreadable]:
        time = int(match[1]) if match[1] else self._numbers.get("start", 0) + self._rows * self._numbers.get("step", 0)
        self._rows += 1
        for column, value in zip(self._legend, _VALUE.findall(match[2]), strict=False):
            yield from self._point(number, float(time), column, value)

    def _of_json(self) -> Iterator[Point | Unreadable]:
        text, self._json = "\n".join(self._json), []
        try:
            read = json.loads(text)
            meta = read["meta"]
            legend = [column_of(str(name)) or self._column for name in meta["legend"]]
            start, step = int(meta["start"]), int(meta["step"])
            rows = [list(map(str, row)) for row in read["data"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            yield Unreadable(1, f"JSON that is not that of rrdtool xport ({error})")
            return
        for number, row in enumerate(rows):
            for column, value in zip(legend, row, strict=False):
                yield from self._point(1, float(start + number * step), column, value)

    def _point(self, line: int, time: float, column: Column | None, value: str) -> Iterator[Point | Unreadable]:
        count = count_of(value)
        if column is None:
            why = "rows of no buddyinfo series: the file, or the legend, must say Node0/Normal-4KB"
            yield from self._report(line, why)
        elif count is not None:
            yield Point(line, time, column, count)
