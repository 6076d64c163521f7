"""Timers in a heap, so that a turn of the loop costs nothing for those that are not due."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Who = TypeVar("Who", bound=Hashable)


class Timers(Generic[Who]):
    """One due time for each key. Times are seconds of the steady clock; infinity removes the timer."""

    def __init__(self) -> None:
        self._due_s: dict[Who, float] = {}
        self._heap: list[tuple[float, int, Who]] = []  # entries that differ from _due_s are outdated and skipped
        self._pushed = 0  # makes entries with equal times comparable

    def set(self, who: Who, due_s: float) -> None:
        """Set its due time."""
        if self._due_s.get(who) == due_s:
            return
        if due_s == float("inf"):
            self._due_s.pop(who, None)
            return
        self._due_s[who] = due_s
        self._pushed += 1
        heapq.heappush(self._heap, (due_s, self._pushed, who))

    def next_s(self) -> float:
        """The earliest due time; infinity if there is none."""
        while self._heap and self._due_s.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else float("inf")

    def due(self, now_s: float) -> Iterator[Who]:
        """Yield those that are due, each once; one that is set again meanwhile waits for the next call."""
        ready = []
        while self.next_s() <= now_s:
            who = heapq.heappop(self._heap)[2]
            del self._due_s[who]
            ready.append(who)
        yield from ready
