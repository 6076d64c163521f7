"""Linux 2.4's page allocator: "__alloc_pages: N-order allocation failed (gfp=0x1f0/0)", and uClinux's of 2.4.

mm/page_alloc.c of 2.4.0 to 2.4.37 ("failed." without the mode before 2.4.10); mmnommu/page_alloc2.c of uClinux 2.4
(CONFIG_CONTIGUOUS_PAGE_ALLOC): "NAME: allocation of N pages failed!".
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import COMM, form

FAMILY = "linux24"
ORDERS, BITMAP = "orders", "bitmap"

FORMS = (
    form(ORDERS, "__alloc_pages:", r"\b__alloc_pages: (?P<page_order>\d{1,2})-order allocation failed"
         r"(?: \(gfp=(?P<mode>0x[0-9a-f]{1,8})/(?P<memalloc_number>\d{1,9})\))?"),
    form(BITMAP, "failed!", rf"{COMM}: allocation of (?P<request_pages>\d{{1,9}}) pages failed!"),
)  # fmt: skip
