"""What the memory of a state is used for, in pages: from the header and the end of a dump, or from meminfo. Pure.

Keys: those of USES, and those of the machine: "ram", "reserved", "cma". Kernels differ in what they print
(mm/show_mem.c, fs/proc/meminfo.c), so any key may be missing.
"""

from __future__ import annotations

from buddywatch.kernel_text.raw import Dump

USES = (
    "anon",  # of programs, without shmem
    "file",  # page cache of files, without shmem
    "shmem",  # tmpfs, shared memory
    "unevictable",  # ramfs without an MMU, mlock()
    "slab_reclaimable",
    "slab_unreclaimable",
    "slab",  # 2.6.30 and older: both kinds
    "kernel_stack",
    "pagetables",
    "huge",  # set aside for hugetlbfs
    "zspages",  # 6.18: what zram and zswap compressed
)
_OF_ZONES = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable", "zspages")
_OF_THE_MACHINE = {"RAM": "ram", "reserved": "reserved", "cma reserved": "cma"}


def usage_of_dump(dump: Dump, page_kb: int) -> dict[str, int]:
    """Pages by use. The LRU lists hold shmem among the anonymous pages, so that it is taken off there."""
    header = _of_all_zones(dump, page_kb) | dump.header
    usage = {key: header[key] for key in USES if key in header}
    if "active_anon" in header and "inactive_anon" in header:
        usage["anon"] = max(header["active_anon"] + header["inactive_anon"] - header.get("shmem", 0), 0)
    if "active_file" in header and "inactive_file" in header:
        usage["file"] = header["active_file"] + header["inactive_file"]
    usage |= {key: header[key] for key in ("dirty", "writeback") if key in header}
    if dump.huge_kb:
        usage["huge"] = dump.huge_kb // page_kb
    stacks = [zone.values["kernel_stack"] for zone in dump.zones.values() if "kernel_stack" in zone.values]
    if stacks:
        usage["kernel_stack"] = sum(stacks) // page_kb
    return usage | {name: dump.footer[key] for key, name in _OF_THE_MACHINE.items() if key in dump.footer}


def _of_all_zones(dump: Dump, page_kb: int) -> dict[str, int]:
    """The same sums by the zones' own lines, where the header was cut or damaged."""
    zones = [zone.values for zone in dump.zones.values()]
    keys = [key for key in _OF_ZONES if zones and all(key in values for values in zones)]
    return {key: sum(values[key] for values in zones) // page_kb for key in keys}


def usage_of_meminfo(memory_kb: dict[str, int], page_bytes: int) -> dict[str, int]:
    """The same from /proc/meminfo."""
    names = {
        "AnonPages": "anon",
        "Shmem": "shmem",
        "Unevictable": "unevictable",
        "SReclaimable": "slab_reclaimable",
        "SUnreclaim": "slab_unreclaimable",
        "KernelStack": "kernel_stack",
        "PageTables": "pagetables",
        "Dirty": "dirty",
        "Writeback": "writeback",
        "CmaTotal": "cma",
    }
    usage = {name: memory_kb[key] * 1024 // page_bytes for key, name in names.items() if key in memory_kb}
    if "Active(file)" in memory_kb and "Inactive(file)" in memory_kb:
        usage["file"] = (memory_kb["Active(file)"] + memory_kb["Inactive(file)"]) * 1024 // page_bytes
    return usage
