"""The slab allocators' messages: a cache could not get the pages for a new slab.

mm/slub.c, mm/slab.c slab_out_of_memory(): "(gfp=0x20)" to 4.5, ", gfp=0x2080020(GFP_ATOMIC)" from 4.6 on.
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import form

FAMILY = "slab"
FAILED = "failed"

_GFP = r",? \(?gfp=(?P<mode>0x[0-9a-f]{1,16})(?:\((?P<mode_names>[A-Z_|a-z0-9]{0,400})\))?\)?"
FORMS = (
    form(FAILED, "SLUB:", rf"\bSLUB: Unable to allocate memory on (?:CPU#?\d{{1,4}} \(of node \d{{1,9}}\) on )?"
         rf"node -?\d{{1,9}}{_GFP}"
         r"(?:[\s\S]{1,120}?\bcache: (?P<cache>[^\n]{1,240}?), object size: (?P<object_bytes>\d{1,9}), "
         r"buffer size: (?P<buffer_bytes>\d{1,9}), default order: (?P<default_order>\d{1,2}), "
         r"min order: (?P<least_order>\d{1,2}))?"),
    form(FAILED, "SLAB:", rf"\bSLAB: Unable to allocate memory on node -?\d{{1,9}}{_GFP}"
         r"(?:[\s\S]{1,120}?\bcache: (?P<cache>[^\n]{1,64}?), object size: (?P<object_bytes>\d{1,9}), "
         r"order: (?P<least_order>\d{1,2}))?"),
)  # fmt: skip
