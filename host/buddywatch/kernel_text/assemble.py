"""Builds memory states in pages from the dumps and tables of a text."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from buddyd import watermark

from buddywatch.kernel_text.blocks import orders_of, proven
from buddywatch.kernel_text.kernel import Kernel, KernelsOfText
from buddywatch.kernel_text.marks import complete_marks
from buddywatch.kernel_text.nearest import nearest_meminfo, nearest_zoneinfo
from buddywatch.kernel_text.raw import MOST_ORDERS, Dump, Raw, RawZone, Table, ZoneKey
from buddywatch.kernel_text.state import DUMP, MEMINFO, ZONEINFO, Options, State, Zone, may_be_one_sum
from buddywatch.kernel_text.usage import usage_of_dump, usage_of_meminfo
from buddywatch.verdict.reclaim import files_of_mounts


def state_of_dump(dump: Dump, raw: Raw, kernel: Kernel, page_bytes: int | None, options: Options) -> State | None:
    """None if the dump says nothing about free memory."""
    if page_bytes is None or not (dump.says_free or "free" in dump.header):
        return None
    orders = orders_of(list(dump.zones.values()), page_bytes // 1024)
    zones = [_dump_zone(key, zone, page_bytes, orders) for key, zone in dump.zones.items() if zone.says_free]
    names = frozenset(name for _, name in dump.zones)
    for zone in zones:
        zone.built_in = names
        # With an MMU other processors go on while a dump is printed: its lines are of different moments.
        zone.is_counted = kernel.no_mmu is True
    header = dump.header
    if len(zones) == 1 and "free_cma" not in zones[0].values:
        zones[0].cma_pages = header.get("free_cma", 0)  # whose own line was cut before it
    reclaimable = [header[key] for key in ("active_file", "inactive_file", "slab_reclaimable") if key in header]
    free_kb = header["free"] * page_bytes // 1024 if "free" in header else None
    state = State(
        source=DUMP,
        offset=dump.offset,
        line=raw.line_at(dump.offset),
        kernel=kernel,
        page_bytes=page_bytes,
        zones=zones,
        reclaimable_pages=sum(reclaimable) if "inactive_file" in header else None,
        mem_free_kb=free_kb,
        total_free_pages=header.get("free", dump.footer.get("free")),
        usage=usage_of_dump(dump, page_bytes // 1024),
        stamp_s=dump.stamp_s,
        files=files_of_mounts(raw.mounts),
        swap_kb=(dump.swap_kb["Free"], dump.swap_kb["Total"]) if len(dump.swap_kb) > 1 else None,
    )
    complete_marks(state, raw, None, options)
    return state


def _dump_zone(key: ZoneKey, raw: RawZone, page_bytes: int, orders: int | None) -> Zone:
    page_kb = page_bytes // 1024
    pages = {name: kb // page_kb for name, kb in raw.values.items()}
    known = proven(raw, page_kb, orders)
    letters: list[str | None] = [None] * len(raw.counts)
    if any(raw.letters):
        letters = [told or "" for told in raw.letters]
    letters = [*[None] * (len(known.nr_free) - len(letters)), *letters][: len(known.nr_free)]
    return Zone(
        node=key[0],
        name=key[1],
        nr_free=known.nr_free,
        letters=letters,
        min_pages=pages.get("min"),
        low_pages=pages.get("low"),
        high_pages=pages.get("high"),
        reserves=raw.reserves,
        marks_from=DUMP if "min" in pages and "low" in pages else None,
        size_pages=pages.get("managed", pages.get("present")),
        cma_pages=pages.get("free_cma", 0),
        highatomic_pages=pages.get("free_highatomic", pages.get("reserved_highatomic", 0)),
        lost_kb=known.lost_kb,
        gaps=known.gaps,
        unlisted_pages=known.unlisted_pages,
        values=pages,
    )


def state_of_table(
    table: Table, raw: Raw, kernel: Kernel, page_bytes: int | None, lender: State | None, options: Options
) -> State:
    """lender: another state of the text, whose watermarks are used where /proc/zoneinfo is missing."""
    memory = nearest_meminfo(raw, table.offset)
    most_lists = max((len(zone.lists) for zone in table.zones.values()), default=0)
    zones = [
        _table_zone(key, _cut_if_short(zone, most_lists), _types_of(raw, table, key), memory, page_bytes)
        for key, zone in table.zones.items()
        if zone.counts
    ]
    for zone in zones:
        marks = nearest_zoneinfo(raw, table.offset, (zone.node, zone.name))
        if marks and "min" in marks.values and "low" in marks.values:
            zone.min_pages, zone.low_pages = marks.values["min"], marks.values["low"]
            zone.high_pages, zone.reserves, zone.marks_from = marks.values.get("high"), marks.reserves, ZONEINFO
        if marks:
            zone.size_pages = marks.values.get("managed", marks.values.get("present"))
            zone.values = marks.values
            held_pages = abs(marks.values.get("free", 0) - zone.free_pages)
            zone.is_counted = kernel.no_mmu is True and held_pages <= marks.values.get("threshold", 0)
    state = State(
        source=table.source,
        offset=table.offset,
        line=raw.line_at(table.offset),
        kernel=kernel,
        page_bytes=page_bytes,
        zones=zones,
        reclaimable_pages=_reclaimable_pages(memory, page_bytes),
        mem_free_kb=memory.get("MemFree"),
        claims=table.claims,
        usage=usage_of_meminfo(memory, page_bytes or 1024),
        files=files_of_mounts(raw.mounts),
    )
    complete_marks(state, raw, lender, options)
    return state


def states_of_meminfo(raw: Raw, kernels: KernelsOfText, page_bytes: int | None) -> list[State]:
    """States with a known sum only, from /proc/meminfo or `free`."""
    return [
        State(
            source=MEMINFO,
            offset=offset,
            line=raw.line_at(offset),
            kernel=kernels.at(offset, offset),
            page_bytes=page_bytes,
            zones=[],
            mem_free_kb=memory["MemFree"],
            total_free_pages=memory["MemFree"] * 1024 // page_bytes if page_bytes else None,
            usage=usage_of_meminfo(memory, page_bytes or 1024),
        )
        for offset, memory in raw.meminfo
        if "MemFree" in memory
    ]


def _cut_if_short(zone: RawZone, most_lists: int) -> RawZone:
    """pagetypeinfo prints the same kinds for every zone: one with fewer lost some, so that any size may have more."""
    if len(zone.lists) == most_lists:
        return zone
    return replace(zone, has_end=False, unread=set(range(len(zone.counts))))


def _types_of(raw: Raw, table: Table, key: ZoneKey) -> RawZone:
    """The zone in the pagetypeinfo next to the buddyinfo."""
    if table.source == "pagetypeinfo" or not raw.types:
        return table.zones[key]
    index = bisect_left(raw.types, table.offset, key=lambda other: other.offset)
    around = raw.types[max(index - 1, 0) : index + 1]
    return min(around, key=lambda other: abs(other.offset - table.offset)).zones.get(key, RawZone())


def _table_zone(key: ZoneKey, raw: RawZone, types: RawZone, memory: dict[str, int], page_bytes: int | None) -> Zone:
    """types: the same zone by pagetypeinfo, or the raw zone itself."""
    orders = len(raw.counts)
    lists = {letter: [*counts, *[0] * orders][:orders] for letter, counts in types.lists.items()}
    gaps, unlisted = _beyond(raw, memory, page_bytes)
    return Zone(
        node=key[0],
        name=key[1],
        nr_free=raw.counts,
        letters=[*(letters or None for letters in types.letters), *[None] * orders][:orders],
        cma_pages=watermark.free_pages(lists.get("C", [])),
        highatomic_pages=watermark.free_pages(lists.get("H", [])),
        gaps=gaps,
        unlisted_pages=unlisted,
        lists=lists,
    )


def _beyond(raw: RawZone, memory: dict[str, int], page_bytes: int | None) -> tuple[tuple[int, ...], int | None]:
    """(gaps, unlisted_pages) of a row that may have lost its end. All that is free bounds what can be there."""
    if raw.has_end:
        return (), 0
    orders = 0 if raw.unread else len(raw.counts)
    unlisted = None
    if page_bytes and "MemFree" in memory and not raw.lists:  # some of these pages may be CMA's
        pages = memory["MemFree"] * 1024 // page_bytes
        unlisted = pages - watermark.free_pages(raw.counts)
        if not may_be_one_sum(pages, -unlisted):
            return tuple(range(orders, MOST_ORDERS)), None  # more than all memory: it is of another moment
        unlisted = unlisted if unlisted >= 1 << orders else 0
    return tuple(range(orders, MOST_ORDERS)), unlisted


def _reclaimable_pages(memory: dict[str, int], page_bytes: int | None) -> int | None:
    """The most that reclaim could free: file cache and reclaimable slab. (Cached alone would include ramfs.)"""
    if not page_bytes or not memory:
        return None
    active, inactive = memory.get("Active(file)"), memory.get("Inactive(file)")
    if active is None or inactive is None:
        if "Cached" not in memory:
            return None
        kb = memory["Cached"] + memory.get("Buffers", 0) - memory.get("Shmem", 0)
        return max(kb, 0) * 1024 // page_bytes
    return (active + inactive + memory.get("SReclaimable", 0)) * 1024 // page_bytes
