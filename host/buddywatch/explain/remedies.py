"""What would help, with numbers: only what is true for this kernel, this state and this request. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import holders, reasons, trimming
from buddywatch.explain.case import Case
from buddywatch.explain.compaction import compaction
from buddywatch.explain.judge import set_aside_pages
from buddywatch.explain.marks import is_cause, marks_remedies
from buddywatch.explain.remedy import Remedy
from buddywatch.text import verdict_words
from buddywatch.text.document import plain
from buddywatch.text.units import format_bytes

# Requests of 60 kB and more on an emulated MCF5208 without an MMU, refused, with page cache to reclaim: how often they
# passed at once after drop_caches.
_DROPPED_HELPED, _DROPPED_TRIED = 3, 1167


def remedies(case: Case) -> list[Remedy]:
    """In the order in which to try them; [] if nothing failed or nothing is known."""
    if case.told and case.told.decides:
        return list(case.told.remedies)
    if case.answer.verdict is None:
        return _first_program(case)
    if case.answer.verdict != watermark.REFUSED:
        return _of_the_granted(case)
    if case.page_bytes is None:
        return []
    if case.answer.reason == reasons.TOO_LARGE or reasons.EXCEEDS_MEMORY in case.notes:
        return [_too_large(case)]
    marks = marks_remedies(case)
    causes = [remedy for remedy in marks if is_cause(remedy)]
    others = [remedy for remedy in marks if not is_cause(remedy)]
    soon, late = ([], _reboot(case)) if case.is_start is False else (_reboot(case), [])
    found: list[Remedy | None] = [*_picture(case), *_first_program(case), *causes, *_space(case), *others, *soon]
    found += [*_set_aside(case), _smaller(case)]
    if case.kernel.no_mmu:
        found += [_resident(case), _builtins(case), *_trim(case)]
    found += [*late, _drop_caches(case), compaction(case)]
    return [remedy for remedy in found if remedy is not None]


def _is_first(case: Case) -> bool:
    """True for the first program of a board: nothing else runs yet."""
    return case.message is not None and case.message.pid == 1 and bool(case.is_start)


def _first_program(case: Case) -> list[Remedy]:
    if not _is_first(case):
        return []
    return [
        Remedy(
            "smaller_program",
            f"{_who(case)} is the first program: nothing else runs that could be ended. Make it smaller (fewer "
            "applets, less stack by `flthdr -s`), or let its text run in place (romfs in flash, cramfs with XIP): then "
            "only data, bss and stack need a block. `buddywatch need FILE` shows the sizes.",
            short=f"make {_who(case)} smaller, or run its text in place (XIP)",
        )
    ]


def _of_the_granted(case: Case) -> list[Remedy]:
    """An OOM kill although a page was free a moment later: memory was used up, and the text may say by what."""
    is_oom = case.message is not None and "oom" in case.message.kinds and not case.message.in_cgroup
    return holders.advice(case.state) if is_oom and case.state and case.answer.verdict else []


def _picture(case: Case) -> list[Remedy]:
    return [trimming.cure(case)] if trimming.is_picture(case) else []


def _trim(case: Case) -> list[Remedy]:
    is_possible = trimming.unused_pages(case) and not trimming.is_picture(case) and case.is_start is not False
    return [trimming.possible(case)] if is_possible else []


def _space(case: Case) -> list[Remedy]:
    """For too little memory in all: what holds it, and how much was missing by the row that is short."""
    if case.answer.reason != reasons.TOO_LITTLE or case.page_bytes is None or case.state is None:
        return []
    missing_kb = (case.answer.short_in_all_pages or case.answer.missing_pages) * case.page_bytes // 1024
    found = holders.advice(case.state)
    if any(remedy.what == "give_memory" for remedy in found):
        return found
    free = Remedy(
        "free_memory",
        f"{verdict_words.FREE_SOME} {missing_kb} kB were missing in all.",
        numbers={"missing_kb": missing_kb},
        short=f"free {missing_kb} kB or more: end programs, remove files from ramfs and tmpfs",
    )
    return [*found, free]


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
    if case.kernel.no_mmu and "data" in ((case.message.for_what if case.message else None) or ""):
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


def _who(case: Case) -> str:
    """The program that made the request, if it is known."""
    known = case.message is not None or case.pieces
    return (plain(case.name or "", 40) if known else "") or "such a program"


def _resident(case: Case) -> Remedy | None:
    if _is_first(case):
        return None
    block = case.block_bytes or 0
    if case.is_start is False:
        return Remedy(
            "ask_once",
            f"{_who(case)} ran already and asked for more (mmap): let it request what it needs once, just after boot, "
            "and keep it.",
            numbers={"block_bytes": block},
            short=f"let {_who(case)} request its memory once, just after boot, and keep it",
        )
    return Remedy(
        "resident",
        f"{verdict_words.STAY_RESIDENT} Every start of {_who(case)} needs another contiguous {format_bytes(block)}.",
        numbers={"block_bytes": block},
        short=f"let programs stay resident: each start of {_who(case)} takes {format_bytes(block)} anew",
    )


def _builtins(case: Case) -> Remedy | None:
    if case.is_start is False or _is_first(case):
        return None
    block = case.block_bytes or 0
    return Remedy(
        "builtin",
        f"{verdict_words.USE_BUILTINS} Each start of {_who(case)} less saves a request for {format_bytes(block)}.",
        numbers={"block_bytes": block},
        short="in scripts, the shell's built-in commands instead of programs, and no pipes",
    )


def _drop_caches(case: Case) -> Remedy | None:
    if case.reclaimable_bytes is None or case.page_bytes is None:
        return None
    if reasons.FILES_IN_RAM in case.notes and reasons.RECLAIMABLE not in case.notes:
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
    """In place of drop_caches, where what looks like caches lies in files in RAM."""
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


def _reboot(case: Case) -> list[Remedy]:
    if case.answer.reason == reasons.TOO_LITTLE or not case.kernel.no_mmu or _is_first(case) or not case.order:
        return []
    return [
        Remedy(
            "reboot",
            "A reboot makes large blocks again; otherwise only ending programs that hold memory does. Plan it before "
            "the request is needed.",
            short="reboot: that alone makes large blocks again",
        )
    ]


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
