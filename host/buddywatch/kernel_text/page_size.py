"""The page size of the kernel that wrote a text, by everything that depends on it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from buddyd import watermark

from buddywatch.kernel_text.nearest import nearest_meminfo
from buddywatch.kernel_text.raw import Dump, Raw
from buddywatch.kernel_text.state import Options

# PAGE_SHIFT of the architectures: 12 to 16, and 18 of Hexagon and PowerPC (arch/*/Kconfig, 2.6.30 to 7.2).
_POSSIBLE_KB = (4, 8, 16, 32, 64, 256)
# arch/arm/kernel/traps.c prints "(unwind_backtrace)" before each trace, and no addresses since 5.18; Arm of 32 bit has
# pages of 4 kB only.
_ARM_TRACE = re.compile(r"\[<[0-9a-f]{8}>\] \(unwind_backtrace|^unwind_backtrace from \w", re.MULTILINE)
_X86_RELEASE = re.compile(r"[.-](?:x86_64|amd64|i[3-6]86)\b")  # "5.4.19-100.fc30.x86_64", "6.1.0-18-amd64"
_ISA_DMA_KB = range(12_000, 16_385)  # the zone DMA of x86: the first 16 MB


def page_bytes_of(raw: Raw, options: Options) -> int | None:
    """The page size in bytes: as given, else as the numbers of the text have it, else that of the architecture."""
    if options.page_kb:
        return options.page_kb * 1024
    dumps = [message.dump for message in raw.messages if message.dump] + raw.dumps
    page_kb = min(_first_sizes(dumps), default=None) or _by_header(dumps) or _by_meminfo(raw)
    is_x86 = "x86" in raw.signs or any(_X86_RELEASE.search(release) for _, release in raw.releases)
    if page_kb is None and (is_x86 or any(_is_x86(dump) for dump in dumps) or _ARM_TRACE.search(raw.text)):
        page_kb = 4
    return page_kb * 1024 if page_kb else None


def _first_sizes(dumps: list[Dump]) -> Iterator[int]:
    """The first size of each list that begins where the kernel's does."""
    for dump in dumps:
        for zone in dump.zones.values():
            if len(zone.units_kb) > 1 and not zone.has_lost_front and zone.units_kb[0] in _POSSIBLE_KB:
                yield zone.units_kb[0]


def _by_header(dumps: list[Dump]) -> int | None:
    """The kB that are free in all zones, divided by the pages that are free in all."""
    for dump in dumps:
        free_kb = sum(zone.values.get("free", 0) for zone in dump.zones.values())
        page_kb = page_kb_by(free_kb, dump.header.get("free"))
        if page_kb:
            return page_kb
    return None


def _by_meminfo(raw: Raw) -> int | None:
    for table in raw.tables:
        if not all(zone.has_end for zone in table.zones.values()):
            continue  # the largest blocks may be missing
        pages = sum(watermark.free_pages(zone.counts) for zone in table.zones.values())
        page_kb = page_kb_by(nearest_meminfo(raw, table.offset).get("MemFree"), pages)
        if page_kb:
            return page_kb
    return None


def page_kb_by(free_kb: int | None, pages: int | None) -> int | None:
    """The page size, from free memory in kB and in pages. The two were counted at moments that may differ a little."""
    for page_kb in _POSSIBLE_KB:
        if free_kb and pages and 0.8 <= free_kb / (pages * page_kb) <= 1.2:
            return page_kb
    return None


def _is_x86(dump: Dump) -> bool:
    """True if the zones are those of x86_64: 16 MB for ISA, then DMA32; x86 has pages of 4 kB only."""
    sizes_kb = {name: zone.values.get("present", 0) for (_, name), zone in dump.zones.items()}
    return sizes_kb.get("DMA", 0) in _ISA_DMA_KB and "DMA32" in sizes_kb
