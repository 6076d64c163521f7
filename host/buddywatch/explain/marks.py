"""How the watermarks contribute to a refusal: vm.min_free_kbytes, and the boost of 5.0 and later. Pure."""

from __future__ import annotations

from buddywatch.explain.case import Case
from buddywatch.explain.judge import largest_min_pages
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.marks import MIN_FREE_KB_LEAST, MIN_FREE_KB_MOST_NOW, formula_min_free_kb
from buddywatch.kernel_text.state import ESTIMATED, KERNEL_ZONES, Zone
from buddywatch.text import advice

_FAR_ABOVE = 2  # times the formula
_ROUNDED_PAGES, _SLACK = 32, 4  # of a zone's share of the marks: pages, and a quarter
# set_recommended_min_free_kbytes() in mm/khugepaged.c, which raises the value at boot where transparent huge pages are
# on (with 512 MB or more): page blocks for each zone that has memory, but a twentieth of low memory at most.
_BLOCKS_OF_A_ZONE, _BLOCK_BYTES, _MOST_OF_LOW, _HUGE_FROM_KB = 11, 2 << 20, 20, 512 << 10


def min_free_kb(case: Case, min_pages: int) -> tuple[int, int] | None:
    """(vm.min_free_kbytes now, the largest value at which the zone's min without boost is at most min_pages).

    The kernel divides it among its zones by size (setup_per_zone_wmarks()); the marks have the same proportions.
    """
    zone, state, page_bytes = case.answer.zone, case.state, case.page_bytes
    if zone is None or state is None or page_bytes is None or not _base(zone):
        return None
    page_kb = page_bytes // 1024
    all_pages = sum(_base(other) for other in state.zones if other.name in KERNEL_ZONES)
    if zone.name not in KERNEL_ZONES or not all_pages:
        return None
    if all_pages == _base(zone):
        return all_pages * page_kb, (min_pages + 1) * page_kb - 1
    return all_pages * page_kb, min_pages * all_pages // _base(zone) * page_kb


def _base(zone: Zone) -> int:
    """The zone's min as vm.min_free_kbytes makes it: without the boost."""
    return max((zone.min_pages or 0) - zone.boost_pages, 0)


def formula_kb(case: Case) -> int | None:
    """The value that the kernel computes at boot; None if the size of a zone is unknown."""
    zones = [zone for zone in case.state.zones if zone.name in KERNEL_ZONES] if case.state else []
    sizes = [zone.size_pages for zone in zones]
    if not sizes or not all(sizes) or case.page_bytes is None:
        return None
    total_kb = sum(size or 0 for size in sizes) * case.page_bytes // 1024
    return formula_min_free_kb(total_kb, MIN_FREE_KB_MOST_NOW)  # the larger limit accuses nobody falsely


def is_of_one_moment(case: Case) -> bool:
    """True if the zones' marks have the proportions of their sizes, by which setup_per_zone_wmarks() divides the value.
    Where they do not, memory was given to a zone after the marks were made, and the formula for today's size says
    nothing of the value."""
    zones = [zone for zone in case.state.zones if zone.name in KERNEL_ZONES] if case.state else []
    whole = sum(zone.size_pages or 0 for zone in zones)
    marks = sum(_base(zone) for zone in zones)
    due = [(_base(zone), marks * (zone.size_pages or 0) // whole) for zone in zones] if whole else []
    return all(abs(base - share) <= _ROUNDED_PAGES + share // _SLACK for base, share in due)


def is_of_huge_pages(case: Case, now_kb: int) -> bool:
    """True if the kernel itself has set the value for transparent huge pages. The marks are rounded down in each zone,
    and the twentieth is of what is above the high marks."""
    zones = case.state.zones if case.state else []
    whole_kb = sum(zone.size_pages or 0 for zone in zones) * (case.page_bytes or 0) // 1024
    if case.kernel.no_mmu or case.page_bytes != 4096 or whole_kb < _HUGE_FROM_KB:
        return False
    low_pages = sum(zone.size_pages or 0 for zone in zones if zone.name in KERNEL_ZONES)
    most_kb = low_pages * case.page_bytes // 1024 // _MOST_OF_LOW
    a_zone_kb = _BLOCKS_OF_A_ZONE * _BLOCK_BYTES // 1024
    values_kb = [a_zone_kb * count for count in range(1, len(zones) + 1)]
    slack_kb = len(zones) * case.page_bytes // 1024
    is_whole = any(value_kb - slack_kb <= now_kb <= value_kb for value_kb in values_kb)
    return is_whole or (most_kb * 9 // 10 <= now_kb <= most_kb < values_kb[-1])


def marks_remedies(case: Case) -> list[Remedy]:
    """What to do about the marks; [] where they do not decide, or where they are not read but computed."""
    zone, answer = case.answer.zone, case.answer
    if zone is None or case.page_bytes is None or zone.min_pages is None or answer.margin_pages is None:
        return []
    if not answer.request.can_wait:
        return _one(_raise_min_free(case))
    least = largest_min_pages(answer)
    if least is None or least >= zone.min_pages:
        return []
    if zone.boost_pages:
        return [_boost(case, least)]
    return _one(_lower_min_free(case, least))


def is_cause(remedy: Remedy) -> bool:
    """True if the marks are the likely cause, and not the use of memory."""
    return remedy.helps and (remedy.what == "watermark_boost_factor" or "formula_kb" in remedy.numbers)


def _one(remedy: Remedy | None) -> list[Remedy]:
    return [remedy] if remedy else []


def _boost(case: Case, largest: int) -> Remedy:
    """Lowering vm.min_free_kbytes does not lower the boost, which is computed from the high mark when blocks mix."""
    zone, page_kb = case.answer.zone, (case.page_bytes or 0) // 1024
    boost = zone.boost_pages if zone else 0
    base = _base(zone) if zone else 0
    now_kb = (min_free_kb(case, 0) or (base * page_kb, 0))[0]
    is_enough = base <= largest
    then = "without it this request would have passed" if is_enough else "alone that is not enough"
    text = (
        f"{boost * page_kb} kB of the min mark are a boost that the kernel adds for a while when kinds of pages mix "
        f"(vm.min_free_kbytes itself is {now_kb}): `echo 0 > /proc/sys/vm/watermark_boost_factor` ends that; {then}."
    )
    if boost > largest:
        text += " No value of vm.min_free_kbytes helps: the boost alone is more than there was."
    return Remedy(
        "watermark_boost_factor",
        text,
        helps=is_enough,
        numbers={"boost_kb": boost * page_kb, "now_kb": now_kb},
        short="`echo 0 > /proc/sys/vm/watermark_boost_factor`",
    )


def _lower_min_free(case: Case, largest: int) -> Remedy | None:
    """A value that leaves room for one more such request, and is no less than the kernel's own least."""
    with_room = largest_min_pages(case.answer, spare_pages=1 << case.answer.request.order)
    just = min_free_kb(case, largest)
    found = min_free_kb(case, with_room) if with_room is not None else None
    if just is None or case.answer.zone is None or case.answer.zone.marks_from == ESTIMATED:
        return None
    if found is None or found[1] < MIN_FREE_KB_LEAST:
        return _borderline(*just)
    now_kb, value_kb = found
    formula = formula_kb(case)
    is_set = formula is not None and now_kb > _FAR_ABOVE * formula and not is_of_huge_pages(case, now_kb)
    is_set = is_set and is_of_one_moment(case)
    if is_set and formula is not None and value_kb >= formula:
        return _set_by_hand(now_kb, formula)
    return Remedy(
        "min_free_kbytes",
        f"`{advice.min_free_line(value_kb)}` (now {now_kb}): then this request and one more like it "
        f"would have passed. The price: {now_kb - value_kb} kB less are kept for {advice.WHO_CANNOT_WAIT}.",
        numbers={"value_kb": value_kb, "now_kb": now_kb, "reserve_lost_kb": now_kb - value_kb},
        short=f"`{advice.min_free_line(value_kb)}` (now {now_kb})",
    )


def _borderline(now_kb: int, value_kb: int) -> Remedy:
    return Remedy(
        "min_free_kbytes",
        f"Lowering vm.min_free_kbytes (now {now_kb}): at {value_kb} this one request would have passed, but no second "
        f"one, and less would be kept for {advice.WHO_CANNOT_WAIT}.",
        helps=False,
        numbers={"value_kb": value_kb, "now_kb": now_kb, "reserve_lost_kb": now_kb - value_kb},
        short=f"Lowering vm.min_free_kbytes from {now_kb} to {value_kb}: this request would pass, no second one.",
    )


def _set_by_hand(now_kb: int, formula: int) -> Remedy:
    return Remedy(
        "min_free_kbytes",
        f"vm.min_free_kbytes is {now_kb}, but the kernel's own formula gives {formula} for this memory: a setting (in "
        "/etc/sysctl.conf, or a boot script) keeps the rest from use, and is the likely cause. "
        f"`{advice.min_free_line(formula)}`: then this request and one more "
        "like it would have passed.",
        numbers={"value_kb": formula, "now_kb": now_kb, "formula_kb": formula, "reserve_lost_kb": now_kb - formula},
        short=f"`{advice.min_free_line(formula)}` (set to {now_kb}, the likely cause)",
    )


def _raise_min_free(case: Case) -> Remedy | None:
    zone = case.answer.zone
    found = min_free_kb(case, 0) if zone else None
    if found is None or case.page_bytes is None:
        return None
    now_kb, missing_kb = found[0], case.answer.missing_pages * case.page_bytes // 1024
    return Remedy(
        "raise_min_free_kbytes",
        "A request that cannot wait depends on what the kernel keeps free in advance: vm.min_free_kbytes, about "
        f"{now_kb} now. A larger value makes it reclaim earlier; {missing_kb} kB were missing here. How much is "
        "enough depends on the load, which a single state does not show.",
        numbers={"now_kb": now_kb, "missing_kb": missing_kb},
        short=f"raise vm.min_free_kbytes (now about {now_kb})",
    )
