"""What holds the memory: a table by size, and the advice that follows from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.state import Holder as Named
from buddywatch.kernel_text.state import State
from buddywatch.text.document import plain

_ROWS = 6
_NAMED = 3  # tasks and slab caches
_WORTH_A_ROW = 0.1  # of all memory
_USED_UP = 20  # less than a twentieth is free
LARGE_SHARE = 0.25  # of all memory: large enough for separate advice
USE_WORDS = {
    "anon": "programs (anonymous memory)",
    "file": "page cache of files",
    "shmem": "tmpfs and shared memory",
    "unevictable": "unevictable (mlock, ramfs)",
    "slab_reclaimable": "kernel objects, reclaimable",
    "slab_unreclaimable": "kernel objects, unreclaimable",
    "slab": "kernel objects (slab)",
    "kernel_stack": "kernel stacks of tasks",
    "pagetables": "page tables",
    "zspages": "compressed pages (zram, zswap)",
    "huge": "huge pages (set aside)",
    "unlisted": "not listed (drivers, vmalloc, huge pages)",
    "cma": "set aside for CMA, in part lent",
    "reserved": "reserved, never given to Linux",
}
# Uses that add up; CMA and reserved pages are counted elsewhere, too.
_PAGES_OF = set(USE_WORDS) - {"cma", "reserved", "unlisted"}
_ADVICE = {
    "shmem": (
        "remove_tmpfs_files",
        "remove files from tmpfs (`df -t tmpfs`), which hold {kb} kB",
        "Files in tmpfs and shared memory hold {kb} kB, and without swap they leave only when they are removed: look "
        "with `df -t tmpfs` and `ipcs -m`, remove what is not needed, and limit the rest (`mount -o remount,size=`).",
    ),
    "unevictable": (
        "remove_ramfs_files",
        "remove files in RAM (ramfs, root file system): {kb} kB",
        "{kb} kB cannot be reclaimed: files in ramfs (without an MMU tmpfs is ramfs, too) or memory that a program "
        "locked. Files leave when they are removed.",
    ),
    "slab_unreclaimable": (
        "look_at_slab",
        "see in `/proc/slabinfo` which kernel objects hold {kb} kB",
        "The kernel's own objects hold {kb} kB that reclaim cannot free: `slabtop -o` or /proc/slabinfo names them. A "
        "kind that grows without end is a leak of a driver.",
    ),
    "slab": (
        "look_at_slab",
        "see in `/proc/slabinfo` which kernel objects hold {kb} kB",
        "The kernel's own objects hold {kb} kB: /proc/slabinfo names them. A kind that grows without end is a leak of "
        "a driver; caches of names and inodes (dentry_cache, inode caches) go under pressure.",
    ),
    "zspages": (
        "limit_zram",
        "a limit for zram or zswap, which hold {kb} kB",
        "Compressed pages hold {kb} kB: zram (`zramctl`, /sys/block/zram0/mem_limit) and zswap "
        "(/sys/module/zswap/parameters/max_pool_percent) live in the memory that they are to save. A smaller limit, or "
        "swap on a disk.",
    ),
    "huge": (
        "fewer_huge_pages",
        "set fewer huge pages aside (vm.nr_hugepages): they hold {kb} kB",
        "{kb} kB are set aside as huge pages (hugetlbfs), used or not, and serve no other request: `grep Huge "
        "/proc/meminfo` shows the number in use. Fewer: vm.nr_hugepages, or `hugepages=` on the kernel's command line.",
    ),
    "kernel_stack": (
        "fewer_tasks",
        "find what runs so many threads: their stacks hold {kb} kB",
        "Kernel stacks of tasks hold {kb} kB: some program has very many threads or processes (`ps -eLf | wc -l`).",
    ),
    "unlisted": (
        "look_at_drivers",
        "look for what the kernel does not list: {kb} kB (vmalloc, drivers, huge pages)",
        "{kb} kB are neither free nor of a use that the kernel lists: buffers of drivers, vmalloc (/proc/vmallocinfo), "
        "huge pages (/proc/meminfo), without an MMU also the memory of programs.",
    ),
    "pagetables": (
        "fewer_mappings",
        "find what maps so much: page tables hold {kb} kB",
        "Page tables hold {kb} kB: many processes map much memory, each with tables of its own.",
    ),
}


# What a 32-bit kernel keeps out of zone HighMem.
_ONLY_LOW = ("slab", "slab_reclaimable", "slab_unreclaimable", "kernel_stack")


@dataclass(frozen=True)
class Holder:
    """A use of memory. share: of whole_kb, which is all memory that the kernel manages, else the sum of all uses in the
    text; of low memory alone for what can be nowhere else (is_low)."""

    use: str
    kb: int
    share: float | None
    whole_kb: int = 0
    is_low: bool = False


def holders(state: State) -> list[Holder]:
    """Uses with more than nothing, the largest first; [] if the text does not say."""
    page_kb, whole = (state.page_bytes or 1024) // 1024, total_pages(state) or _accounted_pages(state)
    low = _low_pages(state)
    found = []
    for use, pages in {**state.usage, **_unlisted(state)}.items():
        if use in USE_WORDS and pages * page_kb:
            of = (low if use in _ONLY_LOW else None) or whole
            is_low = of != whole
            found.append(Holder(use, pages * page_kb, pages / of if of else None, of * page_kb, is_low))
    return sorted(found, key=lambda holder: -holder.kb)


def _low_pages(state: State) -> int | None:
    """The pages that a 32-bit kernel reaches at all times; None without a zone HighMem, or if the text does not say."""
    if all(zone.name != "HighMem" or not zone.size_pages for zone in state.zones):
        return None
    sizes = [zone.size_pages for zone in state.zones if zone.name != "HighMem"]
    return sum(size or 0 for size in sizes) if sizes and all(sizes) else None


def total_pages(state: State) -> int | None:
    """Pages that the kernel manages; None if the text does not say."""
    ram, reserved = state.usage.get("ram"), state.usage.get("reserved")
    if ram and reserved is not None and ram > reserved:
        return ram - reserved
    sizes = [zone.size_pages for zone in state.zones]
    whole = sum(size or 0 for size in sizes)
    has_all_zones = all(pages <= whole for use, pages in state.usage.items() if use in _PAGES_OF)
    return whole if whole and has_all_zones and all(size is not None for size in sizes) else None


def _unlisted(state: State) -> dict[str, int]:
    """Pages that are neither free nor of a use that the kernel counts: those of drivers, vmalloc and huge pages, and
    without an MMU those of programs. Known where a dump has the sums of all zones."""
    usage, whole = state.usage, total_pages(state)
    is_counted = {"anon", "file", "slab_unreclaimable"} <= set(usage) and ("ram" in usage or not state.lost_pages)
    if not is_counted or whole is None or state.mem_free_kb is None or state.page_bytes is None:
        return {}
    free = state.mem_free_kb * 1024 // state.page_bytes
    pages = whole - free - sum(pages for use, pages in usage.items() if use in _PAGES_OF)
    return {"unlisted": pages} if pages > whole * _WORTH_A_ROW else {}


def _accounted_pages(state: State) -> int:
    """The sum of the uses in the text, if it lacks the total: a lower bound of all memory. 0 if programs and files are
    not told apart (Linux up to 2.6.27), so that the sum would lack most of it."""
    return (
        0
        if "anon" not in state.usage
        else sum(pages for use, pages in state.usage.items() if use in _PAGES_OF) + state.free_pages
    )


def holder_lines(state: State) -> list[str]:
    """The table: a line for each use, and the largest tasks."""
    free_kb, total_kb = state.swap_kb or (0, 0)
    rows = [
        (USE_WORDS[holder.use], f"{holder.kb} kB", _percent(holder))
        for holder in holders(state)[:_ROWS]
        if holder.share is None or holder.share >= 0.01 or holder.use == "reserved"
    ]
    if not rows:
        return []
    rows += [("swap, used", f"{total_kb - free_kb} kB", f"  of {total_kb} kB")] if total_kb else []
    rows += [
        (f"  {_named(told)}", f"{told.kb} kB", "") for told in [*_largest(state, "task"), *_largest(state, "slab")]
    ]
    width = max(len(name) for name, _, _ in rows)
    wide = max(len(size) for _, size, _ in rows)
    return [f"  {name:<{width}}  {size:>{wide}}{share}" for name, size, share in rows]


def _largest(state: State, kind: str) -> list[Named]:
    """The largest tasks or slab caches that a table of the text names."""
    found = [told for told in state.holders if told.kind == kind]
    return sorted(found, key=lambda told: -told.kb)[:_NAMED]


def has_large_holder(state: State) -> bool:
    """True if a table of the text names one program or cache that holds a large part of all memory."""
    whole_kb = (total_pages(state) or 0) * (state.page_bytes or 0) // 1024
    return any(told.kb >= LARGE_SHARE * whole_kb for told in state.holders) if whole_kb else False


def _named(told: Named) -> str:
    return plain(told.name, 24) + (f" ({told.pid})" if told.pid is not None else "")


def _percent(holder: Holder) -> str:
    if holder.share is None or holder.use == "reserved":
        return ""
    return f"  {min(round(holder.share * 100), 100):3} %{' of low memory' if holder.is_low else ''}"


def is_used_up(state: State) -> bool:
    """True if almost nothing is free, so that the uses of memory matter more than fragmentation."""
    whole = total_pages(state) or _accounted_pages(state)
    return whole > 0 and state.free_pages * _USED_UP < whole


def not_given(state: State) -> tuple[int, int] | None:
    """(kB that the kernel manages, kB that are present) if more than half was never given to the allocator."""
    ram, reserved, page_bytes = state.usage.get("ram"), state.usage.get("reserved"), state.page_bytes
    if not ram or reserved is None or page_bytes is None or reserved * 2 <= ram:
        return None
    return (ram - reserved) * page_bytes // 1024, ram * page_bytes // 1024


def advice(state: State, killed: Sequence[str] = ()) -> list[Remedy]:
    """What to do about the largest uses. killed: programs that the kernel has ended since, as "f951 (738)"."""
    missing = not_given(state)
    if missing:
        managed_kb, ram_kb = missing
        return [
            Remedy(
                "give_memory",
                f"The kernel manages only {managed_kb} of {ram_kb} kB: the rest is reserved and was never given to the "
                "allocator. Very early that is memory that is still being initialised (deferred struct pages); later "
                "it is a wrong `mem=`, memory map, crashkernel or huge page reservation. No program is to blame.",
                numbers={"managed_kb": managed_kb, "present_kb": ram_kb},
                short="find out why the kernel has so little (memory map, `mem=`)",
            )
        ]
    found = _write_sooner(state)
    for holder in holders(state):
        is_large = holder.share is not None and holder.share >= LARGE_SHARE
        if is_large and holder.use in _ADVICE:
            what, short, text = _ADVICE[holder.use]
            numbers = {"held_kb": holder.kb}
            found.append(Remedy(what, text.format(kb=holder.kb), numbers=numbers, short=short.format(kb=holder.kb)))
        elif is_large and holder.use == "anon":
            found.append(_end_programs(state, holder, killed))
    return found


def _write_sooner(state: State) -> list[Remedy]:
    """Files that have to be written to a disk first are no caches that could go at once. What is being written may be
    on its way to swap, where these settings change nothing, so that it counts only beside many dirty pages."""
    dirty, whole = state.usage.get("dirty", 0), total_pages(state) or _accounted_pages(state)
    if not whole or dirty < LARGE_SHARE * whole:
        return []
    kb = (dirty + state.usage.get("writeback", 0)) * (state.page_bytes or 1024) // 1024
    text = (
        f"{kb} kB wait to be written to a disk, and cannot be reclaimed before: lower vm.dirty_background_ratio and "
        "vm.dirty_ratio, so that the kernel begins to write sooner and programs that write wait; or write less at once."
    )
    short = f"lower vm.dirty_ratio and vm.dirty_background_ratio: {kb} kB wait to be written to a disk"
    return [Remedy("write_sooner", text, numbers={"held_kb": kb}, short=short)]


def _end_programs(state: State, holder: Holder, killed: Sequence[str]) -> Remedy:
    largest = _largest(state, "task")
    names = ", ".join(f"{_named(told)} with {told.kb} kB" for told in largest)
    one = _named(largest[0]) if largest else "the largest program"
    how = f": {names}. End or limit the largest." if names else ": end or limit the largest (`ps`, `top`)."
    short = f"end or limit {one}: programs hold {holder.kb} kB"
    if largest and one in killed:
        how = f": {names}. The kernel has ended the largest: limit it before it starts again, or give it less to do."
        short = f"limit {one}, which the kernel ended, before it starts again: programs held {holder.kb} kB"
    return Remedy("end_programs", f"Programs hold {holder.kb} kB{how}", numbers={"held_kb": holder.kb}, short=short)


def largest_words(state: State) -> str:
    """The largest use if it is half of all memory or more: "168256 of 220688 kB are tmpfs and shared memory"."""
    whole = total_pages(state) or _accounted_pages(state)
    found = [holder for holder in holders(state) if holder.use in _PAGES_OF]
    if not found or not whole or state.page_bytes is None or (found[0].share or 0) < 0.5:
        return ""
    low = " of low memory" if found[0].is_low else ""
    return f"{found[0].kb} of {found[0].whole_kb} kB{low} are {USE_WORDS[found[0].use]}"
