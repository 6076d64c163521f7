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
        # Entries are put off when they come up: a due time moves with each snapshot, and nearly always to later.
        self._entry_s: dict[Who, float] = {}  # the entry that counts of each; others in the heap are outdated
        self._heap: list[tuple[float, int, Who]] = []
        self._pushed = 0  # makes entries with equal times comparable

    def __contains__(self, who: Who) -> bool:
        """True if it has a due time."""
        return who in self._due_s

    def set(self, who: Who, due_s: float) -> None:
        """Set its due time."""
        if due_s == float("inf"):
            self._due_s.pop(who, None)
            return
        self._due_s[who] = due_s
        if due_s < self._entry_s.get(who, float("inf")):
            self._push(who, due_s)

    def next_s(self) -> float:
        """When to call due() next: at the earliest due time, or before; infinity if there is none."""
        return self._heap[0][0] if self._heap else float("inf")

    def due(self, now_s: float) -> Iterator[Who]:
        """Yield those that are due, each once; one that is set again meanwhile waits for the next call."""
        ready = []
        while self._heap and self._heap[0][0] <= now_s:
            entry_s, _, who = heapq.heappop(self._heap)
            if self._entry_s.get(who) != entry_s:
                continue
            del self._entry_s[who]
            due_s = self._due_s.get(who)
            if due_s is None:
                continue
            if due_s > now_s:
                self._push(who, due_s)
            else:
                del self._due_s[who]
                ready.append(who)
        yield from ready

    def _push(self, who: Who, due_s: float) -> None:
        self._entry_s[who] = due_s
        self._pushed += 1
        heapq.heappush(self._heap, (due_s, self._pushed, who))
