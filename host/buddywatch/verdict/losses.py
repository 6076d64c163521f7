"""When room went for good, and which long-lived programs were started then. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from buddywatch.model.lives import Life
from buddywatch.verdict.room import Point

LOSSES_MAX = 5
LONG_S = 600.0  # a program that runs for so long is long-lived, and a loss that lasts so long is lasting
_NEAR_S = 30.0  # from a loss to the start of a program that may have caused it
_TOGETHER_S = 60.0  # losses in so short a time are one
_BLURRED_S = 2.0


@dataclass(frozen=True)
class Loss:
    """From uptime begin_s to end_s so much room went, and was not back by the end of what is known. near: long-lived
    programs that were started then."""

    boot_id: str
    begin_s: float
    end_s: float
    pages: int
    near: tuple[Life, ...]


def losses_of(boot_id: str, points: Sequence[Point], lives: Sequence[Life]) -> list[Loss]:
    """The largest lasting losses of a boot, oldest first. points: in order of time."""
    found: list[Loss] = []
    for before, after, pages in _drops(points):
        if found and before.uptime_s - found[-1].end_s <= _TOGETHER_S:
            last = found.pop()
            found.append(Loss(boot_id, last.begin_s, after.uptime_s, last.pages + pages, ()))
        else:
            found.append(Loss(boot_id, before.uptime_s, after.uptime_s, pages, ()))
    largest = sorted(found, key=lambda loss: -loss.pages)[:LOSSES_MAX]
    return [_with_near(loss, lives) for loss in sorted(largest, key=lambda loss: loss.begin_s)]


def _drops(points: Sequence[Point]) -> list[tuple[Point, Point, int]]:
    """(last poll with that much room, the next one, how much less there was from then on), oldest first."""
    most_later = 0
    drops = []
    for before, after in reversed(list(pairwise(points))):
        most_later = max(most_later, after.room_pages)
        if before.room_pages > most_later and points[-1].uptime_s - after.uptime_s >= LONG_S:
            drops.append((before, after, before.room_pages - most_later))
    return drops[::-1]


def _with_near(loss: Loss, lives: Sequence[Life]) -> Loss:
    begin, end = loss.begin_s - _BLURRED_S, loss.end_s + _NEAR_S
    near = [life for life in lives if begin <= life.started_s <= end and _is_long(life)]
    return Loss(loss.boot_id, loss.begin_s, loss.end_s, loss.pages, tuple(near))


def _is_long(life: Life) -> bool:
    return life.ended_s is None or life.ended_s - life.started_s >= LONG_S
