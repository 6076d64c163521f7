"""A memory state in words and tables: blocks, marks, the largest request that succeeds, checks of the sums. Pure."""

from __future__ import annotations

from buddywatch.explain.claims import claims_words
from buddywatch.explain.judge import certain_largest_order
from buddywatch.explain.kind_words import kinds_words
from buddywatch.explain.request import Request
from buddywatch.kernel_text.state import BORROWED, DUMP, ESTIMATED, GIVEN, ZONEINFO, State, Zone, known_reserve_pages
from buddywatch.text.document import Columns, Heading, Paragraph, Part, plain
from buddywatch.text.escape import COLUMNS, counted
from buddywatch.text.units import format_bytes

RULE_AGES = {
    "early": "Linux up to 2.6.10",
    "old": "Linux 2.6.11 to 2.6.37, and 3.3 to 4.3",
    "off2": "Linux 2.6.38 to 3.2",
    "new": "Linux 4.4 and later",
    "el6": "Red Hat Enterprise Linux 6",
}
_SOURCES = {
    "dump": "what the kernel printed",
    "buddyinfo": "/proc/buddyinfo",
    "pagetypeinfo": "/proc/pagetypeinfo, added up",
    "meminfo": "/proc/meminfo, or `free`",
}
_MARKS_FROM = {
    DUMP: "as the kernel printed them",
    ZONEINFO: "by /proc/zoneinfo",
    BORROWED: "from another part of the text, for the same zone",
    ESTIMATED: "an estimate by the kernel's formula: /proc/zoneinfo has the real ones",
    GIVEN: "as given on the command line",
}
# The usual difference between two files of /proc that two processes read one after the other.
_MOMENTS_APART_KB = 512
_LOST_LINE = (
    "The call trace above it is that of a failed allocation (warn_alloc): its first line, with the process and the "
    "size, is not in the text."
)
LESS_THAN_A_PAGE = "less than a page"
OTHER_RULE = "unknown: Linux 2.4 decides by another rule, which buddywatch does not compute"
_USUAL_ORDERS = 11
_ANY_RULE = ("old", "off2", "new")
_FIRST_KB = "block size in kB"


def state_parts(state: State) -> list[Part]:
    """One state: its place in the text, free memory and blocks, and the largest request that succeeds."""
    texts = [
        _LOST_LINE if state.after_failure else "",
        unlisted_words(state),
        _sum_words(state),
        counted_words(state),
        kinds_words(state),
        claims_words(state) if state.claims else "",
        marks_words(state),
        granted_words(state),
        _zoneinfo_words(state),
    ]
    return [
        Heading(f"Line {state.line}: {_SOURCES[state.source]}"),
        Columns(block_table(state)),
        Paragraph(" ".join(text for text in texts if text)),
    ]


def unlisted_words(state: State) -> str:
    """What the text proves about blocks that it does not list, a sentence for each zone."""
    return " ".join(_unlisted(zone, state) for zone in state.zones if zone.unlisted_pages != 0)


def counted_words(state: State) -> str:
    """Where a zone's own line, printed a moment before its list, differs from it so much that the answer may."""
    apart = [zone for zone in state.zones if state.source == DUMP and zone.is_apart]
    if not apart or state.page_bytes is None:
        return ""
    told = [
        f"{_zone_name(zone, state)} {_pages(zone.values['free'], state)} for {_pages(zone.free_pages, state)}"
        for zone in apart
    ]
    return f"The zones' own lines, counted a moment before the lists, have other sums: {', '.join(told)}."


def _zoneinfo_words(state: State) -> str:
    if not state.zoneinfo:
        return ""
    told = ", ".join(f"{node}/{plain(name, 16)} {_pages(pages, state)}" for node, name, pages in state.zoneinfo)
    return f"/proc/zoneinfo in line {state.zoneinfo_line}, of another moment and without blocks: free {told}."


def _unlisted(zone: Zone, state: State) -> str:
    told = "A part of the list of free blocks (`?` or `+` above)" if zone.nr_free else "The list of free blocks"
    text = f"{told} of {_zone_name(zone, state)} is not in the text"
    if zone.unlisted_pages is None:
        return f"{text}, nor how much is free there."
    amount = _pages(zone.unlisted_pages, state)
    smallest, largest = min(zone.gaps), max(zone.gaps)
    if not smallest and largest < len(zone.nr_free) - 1:
        return f"{text}: {amount} in blocks of {_piece(largest, state)} or smaller."
    if not smallest:
        cma = f", of which {_pages(zone.cma_pages, state)} are for movable pages only (CMA)" if zone.cma_pages else ""
        return f"{text}: {amount} in blocks of unknown size{cma}."
    return f"{text}: no more than {amount}, in blocks of {_piece(smallest, state)} or larger."


def _pages(pages: int, state: State) -> str:
    return f"{pages * state.page_bytes // 1024} kB" if state.page_bytes else counted(pages, "page")


def _count(zone: Zone, order: int) -> str:
    """The number of blocks; `?`: not in the text, `9+`: at least 9."""
    if order < len(zone.nr_free) and (order not in zone.gaps or zone.unlisted_pages == 0):
        return str(zone.nr_free[order])
    return f"{zone.nr_free[order]}+" if any(zone.nr_free[order : order + 1]) else "?"


def _listed(zone: Zone, orders: int) -> int:
    """How many sizes the table has for the zone. All of them if the end of its list was cut: it may have some there."""
    is_cut = zone.unlisted_pages != 0 and max(zone.gaps, default=0) >= len(zone.nr_free)
    return orders if is_cut and zone.nr_free else min(len(zone.nr_free), orders)


def block_table(state: State) -> list[str]:
    """Free blocks by size, a line for each zone."""
    if not state.zones:
        return []
    orders = _shown_orders(state)
    if not orders:
        return []
    names = [_zone_name(zone, state) for zone in state.zones]
    page_kb = state.page_bytes // 1024 if state.page_bytes else 1
    heads = [str(page_kb << order) if state.page_bytes else str(1 << order) for order in range(orders)]
    counts = [[_count(zone, order) for order in range(_listed(zone, orders))] for zone in state.zones]
    widths = [max(len(cells[order]) for cells in [heads, *counts] if order < len(cells)) + 1 for order in range(orders)]
    first = _FIRST_KB if state.page_bytes else "block size in pages"
    left = max(len(first), *(len(f"free, {name}") for name in names))
    rows = [(first, heads)] + [(f"free, {name}", cells) for name, cells in zip(names, counts, strict=True)]
    return [
        f"  {head:<{left}} "
        + "".join(cell.rjust(width) for cell, width in zip(cells[start:end], widths[start:end], strict=False))
        for start, end in _spans(widths, COLUMNS - left - 3)
        for head, cells in rows
    ]


def _shown_orders(state: State) -> int:
    """All that a usual kernel has, and larger ones as far as any block is there."""
    most = max(len(zone.nr_free) for zone in state.zones)
    known = [order + 1 for zone in state.zones for order, count in enumerate(zone.nr_free) if count]
    gaps = [max(zone.gaps) + 1 for zone in state.zones if zone.gaps and zone.unlisted_pages != 0]
    return min(most, max([_USUAL_ORDERS, *known, *gaps]))


def _spans(widths: list[int], most: int) -> list[tuple[int, int]]:
    """(start, end) of the columns that fit beside each other."""
    spans, start, wide = [], 0, 0
    for place, width in enumerate(widths):
        if wide + width > most and place > start:
            spans.append((start, place))
            start, wide = place, 0
        wide += width
    return [*spans, (start, len(widths))]


def _zone_name(zone: Zone, state: State) -> str:
    many_nodes = len({other.node for other in state.zones}) > 1
    return f"{zone.node}/{plain(zone.name, 16)}" if many_nodes else f"zone {plain(zone.name, 16)}"


def _sum_words(state: State) -> str:
    """The sum of the blocks, compared with MemFree."""
    pages = state.free_pages
    if not state.zones and state.mem_free_kb is not None:
        return f"{state.mem_free_kb} kB free; in which blocks is not in the text."
    if state.page_bytes is None:
        return (
            f"{counted(pages, 'page')} free; the page size is not in the text (give --page-kb N), so "
            "the number of bytes is unknown."
        )
    sum_kb = pages * state.page_bytes // 1024
    text = f"{counted(pages, 'page')} of {state.page_bytes} bytes = {sum_kb} kB free"
    if state.source == "dump" or state.mem_free_kb is None:
        return text + "."
    apart_kb = sum_kb - state.mem_free_kb
    if not apart_kb:
        return f"{text}, the same as MemFree says."
    more = "less" if apart_kb > 0 else "more"
    text += f"; MemFree says {state.mem_free_kb} kB, {abs(apart_kb)} kB {more}. "
    if abs(apart_kb) <= _MOMENTS_APART_KB:
        return text + "The files were read at different moments, and each `cat` uses memory itself."
    return text + "So large a difference means different moments, or zones that are missing from the text."


def marks_words(state: State) -> str:
    """The watermarks of the zones, and their source."""
    known = [zone for zone in state.zones if zone.marks_from]
    if not known:
        return (
            "The watermarks, on which the kernel's answer depends, are not in the text: add /proc/zoneinfo, or give "
            "--min-kb and --low-kb."
        )
    parts = [f"{_zone_name(zone, state)} min {zone.min_pages}, low {zone.low_pages} pages" for zone in known]
    sources = dict.fromkeys(_MARKS_FROM[zone.marks_from or ""] for zone in known)
    return f"Marks: {'; '.join(parts)} ({'; '.join(sources)})."


def granted_words(state: State) -> str:
    """The largest plain request that succeeds, at the low mark and at min."""
    if state.kernel.has_other_rule:
        return f"Which request succeeds is {OTHER_RULE}."
    if not state.kernel.rules:
        return "The text does not show which rule this kernel has: give --kernel RELEASE."
    by_rule = _by_rule(state)
    if not all(by_rule.values()):
        return ""
    if len(set(by_rule.values())) == 1:
        return f"The largest request that succeeds is {by_rule[state.kernel.rules[0]]}."
    return (
        f"The largest request that succeeds depends on the kernel, which is not in the text: {_each(by_rule)}. "
        "Give --kernel RELEASE."
    )


def largest_words(state: State) -> str:
    """ "32 kB at once, and 64 kB after reclaim", by the rule that the kernel has, or by each that it may have."""
    if state.kernel.has_other_rule:
        return OTHER_RULE
    by_rule = _by_rule(state)
    if not all(by_rule.values()):
        return "unknown, because marks, reserves or blocks are not in the text"
    return next(iter(by_rule.values())) if len(set(by_rule.values())) == 1 else _each(by_rule)


def _by_rule(state: State) -> dict[str, str]:
    """The largest request by each rule that the kernel may have; "" if unknown."""
    return {rule: _largest_by(state, rule) for rule in state.kernel.rules or _ANY_RULE}


def _each(by_rule: dict[str, str]) -> str:
    return "; ".join(f"{words} by the rule of {RULE_AGES.get(rule, rule)}" for rule, words in by_rule.items())


def _largest_by(state: State, rule: str) -> str:
    at_low, at_min = (_best(state, rule, low) for low in (True, False))
    if at_low is None or at_min is None or state.page_bytes is None:
        return ""
    if at_low == at_min:
        return _piece(at_low, state)
    return f"{_piece(at_low, state)} at once, and {_piece(at_min, state)} after reclaim"


def _best(state: State, rule: str, at_low: bool) -> int | None:
    plain = Request(0)
    able = [zone for zone in state.zones if zone.name in plain.zone_names]
    zones = [zone for zone in able if zone.marks_from is not None]
    if not zones:
        return None
    reserves = [known_reserve_pages(zone, state.zones, plain.highest_zone) for zone in zones]
    orders = [
        certain_largest_order(zone, plain, reserve or 0, rule, at_low)
        for zone, reserve in zip(zones, reserves, strict=True)
    ]
    if None in orders:
        return None
    best = max(order for order in orders if order is not None)
    if any(_largest_order(zone) > best for zone in able if zone.marks_from is None):
        return None
    sure = [order for order, reserve in zip(orders, reserves, strict=True) if reserve is not None]
    # A zone that keeps an unknown part for other requests may serve none at all.
    return best if best in (*sure, -1) else None


def _largest_order(zone: Zone) -> int:
    """Of the zone's free blocks; where some are not listed, one as large as any may be among them."""
    if zone.unlisted_pages != 0:
        return max(zone.gaps, default=len(zone.nr_free))
    return max((order for order, count in enumerate(zone.nr_free) if count), default=-1)


def _piece(order: int, state: State) -> str:
    if order < 0:
        return LESS_THAN_A_PAGE
    return format_bytes(state.page_bytes << order) if state.page_bytes else counted(1 << order, "page")


def largest_free(state: State) -> str:
    """The largest free block, granted or not."""
    if not state.zones:
        return "not in the text"
    orders = [order for zone in state.zones for order, count in enumerate(zone.nr_free) if count]
    gaps = [max(zone.gaps) for zone in state.zones if zone.unlisted_pages != 0]
    if gaps and max(gaps) > max(orders, default=-1):
        return f"at least {_piece(max(orders), state)}" if orders else "not in the text"
    return _piece(max(orders, default=-1), state)


def total_words(state: State) -> str:
    """All that is free: "3284 kB", or pages if their size is unknown."""
    if not state.zones and state.mem_free_kb is not None:
        return f"{state.mem_free_kb} kB"
    page_bytes = state.page_bytes
    return f"{state.free_pages * page_bytes // 1024} kB" if page_bytes else counted(state.free_pages, "page")
