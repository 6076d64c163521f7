"""Linux 2.4's allocator, whose rule is another. mm/page_alloc.c of 2.4.37, mmnommu/page_alloc2.c of uClinux 2.4."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.families.told import Told
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.messages import linux24 as forms
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text import verdict_words
from buddywatch.text.escape import counted

_WAIT, _MEMALLOC = 0x10, 1  # include/linux/mm.h of 2.4: __GFP_WAIT; the second number is PF_MEMALLOC of the process


def told(message: Message, raw: Raw) -> Told:
    notice = message.notices[0]
    if notice.form == forms.BITMAP:
        return _bitmap(notice.numbers["request_pages"])
    pages = 1 << (message.order or 0)
    size = f"{counted(pages, 'page')} in one piece" if message.order else "1 page"
    asked = f"The request was for {size} (order {message.order}) from a kernel 2.4."
    if message.mode is not None and not message.mode & _WAIT:
        asked += " It could not wait for memory to be freed (an interrupt, or a driver that holds a lock)."
    remedies = _remedies(message.order or 0)
    return Told(size, asked, _cause(message.order or 0), reasons.OTHER_RULE, bool(message.order), remedies)


def _cause(order: int) -> str:
    text = "Memory ran out: not even a single page was free above the kernel's mark."
    if order:
        text = "No free block was large enough, or too little was free in all: the text does not say which."
    return (
        f"{text} buddywatch does not compute the answer of Linux 2.4, whose rule is another: it compares the free "
        "pages of a zone with its mark for the request as a whole, without a reserve for each block size, and then "
        "takes the first block that is large enough."
    )


def _remedies(order: int) -> tuple[Remedy, ...]:
    sysrq = Remedy(
        "list",
        "SysRq-M (`echo m > /proc/sysrq-trigger`) prints the free blocks by size into the kernel log; 2.4 has no "
        "/proc/buddyinfo.",
        short="`echo m > /proc/sysrq-trigger` for the free blocks",
    )
    if not order:
        text = "End programs, or add swap: it is about memory in all."
        return Remedy("free_memory", text, short="end programs, or add swap"), sysrq
    never = Remedy("newer_kernel", "Compaction does not exist in 2.4, with or without an MMU.", helps=False)
    return sysrq, Remedy("resident", verdict_words.STAY_RESIDENT), never


def _bitmap(pages: int) -> Told:
    return Told(
        f"{counted(pages, 'page')} in one piece",
        f"The request was for {counted(pages, 'page')} in one piece from uClinux 2.4's own allocator, which hands out "
        "exactly as many pages as asked for, not powers of two.",
        "No run of so many free pages was there. This allocator has no marks and no orders: the largest run decides "
        "(`max=` in its line `Free blks:`, and /proc/mem_map).",
        reasons.OTHER_RULE,
        True,
        (Remedy("resident", verdict_words.STAY_RESIDENT),),
    )
