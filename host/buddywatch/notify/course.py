"""The course of a need's margin over the last day: for a line of text, and for a plot. Pure."""

from __future__ import annotations

from buddywatch.model.alerts import Course
from buddywatch.model.forecasts import MarginRecord
from buddywatch.notify.paper import wrapped
from buddywatch.text.escape import counted, one_line, rough_duration
from buddywatch.verdict.margin_history import BUCKETS, MarginHistory

DAY_S = 86_400
POINTS_MIN = 3  # fewer show no course
_BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"  # lower one eighth block ... full block


def course_of(record: MarginRecord) -> Course | None:
    """The least margin of each part of the last day since the board's boot; None if too little is known."""
    try:
        history = MarginHistory.load(record.text)
    except ValueError:  # it is only a picture: the alert matters more
        return None
    scale = 0
    while history.bucket_s * (BUCKETS << scale) < DAY_S and scale < history.whole_scale():
        scale += 1
    step_s = history.bucket_s * (1 << scale)
    points = [(number * step_s, pages) for number, pages in history.buckets(scale)]
    newest = history.newest_minimum(scale)
    if newest is not None:
        points.append((max(history.end_s, points[-1][0] + step_s if points else 0.0), newest))
    points = [point for point in points if point[0] >= points[-1][0] - DAY_S]
    if len(points) < POINTS_MIN:
        return None
    end_s = points[-1][0]
    return Course(record.need, tuple((round(end_s - at_s, 3), pages) for at_s, pages in points))


def course_lines(course: Course) -> list[str]:
    """ "rm: 120 pages to spare 24 h ago, now 8", and bars from 0 to the largest; a refused need has a line at 0."""
    (ago_s, first), (_, last) = course.points[0], course.points[-1]
    text = f"{one_line(course.need)}: {counted(first, 'page')} to spare {rough_duration(ago_s)} ago, now {last}"
    return [*wrapped(text, "  - ", "    "), f"    {bars(course)}"]


def bars(course: Course) -> str:
    pages = [number for _, number in course.points]
    top = max(*pages, 1)
    return "".join("_" if number < 0 else _BARS[min(7, number * 8 // top)] for number in pages)
