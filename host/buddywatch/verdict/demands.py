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
_Tests = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

_VERDICTS = (watermark.REFUSED, watermark.TIGHT, watermark.OK)


def judge(
    zones: Iterable[MarkedZone], order: int, rule: str, taken_pages: int = 0
) -> tuple[str, int] | tuple[None, None]:
    """What watermark.judge() returns."""
    best = None
    for nr_free, min_pages, low_pages, reserve_pages in zones:
        tests = _tests(len(nr_free), order, min_pages, low_pages, reserve_pages, rule)
        margin_pages, at_low = _margins(nr_free, tests, taken_pages)
        found = (0 if margin_pages < 0 else 1 if at_low < 0 else 2), margin_pages
        if best is None or found > best:
            best = found
    return (None, None) if best is None else (_VERDICTS[best[0]], best[1])


def serviceable_orders(zones: Iterable[MarkedZone], rule: str) -> tuple[int, int]:
    """What watermark.serviceable_order() and watermark.serviceable_low_order() return."""
    largest = largest_low = -1
    for nr_free, min_pages, low_pages, reserve_pages in zones:
        for order in range(len(nr_free)):
            tests = _tests(len(nr_free), order, min_pages, low_pages, reserve_pages, rule)
            margin_pages, at_low = _margins(nr_free, tests, 0)
            if margin_pages < 0 and at_low < 0:
                break  # the rule is monotone: larger orders fail as well
            largest = max(largest, order) if margin_pages >= 0 else largest
            largest_low = max(largest_low, order) if at_low >= 0 else largest_low
    return largest, largest_low


@lru_cache(maxsize=4096)
def _tests(orders: int, order: int, min_pages: int, low_pages: int, reserve_pages: int, rule: str) -> _Tests:
    """The rule's tests: their orders, the pages that each requires at the min mark, and at the low mark."""
    empty = (0,) * orders
    at_min, at_low = (
        watermark.trace(empty, order, mark, reserve_pages, rule, min_pages) for mark in (min_pages, low_pages)
    )
    return tuple(min(o, orders) for o, _, _ in at_min), tuple(p for _, _, p in at_min), tuple(p for _, _, p in at_low)


def _margins(nr_free: Sequence[int], tests: _Tests, taken_pages: int) -> tuple[int, int]:
    """The smallest margins at the min mark and at the low mark, after so many single pages were taken."""
    orders, at_min, at_low = tests
    below = [0, *accumulate(map(mul, nr_free, _BLOCK_PAGES))]  # pages in blocks smaller than each order
    total = below[-1]
    held = [total - below[order] for order in orders]
    for i, order in enumerate(orders):
        # Single pages come from the smallest blocks. What those below this order lack is split from larger ones, of
        # which each block loses one of this order.
        lacking = taken_pages - below[order]
        if lacking <= 0:
            break
        held[i] = max(0, held[i] - (-(-lacking >> order) << order))
    return min(map(sub, held, at_min)), min(map(sub, held, at_low))
