"""What collectd's CSV plugin writes: `epoch,value`, a point in each line. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from buddywatch.recorded.pieces import Line, Unreadable
from buddywatch.recorded.series import Column, Point, column_of, count_of

NAME = "collectd CSV"
_HEAD = "epoch,value"


def recognises(head: Sequence[str]) -> bool:
    return any(line.strip() == _HEAD for line in head[:3])


def points(lines: Iterable[Line]) -> Iterator[Point | Unreadable]:
    column: Column | None = None
    for line in lines:
        text = line.text.strip()
        named = column_of(text)
        if named is not None or text.startswith("==>"):
            column = named
        elif text and text != _HEAD:
            time, comma, value = text.partition(",")
            count = count_of(value)
            if not comma or not _is_time(time) or not line.is_whole:
                yield Unreadable(line.number, "expected a time and a value")
            elif column is None:
                yield Unreadable(line.number, "a value of no buddyinfo series: keep the names of collectd's folders")
            elif count is not None:
                yield Point(line.number, float(time), column, count)


def _is_time(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return whole.isdecimal() and whole.isascii() and len(whole) in (9, 10) and (fraction or "0").isdecimal()
