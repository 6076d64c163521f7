"""How many more times a need can be served: usable blocks. Pure, no I/O.

The blocks are taken one after the other, as the kernel does: from the smallest that is large enough, of which the rest
stays free in halves. What is left then follows from how many were taken, so that no step has to be played.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from buddyd import watermark

from buddywatch.model.samples import Snapshot
from buddywatch.verdict.demands import Demands, MarkedZone
from buddywatch.verdict.judge import Need, marked_zones


def usable_blocks(snapshot: Snapshot, page_bytes: int | None, need: Need, rule: str | None) -> int | None:
    """How many requests of this need in a row the kernel would grant at the min mark; None if that is not known."""
    zones = marked_zones(snapshot)
    if page_bytes is None or not rule or not zones:
        return None
    order = watermark.order_for(need.bytes, page_bytes)
    demands = _demands(order, watermark.EXEC_PAGES if need.is_program else 0, rule)
    return sum(_of_zone(zone, order, demands) for zone in zones)


@lru_cache(maxsize=64)
def _demands(order: int, taken_pages: int, rule: str) -> Demands:
    """It keeps what the rule demands with the marks of the zones, which hardly ever change."""
    return Demands([(order, taken_pages)], rule)


def _of_zone(zone: MarkedZone, order: int, demands: Demands) -> int:
    """The most requests of which the last one is still granted: each leaves less, so halving the range finds it.

    The first guess is that each takes no more of the margin than its pages, which is mostly so.
    """
    nr_free, min_pages, low_pages, reserve_pages, beside_pages = zone

    def margin_pages(taken: int) -> int:
        left = _with_units(nr_free, order, units - taken)
        [(_, margin)] = demands.answers([(left, min_pages, low_pages, reserve_pages, beside_pages)])
        return -1 if margin is None else margin

    units = capacity(nr_free, order)
    [(_, first)] = demands.answers([zone])
    guess = blocks_of_margin(-1 if first is None else first, order)
    granted, refused = 0, min(units, max(0, guess)) + 1
    middle = refused - 1
    while refused - granted > 1:
        if margin_pages(middle - 1) < 0:
            refused = middle
        else:
            granted = middle
        middle = (granted + refused) // 2
    return granted


def capacity(nr_free: Sequence[int], order: int) -> int:
    """How many blocks of the order the free blocks contain."""
    return sum([count << at for at, count in enumerate(nr_free[order:])])


def after_taking(nr_free: Sequence[int], order: int, count: int) -> list[int]:
    """The free blocks after `count` blocks of the order were taken; count: at most capacity()."""
    return _with_units(nr_free, order, capacity(nr_free, order) - count)


def _with_units(nr_free: Sequence[int], order: int, units: int) -> list[int]:
    """The free blocks when so many blocks of the order are left in them."""
    left = list(nr_free)
    for at in range(len(nr_free) - 1, order - 1, -1):
        left[at] = min(nr_free[at], units >> at - order)
        units -= left[at] << at - order
        if left[at] < nr_free[at]:  # one block is split, and its rest lies in halves; the smaller ones are all taken
            for below in range(order, at):
                left[below] = units >> below - order & 1
            break
    return left


def blocks_of_margin(margin_pages: int, order: int) -> int:
    """About how many more times a need of this order can be served with this margin; -1: it is refused."""
    return -1 if margin_pages < 0 else (margin_pages >> order) + 1
