"""Linux 2.4's allocator, which has another rule. mm/page_alloc.c of 2.4.37, mmnommu/page_alloc2.c of uClinux 2.4."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.messages import linux24 as forms
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text import advice
from buddywatch.text.escape import counted

_WAIT, _MEMALLOC = 0x10, 1  # include/linux/mm.h of 2.4: __GFP_WAIT; the second number is PF_MEMALLOC of the process


def finding(message: Message, raw: Raw) -> Finding:
    notice = message.notices[0]
    if notice.form == forms.BITMAP:
        return _bitmap(notice.numbers["request_pages"])
    if not message.order:
        return _one_page(message)
    pages = 1 << (message.order or 0)
    asked = f"The request was for {counted(pages, 'page')} in one piece (order {message.order}) from a kernel 2.4."
    if message.mode is not None and not message.mode & _WAIT:
        asked += " It could not wait for memory to be freed (an interrupt, or a driver that holds a lock)."
    cause = (
        "buddywatch does not compute this kernel's answer. Linux 2.4 compares the free pages of a zone with its marks "
        "for the request as a whole, without a reserve for each block size, and then takes the first block that is "
        "large enough. So where more pages are free than the mark, a refusal means that no block of this size was "
        "there."
    )
    remedies = [
        Remedy(
            "list",
            "`cat /proc/slabinfo` and SysRq-M (`echo m > /proc/sysrq-trigger`) show the blocks by size; 2.4 has no "
            "/proc/buddyinfo.",
        ),
        Remedy("resident", advice.STAY_RESIDENT),
        Remedy("newer_kernel", "Compaction does not exist in 2.4, with or without an MMU.", helps=False),
    ]
    return Finding(
        f"{counted(pages, 'page')} in one piece", asked, cause, reasons.OTHER_RULE, bool(message.order), tuple(remedies)
    )


def _one_page(message: Message) -> Finding:
    """A single page is there wherever anything is free: the marks alone can refuse it."""
    waits = message.mode is None or bool(message.mode & _WAIT)
    asked = "The request was for 1 page (order 0) from a kernel 2.4."
    below = "the free pages were below the kernel's mark (its own, `min:` in SysRq-M)"
    if message.notices[0].numbers.get("memalloc_number", 0) & _MEMALLOC:
        asked += " The process was freeing memory itself, so that no mark held for it (PF_MEMALLOC)."
        below = "no page was free at all, not even of the kernel's reserve"
    cause = (
        f"Too little memory: in every zone that may serve it, {below}. It is no matter of large blocks; what was free "
        "is not in the text."
    )
    help_it = Remedy("free_memory", "Let programs use less, add swap, or end the one that grows (`ps` twice).")
    if not waits:
        asked += " It could not wait for memory to be freed (an interrupt, or a driver that holds a lock)."
        help_it = Remedy(
            "keep_more_free",
            "Single ones do no harm: a network driver drops a packet. If they come without end, memory is used up: end "
            "the program that grows (`ps` twice shows it).",
            short="if they come without end, end the program that grows; single ones do no harm",
        )
    show = Remedy(
        "list", "SysRq-M (`echo m > /proc/sysrq-trigger`) shows what is free, `cat /proc/slabinfo` the caches."
    )
    no_compaction = Remedy("newer_kernel", "Compaction: it is about single pages, and 2.4 has none.", helps=False)
    return Finding("1 page", asked, cause, reasons.OTHER_RULE, False, (help_it, show, no_compaction))


def _bitmap(pages: int) -> Finding:
    return Finding(
        f"{counted(pages, 'page')} in one piece",
        f"The request was for {counted(pages, 'page')} in one piece from uClinux 2.4's own allocator, which hands out "
        "exactly as many pages as asked for, not powers of two.",
        "No run of so many free pages was there. This allocator has no marks and no orders: the largest run decides "
        "(`max=` in its line `Free blks:`, and /proc/mem_map).",
        reasons.OTHER_RULE,
        True,
        (Remedy("resident", advice.STAY_RESIDENT),),
    )
