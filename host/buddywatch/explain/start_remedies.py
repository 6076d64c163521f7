"""What would help a board without an MMU: fewer starts, smaller programs, whole blocks, a reboot. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import holders, reasons, trimming
from buddywatch.explain.case import Case
from buddywatch.explain.remedy import Remedy
from buddywatch.explain.starts import how_smaller
from buddywatch.text import advice, verdict_words
from buddywatch.text.document import plain
from buddywatch.text.units import format_bytes

_EARLY_S = 60  # a board has started its programs by then


def _is_first(case: Case) -> bool:
    """True for the first program of a board: nothing else runs yet."""
    return case.message is not None and case.message.pid == 1 and bool(case.is_start)


def first_program(case: Case) -> list[Remedy]:
    if not _is_first(case):
        return _early_start(case)
    return [
        Remedy(
            "smaller_program",
            f"{_who(case)} is the first program: nothing else runs that could be ended. Make it smaller "
            f"({how_smaller(case)}), or let its text run in place (romfs in flash, cramfs with XIP): then only data, "
            "bss and stack need a block. `buddywatch need FILE` shows the sizes.",
            short=f"make {_who(case)} smaller, or run its text in place (XIP)",
        )
    ]


def picture(case: Case) -> list[Remedy]:
    return [trimming.cure(case)] if trimming.is_picture(case) else []


def trim(case: Case) -> list[Remedy]:
    is_possible = trimming.unused_pages(case) and not trimming.is_picture(case) and case.is_start is not False
    return [trimming.possible(case)] if is_possible else []


def _who(case: Case) -> str:
    """The program that made the request, if it is known."""
    known = case.message is not None or case.pieces
    return (plain(case.name or "", 40) if known else "") or "such a program"


def _early_start(case: Case) -> list[Remedy]:
    """For a program that cannot start soon after the boot: a reboot brings nothing, a smaller program does."""
    may_start = case.kernel.no_mmu and case.is_start is not False and bool(case.order)
    if not may_start or _early_s(case) is None or case.answer.verdict != watermark.REFUSED:
        return []
    return [
        Remedy(
            "smaller_program",
            f"The board had just started, and its memory may be like this after every boot. Make {_who(case)} smaller "
            f"({how_smaller(case)}), or let its text run in place (romfs in flash, cramfs with XIP). "
            "`buddywatch need FILE` shows the sizes.",
            short=f"make {_who(case)} smaller, or run its text in place (XIP)",
        )
    ]


def resident(case: Case) -> Remedy | None:
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
        f"{advice.STAY_RESIDENT} Every start of {_who(case)} needs another contiguous {format_bytes(block)}.",
        numbers={"block_bytes": block},
        short=f"let programs stay resident: each start of {_who(case)} takes {format_bytes(block)} anew",
    )


def builtins(case: Case) -> Remedy | None:
    if case.is_start is False or _is_first(case):
        return None
    block = case.block_bytes or 0
    return Remedy(
        "builtin",
        f"{advice.USE_BUILTINS} Each start of {_who(case)} less saves a request for {format_bytes(block)}.",
        numbers={"block_bytes": block},
        short="in scripts, the shell's built-in commands instead of programs, and no pipes",
    )


def _early_s(case: Case) -> int | None:
    """Seconds after the boot, by the kernel's stamp, if memory may be like this after every boot."""
    stamp_s = case.message.stamp_s if case.message else None
    return int(stamp_s) if stamp_s is not None and stamp_s < _EARLY_S else None


def reboot(case: Case) -> list[Remedy]:
    if trimming.is_picture(case):
        return []  # its remedy begins with a reboot
    if case.answer.reason == reasons.TOO_LITTLE or not case.kernel.no_mmu or _is_first(case) or case.order == 0:
        return []
    early_s = _early_s(case)
    if early_s is not None:
        text, short = verdict_words.reboot_in_vain(early_s), f"reboot, but it came {early_s} s after one"
        return [Remedy("reboot", text, numbers={"uptime_s": early_s}, short=short)]
    return [Remedy("reboot", verdict_words.REBOOT, short=verdict_words.REBOOT_IN_SHORT)]


def smaller_root(case: Case) -> list[Remedy]:
    """For a board on which not even init could be started: what the image itself holds of the memory."""
    pages = (case.state.usage.get("unevictable", 0) if case.state else 0) * (case.page_bytes or 0)
    if not pages:
        return []
    held = format_bytes(pages)
    where, short = "", ""
    if case.kernel.no_mmu:
        where, short = ", or keep it in flash (romfs, cramfs or squashfs as the root device)", ", or one in flash"
    return [
        Remedy(
            "smaller_root",
            f"The root file system lies in RAM (initramfs) and holds {held}, page by page: make it smaller{where}. "
            "No shell runs, so nothing can be typed.",
            numbers={"held_kb": pages // 1024},
            short=f"a smaller initramfs, which holds {held}{short}",
        )
    ]


def empty_files(case: Case) -> list[Remedy]:
    """Without an MMU what cannot be reclaimed is files in RAM, and nobody locks memory: single pages all over it."""
    state, page_bytes = case.state, case.page_bytes
    if not case.kernel.no_mmu or state is None or page_bytes is None:
        return []
    if case.answer.reason not in (reasons.FRAGMENTED, reasons.RESERVE):
        return []
    pages = state.usage.get("unevictable", 0) + (case.ram_file_bytes or 0) // page_bytes
    if pages < holders.LARGE_SHARE * (holders.total_pages(state) or pages + 1):
        return []
    held = format_bytes(pages * page_bytes)
    return [
        Remedy(
            "remove_ramfs_files",
            f"Files in RAM (ramfs, tmpfs) hold {held}, each page by itself and many of them between free pages: delete "
            "those that are not needed, and blocks may join. `: >FILE` empties one without starting a program.",
            numbers={"held_kb": pages * page_bytes // 1024},
            short=f"empty files in RAM, which hold {held} in single pages: `: >FILE` starts no program",
        )
    ]


def retry(case: Case) -> Remedy | None:
    """Advice against a retry in the same shell, which a refused start has damaged (before Linux 3.18)."""
    if not case.kernel.no_mmu or case.message is None or case.is_start is False:
        return None
    if not verdict_words.damages_shell(case.kernel.release or ""):
        return None
    short = "trying again from the same shell: before Linux 3.18 a refused start damages it"
    return Remedy("retry", verdict_words.RETRY, helps=False, short=short)
