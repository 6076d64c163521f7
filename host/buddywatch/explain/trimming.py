"""Whether free memory has the picture that trimming makes on a board without an MMU. Pure.

A program of 15 pages gets a block of 16; by default the 16th page goes back at once (do_mmap_private() in mm/nommu.c,
vm.nr_trim_pages). It is the smallest free block then, so the next request for a page takes it. The program ends, the
page stays, and the rest of the block, 8 + 4 + 2 + 1 pages, never joins again. Measured on 2.6.30 and 6.1: the counts of
the orders 1 to n - 1 grow together, and nothing larger is left; with 0 from the start no request was refused in 3000
steps, set after the first refusal it did not help within 550.
"""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain.case import Case
from buddywatch.explain.remedy import Remedy
from buddywatch.text.advice import TRIM_LINE
from buddywatch.text.escape import counted

_LEAST_ORDER = 3  # two sizes at least, whose counts can be compared
_LEAST_COUNT = 8  # fewer blocks of each size may be about equal by chance
_MOST_LEFT = 2  # blocks of the request's size
_ABOUT_EQUAL = 2  # the largest count is at most so many times the smallest


def trim_pages(case: Case) -> int:
    """vm.nr_trim_pages; 1 unless set otherwise (CONFIG_NOMMU_INITIAL_TRIM_EXCESS)."""
    return 1 if case.kernel.trim_pages is None else case.kernel.trim_pages


def unused_pages(case: Case) -> int:
    """Pages at the end of the request's block that trimming gives back; 0 if it gives back none."""
    if case.requested_bytes is None or case.page_bytes is None or case.order is None:
        return 0
    unused = (1 << case.order) - -(-case.requested_bytes // case.page_bytes)
    return unused if trim_pages(case) and unused >= trim_pages(case) else 0


def is_picture(case: Case) -> bool:
    """True if the free blocks below the request's size are what trimming leaves."""
    zone, order = case.answer.zone, case.order
    if not case.kernel.no_mmu or zone is None or order is None or order < _LEAST_ORDER or not unused_pages(case):
        return False
    if case.answer.verdict != watermark.REFUSED or order >= len(zone.nr_free):
        return False
    counts, above = zone.nr_free[1:order], zone.nr_free[order + 1 :]
    if any(above) or zone.nr_free[order] > _MOST_LEFT:
        return False
    return min(counts) >= _LEAST_COUNT and max(counts) <= _ABOUT_EQUAL * min(counts)


def cure(case: Case) -> Remedy:
    return Remedy(
        "nr_trim_pages",
        "Free memory has the picture that trimming makes: about equally many blocks of each size below the one that is "
        "missing, and nothing larger. The kernel takes a whole block for each program and gives its unused end "
        f"({counted(unused_pages(case), 'page')} here) back at once; a small allocation settles there, outlives the "
        f"program, and the block never joins again. `{TRIM_LINE}` at every boot, after the "
        "programs that stay, ends that. It prevents, it does not repair: now only a reboot, or ending what holds these "
        "pages, makes large blocks again.",
        numbers={"trimmed_pages": unused_pages(case)},
        short=f"reboot, then `{TRIM_LINE}` at each boot; free memory has the picture that "
        "trimming makes, and this prevents it, but does not repair it",
    )


def possible(case: Case) -> Remedy:
    """The remedy for requests that are trimmed, if trimming may not be the cause."""
    unused = unused_pages(case)
    now = "1 unless it was changed" if case.kernel.trim_pages is None else f"now {case.kernel.trim_pages}"
    kept = counted(unused, "page")
    return Remedy(
        "nr_trim_pages",
        f"`{TRIM_LINE}` ({now}) at boot keeps blocks whole. As it is, each request like this "
        f"breaks up a block to give back {kept} at its end, where small allocations may settle. It prevents, it does "
        f"not repair; with 0 a program keeps {kept} more until it ends.",
        numbers={"trimmed_pages": unused},
        short=f"`{TRIM_LINE}` at each boot: prevents, does not repair",
    )
