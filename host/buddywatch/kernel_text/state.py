"""Memory states in pages, as the kernel's rule needs them: from dumps and tables, with watermarks and page size."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from math import isqrt

from buddyd import watermark

from buddywatch.kernel_text.kernel import Kernel, version_of
from buddywatch.kernel_text.raw import Dump, Raw, RawZone, Table, Task, ZoneKey
from buddywatch.kernel_text.usage import usage_of_dump, usage_of_meminfo

DUMP, ZONEINFO, BORROWED, ESTIMATED, GIVEN = "dump", "zoneinfo", "borrowed", "estimated", "given"
_LOWEST_TO_HIGHEST = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")
KERNEL_ZONES = watermark.KERNEL_ZONES
# init_per_zone_pages_min() in mm/page_alloc.c
_MIN_FREE_KB_LEAST, _MIN_FREE_KB_MOST = 128, 65536
_SCALE_FACTOR_SINCE = (4, 6, 0)  # vm.watermark_scale_factor, default 10 of 10000


@dataclass(frozen=True)
class Options:
    """Facts about the board from the command line; they override the text."""

    release: str | None = None
    min_kb: int | None = None
    low_kb: int | None = None
    page_kb: int | None = None


@dataclass
class Zone:
    """A zone in pages; nr_free by order. letters: the lists that hold the blocks of each order, None if unknown.

    marks_from: where min and low come from; None: unknown. values: what else a dump or zoneinfo says about it.
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

    @property
    def boost_pages(self) -> int:
        """Part of min since 5.0 (boost_watermark()); it goes away by itself."""
        return self.values.get("boost", 0)


@dataclass
class State:
    """Memory at one moment. source: "dump", "buddyinfo" or "pagetypeinfo". mem_free_kb: from elsewhere in the text.
    usage: as usage.py has it."""

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
    tasks: list[Task] = field(default_factory=list)

    @property
    def free_pages(self) -> int:
        return sum(watermark.free_pages(zone.nr_free) for zone in self.zones)


def reserve_pages(zone: Zone, zones: list[Zone], highest: str) -> int:
    """lowmem_reserve of the zone for a request that can use zones up to `highest` (its class zone)."""
    if not zone.reserves or zone.name == highest:
        return 0
    lower = _LOWEST_TO_HIGHEST[: _LOWEST_TO_HIGHEST.index(highest)]
    # The array has an entry for each zone that the kernel was built with. A zone DMA or DMA32 that is not in the text
    # is not in the kernel; Normal and Movable are always built in.
    built_in = {zone.name for zone in zones} | {"Normal", "Movable"}
    index = sum(1 for name in lower if name in built_in)
    return zone.reserves[index] if index < len(zone.reserves) else zone.reserves[-1]


def page_bytes_of(raw: Raw, options: Options) -> int | None:
    """The page size: as given, else the smallest block size of a dump, else MemFree divided by the free pages."""
    if options.page_kb:
        return options.page_kb * 1024
    dumps = [message.dump for message in raw.messages if message.dump] + raw.dumps
    units = [zone.units_kb[0] for dump in dumps for zone in dump.zones.values() if len(zone.units_kb) > 2]
    if units:
        return min(units) * 1024
    for table in raw.tables:
        free_kb = _nearest_meminfo(raw, table.offset).get("MemFree")
        pages = sum(watermark.free_pages(zone.counts) for zone in table.zones.values())
        for page_kb in (4, 8, 16, 32, 64):
            if free_kb and pages and 0.8 <= free_kb / (pages * page_kb) <= 1.2:
                return page_kb * 1024
    return 4096 if "x86" in raw.signs else None  # x86 has no other size


def state_of_dump(dump: Dump, raw: Raw, kernel: Kernel, page_bytes: int | None, options: Options) -> State | None:
    """None if the dump has no lists of free blocks."""
    if not dump.has_blocks or page_bytes is None:
        return None
    zones = [_dump_zone(key, zone, page_bytes) for key, zone in dump.zones.items() if zone.counts]
    header = dump.header
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
        usage=usage_of_dump(dump, page_bytes // 1024),
        tasks=dump.tasks,
    )
    _complete_marks(state, raw, None, options)
    return state


def _dump_zone(key: ZoneKey, raw: RawZone, page_bytes: int) -> Zone:
    page_kb = page_bytes // 1024
    first = max(raw.units_kb[0] // page_kb, 1).bit_length() - 1  # not 0 if the first sizes of the list are missing
    pages = {name: kb // page_kb for name, kb in raw.values.items()}
    letters: list[str | None] = [None] * len(raw.counts)
    if any(raw.letters):
        letters = [told or "" for told in raw.letters]
    return Zone(
        node=key[0],
        name=key[1],
        nr_free=[0] * first + raw.counts,
        letters=[*[None] * first, *letters],
        min_pages=pages.get("min"),
        low_pages=pages.get("low"),
        high_pages=pages.get("high"),
        reserves=raw.reserves,
        marks_from=DUMP if "min" in pages and "low" in pages else None,
        size_pages=pages.get("managed", pages.get("present")),
        cma_pages=pages.get("free_cma", 0),
        highatomic_pages=pages.get("free_highatomic", pages.get("reserved_highatomic", 0)),
        lost_kb=_lost_kb(raw),
        values=pages,
    )


def _lost_kb(raw: RawZone) -> int:
    listed_kb = sum(count * unit_kb for count, unit_kb in zip(raw.counts, raw.units_kb, strict=True))
    return abs((raw.total_kb if raw.total_kb is not None else listed_kb) - listed_kb)


def state_of_table(
    table: Table, raw: Raw, kernel: Kernel, page_bytes: int | None, lender: State | None, options: Options
) -> State:
    """lender: another state of the text, whose watermarks are used where /proc/zoneinfo is missing."""
    memory = _nearest_meminfo(raw, table.offset)
    zones = [
        Zone(key[0], key[1], zone.counts, _letters(raw, table, key)) for key, zone in table.zones.items() if zone.counts
    ]
    for zone in zones:
        marks = _nearest_zoneinfo(raw, table.offset, (zone.node, zone.name))
        if marks and "min" in marks.values and "low" in marks.values:
            zone.min_pages, zone.low_pages = marks.values["min"], marks.values["low"]
            zone.high_pages, zone.reserves, zone.marks_from = marks.values.get("high"), marks.reserves, ZONEINFO
        if marks:
            zone.size_pages = marks.values.get("managed", marks.values.get("present"))
            zone.values = marks.values
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
        usage=usage_of_meminfo(memory, page_bytes) if page_bytes else {},
    )
    _complete_marks(state, raw, lender, options)
    return state


def _letters(raw: Raw, table: Table, key: ZoneKey) -> list[str | None]:
    """The lists that hold a zone's blocks, from the pagetypeinfo next to the buddyinfo."""
    own = table.zones[key]
    if table.source == "pagetypeinfo" or not raw.types:
        return list(own.letters)
    index = bisect_left(raw.types, table.offset, key=lambda other: other.offset)
    around = raw.types[max(index - 1, 0) : index + 1]
    nearest = min(around, key=lambda other: abs(other.offset - table.offset)).zones.get(key, RawZone())
    told = [letters or None for letters in nearest.letters]
    return [*told, *[None] * len(own.counts)][: len(own.counts)]


def _complete_marks(state: State, raw: Raw, lender: State | None, options: Options) -> None:
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
    total_kb = _nearest_meminfo(raw, state.offset).get("MemTotal")
    if all(sizes) and sizes:
        total_kb = sum(size or 0 for size in sizes) * state.page_bytes // 1024
    min_free_kb = raw.sysctls.get("min_free_kbytes")
    if min_free_kb is None and total_kb:
        min_free_kb = min(max(isqrt(total_kb * 16), _MIN_FREE_KB_LEAST), _MIN_FREE_KB_MOST)
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


def _nearest_meminfo(raw: Raw, offset: int) -> dict[str, int]:
    if not raw.meminfo:
        return {}
    index = bisect_left(raw.meminfo, offset, key=lambda entry: entry[0])
    around = raw.meminfo[max(index - 1, 0) : index + 1]
    return min(around, key=lambda entry: abs(entry[0] - offset))[1]


def _nearest_zoneinfo(raw: Raw, offset: int, key: ZoneKey) -> RawZone | None:
    """The entry of this zone nearest to the place: a log that repeats the file has many."""
    index = bisect_left(raw.zoneinfo, offset, key=lambda entry: entry[0])
    window = raw.zoneinfo[max(index - 64, 0) : index + 64]
    found = [(abs(place - offset), zone) for place, zone_key, zone in window if zone_key == key]
    return min(found, key=lambda entry: entry[0])[1] if found else None
