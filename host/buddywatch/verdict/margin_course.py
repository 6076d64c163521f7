"""The course of a need's margin over the last days, from its record. Pure."""

from __future__ import annotations

from buddywatch.model.forecasts import MarginRecord
from buddywatch.model.message_facts import Course
from buddywatch.verdict.margin_history import BUCKETS, MarginHistory

DAY_S = 86_400
POINTS_MIN = 3  # fewer show no course


def course_of(record: MarginRecord, span_s: float = DAY_S) -> Course | None:
    """The least margin of each part of the last span_s since the board's boot; None if too little is known."""
    points = margin_points(record, span_s)
    if len(points) < POINTS_MIN:
        return None
    end_s = points[-1][0]
    return Course(record.need, tuple((round(end_s - at_s, 3), pages) for at_s, pages in points))


def margin_points(record: MarginRecord, span_s: float) -> list[tuple[float, int]]:
    """(seconds of uptime, least margin in pages) of each part of the last span_s of the record, oldest first."""
    try:
        history = MarginHistory.load(record.text)
    except ValueError:  # it is only a picture
        return []
    scale = 0
    while history.bucket_s * (BUCKETS << scale) < span_s and scale < history.whole_scale():
        scale += 1
    step_s = history.bucket_s * (1 << scale)
    points = [(number * step_s, pages) for number, pages in history.buckets(scale)]
    newest = history.newest_minimum(scale)
    if newest is not None:
        points.append((max(history.end_s, points[-1][0] + step_s if points else 0.0), newest))
    return [point for point in points if point[0] >= points[-1][0] - span_s]
