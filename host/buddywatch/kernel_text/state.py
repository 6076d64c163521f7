"""Memory states in pages, as the kernel's rule needs them: blocks, watermarks, what holds the rest. The model that
kernel_text hands to explain; assemble.py builds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from buddyd import watermark

from buddywatch.kernel_text.kernel import EARLY, Kernel
from buddywatch.kernel_text.raw import MOST_ORDERS, NAMELESS

DUMP, MEMINFO = "dump", "meminfo"  # sources of states
ZONEINFO, BORROWED, ESTIMATED, GIVEN = "zoneinfo", "borrowed", "estimated", "given"
_LOWEST_TO_HIGHEST = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")
KERNEL_ZONES = watermark.KERNEL_ZONES
_MOMENTS_PAGES = 64  # sums of the same memory may differ by so much and a 16th
_MOST_PAGES = 1 << MOST_ORDERS  # "any number"
_APART = 8  # an eighth
_FAR_ABOVE = 4  # times what is free in a zone of unknown size: a small machine may use that much of it


def _are_apart(counted_pages: int, listed_pages: int) -> bool:
    return abs(counted_pages - listed_pages) * _APART > max(counted_pages, listed_pages)


@dataclass(frozen=True)
class Options:
    """Facts about the board from the command line; they override the text."""

    release: str | None = None
    min_kb: int | None = None
    low_kb: int | None = None
    page_kb: int | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Something that holds memory. kind: "task" (its resident memory), "slab" (a cache) or "sum" (one of the kernel's
    sums, such as Shmem). source: "oom-tasks", "oom-slabs", "ps", "top", "slabinfo", "slabtop", "meminfo", "free" or
    "dump". pid: of tasks, where the text has it. line: in the input."""

    kind: str
    name: str
    kb: int
    source: str
    line: int
    pid: int | None = None


@dataclass(slots=True)
class Zone:
    """A zone in pages; nr_free by order. letters: the lists that hold the blocks of each order, None if unknown.

    lists: the same blocks by list, {"U": [blocks by order], "C": ...}, letters as in dumps; {} if unknown.
    gaps: the orders that may have more blocks than nr_free says, because the list was cut there; nr_free may end before
    them. () if the list is whole; every order if only the sum is in the text.
    unlisted_pages: free pages in blocks that nr_free lacks, by the zone's own sum; None: nobody knows.
    marks_from: where min and low come from; None: unknown.
    values: what else a dump or zoneinfo says about it, by the kernel's key ("boost", "dirty", "free_cma" ...), pages.
    cma_pages: free pages that belong to CMA.
    """

    node: int
    name: str
    nr_free: list[int]
    letters: list[str | None]
    min_pages: int | None = None
    low_pages: int | None = None
    high_pages: int | None = None
    reserves: tuple[int, ...] | None = None
    marks_from: str | None = None
    size_pages: int | None = None
    cma_pages: int = 0
    highatomic_pages: int = 0
    lost_kb: int = 0  # difference between the list of blocks and the sum that the kernel printed after it
    values: dict[str, int] = field(default_factory=dict)
    is_counted: bool = False  # values["free"] is what the kernel counted when it listed nr_free
    gaps: tuple[int, ...] = ()
    unlisted_pages: int | None = 0
    lists: dict[str, list[int]] = field(default_factory=dict)
    built_in: frozenset[str] = frozenset()  # the names of all zones in the text, those without memory too

    @property
    def boost_pages(self) -> int:
        """Part of min since 5.0 (boost_watermark()); the kernel takes it back later."""
        return self.values.get("boost", 0)

    @property
    def free_pages(self) -> int:
        """Free pages; at least so many if unlisted_pages is None."""
        return int(watermark.free_pages(self.nr_free)) + (self.unlisted_pages or 0)

    @property
    def has_no_highatomic_free(self) -> bool:
        """True if the lists of its blocks are known, and none is for atomic requests: what is reserved for them is in
        use, but kernels to 6.11 take all of it off what is free (__zone_watermark_unusable_free())."""
        known = [letters for letters in self.letters if letters]
        return bool(known) and self.highatomic_pages > 0 and not any("H" in letters for letters in known)

    @property
    def most_free_pages(self) -> int:
        """Free pages by the list of blocks or by the zone's own line, which is counted a moment before, where that has
        more: per-CPU counts are added to it late (vmstat_update() in mm/vmstat.c)."""
        return max(self.free_pages, self.values.get("free", 0))

    @property
    def beside_pages(self) -> int:
        """Pages that the kernel counts as free beside those in blocks, negative if it counts fewer; 0: not known.

        It decides by its count: each processor holds back a few changes of it. The zone's own line of a dump has it,
        and zoneinfo, where that differs by no more than the processors may hold back.
        """
        counted_pages = self.values.get("free") if self.is_counted and self.nr_free and self.is_whole else None
        if counted_pages is None:
            return 0
        free_pages = self.free_pages  # the sum of its list, counted once: each test of the rule asks for this
        return 0 if _are_apart(counted_pages, free_pages) else counted_pages - free_pages

    @property
    def is_apart(self) -> bool:
        """True if the zone's own line differs from its list by more than the moment between the two explains."""
        counted_pages = self.values.get("free")
        if counted_pages is None or not self.nr_free or not self.is_whole:
            return False
        return _are_apart(counted_pages, self.free_pages)

    @property
    def is_whole(self) -> bool:
        """True if the number of blocks of every order is known."""
        return not self.gaps

    def fewest_large(self) -> Zone:
        """The zone as if the unlisted pages were in the smallest blocks possible: it has no fewer large blocks."""
        if self.is_whole:
            return self
        nr_free = [*self.nr_free, *[0] * (self._orders() - len(self.nr_free))]
        smallest, left = min(self.gaps), self.unlisted_pages or 0
        nr_free[smallest] += left >> smallest
        nr_free[0] += left & ((1 << smallest) - 1)
        return self._filled(nr_free)

    def most_large(self) -> Zone:
        """The zone as if the unlisted pages were in blocks as large as can be: it has no more large blocks than this.

        Sizes divide each other, so that taking the largest first is the most for every order at once."""
        if self.is_whole:
            return self
        nr_free = [*self.nr_free, *[0] * (self._orders() - len(self.nr_free))]
        left = self.unlisted_pages
        if left is None:
            left = self._bound_pages - watermark.free_pages(self.nr_free)
        for order in sorted(self.gaps, reverse=True):
            nr_free[order] += left >> order
            left &= (1 << order) - 1
        return self._filled(nr_free)

    @property
    def _bound_pages(self) -> int:
        """The most that can be free: the zone's size, unless that is unknown, or the text has more free pages. Then one
        of the two is wrong, and nothing bounds them."""
        size = self.size_pages
        return size if size and size >= self.most_free_pages else _MOST_PAGES

    def _orders(self) -> int:
        return max(len(self.nr_free), max(self.gaps) + 1, 1)

    def _filled(self, nr_free: list[int]) -> Zone:
        letters = [*self.letters, *[None] * (len(nr_free) - len(self.letters))]
        for order in self.gaps:
            letters[order] = None
        letters[0] = None if nr_free[0] != (self.nr_free or [0])[0] else letters[0]
        return replace(self, nr_free=nr_free, letters=letters, gaps=(), unlisted_pages=0)


@dataclass(slots=True)
class State:
    """Memory at one moment. source: "dump", "buddyinfo", "pagetypeinfo" or "meminfo" (or `free`). mem_free_kb: from
    elsewhere in the text.

    zones: may be empty where the text has the sum of all zones only: total_free_pages, by the header of a dump,
    MemFree or `free`.
    usage: pages by use, as usage.py has it; kB where the page size is unknown.
    holders: what holds the memory, by the tables of the text that are nearest; largest first.
    stamp_s: seconds since boot, by the kernel's stamps; None without them.
    reclaimable_pages: file cache and reclaimable slab as the kernel lists them. files: where files lie, as
    verdict/reclaim.py names it; None if the text does not say.
    """

    source: str
    offset: int
    line: int
    kernel: Kernel
    page_bytes: int | None
    zones: list[Zone]
    reclaimable_pages: int | None = None
    mem_free_kb: int | None = None
    claims: list[tuple[int, int]] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)
    total_free_pages: int | None = None
    holders: list[Holder] = field(default_factory=list)
    stamp_s: float | None = None
    zoneinfo: tuple[tuple[int, str, int], ...] = ()  # (node, zone, free pages) of a read that has no blocks beside it
    zoneinfo_line: int | None = None
    after_failure: bool = False  # the call trace above it is that of a failure whose own line is not in the text
    files: frozenset[str] | None = None
    swap_kb: tuple[int, int] | None = None  # (free, total)

    @property
    def is_swap_full(self) -> bool:
        """True if there is swap, and less than a fiftieth of it is free."""
        return self.swap_kb is not None and self.swap_kb[0] * 50 < self.swap_kb[1]

    def has_all_zones(self, highest: str) -> bool:
        """True if no zone that is missing in the text could serve a request: DMA, the lowest, keeps nothing from it. To
        2.6.10 that proves nothing: protections[] are zeros unless they are set."""
        if EARLY in self.kernel.rules:
            return False
        lowest = [zone for zone in self.zones if zone.name == "DMA" and zone.reserves]
        return any(known_reserve_pages(zone, self.zones, highest) == 0 for zone in lowest)

    def lacks_zones_above(self, zone: Zone) -> bool:
        """True if zones above a low zone are missing in the text: the sums of all zones are more than those in the text
        have. Where the zone's line was cut before its size, the end of the dump is missing with all that follows."""
        if zone.name not in ("DMA", "DMA32"):
            return False
        sizes = [other.size_pages for other in self.zones]
        used = self.usage.get("anon", 0) + self.usage.get("file", 0)
        if None in sizes:
            is_cut = zone.size_pages is None and zone.marks_from == DUMP
            return bool(self.lost_pages) or (is_cut and used > _FAR_ABOVE * zone.free_pages)
        return bool(self.lost_pages) or used > sum(size or 0 for size in sizes)

    @property
    def lost_pages(self) -> int:
        """Free pages of zones that are not in the text, by the sum of all zones. 0 if the sums, which the kernel counts
        one after the other, are about the same; 1 at least if the reserves show a zone that is missing."""
        lost = (self.total_free_pages or 0) - sum(zone.most_free_pages for zone in self.zones)
        if any(zone.unlisted_pages is None for zone in self.zones):
            lost = 0
        if self.zones and lost > 0 and not may_be_one_sum(self.total_free_pages or 0, lost):
            return lost
        return int(_lacks_a_zone(self.zones))

    @property
    def free_pages(self) -> int:
        """Free pages in all zones of the text together."""
        return sum(zone.free_pages for zone in self.zones) or self.total_free_pages or 0

    @property
    def is_whole(self) -> bool:
        """True if the number of blocks of every order and zone is known."""
        return all(zone.is_whole for zone in self.zones)

    def fewest_large(self) -> State:
        return replace(self, zones=[zone.fewest_large() for zone in self.zones])

    def most_large(self) -> State:
        return replace(self, zones=[zone.most_large() for zone in self.zones])


def may_be_one_sum(pages: int, difference: int) -> bool:
    """True if two sums of the same memory, counted one after the other, may differ by so much."""
    return difference <= _MOMENTS_PAGES + pages // 16


def reserve_pages(zone: Zone, zones: list[Zone], highest: str) -> int:
    """lowmem_reserve of the zone for a request that can use zones up to `highest` (its class zone); 0 if unknown."""
    return known_reserve_pages(zone, zones, highest) or 0


def known_reserve_pages(zone: Zone, zones: list[Zone], highest: str) -> int | None:
    """The same; None if it is not in the text, or the end of the line with the reserves is not."""
    if zone.reserves is None:
        if zone.name == highest:
            return 0
        return None if any(_is_between(other, zone, highest) for other in zones) else 0
    lower = _LOWEST_TO_HIGHEST[: _LOWEST_TO_HIGHEST.index(highest)]
    # The array has an entry for each zone that the kernel was built with. A zone DMA or DMA32 that is not in the text
    # is not in the kernel; Normal and Movable are always built in.
    built_in = zone.built_in | {other.name for other in zones} | {"Normal", "Movable"}
    index = sum(1 for name in lower if name in built_in)
    return zone.reserves[index] if index < len(zone.reserves) else None


def _lacks_a_zone(zones: list[Zone]) -> bool:
    """True if a zone keeps memory from requests that could use another zone which is not in the text: the entries of
    its lowmem_reserve rise at every zone that has memory. Or if the name of a list was cut off."""
    names = {zone.name for zone in zones}
    nameless = {name.startswith(NAMELESS) for zone in zones for name in zone.built_in}
    if len(nameless) > 1:  # 2.4 prints no names at all
        return True
    for zone in zones:
        if zone.name in ("DMA", "DMA32") and zone.reserves and max(zone.reserves) > 0:
            above = _LOWEST_TO_HIGHEST[_LOWEST_TO_HIGHEST.index(zone.name) + 1 :]
            if not names & set(above):
                return True
    return False


def _is_between(other: Zone, zone: Zone, highest: str) -> bool:
    """True if the other zone is above the zone, so that the kernel keeps a part of the zone for those who cannot use
    the other one (setup_per_zone_lowmem_reserve())."""
    known = [_LOWEST_TO_HIGHEST.index(name) for name in (zone.name, other.name, highest) if name in _LOWEST_TO_HIGHEST]
    return len(known) == 3 and known[0] < known[1] <= known[2]
