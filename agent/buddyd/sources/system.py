"""Facts that do not change while a kernel runs: its release, the processor, page size, MMU, compaction."""

from .. import forget


class System:
    """The facts at the last read(), each None if it cannot be known.

    release; machine: up to 24 characters, no blanks; boot_id: the first 8 hex digits of the kernel's; no_mmu: True or
    False; compaction: "supported", "not-compiled" or "impossible"; page_bytes; nr_trim_pages, min_free_order_shift: the
    sysctls of these names; is_smp: True for a kernel built for several processors. files: where files lie, as bits:
    1 RAM, 2 a ROM, 4 on a device or a server. missing: the expected files under /proc that could not be read.
    """

    def __init__(self, proc_root):
        self.root = proc_root + "/"
        self.machine = self.page_bytes = None

    def read(self, free_pages, memory):
        """Read everything again. free_pages: of a BuddyInfo just read. memory: a MemInfo just read, or None."""
        try:
            from . import system_files  # 1 kB of heap, 5 kB from .mpy, needed at the start and every ten minutes
        except (ImportError, OSError):
            return  # buddyd's files cannot be read any more: the facts stay
        system_files.Reader(self, self.root).read(free_pages, memory)
        forget("buddyd.sources", "system_files")
