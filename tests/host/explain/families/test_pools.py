"""Pools and limits of their own: each of their messages, of all versions."""

import pytest
from asking import failures, told

LINES = [
    ("PERCPU: allocation failed, size=32 align=8, failed to allocate new chunk", 32, False, "32 bytes for each CPU"),
    ("percpu: allocation failed, size=200 align=8 atomic=1, alloc from reserved chunk failed", 200, False,
     "alloc from reserved chunk failed"),
    ("HugeTLB: allocating 20 of page size 1.00 GiB failed.  Only allocated 3 hugepages.", None, True,
     "Only 3 were had"),
    ("HugeTLB: allocating 512 of page size 2 MB failed node0.  Only allocated 3 hugepages.", None, True,
     "512 huge pages of 2 MB"),
    ("DMA: failed to allocate 256 KiB pool for atomic coherent allocation", None, True, "coherent_pool=SIZE"),
    ("DMA: failed to allocate 128 KiB GFP_KERNEL|GFP_DMA pool for atomic allocation", None, True, "128 kB"),
    ("ERROR: 256 KiB atomic DMA coherent pool is too small!\nPlease increase it with coherent_pool= kernel parameter!",
     None, False, "a larger one"),
    ("Failed to get suitable pool for 0000:00:1f.2", None, False, "for 0000:00:1f.2"),
    ("sdhci-pci 0000:00:1e.6: swiotlb buffer is full (sz: 65536 bytes)", 65536, False, "for sdhci-pci 0000:00:1e.6"),
    ("xhci_hcd 0000:00:14.0: swiotlb buffer is full (sz: 8 bytes), total 32768 (slots), used 32000 (slots)", 8, False,
     "32000 of its 32768 slots"),
    ("DMA: Out of SW-IOMMU space for 8192 bytes at device 0000:03:00.0", 8192, False, "for 0000:03:00.0"),
    ("software IO TLB: Cannot allocate buffer", None, True, "below 4 GB"),
    ("zram: Error allocating memory for compressed page: 4711, size=2048", 2048, False, "mem_limit"),
    ("TCP: out of memory -- consider tuning tcp_mem", None, False, "tcp_mem"),
    ("Out of socket memory", None, False, "tcp_mem"),
    ("Kernel panic - not syncing: setup_arch: Failed to allocate 139264 bytes", 139264, True, "memblock"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "size", "contiguous", "words"), LINES)
def test_each_message_is_one_failure(line, size, contiguous, words):
    (failure,) = failures(f"[   12.345678] {line}\n")
    assert (failure["kind"], failure["reason"], failure["order"]) == ("pool", "pool", None)
    assert (failure["requested_bytes"], failure["contiguous"]) == (size, contiguous)
    assert words in told(line)


def test_a_request_for_each_cpu_that_cannot_wait_may_succeed_later():
    line = "percpu: allocation failed, size=8 align=8 atomic={}, atomic alloc failed, no space left"
    assert "the next one may succeed" in told(line.format(1))
    assert "the next one may succeed" not in told(line.format(0))


def test_two_lines_of_one_transfer_are_one_failure():
    first = "dwc3 38200000.dwc3: swiotlb buffer is full (sz: 16384 bytes)\n"
    second = "dwc3 38200000.dwc3: DMA: Out of SW-IOMMU space for 16384 bytes\n"
    assert len(failures(first + second)) == 1
    assert len(failures(first + second + first + second)) == 2
    assert len(failures(first + second.replace("16384", "8192"))) == 2


def test_more_than_the_area_takes_at_once_never_fits():
    line = "v3d fec00000.v3d: swiotlb buffer is full (sz: 536576 bytes), total 32768 (slots), used 3487 (slots)"
    assert "more than 256 kB, the most that the area takes at once" in told(line)
    assert "swiotlb=" not in told(line)


@pytest.mark.parametrize(
    "line",
    [
        "HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages",
        "DMA: preallocated 256 KiB GFP_KERNEL pool for atomic allocations",
        "software IO TLB: mapped [mem 0x00000000bbfff000-0x00000000bffff000] (64MB)",
        "percpu: Embedded 16 pages/cpu s34700 r8192 d22644 u65536",
        "zram0: detected capacity change from 0 to 524288",
        "TCP: Hash tables configured (established 2048 bind 2048)",
    ],
)
def test_what_a_start_prints_is_no_failure(line):
    assert failures(line) == []
