"""A model of the kernel's buddy allocator: which blocks are free after any sequence of requests. No I/O.

Source: mm/page_alloc.c (2.6.30): expand() keeps the lower half and puts the upper one on its free list, a free list is
last in, first out, __free_one_page() joins buddies as long as both are free. mm/nommu.c: a region's spare pages are
given back at once (vm.nr_trim_pages = 1), so 15 pages leave one page free beside them.
"""

from __future__ import annotations


class BuddyAllocator:
    """pages: of one zone, which starts at a multiple of the largest block. orders: block sizes, 0 to orders - 1."""

    def __init__(self, pages: int, orders: int = 11) -> None:
        self.nr_free = [0] * orders
        self._free: list[dict[int, None]] = [{} for _ in range(orders)]  # first page -> None, oldest first
        self._put_range(0, pages)

    def take(self, pages: int) -> tuple[int, int] | None:
        """Allocate a run: (first page, pages); None if no block is large enough."""
        order = (pages - 1).bit_length()
        for found in range(order, len(self._free)):
            if self._free[found]:
                break
        else:
            return None
        start, _ = self._free[found].popitem()
        self.nr_free[found] -= 1
        while found > order:
            found -= 1
            self._put(start + (1 << found), found)
        self._put_range(start + pages, start + (1 << order))
        return start, pages

    def give_back(self, run: tuple[int, int]) -> None:
        """Free the pages of a run."""
        start, pages = run
        self._put_range(start, start + pages)

    def _put_range(self, start: int, end: int) -> None:
        """Free start..end - 1 in the largest aligned blocks."""
        while start < end:
            order = min((start & -start).bit_length() - 1 if start else 99, (end - start).bit_length() - 1)
            order = min(order, len(self._free) - 1)
            self._put(start, order)
            start += 1 << order

    def _put(self, start: int, order: int) -> None:
        while order < len(self._free) - 1:
            buddy = start ^ (1 << order)
            if buddy not in self._free[order]:
                break
            del self._free[order][buddy]
            self.nr_free[order] -= 1
            start &= ~(1 << order)
            order += 1
        self._free[order][start] = None
        self.nr_free[order] += 1
