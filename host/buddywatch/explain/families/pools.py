"""Separate pools and limits: what each is, whether contiguous pages matter, what to do."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.messages import pools as forms
from buddywatch.kernel_text.messages.notice import Notice
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text.escape import one_line

_LARGEST_BOUNCE = 128 * 2048  # IO_TLB_SEGSIZE slots of IO_TLB_SIZE bytes, include/linux/swiotlb.h


def finding(message: Message, raw: Raw) -> Finding:
    notice = next(notice for notice in message.notices if notice.family == forms.FAMILY)
    return {
        forms.PERCPU: _percpu,
        forms.HUGE: _huge,
        forms.DMA_POOL: _dma_pool,
        forms.DMA_POOL_SMALL: _dma_pool_small,
        forms.BOUNCE: _bounce,
        forms.BOUNCE_END: _bounce,
        forms.NO_BOUNCE: _no_bounce,
        forms.ZRAM: _zram,
        forms.SOCKETS: _sockets,
        forms.BOOT: _boot,
    }[notice.form](notice)


def _size(notice: Notice) -> str:
    size = notice.numbers.get("size_bytes")
    if "size_hex" in notice.words:
        size = int(notice.words["size_hex"], 16)
    return f"{size} bytes" if size is not None else "a buffer"


def _for(notice: Notice) -> str:
    device = notice.words.get("device") or notice.words.get("at")
    return f" for {one_line(device, 80).rstrip(':')}" if device else ""


_ATOMIC = (
    " The request could not wait for the area to grow: the kernel does that in the background right after, so the next "
    "one may succeed, and many callers go on without."
)


def _percpu(notice: Notice) -> Finding:
    why = one_line(notice.words["why"], 80)
    atomic = _ATOMIC if notice.numbers.get("atomic_number") else ""
    return Finding(
        f"{_size(notice)} for each CPU",
        f"The kernel's allocator of variables for each CPU was asked for {_size(notice)}.",
        f"Its area could not take them ({why}).{atomic} The area consists of single pages in the address space of "
        "vmalloc: a "
        "lack of that space or of memory, not of blocks of contiguous pages.",
        reasons.POOL,
        False,
        (
            Remedy("vmalloc_size", "More address space for the kernel: `vmalloc=SIZE` on its command line (32 bit)."),
            Remedy("free_memory", "More free memory, or fewer users: each network interface, mount and control group "
                   "takes some for every CPU."),
        ),
    )  # fmt: skip


def _huge(notice: Notice) -> Finding:
    asked, got, size = notice.numbers["asked_number"], notice.numbers["got_number"], one_line(notice.words["size"], 20)
    return Finding(
        f"{asked} huge pages of {size}",
        f"{asked} huge pages of {size} were asked for; each is one block of contiguous pages.",
        f"Only {got} were had: no more blocks of that size were free or could be made.",
        reasons.POOL,
        True,
        (Remedy("early", "Ask for them on the kernel's command line (hugepages=N), before memory comes apart; or for "
                "fewer: nothing else failed."),),
    )  # fmt: skip


def _dma_pool(notice: Notice) -> Finding:
    kib = notice.numbers["size_kib_number"]
    return Finding(
        f"{kib} kB for the pool of DMA buffers",
        f"At its start the kernel wanted {kib} kB in one piece, as a pool for drivers that ask for DMA buffers in "
        "interrupts.",
        "No such block was free in the zone for DMA, or the zone is too small for it.",
        reasons.POOL,
        True,
        (Remedy("coherent_pool", "`coherent_pool=SIZE` on the kernel's command line: a smaller one."),),
    )


def _dma_pool_small(notice: Notice) -> Finding:
    kib = notice.numbers.get("size_kib_number")
    size = f" of {kib} kB" if kib is not None else ""
    return Finding(
        f"a buffer out of the pool of DMA buffers{size}",
        f"A driver asked for a DMA buffer{_for(notice)} while it could not wait. Such buffers come from a pool{size}.",
        "The pool is used up, whatever else is free.",
        reasons.POOL,
        False,
        (Remedy("coherent_pool", "`coherent_pool=SIZE` on the kernel's command line (such as 1M): a larger one."),),
    )


def _bounce(notice: Notice) -> Finding:
    used, slots = notice.numbers.get("used_number"), notice.numbers.get("slots_number")
    cause = "The area had no run of free slots for it."
    if notice.numbers.get("size_bytes", 0) > _LARGEST_BOUNCE:
        cause = f"It is more than {_LARGEST_BOUNCE // 1024} kB, the most that the area takes at once: it never fits."
    elif used is not None and slots is not None:
        cause = f"{used} of its {slots} slots (2 kB each) were in use: no run of free ones was long enough."
    return Finding(
        f"{_size(notice)} of bounce buffer",
        f"A driver wanted to transfer {_size(notice)}{_for(notice)}, to memory that the device cannot reach, so the "
        "data goes through an area for that (swiotlb).",
        f"{cause} The kernel's free memory does not matter.",
        reasons.POOL,
        False,
        _bounce_remedies(notice),
    )  # fmt: skip


def _bounce_remedies(notice: Notice) -> tuple[Remedy, ...]:
    if notice.numbers.get("size_bytes", 0) > _LARGEST_BOUNCE:
        text = (
            "Ask for less at a time (for USB the program's transfer size), or give the device memory that it reaches: "
            "a wider DMA mask in the driver or the device tree, an IOMMU, or `mem=` below its limit."
        )
        return (Remedy("smaller", text, short="ask for less at a time, or let the device reach all memory"),)
    text = (
        "`swiotlb=SLOTS` on the kernel's command line: a larger area (65536 slots are 128 MB). If it fills again, the "
        "driver does not give its slots back."
    )
    return (Remedy("swiotlb", text, short="`swiotlb=SLOTS` on the kernel's command line (65536 slots are 128 MB)"),)


def _no_bounce(notice: Notice) -> Finding:
    return Finding(
        "the area for bounce buffers",
        "At its start the kernel wanted an area below 4 GB for devices that reach no further (swiotlb).",
        "No such range was free there.",
        reasons.POOL,
        True,
        (Remedy("swiotlb", "`swiotlb=SLOTS` with a smaller number; less `crashkernel=` and other reservations below "
                "4 GB."),),
    )  # fmt: skip


def _zram(notice: Notice) -> Finding:
    return Finding(
        f"{_size(notice)} for a page in zram",
        f"zram had to store a page that is compressed to {_size(notice)}, and got no memory for it.",
        "Memory was used up: zram itself lives in it. The page to be swapped out stays where it is.",
        reasons.POOL,
        False,
        (
            Remedy(
                "zram", "A limit for zram (/sys/block/zram0/mem_limit), fewer or smaller programs, or swap on a disk."
            ),
        ),
    )


def _sockets(notice: Notice) -> Finding:
    return Finding(
        "memory for TCP sockets",
        "TCP sockets wanted more memory than the kernel allows them together.",
        "The limit net.ipv4.tcp_mem was reached (or too many sockets without an owner, net.ipv4.tcp_max_orphans): free "
        "memory is not the matter.",
        reasons.POOL,
        False,
        (Remedy("tcp_mem", "`cat /proc/net/sockstat` shows what is in use (mem, in pages), /proc/sys/net/ipv4/tcp_mem "
                "the limit; a program that does not read its sockets is the usual cause."),),
    )  # fmt: skip


def _boot(notice: Notice) -> Finding:
    who = one_line(notice.words["who"], 60) if "who" in notice.words else "The kernel"
    return Finding(
        f"{_size(notice)} at boot",
        f"{who} wanted {_size(notice)} before the page allocator runs (memblock).",
        "No such range was free: the machine has too little memory, or its device tree or `mem=` names too little.",
        reasons.POOL,
        True,
        (Remedy("memory_map", "Compare the ranges of memory that the kernel prints first at its start with the memory "
                "that is there; its line `Memory: ...K/...K available` sums them up."),),
    )  # fmt: skip
