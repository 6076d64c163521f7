"""The kernel's rule (buddyd.watermark) with everything computed beforehand that does not depend on what is free.

A collector judges each snapshot of each board, and of the numbers that the rule takes only the free blocks change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from operator import mul, sub

from buddyd import watermark

_BLOCK_PAGES = tuple(1 << order for order in range(64))

MarkedZone = tuple[Sequence[int], int, int, int]  # nr_free, min, low, reserve, as watermark.judge() takes them
Request = tuple[int, int]  # order, single pages taken before
Answer = tuple[str | None, int | None]  # verdict, margin in pages
_Tests = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
_VERDICTS = (watermark.REFUSED, watermark.TIGHT, watermark.OK)
ZONES_MAX = 1024  # sets of marks that are kept: as many as a board has zones, each with its own


class Demands:
    """What the rule demands for some requests. The marks of a board's zones hardly ever change."""

    def __init__(self, requests: Sequence[Request], rule: str) -> None:
        self._requests = requests
        self._rule = rule
        self._tests: dict[tuple[int, int, int, int], list[_Tests]] = {}  # by orders and marks

    def answers(self, zones: Iterable[MarkedZone]) -> list[Answer]:
        """What watermark.judge() returns for each of the requests."""
        best: list[tuple[int, int]] = []
        for nr_free, min_pages, low_pages, reserve_pages in zones:
            below = _pages_below(nr_free)
            tests = self._tests_of((len(nr_free), min_pages, low_pages, reserve_pages))
            found = [_rank(below, of, taken) for of, (_, taken) in zip(tests, self._requests, strict=True)]
            best = [*map(max, best, found)] if best else found
        return [(_VERDICTS[rank], margin_pages) for rank, margin_pages in best] or [(None, None)] * len(self._requests)

    def _tests_of(self, marks: tuple[int, int, int, int]) -> list[_Tests]:
        tests = self._tests.get(marks)
        if tests is None:
            if len(self._tests) >= ZONES_MAX:
                self._tests.clear()
            orders, *pages = marks
            tests = self._tests[marks] = [demanded(orders, order, *pages, self._rule) for order, _ in self._requests]
        return tests


def serviceable_orders(zones: Iterable[MarkedZone], rule: str) -> tuple[int, int]:
    """What watermark.serviceable_order() and watermark.serviceable_low_order() return."""
    largest = largest_low = -1
    for nr_free, min_pages, low_pages, reserve_pages in zones:
        below = _pages_below(nr_free)
        for order in range(len(nr_free)):
            tests = demanded(len(nr_free), order, min_pages, low_pages, reserve_pages, rule)
            margin_pages, at_low = _margins(below, tests, 0)
            if margin_pages < 0 and at_low < 0:
                break  # the rule is monotone: larger orders fail as well
            largest = max(largest, order) if margin_pages >= 0 else largest
            largest_low = max(largest_low, order) if at_low >= 0 else largest_low
    return largest, largest_low


@lru_cache(maxsize=4096)
def demanded(orders: int, order: int, min_pages: int, low_pages: int, reserve_pages: int, rule: str) -> _Tests:
    """The rule's tests: their orders, the pages that each requires at the min mark, and at the low mark."""
    empty = (0,) * orders
    at_min, at_low = (
        watermark.trace(empty, order, mark, reserve_pages, rule, min_pages) for mark in (min_pages, low_pages)
    )
    return tuple(min(o, orders) for o, _, _ in at_min), tuple(p for _, _, p in at_min), tuple(p for _, _, p in at_low)


def _rank(below: list[int], tests: _Tests, taken_pages: int) -> tuple[int, int]:
    """The verdict's place in _VERDICTS, and the margin at the min mark."""
    margin_pages, at_low = _margins(below, tests, taken_pages)
    return 0 if margin_pages < 0 else 1 if at_low < 0 else 2, margin_pages


def _pages_below(nr_free: Sequence[int]) -> list[int]:
    """Pages in blocks smaller than each order, and in all blocks."""
    return [0, *accumulate(map(mul, nr_free, _BLOCK_PAGES))]


def _margins(below: list[int], tests: _Tests, taken_pages: int) -> tuple[int, int]:
    """The smallest margins at the min mark and at the low mark, after so many single pages were taken."""
    orders, at_min, at_low = tests
    total = below[-1]
    held = [total - below[order] for order in orders]
    if taken_pages:
        for i, order in enumerate(orders):
            # Single pages come from the smallest blocks. What those below this order lack is split from larger ones,
            # of which each block loses one of this order.
            lacking = taken_pages - below[order]
            if lacking <= 0:
                break
            held[i] = max(0, held[i] - (-(-lacking >> order) << order))
    return min(map(sub, held, at_min)), min(map(sub, held, at_low))
