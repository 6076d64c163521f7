"""CMA: an area that is lent to movable pages and must be emptied for a large contiguous request.

mm/cma.c: "alloc failed, req-size:" (4.8; with the area's name from 5.12), "number of available pages:" below it with
CONFIG_CMA_DEBUG; mm/page_alloc.c: "alloc_contig_range: [..) PFNs busy" (3.5 to 5.12), which names a place that could
not be emptied; a later one may have succeeded.
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import form

FAMILY = "cma"
FAILED, AVAILABLE, BUSY, BUFFER, RESERVE = "failed", "available", "busy", "buffer", "reserve"

FORMS = (
    form(FAILED, "req-size:", r"\b(?:__)?cma_alloc(?:_range|_frozen)?: (?:(?P<area>[^\s:]{1,64}): )?alloc failed, "
         # cut anywhere: a number is whole if something follows it
         r"req-size:(?: (?:(?P<request_pages>\d{1,12}) p(?:ages?(?:, ret: -?(?P<errno_number>\d{1,4}))?)?)?)?"),
    form(AVAILABLE, "available", r"\bnumber of available pages: (?P<ranges>[\d@+ \n]{0,600}?)"
         r"=>\s{0,4}(?P<free_pages>\d{1,12}) (?:free of|pages, total:) (?P<area_pages>\d{1,12}) (?:total )?pages"),
    form(BUSY, "alloc_contig_range:", r"\balloc_contig_range: \[(?P<first_pfn>[0-9a-f]{1,16}), "
         r"(?P<end_pfn>[0-9a-f]{1,16})\) PFNs busy"),
    form(BUFFER, "buffer", r"(?:(?P<device>[\w.:-]{1,40} [\w.:-]{1,40}): )?\bfailed to allocate buffer with size "
         r"(?P<size_bytes>\d{1,15})"),
    form(BUFFER, "dma", r"(?:(?P<device>[\w.:-]{1,40} [\w.:-]{1,40}): )?\bdma[_ ]alloc(?:_coherent|_attrs)? of size "
         r"(?P<size_bytes>\d{1,15}) failed"),
    form(RESERVE, "cma:", r"\bcma: Failed to reserve (?P<reserve_mb_number>\d{1,9}) MiB"),
)  # fmt: skip
