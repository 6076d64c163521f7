"""What the end of programs makes of free memory on a board without an MMU. Pure.

When a program ends, the kernel frees the pages of its regions one by one (free_page_series() in mm/nommu.c), and joins
each with its buddy where that is free. Of the pages beside them nothing is known: free memory is known by counts only.
So at least those blocks come together that lie in the regions as a whole, and everything here is a lower bound: free
pages nearby only make blocks larger, and the rule for a request never suffers from more or larger free blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from buddyd import watermark

from buddywatch.model.memory_map import MappedProgram, Region
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.verdict.judge import Need, judge, serving_zones

ENDS_MAX = 12  # programs that are looked for together


@dataclass(frozen=True)
class Freed:
    """blocks: by order, at least these come together. pages: their sum."""

    blocks: tuple[int, ...]

    @property
    def pages(self) -> int:
        return int(watermark.free_pages(self.blocks))

    @property
    def largest_order(self) -> int:
        return max((order for order, count in enumerate(self.blocks) if count), default=-1)


def own_regions(ending: Sequence[MappedProgram], programs: Iterable[MappedProgram]) -> list[Region]:
    """The regions that no other program has. After a vfork() two programs have the same until one starts another."""
    pids = {program.pid for program in ending}
    others = [region for program in programs if program.pid not in pids for region in program.regions]
    regions = {region for program in ending for region in program.regions}
    return sorted(region for region in regions if not any(_overlap(region, other) for other in others))


def freed(ending: Sequence[MappedProgram], programs: Iterable[MappedProgram], orders: int) -> Freed:
    """What comes together if these programs end, of all `programs`. orders: how many the zone has."""
    blocks = [0] * orders
    for first, pages in _joined(own_regions(ending, programs)):
        _divide(first, pages, blocks)
    return Freed(tuple(blocks))


def after(snapshot: Snapshot, gain: Freed) -> Snapshot | None:
    """The free blocks of the snapshot with these in addition; None where it is not certain in which zone they join."""
    zones = serving_zones(snapshot)
    if len(snapshot.zones) != 1 or len(zones) != 1:
        return None
    counts = tuple(held + more for held, more in zip(zones[0].nr_free, gain.blocks, strict=True))
    zone = replace(zones[0], nr_free=counts)
    return Snapshot(snapshot.boot_id, snapshot.first_seq, snapshot.seq, snapshot.time, snapshot.uptime_ms, (zone,))


def judged_after(snapshot: Snapshot, gain: Freed, need: Need, page_bytes: int, rule: str | None) -> NeedState | None:
    """The need's state with these blocks in addition, at least; None: not known."""
    then = after(snapshot, gain)
    return None if then is None else judge(then, page_bytes, need, rule)


def ends_that_serve(
    snapshot: Snapshot,
    candidates: Sequence[MappedProgram],
    programs: Sequence[MappedProgram],
    need: Need,
    page_bytes: int,
    rule: str | None,
) -> list[MappedProgram]:
    """Few programs whose ends together make the need succeed for certain; empty if up to ENDS_MAX do not.

    At each step the program whose end improves the margin most; of equal ones the one that was started last.
    """
    orders = len(snapshot.zones[0].nr_free)
    chosen: list[MappedProgram] = []
    left = sorted(candidates, key=lambda program: -program.started_s)
    while left and len(chosen) < ENDS_MAX:
        best, best_state = None, None
        for program in left:
            gain = freed([*chosen, program], programs, orders)
            state = judged_after(snapshot, gain, need, page_bytes, rule)
            if state is None or state.margin_pages is None:
                return []
            if best_state is None or state.margin_pages > (best_state.margin_pages or 0):
                best, best_state = program, state
        if best is None or best_state is None:
            break
        chosen.append(best)
        left.remove(best)
        if best_state.verdict != watermark.REFUSED:
            return chosen
    return []


def trimmed_pages(region: Region) -> int:
    """How many pages behind a region the kernel gave back when it was made, with vm.nr_trim_pages not 0.

    do_mmap_private() takes a block of 2^n pages, which begins at a multiple of its size. 0: this is no such region, or
    it fills its block.
    """
    first, pages = region
    block = 1 << (pages - 1).bit_length()
    return block - pages if first % block == 0 else 0


def _overlap(one: Region, other: Region) -> bool:
    return one[0] < other[0] + other[1] and other[0] < one[0] + one[1]


def _joined(regions: Iterable[Region]) -> list[Region]:
    """Sorted regions, those that touch as one."""
    joined: list[Region] = []
    for first, pages in regions:
        if joined and first <= sum(joined[-1]):
            start = joined[-1][0]
            joined[-1] = start, max(sum(joined[-1]), first + pages) - start
        else:
            joined.append((first, pages))
    return joined


def _divide(first: int, pages: int, blocks: list[int]) -> None:
    """Count the largest blocks of which a run of free pages consists: of 2^n pages, at a multiple of their size."""
    while pages:
        order = min(len(blocks), pages.bit_length()) - 1
        while first % (1 << order):
            order -= 1
        blocks[order] += 1
        first, pages = first + (1 << order), pages - (1 << order)
