"""Snapshots of a board that does not exist: a model of the kernel's buddy allocator and requests at random."""

from __future__ import annotations

import random
from collections.abc import Iterator

from scripts.forecast.allocator import BuddyAllocator

QUIET, NORMAL, BUSY = 0.2, 2.0, 20.0  # requests and frees in a second
PAGES = 1748  # of an 8 MB board, without the kernel
MARKS = (90, 112, 135, 0)
_RUNS = (1, 1, 1, 1, 2, 2, 4, 8, 15)  # pages of a request
_FREE_AT_LEAST, _FREE_AT_START = 0.2, 0.4


class Board:
    """One board at work; snapshot() gives the numbers of the wire: up, proc, free, recl, slab, marks, blocks."""

    def __init__(self, seed: int, events_per_s: float) -> None:
        self._random = random.Random(seed)
        self._allocator = BuddyAllocator(PAGES)
        self._held: list[tuple[int, int]] = []
        self._events_per_s = events_per_s
        self._processes, self._reclaimable, self._slab = 100, 200, 300
        while self._free() > PAGES * _FREE_AT_START:
            self._take()

    def snapshots(self, count: int, period_cs: int) -> Iterator[list[int]]:
        up_cs = 10_000
        for _ in range(count):
            for _ in range(self._events(period_cs / 100)):
                self._step()
            up_cs += period_cs
            yield [up_cs, self._processes, 0, self._reclaimable, self._slab, *MARKS, *self._allocator.nr_free]

    def _events(self, seconds: float) -> int:
        """How many happen: a Poisson process, by its pauses."""
        count, at = 0, self._random.expovariate(self._events_per_s)
        while at < seconds:
            count, at = count + 1, at + self._random.expovariate(self._events_per_s)
        return count

    def _step(self) -> None:
        if self._held and (self._random.random() < 0.5 or self._free() < PAGES * _FREE_AT_LEAST):
            at = self._random.randrange(len(self._held))
            self._held[at], self._held[-1] = self._held[-1], self._held[at]
            self._allocator.give_back(self._held.pop())
            return
        self._take()
        self._processes += self._random.random() < 0.1
        self._slab += self._random.choice((-1, 1)) * (self._random.random() < 0.05)
        self._reclaimable += self._random.choice((-1, 1)) * (self._random.random() < 0.05)

    def _take(self) -> None:
        run = self._allocator.take(self._random.choice(_RUNS))
        if run is not None:
            self._held.append(run)

    def _free(self) -> int:
        return sum(count << order for order, count in enumerate(self._allocator.nr_free))
