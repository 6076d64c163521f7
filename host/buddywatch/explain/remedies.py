"""What would help, with numbers: only what is true for this kernel, this state and this request. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import holders, reasons, start_remedies
from buddywatch.explain.case import Case
from buddywatch.explain.compaction import compaction
from buddywatch.explain.flag_words import granted_cause
from buddywatch.explain.judge import set_aside_pages
from buddywatch.explain.marks import is_cause, marks_remedies
from buddywatch.explain.remedy import Remedy
from buddywatch.explain.starts import holds_text
from buddywatch.text import verdict_words
from buddywatch.text.document import plain
from buddywatch.text.units import format_bytes

LOW_ZONES = ("DMA", "DMA32")  # __GFP_DMA, __GFP_DMA32: for devices that reach low addresses only
# Requests of 60 kB and more on an emulated MCF5208 without an MMU, refused, with page cache to reclaim: how often they
# passed at once after drop_caches.
_DROPPED_HELPED, _DROPPED_TRIED = 3, 1167


def remedies(case: Case) -> list[Remedy]:
    """The remedies in the order in which to try them; [] if nothing failed or nothing is known."""
    if case.finding and case.finding.decides:
        state = None if case.message is None or case.message.in_cgroup else case.kill_state
        is_short = state is not None and case.message is not None and holders.is_used_up(state)
        found_by_state = holders.advice(state, case.message.killed) if is_short and state and case.message else []
        return [*found_by_state, *case.finding.remedies]
    if case.answer.verdict is None:
        used_up = _against_holders(case) if case.message and "oom" in case.message.kinds else []
        return [*start_remedies.first_program(case), *used_up, *_against_a_retry(case)]
    if case.answer.verdict != watermark.REFUSED:
        return _of_the_granted(case)
    if case.page_bytes is None:
        return _whatever_the_page_size(case)
    if case.answer.reason == reasons.TOO_LARGE or reasons.EXCEEDS_MEMORY in case.notes:
        return [_too_large(case)]
    if case.no_init:
        found_early = [*start_remedies.first_program(case), *start_remedies.smaller_root(case), _smaller(case)]
        return [remedy for remedy in [*found_early, compaction(case)] if remedy is not None]
    marks = marks_remedies(case)
    causes = [remedy for remedy in marks if is_cause(remedy)]
    # Where the OOM killer was called because memory is used up, no other mark and no smaller request helps for long.
    is_used_up = case.message is not None and "oom" in case.message.kinds and bool(_space(case))
    others = [] if is_used_up else [remedy for remedy in marks if not is_cause(remedy)]
    soon, late = ([], start_remedies.reboot(case)) if case.is_start is False else (start_remedies.reboot(case), [])
    found: list[Remedy | None] = [
        *start_remedies.picture(case),
        *start_remedies.first_program(case),
        *causes,
        *_set_aside(case),
    ]
    found += [*_space(case), *others, *soon] if case.answer.request.can_wait else [*others, *_space(case)]
    found += [*start_remedies.empty_files(case), *([] if is_used_up else [_smaller(case)])]
    if case.kernel.no_mmu:
        found += [start_remedies.resident(case), start_remedies.builtins(case), *start_remedies.trim(case)]
    found += [*late, *([] if is_used_up else [compaction(case)]), start_remedies.retry(case), _drop_caches(case)]
    return [remedy for remedy in found if remedy is not None]


def _whatever_the_page_size(case: Case) -> list[Remedy]:
    """What needs no numbers in pages: on a board without an MMU."""
    if not case.kernel.no_mmu or case.answer.reason not in (reasons.FRAGMENTED, reasons.RESERVE):
        return []
    found = [*start_remedies.first_program(case), *start_remedies.reboot(case)]
    rest = [start_remedies.resident(case), start_remedies.builtins(case), compaction(case)]
    return [*found, *(remedy for remedy in rest if remedy is not None)]


def _against_holders(case: Case) -> list[Remedy]:
    killed = case.message.killed if case.message else []
    return holders.advice(case.state, killed) if case.state else []


def _of_the_granted(case: Case) -> list[Remedy]:
    """An OOM kill although a page was free a moment later: memory was used up, and the text may say by what."""
    message, state = case.message, case.state
    if message is None or state is None or message.in_cgroup or granted_cause(case.answer.request):
        return []
    if "oom" in message.kinds:
        return _against_holders(case)
    if case.answer.request.can_wait:
        is_close = case.answer.verdict == watermark.TIGHT and case.order
        return [_close_call() if is_close else _look_for_a_limit(case), *_against_a_retry(case)]
    return [_keep_more_free()]


def _against_a_retry(case: Case) -> list[Remedy]:
    found = start_remedies.retry(case)
    return [found] if found else []


def _keep_more_free() -> Remedy:
    return Remedy(
        "raise_min_free_kbytes",
        "Such requests fail in a moment in which reclaim has not caught up. If that is frequent, a larger "
        "vm.min_free_kbytes keeps more free in advance; single ones are made good by the driver that asked.",
        short="if it is frequent, raise vm.min_free_kbytes; single ones do no harm",
    )


def _close_call() -> Remedy:
    return Remedy(
        "ask_again",
        "By these numbers it is granted, but only out of the reserve below the low mark: a little earlier it was not. "
        "Ask again, ask earlier (at boot), or ask for less in one piece; a larger vm.min_free_kbytes makes the kernel "
        "keep more large blocks in advance. Otherwise look for a limit: a control group, a set of nodes.",
        short="ask again, or for less in one piece: it was a close call",
    )


def _look_for_a_limit(case: Case) -> Remedy:
    again = "ask again, from another shell" if _against_a_retry(case) else "ask again"
    return Remedy(
        "look_for_a_limit",
        "Look for a limit that these numbers do not show: a control group (memory.max), a set of nodes (cpuset, "
        "mempolicy), or a patch of this kernel. Or the numbers are of a moment later, when memory was free again.",
        short=f"{again}: by these numbers it succeeds; else look for a limit (control group, set of nodes)",
    )


def _space(case: Case) -> list[Remedy]:
    """For too little memory in all: what holds it, and how much was missing by the row that is short. Where the OOM
    killer was called with next to nothing free: what holds the memory."""
    if case.page_bytes is None or case.state is None:
        return []
    if case.answer.reason != reasons.TOO_LITTLE:
        is_oom = case.message is not None and "oom" in case.message.kinds
        return _against_holders(case) if is_oom and holders.is_used_up(case.state) else []
    if case.answer.request.highest_zone in LOW_ZONES:
        return [_low_zone(case)]
    missing_kb = (case.answer.short_in_all_pages or case.answer.missing_pages) * case.page_bytes // 1024
    found = _against_holders(case)
    if any(remedy.what == "give_memory" for remedy in found):
        return found
    free = Remedy(
        "free_memory",
        f"{verdict_words.FREE_SOME} {missing_kb} kB were missing in all.",
        numbers={"missing_kb": missing_kb},
        short=f"free memory ({missing_kb} kB were missing): end programs, remove files in RAM",
    )
    return [*found, free]


def _low_zone(case: Case) -> Remedy:
    zone = case.answer.zone
    name = plain(zone.name, 16) if zone else "DMA"
    size_kb = (zone.size_pages or 0) * (case.page_bytes or 0) // 1024 if zone else 0
    return Remedy(
        "low_zone",
        f"The request may be served from zone {name} only, for a device that reaches no higher addresses; the zone has "
        f"{size_kb} kB in all. Memory that is freed elsewhere does not help: let the driver allocate at its start, "
        "give it a larger DMA mask, or enlarge the zone (it depends on the architecture and its device tree).",
        short=f"see why the driver asks for zone {name} ({size_kb} kB in all)",
    )


def _smaller(case: Case) -> Remedy | None:
    """A request that fits the largest usable block."""
    order = case.answer.serviceable_order
    if order is None or order < 0 or case.page_bytes is None or order >= (case.order or 0):
        return None
    fits = case.page_bytes << order
    short = f"make the request smaller: {format_bytes(fits)} or less would have been granted"
    if case.requested_bytes is None:
        text = f"A request of {format_bytes(fits)} or less would have been granted."
        return Remedy("smaller", text, numbers={"fits_bytes": fits}, short=short)
    less = case.requested_bytes - fits
    text = f"A request smaller by {less} bytes ({format_bytes(fits)} or less) would have been granted."
    if case.kernel.no_mmu and holds_text(case):
        text += (
            " This one was a program's text, data, bss and stack in one piece. The text is mostly the larger part: "
            "fewer applets make it smaller, and where it runs in place (romfs in flash, a bFLT file linked for that) "
            "it needs no RAM at all. `buddywatch need FILE` shows how much of the piece is stack."
        )
    elif case.kernel.no_mmu and "data" in ((case.message.for_what if case.message else None) or ""):
        text += (
            " This one was a program's data, bss and stack in one piece: `flthdr -s SIZE` of elf2flt lowers its stack, "
            "and `buddywatch need FILE` shows how much of it is stack."
        )
    text += _smaller_stack(case)
    return Remedy("smaller", text, numbers={"fits_bytes": fits, "less_bytes": less}, short=short)


def _smaller_stack(case: Case) -> str:
    """The stack with which the program would have started, if its file is known."""
    pieces = [piece for piece in case.pieces if piece.answer is case.answer and piece.block.smaller_stack_bytes]
    if not pieces or pieces[0].order - 1 > (case.answer.serviceable_order or 0):
        return ""
    return f" A stack of {pieces[0].block.smaller_stack_bytes} bytes (now {pieces[0].block.stack_bytes}) is enough."


def _set_aside(case: Case) -> list[Remedy]:
    zone, request = case.answer.zone, case.answer.request
    if case.answer.reason == reasons.ATOMIC_RESERVE and zone:
        pages = max(zone.highatomic_pages, set_aside_pages(zone, request))
        return [
            Remedy(
                "newer_kernel",
                f"{pages} pages are set aside for atomic requests of more than one page. Kernels from 4.4 on "
                "do so a whole page block at a time; from 6.12 on they do not where a block is more than 1 % of "
                "the memory. The pages are released when all else fails, or by a reboot.",
                numbers={"set_aside_pages": pages},
                short="reboot, or a kernel from 6.12 on: it sets aside less for atomic requests",
            )
        ]
    if case.answer.reason == reasons.CMA_RESERVE and zone:
        pages = max(zone.cma_pages, set_aside_pages(zone, request))
        size = format_bytes(pages * (case.page_bytes or 0))
        return [
            Remedy(
                "smaller_cma",
                f"Free memory lies in the CMA area ({pages} pages, {size}), which is lent to movable pages only: a "
                "smaller area (`cma=` on the kernel's command line) leaves more for requests like this one.",
                numbers={"cma_pages": pages},
                short="make the CMA area smaller (`cma=` on the kernel's command line)",
            )
        ]
    return []


def _drop_caches(case: Case) -> Remedy | None:
    if case.reclaimable_bytes is None or case.page_bytes is None:
        return None
    if case.ram_file_bytes and not case.reclaimable_bytes:
        return _delete_files(case)
    most, wanted = case.reclaimable_bytes, max(case.answer.missing_pages * case.page_bytes, case.page_bytes)
    command = "`echo 3 > /proc/sys/vm/drop_caches`"
    numbers = {"at_best_bytes": most}
    if most < wanted:
        text = (
            f"{command} would free nothing: no clean cache is left."
            if not most
            else f"{command} would free {format_bytes(most)} at best; {format_bytes(wanted)} were missing."
        )
        return Remedy("drop_caches", text, helps=False, numbers=numbers, short=text)
    if not case.answer.request.can_wait:
        text = f"{command} frees up to {format_bytes(most)} at best, which this request itself could not do."
        return Remedy("drop_caches", text, numbers=numbers, short=text)
    if case.message is not None and "oom" in case.message.kinds:
        text = f"{command}: the kernel had tried that before it killed; {format_bytes(most)} were left in clean caches."
        return Remedy("drop_caches", text, helps=False, numbers=numbers, short=text)
    but = ", and nothing of files in RAM" if reasons.FILES_IN_RAM in case.notes else ""
    text = (
        f"{command} frees up to {format_bytes(most)} of clean caches, at best{but}. It rarely helps after a refusal, "
        f"because the request has already tried that itself: in {_DROPPED_HELPED} of {_DROPPED_TRIED} cases measured."
    )
    short = f"{command}: frees {format_bytes(most)} at best, and rarely helps"
    return Remedy("drop_caches", text, numbers=numbers, short=short)


def _delete_files(case: Case) -> Remedy:
    """Instead of drop_caches, if the listed caches are held by files in RAM."""
    held = case.ram_file_bytes or 0
    size = format_bytes(held)
    return Remedy(
        "drop_caches",
        f"`echo 3 > /proc/sys/vm/drop_caches` would free next to nothing of the {size} that are listed as caches: that "
        "is what lies in files in RAM. Delete those that are not needed.",
        helps=False,
        numbers={"at_best_bytes": case.reclaimable_bytes or 0, "ram_file_bytes": held},
        short=f"drop_caches: the {size} that are listed as caches lie in files in RAM; delete those instead",
    )


def _too_large(case: Case) -> Remedy:
    zone = case.answer.zone
    largest = (case.page_bytes or 0) << (len(zone.nr_free) - 1) if zone else 0
    if case.answer.reason == reasons.TOO_LARGE:
        text = f"This kernel never has blocks larger than {format_bytes(largest)}: request less."
        return Remedy("smaller", text, numbers={"fits_bytes": largest}, short="request less: it can never be had")
    managed = (holders.total_pages(case.state) or 0) * (case.page_bytes or 0) if case.state else 0
    return Remedy(
        "smaller",
        f"The kernel manages {managed // 1024} kB in all, less than the block: request less. Neither freeing memory "
        "nor a reboot makes room for this.",
        numbers={"managed_bytes": managed},
        short="request less: the block is larger than all memory, so it can never be had",
    )
