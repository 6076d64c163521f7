"""A slab cache that could not get pages for a new slab. mm/slub.c, mm/slab.c."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.families.told import Told
from buddywatch.kernel_text.messages import slab as forms
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text.escape import counted, one_line


def told(message: Message, raw: Raw) -> Told | None:
    notice = next((notice for notice in message.notices if notice.family == forms.FAMILY), None)
    if notice is None:
        return None
    cache, size = notice.words.get("cache"), notice.numbers.get("object_bytes")
    what = f" of the cache {one_line(cache, 64)}" if cache else ""
    objects = f", for an object of {size} bytes" if size is not None else ""
    asked = f"The kernel's own small objects needed another slab{what}{objects}."
    least, default = notice.numbers.get("least_order"), notice.numbers.get("default_order")
    if least is not None:
        asked += f" It asks for {counted(1 << least, 'page')} in one piece"
        asked += f", after it has tried {1 << default}." if default is not None and default > least else "."
    cause = "" if message.order is not None else "How many pages, and what was free, is not in the text."
    return Told("a new slab", asked, cause, reasons.UNKNOWN, bool(message.order))
