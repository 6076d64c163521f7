"""Reads the facts of system.System. Imported only for that."""

from .. import compat, const
from .kernel_messages import printable
from .procfile import ProcFile

# How /proc/cpuinfo names the processor: m68k and nios2, old ARM, x86, blackfin and ARM, MIPS, SH, PowerPC, and RISC-V:
# its microarchitecture, which emulators do not have, or its instruction set.
_MACHINE_KEYS = (b"CPU:", b"Processor", b"model name", b"cpu model", b"cpu type", b"cpu\t", b"uarch\t", b"isa\t")
_MACHINE_CHARS = const(24)
# Where files lie, see system.System.files; the last is a ramfs that every kernel mounts first, under the later root.
_RAM = const(1)
_ROM = const(2)
_DISK = const(4)
_ROOTFS = const(8)


def page_bytes_from(free_kb, free_pages):
    """The page size at which free_pages are about free_kb; None if no size fits, or one of them is 0 or None.

    The two are read one after the other, so they may differ by a quarter: page sizes differ by a factor of two.
    """
    for page_kb in (4, 8, 16, 64):
        if free_kb and free_pages and 3 * page_kb * free_pages < 4 * free_kb < 5 * page_kb * free_pages:
            return page_kb * 1024
    return None


class Reader:
    """system: the system.System whose facts are read. root: where /proc is, with a slash at the end."""

    def __init__(self, system, root):
        self._system = system
        self._root = root

    def read(self, free_pages, memory):
        """As System.read()."""
        system = self._system
        system.missing = []
        system.release = printable(self._row("sys/kernel/osrelease")) or self._release_in_version()
        system.boot_id = printable(self._row("sys/kernel/random/boot_id")[:8]) or None
        system.nr_trim_pages = self._number("sys/vm/nr_trim_pages")
        system.min_free_order_shift = self._number("sys/vm/min_free_order_shift")
        # CONFIG_SMP, however many processors there are. The release is mostly in another file, so it may be missing.
        system.is_smp = compat.exists(self._root + "version") and b" SMP " in self._row("version")
        self._read_machine()
        self._find_mmu(memory)
        self._find_compaction()
        self._value = 0
        found = self._scan("mounts", self._mount)
        system.files = self._value & 7 | (_RAM if self._value & _ROOTFS else 0) if found else None
        if not system.page_bytes:
            self._find_page_bytes(free_pages, memory and memory.free_kb)

    def _row(self, name, key=b""):
        """The rest of the first row of <proc>/name that starts with key, stripped; empty if there is none."""
        self._key, self._value = key, b""
        found = self._scan(name, self._match)
        if not (found or name in self._system.missing or name.startswith("sys/vm/")):  # most kernels lack most of those
            self._system.missing.append(name)
        return self._value.strip()

    def _scan(self, name, handler):
        """Give the lines of <proc>/name to the handler; True if it could be read."""
        file = ProcFile(self._root, name)
        try:
            file.lines(handler)
            return True
        except OSError:
            return False
        finally:
            file.close()

    def _match(self, line):
        if not line.startswith(self._key):
            return b"\n" + self._key
        self._value = line[len(self._key) :]
        return True

    def _number(self, name, key=b""):
        value = self._row(name, key).split(b" ")[0]
        try:
            return int(value)
        except ValueError:
            return None

    def _release_in_version(self):
        """`uClinux version 2.6.30-uc0 (build@board) ...`"""
        words = self._row("version").split()
        return printable(words[2]) if len(words) > 2 else None

    def _read_machine(self):
        for key in _MACHINE_KEYS:
            if not self._system.machine:
                value = printable(self._row("cpuinfo", key).lstrip(b"\t :"))
                self._system.machine = "-".join(value.split())[:_MACHINE_CHARS] or None

    def _find_mmu(self, memory):
        """Three signs of no MMU: a sysctl of mm/nommu.c, a row of meminfo `#ifndef CONFIG_MMU`, both from about 2.6.29
        to 7.2, and cpuinfo on m68k and RISC-V. Without meminfo, a sysctl that only kernels with an MMU have decides."""
        self._system.no_mmu = (
            self._system.nr_trim_pages is not None
            or self._row("meminfo", b"MmapCopy:") != b""
            or b"none" in (self._row("cpuinfo", b"MMU:"), self._row("cpuinfo", b"mmu").lstrip(b"\t :"))
            or (False if memory or compat.exists(self._root + "sys/vm/max_map_count") else None)
        )

    def _find_compaction(self):
        """CONFIG_COMPACTION depends on MMU in every tree from 2.6.35 to 7.2.

        compact_memory is never opened: a write would start compaction. The row in vmstat also needs
        CONFIG_VM_EVENT_COUNTERS, so only its presence proves something.
        """
        if self._system.no_mmu:
            self._system.compaction = "impossible"
        elif compat.exists(self._root + "sys/vm/compact_memory") or self._row("vmstat", b"compact_stall "):
            self._system.compaction = "supported"
        else:
            self._system.compaction = "not-compiled" if compat.exists(self._root + "sys/vm/min_free_kbytes") else None

    def _mount(self, line):
        source, folder, kind = line.split(b" ", 3)[:3]  # ValueError for an incomplete line: it is skipped
        files = _DISK if source[:1] == b"/" or source[:3] in (b"mtd", b"ubi") or b":" in source else 0
        if kind in (b"ramfs", b"tmpfs"):
            files = _RAM
        elif kind in (b"romfs", b"cramfs", b"squashfs"):
            files = _ROM
        elif kind == b"rootfs":
            files = _ROOTFS
        if folder == b"/":
            self._value &= ~_ROOTFS
        self._value |= files

    def _find_page_bytes(self, free_pages, free_kb):
        """The page size. With an MMU the kernel prints it in smaps, since 2.6.29; else compare two figures.

        The comparison fails if a virtual machine gets its memory gradually: MemFree includes memory still to come,
        22.4 GB on one machine, and buddyinfo only memory that is there, 5.1 GB. That looks like pages of 16 kB.
        """
        page_kb = None if self._system.no_mmu else self._number("self/smaps", b"KernelPageSize:")
        self._system.page_bytes = (
            (page_kb and page_kb * 1024)
            or page_bytes_from(free_kb, free_pages)
            or page_bytes_from(free_kb, self._number("vmstat", b"nr_free_pages "))
        )
        if self._system.page_bytes and "self/smaps" in self._system.missing:
            self._system.missing.remove("self/smaps")  # the page size is known without it
