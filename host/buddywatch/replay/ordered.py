"""Puts what several boards sent into the order of time. No I/O."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

from buddywatch.alerts.evaluate import Item
from buddywatch.model.samples import Event, Snapshot

Moment = tuple[float, str, list[Item]]  # when, which board, what came


def in_order(boards: Mapping[str, Iterable[Item]]) -> Iterator[Moment]:
    """The items of all boards; those of one board stay in their order."""
    moments = [_moments(name, items) for name, items in boards.items()]
    return iter(heapq.merge(*moments, key=lambda moment: moment[0])) if len(moments) > 1 else iter(moments[0])


def _moments(board: str, items: Iterable[Item]) -> Iterator[Moment]:
    """Each snapshot or event at its time, with what came before it and has no time of arrival: boots, ends, gaps."""
    now = float("-inf")
    before: list[Item] = []
    for item in items:
        before.append(item)
        if isinstance(item, Snapshot | Event):
            now = max(now, item.time)
            yield now, board, before
            before = []
    if before and now > float("-inf"):
        yield now, board, before
