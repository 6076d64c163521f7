"""The needs of a board as lines of the live view, the one that is worst off first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from buddyd import watermark

from buddywatch.config.sections import Need
from buddywatch.model.alerts import REFUSED, Incident
from buddywatch.model.forecasts import UNKNOWN, Forecast
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import BoardState, NeedState
from buddywatch.terminal.view import NeedLine, Points
from buddywatch.verdict.margin_course import POINTS_MIN
from buddywatch.verdict.usable import blocks_of_margin, usable_blocks

_DAY_S = 86_400.0
_RATE_MIN_S = 3600.0  # of a shorter course no rate is told
_RANKS = {watermark.REFUSED: 0, watermark.TIGHT: 1, watermark.OK: 2, None: 3}


def need_lines(
    snapshot: Snapshot,
    state: BoardState,
    needs: Sequence[Need],
    forecasts: Mapping[str, Forecast],
    courses: Mapping[str, Sequence[tuple[float, int]]],
    incidents: Sequence[Incident],
    now: float,
) -> tuple[NeedLine, ...]:
    """courses: (uptime, margin in pages). incidents: the open ones of the board."""
    by_name = {need.name: need for need in needs}
    failing = {one.need: max(0.0, now - one.opened) for one in incidents if one.rule == REFUSED}
    lines = [
        _line(judged, by_name[judged.name], snapshot, state, forecasts, courses, failing.get(judged.name))
        for judged in state.needs
        if judged.name in by_name
    ]
    return tuple(sorted(lines, key=worst_first))


def _line(
    judged: NeedState,
    need: Need,
    snapshot: Snapshot,
    state: BoardState,
    forecasts: Mapping[str, Forecast],
    courses: Mapping[str, Sequence[tuple[float, int]]],
    failing_s: float | None,
) -> NeedLine:
    forecast = forecasts.get(need.name, Forecast(UNKNOWN))
    course: Points = ()
    if judged.order is not None:
        course = _course(courses.get(need.name, ()), judged, snapshot.uptime_ms / 1000)
    return NeedLine(
        need.name,
        None if judged.order is None or state.page_bytes is None else state.page_bytes << judged.order,
        judged.verdict,
        usable_blocks(snapshot, state.page_bytes, need, state.rule),
        forecast,
        course,
        per_day(course),
        failing_s,
    )


def _course(margins: Sequence[tuple[float, int]], judged: NeedState, uptime_s: float) -> Points:
    """The recorded margins as usable blocks, and the present one, seconds before now."""
    now = [] if judged.margin_pages is None else [(uptime_s, judged.margin_pages)]
    order = judged.order or 0
    points = [*(point for point in margins if point[0] < uptime_s), *now]
    if len(points) < POINTS_MIN:
        return ()
    return tuple((uptime_s - at_s, blocks_of_margin(pages, order)) for at_s, pages in points)


def worst_first(line: NeedLine) -> tuple[float, ...]:
    in_s = line.forecast.in_s
    left = float("inf") if line.left is None else line.left
    return _RANKS[line.verdict], float("inf") if in_s is None else in_s, left


def per_day(course: Points) -> float | None:
    """How many usable blocks came or went in the last day."""
    lately = [point for point in course if point[0] <= _DAY_S]
    if len(lately) < 2 or lately[0][0] - lately[-1][0] < _RATE_MIN_S:
        return None
    (first_s, first), (last_s, last) = lately[0], lately[-1]
    return (max(0.0, last) - max(0.0, first)) * _DAY_S / (first_s - last_s)
