"""The course of a need in usable blocks, with its forecast behind a line for now. Pure: data -> lines of characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buddywatch.model.forecasts import Forecast
from buddywatch.pictures.bars import spread
from buddywatch.pictures.chart import NOW, ahead, area, dotted
from buddywatch.text.escape import brief_duration

_AXIS = (("┤", "┼"), ("|", "+"))
_AHEAD_PART = 3  # a third of the columns shows what is ahead
_SCALE = 6  # columns for the numbers of the axis, and the axis


@dataclass(frozen=True)
class ChartLine:
    """scale: the axis; past, now, ahead: beside each other."""

    scale: str
    past: str
    now: str = ""
    ahead: str = ""

    @property
    def text(self) -> str:
        return self.scale + self.past + self.now + self.ahead


def margin_chart(
    course: Sequence[tuple[float, float]],
    forecast: Forecast,
    columns: int,
    rows: int,
    unicode: bool = True,
    span_s: float | None = None,
) -> list[ChartLine]:
    """rows lines of columns characters, and one for the time below. course: (seconds ago, usable blocks).

    span_s: how far the past goes; None: as far as the course.
    """
    if not course or columns < _SCALE + 8 or rows < 2:
        return []
    ahead_s = None if course[-1][1] < 0 else _ahead_s(forecast)  # it fails already
    room = columns - _SCALE
    behind = 0 if ahead_s is None else room // _AHEAD_PART
    past_columns = room - behind - (1 if behind else 0)
    whole_s = max(course[0][0] * 1.001 if span_s is None else span_s, 1.0)
    values = spread(course, whole_s, past_columns)
    top = max(1.0, *(value for value in values if value is not None), 1.0)
    past = area(values, rows, top, unicode)
    expected = [""] * rows
    if ahead_s is not None:
        ends = (forecast.in_s, forecast.low_s, forecast.high_s)
        found = ahead(max(0.0, course[-1][1]), *ends, ahead_s, behind)
        layers = [dotted([one[layer] for one in found], rows, top, unicode) for layer in range(3)]
        expected = ["".join(map(max, *lines)) for lines in zip(*layers, strict=True)]
    now = NOW[not unicode] if behind else ""
    scales = _scales(rows, top, unicode)
    lines = [ChartLine(*parts) for parts in zip(scales, past, [now] * rows, expected, strict=True)]
    return [*lines, _time_line(whole_s, ahead_s, past_columns, behind)]


def _ahead_s(forecast: Forecast) -> float | None:
    """How much of the time ahead is shown: up to where the need fails for all that is known."""
    if forecast.in_s is None:
        return None
    return max(60.0, 1.2 * (forecast.high_s or 2 * forecast.in_s))


def _scales(rows: int, top: float, unicode: bool) -> list[str]:
    """The numbers beside the axis: the top, the middle, and 0."""
    tick, floor = _AXIS[not unicode]
    shown = {0: f"{top:.0f}", rows - 1: "0"}
    if rows >= 4 and top >= 4:
        shown[rows // 2] = f"{top * (1 - rows // 2 / rows):.0f}"
    return [
        f"{shown.get(row, '')[: _SCALE - 2]:>{_SCALE - 2}} {floor if row == rows - 1 else tick}" for row in range(rows)
    ]


def _time_line(span_s: float, ahead_s: float | None, past_columns: int, behind: int) -> ChartLine:
    start = f"{brief_duration(span_s)} ago"
    past = (start + "now".rjust(max(0, past_columns - len(start))))[:past_columns]
    if ahead_s is None:
        return ChartLine(" " * _SCALE, past)
    return ChartLine(" " * _SCALE, past, " ", f"in {brief_duration(ahead_s)}".rjust(behind)[:behind])
