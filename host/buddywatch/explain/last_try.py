"""The kernel's last try before it ends a program: at the high mark, not at min. Pure.

mm/page_alloc.c: the high mark before out_of_memory(), in __alloc_pages() from 2.6.11 on and in __alloc_pages_may_oom()
from 2.6.31 on, to 7.2. It is to notice that another CPU has just ended a program.
"""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain.case import Case
from buddywatch.explain.judge import Answer
from buddywatch.text.units import format_bytes

_SINCE = (2, 6, 11)


def short_at_high(case: Case) -> int:
    """The pages that lacked at the high mark, although the request would have succeeded at min; 0: none, or unknown."""
    is_kill = case.message is not None and "oom" in case.message.kinds and not case.message.in_cgroup
    if not is_kill or case.order not in range(watermark.COSTLY_ORDER + 1) or case.kernel.span[1] < _SINCE:
        return 0
    shorts = [_short(answer) for answer in (case.answer, *case.answer.others)]
    return min((short for short in shorts if short is not None), default=0) if None not in shorts else 0


def _short(answer: Answer) -> int | None:
    zone = answer.zone
    if zone is None or answer.margin_pages is None or zone.min_pages is None or zone.high_pages is None:
        return None
    _, free, demanded = answer.tests[0]  # of all free pages: the mark counts whole there
    return max(demanded + zone.high_pages - zone.min_pages - free, 0)


def cause(case: Case) -> str:
    """In a few words, for the first lines; "" if it does not explain the kill."""
    short = short_at_high(case)
    if not short:
        return ""
    amount = format_bytes(short * case.page_bytes) if case.page_bytes else f"{short} pages"
    return f"memory was short: the last try before a kill is at the high mark, and {amount} lacked there"


def words(case: Case) -> str:
    """The same in sentences."""
    short, zone = short_at_high(case), case.answer.zone
    if not short or zone is None:
        return ""
    return (
        "Memory was short. At the min mark the request succeeds by these numbers, but before the kernel ends a program "
        f"it tries once more at the high mark of {zone.high_pages} pages, and there {short} lacked:"
    )
