"""What text of /proc, of sysctl or of the kernel's log tells about a board. Pure."""

from __future__ import annotations

from buddywatch.doctor.facts import BoardFacts
from buddywatch.kernel_text.kernel import KernelsOfText, version_of
from buddywatch.kernel_text.lines import clean
from buddywatch.kernel_text.page_size import page_bytes_of
from buddywatch.kernel_text.raw import Raw
from buddywatch.kernel_text.reader import read
from buddywatch.kernel_text.state import Options

_MEMTOTAL_SINCE = (3, 10, 0)  # before, MemTotal lacks what the zones have: present_pages minus the kernel itself


def facts_of(text: str, page_kb: int | None = None) -> BoardFacts:
    """What is not in the text stays None. page_kb: the page size, where it is given."""
    raw = read(clean(text))
    kernel = KernelsOfText(raw, None).at(0, len(raw.text))
    page_bytes = page_bytes_of(raw, Options(page_kb=page_kb))
    return BoardFacts(
        release=kernel.release,
        no_mmu=kernel.no_mmu,
        page_bytes=page_bytes,
        trim_pages=kernel.trim_pages,
        min_free_kb=raw.sysctls.get("min_free_kbytes"),
        memory_kb=_memory_kb(raw, page_bytes, kernel.release),
    )


def _memory_kb(raw: Raw, page_bytes: int | None, release: str | None) -> int | None:
    """What min_free_kbytes is computed from: all pages of the zones that the kernel uses itself."""
    version = version_of(release)
    zones = {key: zone for _, key, zone in raw.zoneinfo if key[1] in ("DMA", "DMA32", "Normal")}
    if zones and page_bytes:
        of_zone = [zone.values.get("managed", zone.values.get("present")) for zone in zones.values()]
        if None not in of_zone:
            return sum(pages or 0 for pages in of_zone) * page_bytes // 1024
    if version is not None and version >= _MEMTOTAL_SINCE:
        return next((values["MemTotal"] for _, values in raw.meminfo if "MemTotal" in values), None)
    return None
