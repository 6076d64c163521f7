"""Pools and limits of their own, whose messages look like a lack of pages.

mm/percpu.c ("PERCPU:" to 3.17), mm/hugetlb.c (4.15), kernel/dma/pool.c, arch/arm/mm/dma-mapping.c and
arch/arm64/mm/dma-mapping.c (DMA pools), kernel/dma/swiotlb.c and lib/swiotlb.c (2.6 to 4.x), drivers/block/zram,
net/ipv4/tcp.c ("Out of socket memory" to 2.6.39), mm/memblock.c.
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import form

FAMILY = "pool"
PERCPU, HUGE, DMA_POOL, DMA_POOL_SMALL = "percpu", "huge-pages", "dma-pool", "dma-pool-small"
BOUNCE, BOUNCE_END, NO_BOUNCE = "bounce-buffer", "bounce-end", "no-bounce-buffer"
ZRAM, SOCKETS, BOOT = "zram", "sockets", "boot"

_KIB = r"(?P<size_kib_number>\d{1,9}) KiB"
FORMS = (
    form(PERCPU, "align=", r"\b(?:PERCPU|percpu): allocation failed, size=(?P<size_bytes>\d{1,12}) "
         r"align=(?P<align_number>\d{1,12})(?: atomic=(?P<atomic_number>[01]))?, (?P<why>[^\n]{1,80})"),
    form(HUGE, "allocated", r"\b(?:HugeTLB|hugetlb): allocating (?P<asked_number>\d{1,12}) of page size "
         r"(?P<size>\d{1,6}(?:\.\d{1,3})? [KMG]i?B) failed(?: node\d{1,5})?\. "
         r"Only allocated (?P<got_number>\d{1,12}) hugepages"),
    form(DMA_POOL, "pool", rf"\bDMA: failed to allocate {_KIB} (?:[A-Z_|a-z0-9]{{1,60}} )?pool for atomic"),
    form(DMA_POOL_SMALL, "pool", rf"\b{_KIB} atomic DMA coherent pool is too small"),
    form(DMA_POOL_SMALL, "pool", r"\bFailed to get suitable pool for (?P<device>[^\n]{1,60})"),
    form(BOUNCE, "swiotlb", r"(?:(?P<device>[\w.:-]{1,40} [\w.:-]{1,40}): )?\bswiotlb buffer is full"
         r"(?: \(sz: (?P<size_bytes>\d{1,12}) bytes\)(?:, total (?P<slots_number>\d{1,12}) \(slots\), "
         r"used (?P<used_number>\d{1,12}) \(slots\))?)?"),
    form(BOUNCE_END, "SW-IOMMU", r"(?:(?P<device>[\w.:-]{1,40} [\w.:-]{1,40}): )?"
         r"\bDMA: Out of SW-IOMMU space for (?P<size_bytes>\d{1,12}) bytes"
         r"(?: at device (?P<at>[^\n]{1,60}))?"),
    form(NO_BOUNCE, "SWIOTLB", r"\bCan(?: not|not) allocate SWIOTLB buffer"),
    form(NO_BOUNCE, "buffer", r"\b(?:software IO TLB|SWIOTLB): Cannot allocate buffer"),
    form(ZRAM, "compressed", r"\bzram\d{0,4}: Error allocating memory for compressed page: (?P<page_number>\d{1,12}), "
         r"size=(?P<size_bytes>\d{1,9})"),
    form(SOCKETS, "tcp_mem", r"\bTCP: out of memory -- consider tuning tcp_mem"),
    form(SOCKETS, "socket", r"\bOut of socket memory"),
    form(BOOT, "panic", r"\bKernel panic - not syncing: ERROR: Failed to allocate (?P<size_hex>0x[0-9a-f]{1,16}) bytes "
         r"below (?P<below>0x[0-9a-f]{1,16})"),
    form(BOOT, "bootmem", r"\bbootmem alloc of (?P<size_bytes>\d{1,15}) bytes failed"),
    form(BOOT, "panic", r"\bKernel panic - not syncing: (?P<who>[\w.]{1,60}): Failed to allocate "
         r"(?P<size_bytes>\d{1,15}) bytes"),
)  # fmt: skip
