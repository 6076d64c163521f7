"""Finds the family that knows a failure."""

from __future__ import annotations

from collections.abc import Callable

from buddywatch.explain.families import cma, linux24, loader, lowmemorykiller, oom, slab, vmalloc
from buddywatch.explain.families.told import Told
from buddywatch.kernel_text.raw import Message, Raw

# By the kind of the failure; a failure of pages may have a notice of the slab allocator, which called for them.
_FAMILIES: dict[str, Callable[[Message, Raw], Told | None]] = {
    "cma": cma.told,
    "linux24": linux24.told,
    "load": loader.told,
    "lowmemorykiller": lowmemorykiller.told,
    "oom": oom.told,
    "page": slab.told,
    "slab": slab.told,
    "vmalloc": vmalloc.told,
}


def told_of(message: Message, raw: Raw) -> Told | None:
    """None for a failed allocation of pages, which the kernel's rule explains alone."""
    family = _FAMILIES.get(message.kind)
    return family(message, raw) if family else None
