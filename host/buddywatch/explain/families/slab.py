"""A slab cache that could not get pages for a new slab. mm/slub.c, mm/slab.c."""

from __future__ import annotations

import re

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.messages import slab as forms
from buddywatch.kernel_text.raw import Message
from buddywatch.text.escape import counted, one_line

# mm/slab_common.c, memcg_create_kmem_cache(), 3.10 to 5.8: "kmalloc-1024(1793:GROUP)"
_GROUPS_CACHE = re.compile(r"[^\n(]{1,64}\(\d{1,9}:(?P<group>[^\n]{1,200})\)")
_REPORT = Remedy(
    "report",
    "Look for the page allocator's report before this line (`page allocation failure`, then `Mem-Info:`).",
    short="look for `page allocation failure` before this line",
)


def finding(message: Message) -> Finding | None:
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
    group = _GROUPS_CACHE.fullmatch(cache or "")
    if group and "page" not in message.kinds:
        return _of_group(asked, one_line(group["group"], 120))
    if message.is_order_assumed:
        asked += " For how many pages is not in the text: one page is assumed, the least."
    cause = "" if message.order is not None else "How many pages, and what was free, is not in the text."
    remedies = () if message.dump else (_REPORT,)
    return Finding("a new slab", asked, cause, reasons.UNKNOWN, bool(message.order), remedies)


def _of_group(asked: str, group: str) -> Finding:
    """The cache belongs to a control group, and the page allocator did not complain: its limit refused the slab."""
    cause = (
        f"The control group {group} was at its limit for kernel memory (or for all memory): the cache is its own, and "
        "the page allocator itself reported nothing. The machine's free memory is not the matter."
    )
    remedies = (
        Remedy(
            "group_limit",
            "Raise the group's limit (memory.max; memory.limit_in_bytes and memory.kmem.limit_in_bytes of cgroup v1), "
            "or start fewer processes, threads and sockets in it. Kernels 3.x and 4.x before 4.19 are known to keep "
            "caches of groups that are gone: restart the container, or use a newer kernel.",
            short="raise the control group's limit for kernel memory",
        ),
        Remedy("free_memory", "Freeing memory outside of the group, compaction, vm.min_free_kbytes.", helps=False),
    )
    return Finding("a slab of a control group", asked, cause, reasons.CONTROL_GROUP, False, remedies)
