"""Puts what recordings hold into the order of time. No I/O."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from buddywatch.alerts.evaluate import Item
from buddywatch.model.samples import Event, Snapshot

Moment = tuple[float, str, list[Item]]  # when, which board, what came


def in_order(recordings: Sequence[Iterable[tuple[str, Item]]]) -> Iterator[Moment]:
    """What all recordings hold; the items of one stay in their order."""
    return iter(heapq.merge(*map(_moments, recordings), key=itemgetter(0)))


def _moments(recording: Iterable[tuple[str, Item]]) -> Iterator[Moment]:
    """Each snapshot or event at its time, with what came of its board before it and has no time of arrival: boots,
    ends, gaps."""
    now = float("-inf")
    before: dict[str, list[Item]] = {}
    for board, item in recording:
        before.setdefault(board, []).append(item)
        if isinstance(item, Snapshot | Event):
            now = max(now, item.time)
            yield now, board, before.pop(board)
    for board, items in before.items():
        if now > float("-inf"):
            yield now, board, items
