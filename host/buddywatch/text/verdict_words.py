"""Why a request fails and what helps: the same sentences in mails and in `explain`. Pure.

Readers may not know what an order is, so sizes are in bytes and pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from buddyd import watermark

from buddywatch.text.escape import counted, one_line
from buddywatch.text.units import format_bytes

Test = tuple[int, int, int]  # order, pages held in blocks of that order or larger, pages demanded there

_INDENT = "  "

TOO_LITTLE = "Total free memory is too small:"
FREE_SOME = (
    "Total free memory is too small: end programs that are not needed, and remove files from ramfs, "
    "tmpfs and RAM disks, which also use memory."
)
_LARGE_AGAIN = "makes large blocks again"
_PLAN_A_REBOOT = "Plan one before the request is needed."
NO_MMU_CANNOT_MOVE = (
    "This board has no MMU, so its kernel cannot move memory together (compaction is impossible): only a reboot "
    f"{_LARGE_AGAIN}. {_PLAN_A_REBOOT}"
)
NO_COMPACTION = (
    "This kernel was built without compaction (CONFIG_COMPACTION): only a reboot, or ending the programs that "
    f"hold the memory, {_LARGE_AGAIN}."
)
REBOOT_OR_END = f"A reboot, or ending the programs that hold the memory, {_LARGE_AGAIN}."
# In explain and in the live view.
REBOOT = f"A reboot {_LARGE_AGAIN}; otherwise only ending programs that hold memory does. {_PLAN_A_REBOOT}"
REBOOT_IN_SHORT = f"reboot: that alone {_LARGE_AGAIN}"
PLAN_A_REBOOT_IN_SHORT = f"plan a reboot: only that {_LARGE_AGAIN}"


def reboot_in_vain(uptime_s: int) -> str:
    return (
        f"A reboot {_LARGE_AGAIN}, but the failure came {uptime_s} s after the last one: if nothing "
        "special ran in between, the next boot ends there as well."
    )


def damages_shell(release: str) -> bool:
    """Whether a refused start of a program damages what started it, on a kernel without an MMU.

    load_flat_file() in fs/binfmt_flat.c calls flush_old_exec() before it asks for memory. That lets the parent of a
    vfork() go on, so that a child whose execve() comes back runs on its parent's stack: read in 2.6.24, 2.6.30,
    3.10.108, 3.16 and 3.17.4, seen on 2.6.30. From 3.18 on (3.18.20 was read) search_binary_handler() in fs/exec.c
    kills such a child with SIGSEGV.
    """
    version = watermark.version(release)
    return version is not None and version < (3, 18)


RETRY = (
    "Do not try again from the same shell: before Linux 3.18 each refused start damages the shell that tried it, and "
    "later commands fail in odd ways. The kernel lets the shell go on before it asks for the program's memory "
    "(fs/binfmt_flat.c), and after a refusal both run on one stack."
)


def no_dmesg(page_bytes: int) -> str:
    return (
        "Do not start programs to look at it, not even `dmesg`: a start that finds no block of up to "
        f"{format_bytes(page_bytes << watermark.COSTLY_ORDER)} calls the OOM killer, which may take buddyd."
    )


def files_in_ram(size_bytes: int) -> str:
    """On a board with a ROM and files in RAM, Linux 2.6.30, drop_caches freed 72 of 2472 kB: cache of the ROM."""
    return (
        f"{format_bytes(size_bytes)} are listed as caches, but nearly all of it lies in files in RAM (ramfs, tmpfs), "
        "which go only when they are deleted."
    )


def perhaps_in_ram(most: str) -> str:
    return (
        f"Up to {most} are listed as caches. How much of it can go is not known: this kernel lists files in RAM "
        "(ramfs, tmpfs) with them, and those go only when they are deleted. /proc/mounts shows where files lie."
    )


def no_block(block_bytes: int) -> str:
    return f"No free block is as large as {format_bytes(block_bytes)}; the free memory is in smaller pieces:"


def held_back(block_bytes: int) -> str:
    return (
        f"A free block of {format_bytes(block_bytes)} exists, but after taking it too few pages would stay free in "
        "blocks of some size up to that one (the watermark, halved from size to size):"
    )


def table_of_tests(tests: Sequence[Test], page_bytes: int) -> list[str]:
    """The tests of the kernel's rule, one per line, so that they can be checked by hand."""
    lines = [f"{_INDENT}{'in blocks of':<24}{'pages free':>12}{'pages required':>16}"]
    previous = None
    for order, held, demanded in tests:
        size = f"{format_bytes(page_bytes << order)} or larger" if order else "any size"
        if order == previous:
            size = "of these, not reserved"
        previous = order
        missing = f"   short by {format_bytes((demanded - held) * page_bytes)}" if held < demanded else ""
        lines.append(f"{_INDENT}{size:<24}{held:>12}{demanded:>16}{missing}")
    return lines


def oom_killer(page_bytes: int) -> str:
    limit = 1 << watermark.COSTLY_ORDER
    return (
        f"A request of up to {limit} pages ({format_bytes(limit * page_bytes)}) does not fail on Linux: instead "
        "the kernel's OOM killer kills a process to make room, the requesting one or another."
    )


def counted_beside(beside_pages: int) -> str:
    """Why the pages that the kernel counts as free are not those in the free blocks."""
    which = "more" if beside_pages > 0 else "fewer"
    return (
        f"The kernel counts {counted(abs(beside_pages), 'free page')} {which} than its blocks contain, as each "
        "processor holds back a few changes of the count (CONFIG_SMP). It decides by the count."
    )


def compacting(release: str) -> str:
    """How to compact memory on a kernel that can, and whether that is dangerous."""
    text = "As root on the board, `echo 1 > /proc/sys/vm/compact_memory` makes the kernel move memory together."
    version = re.match(r"(\d{1,3})\.(\d{1,3})", release)
    if version is None or (int(version[1]), int(version[2])) < (3, 3) or ".el6" in release:
        # Linux 3.3 has the two fixes in mm/compaction.c (a missing pfn_valid() and a missing page_zone() test).
        text += " Beware: kernels before 3.3, and some of RHEL 6, may crash from it; this one is"
        text += f" {one_line(release, 60)}." if release else " of unknown release."
    return text
