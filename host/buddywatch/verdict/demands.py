"""The kernel's rule (buddyd.watermark) with everything computed beforehand that does not depend on what is free.

A collector judges each snapshot of each board, and of the numbers that the rule takes only the free blocks change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from operator import add, mul

from buddyd import watermark

_BLOCK_PAGES = tuple(1 << order for order in range(64))

MarkedZone = tuple[Sequence[int], int, int, int, int]  # as watermark.judge() takes them; the last is what is beside
Request = tuple[int, int]  # order, single pages taken before
Answer = tuple[str | None, int | None]  # verdict, margin in pages
_Tests = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
_Required = tuple[tuple[int, ...], tuple[int, ...]]  # pages by order that must be left, at the min and at the low mark
_Demand = tuple[int, tuple[int, ...], tuple[int, ...]]  # of a request: single pages taken before, and the same

ZONES_MAX = 1024  # sets of marks that are kept: as many as a board has zones, each with its own
_NOTHING = -(1 << 62)  # required of an order that the rule does not test
_VERDICTS = (watermark.REFUSED, watermark.TIGHT, watermark.OK)


class Demands:
    """What the rule demands for some requests. The marks of a board's zones hardly ever change."""

    def __init__(self, requests: Sequence[Request], rule: str) -> None:
        self._requests = requests
        self._rule = rule
        self._kept: dict[tuple[int, int, int, int], list[_Demand]] = {}  # by orders and marks

    def answers(self, zones: Iterable[MarkedZone]) -> list[Answer]:
        """What watermark.judge() returns for each of the requests."""
        best: list[tuple[int, int]] = []
        for nr_free, min_pages, low_pages, reserve_pages, beside_pages in zones:
            below = [0, *accumulate(map(mul, nr_free, _BLOCK_PAGES))]  # pages in blocks smaller than each order
            used = _counted(below, beside_pages, self._rule) if beside_pages else below
            total, taken = below[-1], 0
            found = []
            for taken_pages, at_min, at_low in self._required((len(nr_free), min_pages, low_pages, reserve_pages)):
                if taken_pages != taken:
                    used, taken = _after_taking(below, taken_pages), taken_pages
                    used = _counted(used, beside_pages, self._rule) if beside_pages else used
                # The smallest margin is that of the order for which most is used or required. map() ends at the
                # request's order.
                margin_pages = total - max(map(add, used, at_min))
                rank = 0 if margin_pages < 0 else 2 if total >= max(map(add, used, at_low)) else 1
                found.append((rank, margin_pages))
            best = [*map(max, best, found)] if best else found
        return [(_VERDICTS[rank], margin_pages) for rank, margin_pages in best] or [(None, None)] * len(self._requests)

    def _required(self, marks: tuple[int, int, int, int]) -> list[_Demand]:
        required = self._kept.get(marks)
        if required is None:
            if len(self._kept) >= ZONES_MAX:
                self._kept.clear()
            orders, *pages = marks
            of_requests = [(taken, *_required(orders, order, *pages, self._rule)) for order, taken in self._requests]
            required = self._kept[marks] = of_requests
        return required


def serviceable_orders(zones: Iterable[MarkedZone], rule: str) -> tuple[int, int]:
    """What watermark.serviceable_order() and watermark.serviceable_low_order() return."""
    largest = largest_low = -1
    for nr_free, min_pages, low_pages, reserve_pages, beside_pages in zones:
        below = _pages_below(nr_free)
        used, total = _counted(below, beside_pages, rule), below[-1]
        for order in range(len(nr_free)):
            at_min, at_low = _required(len(nr_free), order, min_pages, low_pages, reserve_pages, rule)
            is_served, is_served_low = (total >= max(map(add, used, pages)) for pages in (at_min, at_low))
            if not (is_served or is_served_low):
                break  # the rule is monotone: larger orders fail as well
            largest = max(largest, order) if is_served else largest
            largest_low = max(largest_low, order) if is_served_low else largest_low
    return largest, largest_low


@lru_cache(maxsize=4096)
def demanded(orders: int, order: int, min_pages: int, low_pages: int, reserve_pages: int, rule: str) -> _Tests:
    """The rule's tests: their orders, the pages that each requires at the min mark, and at the low mark."""
    empty = (0,) * orders
    at_min, at_low = (
        watermark.trace(empty, order, mark, reserve_pages, rule, min_pages) for mark in (min_pages, low_pages)
    )
    return tuple(min(o, orders) for o, _, _ in at_min), tuple(p for _, _, p in at_min), tuple(p for _, _, p in at_low)


@lru_cache(maxsize=4096)
def _required(orders: int, order: int, min_pages: int, low_pages: int, reserve_pages: int, rule: str) -> _Required:
    tested, *at_marks = demanded(orders, order, min_pages, low_pages, reserve_pages, rule)
    of_marks = [dict(zip(tested, pages, strict=True)) for pages in at_marks]
    at_min, at_low = (tuple(pages.get(o, _NOTHING) for o in range(max(tested) + 1)) for pages in of_marks)
    return at_min, at_low


def _pages_below(nr_free: Sequence[int]) -> list[int]:
    """Pages in blocks smaller than each order, and in all blocks."""
    return [0, *accumulate(map(mul, nr_free, _BLOCK_PAGES))]


def is_counted(order: int, rule: str) -> bool:
    """True if the rule's test of this order asks the kernel's counter, False if it looks for blocks themselves.

    The older rules find the block by the counter, too. It would have to exceed the blocks by a whole block and that
    order's part of the mark to find one that is not there.
    """
    return order == 0 or rule != "new"


def _counted(used: list[int], beside_pages: int, rule: str) -> list[int]:
    """The pages that lie below each order, with those that the counter lacks among them where a test asks it."""
    return [pages - beside_pages if is_counted(order, rule) else pages for order, pages in enumerate(used)]


def _after_taking(below: list[int], taken_pages: int) -> list[int]:
    """For each order, the pages that no longer lie in blocks of it or larger after so many single pages were taken.

    Single pages come from the smallest blocks. What those below an order lack is split from larger ones, of which each
    block loses one of this order.
    """
    used = below.copy()
    for order, pages in enumerate(below):
        lacking = taken_pages - pages
        if lacking <= 0:
            break
        used[order] = min(below[-1], pages + (-(-lacking >> order) << order))
    return used
