"""What a picture of a board shows over a span of time, as plain values. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from buddywatch.model.forecasts import UNKNOWN, Forecast

FAILURE, REBOOT, GAP, EVENT = "failure", "reboot", "gap", "event"

Points = tuple[tuple[float, float], ...]  # (seconds since 1970, value), oldest first
NO_FORECAST = Forecast(UNKNOWN)


@dataclass(frozen=True)
class NeedCourse:
    """blocks: how many more times the need could be served, least of each step; -1: it is refused. block_bytes: of the
    block it takes. now: the same at the newest snapshot, None if it is not known."""

    name: str
    block_bytes: int
    blocks: Points
    forecast: Forecast = NO_FORECAST
    verdict: str | None = None
    now: int | None = None


@dataclass(frozen=True)
class Mark:
    """Something at a moment: FAILURE, REBOOT, GAP or EVENT."""

    time: float
    kind: str
    text: str


@dataclass(frozen=True)
class BoardPicture:
    """step_s: between two points; where they are farther apart nothing is known. free, usable: bytes, least of each
    step. heat: of each order, smallest first, the mean number of free blocks."""

    board: str
    since: float
    until: float
    step_s: float
    needs: tuple[NeedCourse, ...] = ()
    free: Points = ()
    usable: Points = ()
    heat: tuple[Points, ...] = ()
    page_bytes: int | None = None
    marks: tuple[Mark, ...] = field(default=())


def in_columns(points: Points, picture: BoardPicture, columns: int) -> list[float | None]:
    """The least value of each of so many equal parts of the time; a value holds until the next, as long as a step."""
    span_s = picture.until - picture.since
    found: list[float | None] = [None] * columns
    for time, value in points:
        first = int((time - picture.since) * columns / span_s)
        last = int((time + picture.step_s - picture.since) * columns / span_s)
        for at in range(max(0, first), min(columns - 1, max(first, last - 1)) + 1):
            known = found[at]
            found[at] = value if known is None else min(known, value)
    return found


def mark_columns(marks: Sequence[Mark], picture: BoardPicture, columns: int) -> dict[int, Mark]:
    """The most important mark of each column."""
    ranks = (FAILURE, REBOOT, GAP, EVENT)
    found: dict[int, Mark] = {}
    for mark in marks:
        if picture.since <= mark.time < picture.until:
            at = int((mark.time - picture.since) * columns / (picture.until - picture.since))
            if at not in found or ranks.index(mark.kind) < ranks.index(found[at].kind):
                found[at] = mark
    return found
