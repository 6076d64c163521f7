"""What a list of free blocks proves when a part of it is not in the text. Pure.

The kernel prints the blocks of all orders and their sum at one moment, under the zone's lock (show_free_areas() in
mm/page_alloc.c, mm/show_mem.c from 6.6 on), so a list that differs from its sum was damaged. A number that lost digits
is smaller than it was, so every listed count is the least.
"""

from __future__ import annotations

from dataclasses import dataclass

from buddyd import watermark

from buddywatch.kernel_text.raw import MOST_ORDERS, RawZone


@dataclass(frozen=True)
class Proven:
    """nr_free, gaps and unlisted_pages as in state.Zone; lost_kb: the sum less the listed blocks."""

    nr_free: list[int]
    gaps: tuple[int, ...]
    unlisted_pages: int | None
    lost_kb: int = 0


def proven(raw: RawZone, page_kb: int, orders: int | None) -> Proven:
    """orders: how many the kernel has, by another list of the text; None: unknown."""
    every = tuple(range(orders or MOST_ORDERS))
    sum_kb = raw.total_kb if raw.total_kb is not None else raw.values.get("free")
    if not raw.counts:
        return Proven([], every, None if sum_kb is None else sum_kb // page_kb)
    first = max(raw.units_kb[0] // page_kb, 1).bit_length() - 1  # not 0 if the first sizes of the list are missing
    nr_free = [0] * first + raw.counts
    listed_kb = watermark.free_pages(nr_free) * page_kb
    if sum_kb is not None and sum_kb < listed_kb and raw.total_kb is not None:
        return Proven([], every, sum_kb // page_kb, listed_kb - sum_kb)  # some number grew: none can be trusted
    gaps = {*range(first), *(first + index for index in raw.unread)}
    if not raw.has_end:
        gaps |= set(range(len(nr_free), max(orders or MOST_ORDERS, len(nr_free))))
    unlisted = None if sum_kb is None or sum_kb < listed_kb else (sum_kb - listed_kb) // page_kb
    if unlisted and not gaps and raw.total_kb is not None:
        gaps = set(range(max(len(nr_free), orders or 0)))  # a number lost digits, or the last sizes are missing
    if not gaps:
        return Proven(nr_free, (), 0)
    if unlisted is not None and unlisted < 1 << min(gaps):
        unlisted = 0  # the two were counted at moments that may differ a little
    return Proven(nr_free, tuple(sorted(gaps)), unlisted, (unlisted or 0) * page_kb)


def orders_of(zones: list[RawZone], page_kb: int) -> int | None:
    """The number of orders of the kernel, the same in all zones: by a list that has its first size and its sum."""
    whole = [zone for zone in zones if zone.counts and zone.units_kb[0] == page_kb and zone.has_end]
    return max((len(zone.counts) for zone in whole), default=None)
