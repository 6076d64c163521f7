"""What would help, with numbers: only what is true for this kernel, this state and this request. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.answers import Case
from buddywatch.explain.judge import largest_min_pages, set_aside_pages
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text import kernel as kernels
from buddywatch.kernel_text.state import KERNEL_ZONES, Zone
from buddywatch.text import verdict_words
from buddywatch.text.escape import counted, one_line
from buddywatch.text.units import format_bytes

# Requests of 60 kB and more on an emulated MCF5208 without an MMU, refused, with page cache to reclaim: how often they
# passed at once after drop_caches.
_DROPPED_HELPED, _DROPPED_TRIED = 3, 1167


def remedies(case: Case) -> list[Remedy]:
    """In the order in which to try them; [] if nothing failed or nothing is known."""
    if case.told and case.order is None:
        return list(case.told.remedies)
    if case.answer.verdict != watermark.REFUSED or case.page_bytes is None:
        return []
    if case.answer.reason == reasons.TOO_LARGE:
        return [_too_large(case)]
    found = [_min_free(case), _free_some(case), _smaller(case), *_set_aside(case)]
    found += [_resident(case), _builtins(case), _trim(case)] if case.kernel.no_mmu else []
    found += [_drop_caches(case), _compaction(case), _reboot(case)]
    return [remedy for remedy in found if remedy is not None]


def min_free_kb(case: Case, min_pages: int) -> tuple[int, int] | None:
    """(vm.min_free_kbytes now, the largest value at which the zone's min is at most min_pages).

    The kernel divides it among its zones by size (setup_per_zone_wmarks()); the marks have the same proportions.
    """
    zone, state, page_bytes = case.answer.zone, case.state, case.page_bytes
    if zone is None or state is None or page_bytes is None or not zone.min_pages:
        return None
    page_kb = page_bytes // 1024
    all_pages = sum(other.min_pages or 0 for other in state.zones if other.name in KERNEL_ZONES)
    if zone.name not in KERNEL_ZONES or not all_pages:
        return None
    if all_pages == zone.min_pages:
        return zone.min_pages * page_kb, (min_pages + 1) * page_kb - 1
    return all_pages * page_kb, min_pages * all_pages // zone.min_pages * page_kb


def _min_free(case: Case) -> Remedy | None:
    zone, answer = case.answer.zone, case.answer
    if zone is None or case.page_bytes is None or zone.min_pages is None:
        return None
    if not answer.request.can_wait:
        return _raise_min_free(case)
    pages = largest_min_pages(answer)
    found = None if pages is None or pages >= zone.min_pages else min_free_kb(case, pages)
    if found is None:
        return None
    now_kb, needed_kb = found
    about = "" if len(_marked(case)) == 1 else "about "
    return Remedy(
        "min_free_kbytes",
        f"`echo {needed_kb} > /proc/sys/vm/min_free_kbytes`: at {about}{needed_kb} or less (now {now_kb}) this "
        f"request would have passed. The price: {now_kb - needed_kb} kB less are kept for requests that cannot wait, "
        "mainly those of network and serial drivers.",
        numbers={"value_kb": needed_kb, "now_kb": now_kb, "reserve_lost_kb": now_kb - needed_kb},
    )


def _marked(case: Case) -> list[Zone]:
    return [zone for zone in case.state.zones if zone.min_pages] if case.state else []


def _raise_min_free(case: Case) -> Remedy | None:
    zone = case.answer.zone
    found = min_free_kb(case, zone.min_pages or 0) if zone else None
    if found is None or case.page_bytes is None:
        return None
    now_kb, missing_kb = found[0], case.answer.missing_pages * case.page_bytes // 1024
    return Remedy(
        "raise_min_free_kbytes",
        "A request that cannot wait depends on what the kernel keeps free in advance: vm.min_free_kbytes, about "
        f"{now_kb} now. A larger value makes it reclaim earlier; {missing_kb} kB were missing here. How much is "
        "enough depends on the load, which a single state does not show.",
        numbers={"now_kb": now_kb, "missing_kb": missing_kb},
    )


def _free_some(case: Case) -> Remedy | None:
    if case.answer.reason != reasons.TOO_LITTLE or case.page_bytes is None:
        return None
    missing_kb = case.answer.missing_pages * case.page_bytes // 1024
    return Remedy(
        "free_memory",
        f"{verdict_words.FREE_SOME} {missing_kb} kB were missing.",
        numbers={"missing_kb": missing_kb},
    )


def _smaller(case: Case) -> Remedy | None:
    """A request that fits the largest usable block."""
    order = case.answer.serviceable_order
    if order is None or order < 0 or case.page_bytes is None or order >= (case.order or 0):
        return None
    fits = case.page_bytes << order
    if case.requested_bytes is None:
        text = f"A request of {format_bytes(fits)} or less would have been granted."
        return Remedy("smaller", text, numbers={"fits_bytes": fits})
    less = case.requested_bytes - fits
    text = f"A request smaller by {less} bytes ({format_bytes(fits)} or less) would have been granted."
    if case.kernel.no_mmu and "data" in ((case.message.for_what if case.message else None) or ""):
        text += (
            " This one was a program's data, bss and stack in one piece: `flthdr -s SIZE` of elf2flt lowers its stack, "
            "and `buddywatch need FILE` shows how much of it is stack."
        )
    text += _smaller_stack(case)
    return Remedy("smaller", text, numbers={"fits_bytes": fits, "less_bytes": less})


def _smaller_stack(case: Case) -> str:
    """The stack with which the program would have started, if its file is known."""
    pieces = [piece for piece in case.pieces if piece.answer is case.answer and piece.block.smaller_stack_bytes]
    if not pieces or pieces[0].order - 1 > (case.answer.serviceable_order or 0):
        return ""
    return f" A stack of {pieces[0].block.smaller_stack_bytes} bytes (now {pieces[0].block.stack_bytes}) is enough."


def _set_aside(case: Case) -> list[Remedy]:
    if case.answer.reason == reasons.ATOMIC_RESERVE and case.answer.zone:
        pages = max(case.answer.zone.highatomic_pages, set_aside_pages(case.answer.zone, case.answer.request))
        return [
            Remedy(
                "newer_kernel",
                f"{pages} pages are set aside for atomic requests of more than one page. Kernels from 4.4 on "
                "do so a whole page block at a time; from 6.12 on they do not where a block is more than 1 % of "
                "the memory. The pages are released when all else fails, or by a reboot.",
                numbers={"set_aside_pages": pages},
            )
        ]
    if case.answer.reason == reasons.CMA_RESERVE and case.answer.zone:
        pages = max(case.answer.zone.cma_pages, set_aside_pages(case.answer.zone, case.answer.request))
        return [
            Remedy(
                "smaller_cma",
                f"Free memory lies in the CMA area ({pages} pages), which is lent to movable pages only: a smaller "
                "area (`cma=` on the kernel's command line) leaves more for requests like this one.",
                numbers={"cma_pages": pages},
            )
        ]
    return []


def _who(case: Case) -> str:
    """The program that made the request, if it is known."""
    known = case.message is not None or case.pieces
    return (one_line(case.name or "", 40) if known else "") or "such a program"


def _resident(case: Case) -> Remedy | None:
    block = case.block_bytes or 0
    return Remedy(
        "resident",
        f"{verdict_words.STAY_RESIDENT} Every start of {_who(case)} needs another contiguous {format_bytes(block)}.",
        numbers={"block_bytes": block},
    )


def _builtins(case: Case) -> Remedy | None:
    block = case.block_bytes or 0
    return Remedy(
        "builtin",
        f"{verdict_words.USE_BUILTINS} Each start of {_who(case)} less saves a request for {format_bytes(block)}.",
        numbers={"block_bytes": block},
    )


def _trim(case: Case) -> Remedy | None:
    """nr_trim_pages: 1 unless set otherwise (CONFIG_NOMMU_INITIAL_TRIM_EXCESS)."""
    if case.requested_bytes is None or case.page_bytes is None or case.order is None:
        return None
    trim = 1 if case.kernel.trim_pages is None else case.kernel.trim_pages
    unused = (1 << case.order) - -(-case.requested_bytes // case.page_bytes)
    if not trim or unused < trim:
        return None
    now = "1 unless it was changed" if case.kernel.trim_pages is None else f"now {trim}"
    return Remedy(
        "nr_trim_pages",
        f"`echo 0 > /proc/sys/vm/nr_trim_pages` ({now}) keeps blocks whole. As it is, each request like this breaks "
        f"up a block to give back {counted(unused, 'page')} at its end, where small allocations may settle; with 0 it "
        f"keeps {format_bytes(unused * case.page_bytes)} more until it ends.",
        numbers={"trimmed_pages": unused},
    )


def _drop_caches(case: Case) -> Remedy | None:
    if case.reclaimable_bytes is None or case.page_bytes is None:
        return None
    most, wanted = case.reclaimable_bytes, max(case.answer.missing_pages * case.page_bytes, case.page_bytes)
    command = "`echo 3 > /proc/sys/vm/drop_caches`"
    if most < wanted:
        text = (
            f"{command} would free nothing: no cache is left."
            if not most
            else f"{command} would free {format_bytes(most)} at best; {format_bytes(wanted)} were missing."
        )
        return Remedy("drop_caches", text, helps=False, numbers={"at_best_bytes": most})
    text = (
        f"{command} frees up to {format_bytes(most)} of caches, at best. It rarely helps after a refusal, because the "
        f"request has already tried that itself: in {_DROPPED_HELPED} of {_DROPPED_TRIED} cases measured."
    )
    if not case.answer.request.can_wait:
        text = f"{command} frees up to {format_bytes(most)} at best, which this request itself could not do."
    return Remedy("drop_caches", text, numbers={"at_best_bytes": most})


def _compaction(case: Case) -> Remedy | None:
    """Whether the kernel can compact memory; that is of no use if total free memory is too small."""
    compaction = case.kernel.compaction
    if compaction == kernels.IMPOSSIBLE:
        text = (
            "Compaction (/proc/sys/vm/compact_memory) does not exist without an MMU, in any version of Linux: programs "
            "use physical addresses, so the kernel cannot move what they hold."
        )
        return Remedy("compaction", text, helps=False)
    if case.answer.reason == reasons.TOO_LITTLE:
        return None
    if compaction == kernels.ABSENT:
        text = f"Compaction came with Linux 2.6.35; this kernel, {one_line(case.kernel.release or '')}, has none."
        return Remedy("compaction", text, helps=False)
    if compaction == kernels.NOT_COMPILED:
        return Remedy("compaction", verdict_words.NO_COMPACTION, helps=False)
    text = verdict_words.compacting(case.kernel.release or "")
    if compaction is None:
        text = f"If that file exists (the text does not show it): {text[0].lower()}{text[1:]}"
    return Remedy("compaction", text)


def _reboot(case: Case) -> Remedy | None:
    if case.answer.reason == reasons.TOO_LITTLE or not case.kernel.no_mmu:
        return None
    return Remedy(
        "reboot",
        "A reboot makes large blocks again; otherwise only ending programs that hold memory does. Plan it "
        "before the request is needed.",
    )


def _too_large(case: Case) -> Remedy:
    zone = case.answer.zone
    largest = (case.page_bytes or 0) << (len(zone.nr_free) - 1) if zone else 0
    return Remedy(
        "smaller",
        f"This kernel never has blocks larger than {format_bytes(largest)}: request less.",
        numbers={"fits_bytes": largest},
    )
