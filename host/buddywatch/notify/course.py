"""The course of a need's margin over the last day as lines of a mail. Pure."""

from __future__ import annotations

from buddywatch.model.message_facts import Course
from buddywatch.notify.paper import wrapped
from buddywatch.pictures.bars import bars
from buddywatch.text.escape import counted, one_line, rough_duration


def course_lines(course: Course, now_pages: int | None) -> list[str]:
    """ "rm: 120 pages to spare 24 h ago, now 8", and bars from 0 to the largest; a refused need has a line at 0.

    now_pages: the margin in the newest snapshot; the points are the lowest of some time, and end a little earlier.
    """
    (ago_s, first), (_, last) = course.points[0], course.points[-1]
    now = last if now_pages is None else now_pages
    text = f"{one_line(course.need)}: {counted(first, 'page')} to spare {rough_duration(ago_s)} ago, now {now}"
    return [*wrapped(text, "  - ", "    "), f"    {bars([pages for _, pages in course.points])}"]
