"""vmalloc and vmap: address space ran out, or the single pages in it did. mm/vmalloc.c, 2.6.24 to 7.2."""

from __future__ import annotations

import re

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.messages import vmalloc as forms
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text.escape import one_line
from buddywatch.text.units import format_bytes

_WHAT_IT_IS = (
    "vmalloc takes single pages from anywhere and lines them up in the kernel's own address space. It needs that space "
    "in one piece, but no block of contiguous pages."
)
_NEGATIVE_32 = 1 << 31
_PAGE_SIZES = {4096 << shift for shift in range(5)}
_LEAST_PAGE_KB = 4
_LONG_ADDRESS = re.compile(r"\b(?:0x)?ffff[0-9a-f]{12}\b")
_TRACE_CHARS = 3000
_LOADERS = {"insmod", "modprobe", "kmodloader", "systemd-udevd", "udevd", "kmod", "systemd-modules"}


def finding(message: Message, raw: Raw) -> Finding:
    size = message.requested_bytes
    amount = f"{size} bytes of kernel address space" if size is not None else "kernel address space"
    asked = f"The request was for {amount} (vmalloc). {_WHAT_IT_IS}"
    found = {notice.form for notice in message.notices}
    if forms.needs_pages(message.notices):
        return _pages(message, amount, asked)
    if forms.TOO_LARGE in found or _is_wrong_size(size, found, raw) or _exceeds_memory(message, found):
        return _wrong_size(size or 0, amount, asked, raw)
    if forms.SPACE in found:
        return _space(message, amount, asked, raw)
    cause = (
        "The kernel does not say which of two reasons it had: no hole in its address space was large enough (then a "
        "line `vmap allocation for size ... failed` stands before this one, unless it was lost), or the size was zero "
        "or larger than the machine's memory. Single pages were not what it lacked."
    )
    return Finding(amount, asked, cause, reasons.ADDRESS_SPACE, False, _space_remedies(message, raw))


def _is_wrong_size(size: int | None, found: set[str], raw: Raw) -> bool:
    """A size of 2 GB and more on a 32-bit kernel: the whole kernel has 1 GB of address space there, 2 GB at most."""
    return forms.SPACE not in found and size is not None and (not size or (size >= _NEGATIVE_32 and raw.is_32_bit))


def _exceeds_memory(message: Message, found: set[str]) -> bool:
    """True if the size is more than all memory, which __vmalloc_node_range() refuses before it looks for a hole."""
    size, dump = message.requested_bytes, message.dump
    if size is None or dump is None or forms.SPACE in found:
        return False
    kb = sum(zone.values.get("managed", zone.values.get("present", 0)) for zone in dump.zones.values())
    free_kb = sum(zone.values.get("free", 0) for zone in dump.zones.values())
    has_all = free_kb >= dump.header.get("free", 1 << 62) * _LEAST_PAGE_KB  # the sum of all zones, in pages
    return has_all and size > kb * 1024


def _wrong_size(size: int, amount: str, asked: str, raw: Raw) -> Finding:
    cause = f"{size} bytes are more than the machine can ever have: the size itself is wrong."
    if not size:
        cause = "The size is zero: the caller computed it wrongly."
    elif raw.is_32_bit and _NEGATIVE_32 <= size < 2 * _NEGATIVE_32:
        cause = (
            f"{size} bytes ({format_bytes(size)}) are more than the whole address space of a 32-bit kernel: the size "
            f"itself is wrong. As a signed 32-bit number it is {size - 2 * _NEGATIVE_32}, so the caller may have "
            "computed a negative one."
        )
    remedy = Remedy(
        "caller",
        "Correct the caller: the function below `__vmalloc` or `vmalloc` in the call trace, and the value that a "
        "program passed to it. Neither more memory nor other settings help.",
        short="correct the caller, which asks for a wrong size",
    )
    return Finding(amount, asked, cause, reasons.TOO_LARGE, False, (remedy,))


def _space(message: Message, amount: str, asked: str, raw: Raw) -> Finding:
    wanted = max((notice.numbers.get("size_bytes", 0) for notice in message.notices), default=0)
    guard = f" (with the guard page: {wanted})" if message.requested_bytes and wanted > message.requested_bytes else ""
    cause = (
        f"The kernel's address space for vmalloc had no hole{guard} of that size. Free memory and its fragmentation "
        "have nothing to do with it."
    )
    if _is_64_bit(message, raw) and message.process not in _LOADERS:
        cause = (
            f"No hole{guard} of that size was found at a place that suits the request. A kernel of 64 bit has many TB "
            "of this space, which do not run out: the request was for a narrow part of it (modules, eBPF), or for an "
            "alignment that it has nowhere. Free memory and its fragmentation have nothing to do with it."
        )
    return Finding(amount, asked, cause, reasons.ADDRESS_SPACE, False, _space_remedies(message, raw))


def _is_64_bit(message: Message, raw: Raw) -> bool:
    """True if the lines around it have addresses of 64 bit."""
    return bool(_LONG_ADDRESS.search(_trace(message, raw))) and not raw.is_32_bit


def _trace(message: Message, raw: Raw) -> str:
    """The message's lines and the call trace below them, up to the next message."""
    return raw.text[message.offset : raw.end_of(message, _TRACE_CHARS)]


def _larger_space(message: Message, raw: Raw) -> Remedy:
    if _is_64_bit(message, raw):
        return Remedy(
            "caller",
            "Look at the caller, the function below `__vmalloc_node_range` in the call trace: the range or the "
            "alignment that it asks for. `vmalloc=SIZE` changes nothing on 64 bit.",
            short="look at the caller in the call trace: the range or the alignment that it asks for",
        )
    return Remedy(
        "vmalloc_size",
        "`vmalloc=SIZE` on the kernel's command line (32-bit ARM and x86) makes the space larger; the memory that "
        "the kernel maps directly becomes smaller by as much.",
        short="`vmalloc=SIZE` on the kernel's command line",
    )


def _space_remedies(message: Message, raw: Raw) -> tuple[Remedy, ...]:
    found = []
    if message.process in _LOADERS:
        found.append(
            Remedy(
                "fewer_modules",
                f"{one_line(message.process or '')} was loading a kernel module. 32-bit ARM, PowerPC and others have a "
                "small area for modules alone (16 MB at most on ARM): load fewer, build the largest ones into the "
                "kernel, or build it with CONFIG_ARM_MODULE_PLTS, which lets modules use the rest of the space.",
                short="load fewer kernel modules, or build them into the kernel",
            )
        )
    elif "module_alloc" in _trace(message, raw):
        found.append(
            Remedy(
                "fewer_modules",
                "The space was for code of the kernel (module_alloc in the call trace): a module, or a packet filter "
                "that is compiled (eBPF, BPF JIT). 32-bit ARM and others have a small area for it (16 MB at most on "
                "ARM): load fewer modules, or let filters be interpreted (`sysctl net.core.bpf_jit_enable=0`).",
                short="fewer kernel modules, or no compiled packet filters (net.core.bpf_jit_enable=0)",
            )
        )
    found += [
        _larger_space(message, raw),
        Remedy(
            "vmallocinfo",
            "`sort -k2 -n /proc/vmallocinfo` lists who holds how much of it, `grep Vmalloc /proc/meminfo` how large "
            "it is.",
        ),
        Remedy(
            "free_memory",
            "Freeing memory, compaction, drop_caches and vm.min_free_kbytes: none of them makes address space.",
            helps=False,
        ),
    ]
    return tuple(found)


def _lacks_guard_alone(size_bytes: int, got_bytes: int) -> bool:
    """True if no more than the guard page, which has no memory, is missing. Both sizes are whole pages."""
    left = size_bytes - got_bytes
    return left in _PAGE_SIZES and not size_bytes % left


def _pages(message: Message, amount: str, asked: str) -> Finding:
    """The address space was there; a page for it was not."""
    got = next((notice.numbers["got_bytes"] for notice in message.notices if "got_bytes" in notice.numbers), None)
    mapping = any(notice.form == forms.MAPPING for notice in message.notices)
    if got is not None and message.requested_bytes and _lacks_guard_alone(message.requested_bytes, got):
        asked += (
            f" All of its pages ({got} bytes; one page more is a guard without memory) had been obtained: what failed "
            "was mapping them, for which the kernel needs single pages for its page tables."
        )
    elif got is not None:
        asked += f" {got} of {message.requested_bytes} bytes had been filled with pages when the next page was refused."
    elif mapping:
        asked += " Its pages were there; a page for the page tables that map them was refused."
    else:
        asked += " The address space was there; one of the pages for it was refused."
    return Finding(amount, asked, "", reasons.UNKNOWN, bool(message.order))
