"""Watermarks that the text lacks: as given, from another state of the text, or by the kernel's formula."""

from __future__ import annotations

from math import isqrt

from buddyd import watermark

from buddywatch.kernel_text.kernel import version_of
from buddywatch.kernel_text.nearest import nearest_meminfo
from buddywatch.kernel_text.raw import Raw
from buddywatch.kernel_text.state import BORROWED, ESTIMATED, GIVEN, KERNEL_ZONES, Options, State, Zone

# init_per_zone_pages_min() in mm/page_alloc.c, init_per_zone_wmark_min() from 2.6.31 on; the most is larger from 5.9 on
MIN_FREE_KB_LEAST, _MIN_FREE_KB_MOST, MIN_FREE_KB_MOST_NOW = 128, 65536, 262144
_SCALE_FACTOR_SINCE = (4, 6, 0)  # vm.watermark_scale_factor, default 10 of 10000


def formula_min_free_kb(memory_kb: int, most_kb: int = _MIN_FREE_KB_MOST) -> int:
    """vm.min_free_kbytes as the kernel computes it at boot for so much memory that it can use itself."""
    return min(max(isqrt(memory_kb * 16), MIN_FREE_KB_LEAST), most_kb)


def complete_marks(state: State, raw: Raw, lender: State | None, options: Options) -> None:
    """Fill in watermarks that the text lacks: as given, from another state, or by the kernel's formula."""
    lent = {(zone.node, zone.name): zone for zone in lender.zones} if lender else {}
    for zone in state.zones:
        other = lent.get((zone.node, zone.name))
        if zone.marks_from is None and other and other.marks_from:
            zone.min_pages, zone.low_pages, zone.high_pages = other.min_pages, other.low_pages, other.high_pages
            zone.reserves, zone.size_pages = other.reserves, zone.size_pages or other.size_pages
            zone.marks_from = BORROWED
    if options.min_kb is not None or options.low_kb is not None:
        _given_marks(state, options)
    elif any(zone.marks_from is None for zone in state.zones):
        _estimate_marks(state, raw)


def _given_marks(state: State, options: Options) -> None:
    page_bytes = state.page_bytes
    if page_bytes is None:
        return
    for zone, part, whole in _shares(state):
        if options.min_kb is not None:
            zone.min_pages = options.min_kb * 1024 // page_bytes * part // whole
            zone.low_pages = low_pages(zone.min_pages, zone.size_pages, state.kernel.release)
        if options.low_kb is not None:
            zone.low_pages = options.low_kb * 1024 // page_bytes * part // whole
        zone.marks_from = GIVEN if zone.min_pages is not None and zone.low_pages is not None else None


def _estimate_marks(state: State, raw: Raw) -> None:
    """min_free_kbytes from the text, else the value that the kernel computes at boot (init_per_zone_pages_min())."""
    if state.page_bytes is None:
        return
    sizes = [zone.size_pages for zone in state.zones if zone.name in KERNEL_ZONES]
    total_kb = nearest_meminfo(raw, state.offset).get("MemTotal")
    if all(sizes) and sizes:
        total_kb = sum(size or 0 for size in sizes) * state.page_bytes // 1024
    elif total_kb is None and len(state.zones) == 1 and state.total_free_pages is not None and not state.lost_pages:
        # The only zone has all memory that is not reserved.
        given_pages = state.usage.get("ram", 0) - state.usage.get("reserved", 0)
        total_kb = max(given_pages, 0) * state.page_bytes // 1024
    min_free_kb = raw.sysctls.get("min_free_kbytes")
    if min_free_kb is None and total_kb:
        min_free_kb = formula_min_free_kb(total_kb)
    if min_free_kb is None:
        return
    for zone, part, whole in _shares(state):
        zone.min_pages = min_free_kb * 1024 // state.page_bytes * part // whole
        zone.low_pages = low_pages(zone.min_pages, zone.size_pages, state.kernel.release)
        zone.marks_from = ESTIMATED


def _shares(state: State) -> list[tuple[Zone, int, int]]:
    """(zone, part, whole): the kernel divides min_free_kbytes among its zones by size. Where sizes are unknown, free
    pages take their place."""
    zones = [zone for zone in state.zones if zone.name in KERNEL_ZONES] or state.zones
    weights = [zone.size_pages or watermark.free_pages(zone.nr_free) or 1 for zone in zones]
    return [(zone, weight, sum(weights)) for zone, weight in zip(zones, weights, strict=True)]


def low_pages(min_pages: int, size_pages: int | None, release: str | None) -> int:
    """setup_per_zone_wmarks() in mm/page_alloc.c."""
    gap = min_pages // 4
    version = version_of(release)
    if size_pages and version and version >= _SCALE_FACTOR_SINCE:
        gap = max(gap, size_pages * 10 // 10000)
    return min_pages + gap
