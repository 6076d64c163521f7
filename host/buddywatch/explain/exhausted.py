"""A state in which every zone is below its min mark: no request in the text failed, but any would. Pure."""

from __future__ import annotations

from buddywatch.explain.holders import advice, holder_lines, largest_words
from buddywatch.explain.state_words import LESS_THAN_A_PAGE, total_words
from buddywatch.explain.state_words import largest_words as largest_request
from buddywatch.kernel_text.state import KERNEL_ZONES, State, Zone
from buddywatch.text.document import Bullets, Columns, Heading, Lead, Part, plain
from buddywatch.text.escape import counted


def is_exhausted(state: State) -> bool:
    """True if not even a page would be had after reclaim, by every rule that the kernel may have."""
    return bool(state.zones) and largest_request(state) == LESS_THAN_A_PAGE


def is_before_allocator(state: State) -> bool:
    """True if zones have memory, but none of it is free and the marks are not computed: start_kernel() runs before
    memblock_free_all(), and init_per_zone_wmark_min() after it (mm/page_alloc.c)."""
    return not state.free_pages and all(zone.size_pages and zone.high_pages == 0 for zone in state.zones)


def exhausted_lead(state: State) -> list[Part]:
    held = largest_words(state)
    found = [remedy.short for remedy in advice(state)]
    can_go = _reclaimable_kb(state)
    if can_go and not found:
        held = f"but up to {can_go} kB of caches could go"
        found = ["raise vm.min_free_kbytes: requests that cannot wait fail until the caches are reclaimed"]
    if is_before_allocator(state):
        return [
            Lead("Free", f"{total_words(state)} in line {state.line}, and every mark is 0."),
            Lead("Why", "the kernel was starting, and had not given its memory to the page allocator yet."),
            Lead("First", "look in the call trace below or above for what asked for memory so early."),
        ]
    if above := _for_programs(state):
        return _for_the_kernel(state, above, found)
    low = all(zone.free_pages <= (zone.min_pages or 0) for zone in state.zones)
    why = "every zone is below its min mark" if low else "what is free is below the min marks, or kept for others"
    return [
        Lead("Free", f"{total_words(state)} in line {state.line}: too little memory, whatever its pieces."),
        Lead("Why", f"{why}{f'; {held}' if held else ''}."),
        Lead("First", f"{found[0] if found else 'free memory: end programs, remove files in RAM'}."),
    ]


def _for_programs(state: State) -> list[Zone]:
    """Zones with memory enough that the kernel cannot use itself: it maps low memory only."""
    names = (zone for zone in state.zones if zone.name not in KERNEL_ZONES)
    return [zone for zone in names if zone.free_pages > (zone.min_pages or 0)]


def _for_the_kernel(state: State, above: list[Zone], found: list[str]) -> list[Part]:
    names = ", ".join(plain(zone.name, 16) for zone in above)
    free = sum(zone.free_pages for zone in above)
    size = f"{free * state.page_bytes // 1024} kB" if state.page_bytes else counted(free, "page")
    return [
        Lead("Free", f"{total_words(state)} in line {state.line}, {size} of it in zone {names}, for programs only."),
        Lead("Why", "the zones that the kernel can use itself are below their min marks, or kept for others."),
        Lead("First", f"{found[0] if found else 'see in /proc/slabinfo what fills low memory'}."),
    ]


def _reclaimable_kb(state: State) -> int:
    """Caches as the kernel lists them, if they are more than what the marks lack; 0: fewer, or not in the text."""
    lacking = sum(max((zone.low_pages or 0) - zone.free_pages, 0) for zone in state.zones)
    pages = state.reclaimable_pages or 0
    return pages * state.page_bytes // 1024 if state.page_bytes and pages > lacking else 0


def exhausted_parts(state: State) -> list[Part]:
    if is_before_allocator(state):
        return []
    lines, found = holder_lines(state), advice(state)
    parts: list[Part] = [Heading("What holds the memory"), Columns(lines)] if lines else []
    return parts + ([Heading("What would help"), Bullets([f"{remedy.short}." for remedy in found])] if found else [])
