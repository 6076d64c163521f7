"""Whether compaction would help, and by how much at best. Pure."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.case import Case
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text import kernel as kernels
from buddywatch.kernel_text.state import Zone
from buddywatch.text import verdict_words
from buddywatch.text.document import plain
from buddywatch.text.escape import counted
from buddywatch.text.units import format_bytes

_LRU = ("active_anon", "inactive_anon", "active_file", "inactive_file")


def compaction(case: Case) -> Remedy | None:
    """None for a single page, or if total free memory is too small: fragmentation is not the cause then."""
    if case.order == 0:
        return None
    if case.kernel.compaction == kernels.IMPOSSIBLE:
        text = (
            "Compaction (/proc/sys/vm/compact_memory) does not exist without an MMU, in any version of Linux: programs "
            "use physical addresses, so the kernel cannot move what they hold."
        )
        return Remedy("compaction", text, helps=False, short="Compaction: without an MMU no Linux can move memory.")
    if case.answer.reason not in (reasons.FRAGMENTED, reasons.RESERVE):
        return None
    if case.kernel.compaction == kernels.ABSENT:
        text = f"Compaction came with Linux 2.6.35; this kernel, {plain(case.kernel.release or '')}, has none."
        return Remedy("compaction", text, helps=False, short="Compaction: this kernel is older than that.")
    if case.kernel.compaction == kernels.NOT_COMPILED:
        return Remedy("compaction", verdict_words.NO_COMPACTION, helps=False, short="Compaction: not compiled in.")
    return _possible(case)


def _possible(case: Case) -> Remedy:
    zone, order, page_bytes = case.answer.zone, case.order or 0, case.page_bytes or 0
    most = _most_blocks(zone, order) if zone else None
    if zone and (most == 0 or _has_nothing_to_move(zone)):
        why = (
            "no page of this zone is movable"
            if _has_nothing_to_move(zone)
            else "the free blocks are between unmovable pages of the kernel, which it does not move"
        )
        text = f"Compaction (`echo 1 > /proc/sys/vm/compact_memory`): {why}, so that it has next to nothing to join."
        return Remedy("compaction", text, helps=False, short="Compaction: the pages in the way are unmovable.")
    text = verdict_words.compacting(case.kernel.release or "")
    if most is not None:
        blocks = f"{counted(most, 'block')} of {format_bytes(page_bytes << order)}"
        text += f" At best it makes {blocks} here: as much is free in smaller ones that it can join."
    if case.kernel.compaction is None:
        text = f"If that file exists (the text does not show it): {text[0].lower()}{text[1:]}"
    numbers = {} if most is None else {"at_best_blocks": most}
    return Remedy("compaction", text, numbers=numbers, short="`echo 1 > /proc/sys/vm/compact_memory`, as root")


def _most_blocks(zone: Zone, order: int) -> int:
    """Blocks that could be made of the smaller free ones. Where letters are known: of those that lie in page blocks
    with movable pages (M, C); compaction leaves unmovable page blocks (U) alone, but for those that are nearly free."""
    smaller = list(zip(zone.nr_free, zone.letters, strict=True))[:order]
    pages = sum(
        count << size for size, (count, letters) in enumerate(smaller) if not letters or set(letters) & {"M", "C", "E"}
    )
    return pages >> order


def _has_nothing_to_move(zone: Zone) -> bool:
    """True if the lists of pages that programs and files use are empty: only those can be moved."""
    return all(key in zone.values for key in _LRU) and not sum(zone.values[key] for key in _LRU)
