"""Finds the family that knows a failure."""

from __future__ import annotations

from buddywatch.explain.families import vmalloc
from buddywatch.explain.families.told import Told
from buddywatch.kernel_text.raw import Message, Raw

_FAMILIES = {"vmalloc": vmalloc.told}


def told_of(message: Message, raw: Raw) -> Told | None:
    """None for a failed allocation of pages, which the kernel's rule explains."""
    family = _FAMILIES.get(message.kind)
    return family(message, raw) if family else None
