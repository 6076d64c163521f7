"""Linux 2.4's allocator, which has another rule. mm/page_alloc.c of 2.4.37, mmnommu/page_alloc2.c of uClinux 2.4."""

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
        Remedy("resident", verdict_words.STAY_RESIDENT),
        Remedy("newer_kernel", "Compaction does not exist in 2.4, with or without an MMU.", helps=False),
    ]
    return Told(
        f"{counted(pages, 'page')} in one piece", asked, cause, reasons.OTHER_RULE, bool(message.order), tuple(remedies)
    )


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
