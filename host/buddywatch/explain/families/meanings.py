"""Finds the family that knows a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from buddywatch.explain import reasons
from buddywatch.explain.families import cma, linux24, loader, lowmemorykiller, oom, pools, slab, vmalloc
from buddywatch.explain.families.finding import Finding
from buddywatch.kernel_text.messages import pools as pool_forms
from buddywatch.kernel_text.raw import Message, Raw


def _of_pages(message: Message, raw: Raw) -> Finding | None:
    """What the pages were for, if the slab allocator or a pool requested them."""
    if any(notice.family == pool_forms.FAMILY for notice in message.notices):
        return replace(pools.finding(message, raw), cause="", reason=reasons.UNKNOWN)
    return slab.finding(message)


# By the kind of the failure; a failure of pages may have a notice of the slab allocator, which called for them.
_FAMILIES: dict[str, Callable[[Message, Raw], Finding | None]] = {
    "cma": cma.finding,
    "linux24": linux24.finding,
    "load": loader.finding,
    "lowmemorykiller": lowmemorykiller.finding,
    "oom": oom.finding,
    "page": _of_pages,
    "pool": pools.finding,
    "slab": lambda message, _: slab.finding(message),
    "vmalloc": vmalloc.finding,
}


def finding_of(message: Message, raw: Raw) -> Finding | None:
    """None for a failed allocation of pages: the kernel's rule explains it completely."""
    family = _FAMILIES.get(message.kind)
    return family(message, raw) if family else None
