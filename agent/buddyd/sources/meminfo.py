"""/proc/meminfo: the figures that buddyinfo does not have (fs/proc/meminfo.c)."""

from .procfile import ProcFile

_KEYS = (b"MemFree", b"Buffers", b"Cached", b"Active(file)", b"Inactive(file)", b"Slab", b"SReclaimable")


def parse_line(line):
    """(key, kB) of a line such as `MemFree:             912 kB`; ValueError for any other."""
    key, value = line.split(b":", 1)
    return key, int(value.rstrip(b" kB"))


class MemInfo(ProcFile):
    """The figures at the last read(), each None if the kernel does not print it.

    free_kb; slab_kb; cached_kb: files in memory; reclaimable_kb: what reclaim could free at best.
    """

    def __init__(self, proc_root):
        ProcFile.__init__(self, proc_root, "/meminfo")

    def read(self):
        """Read the file; OSError."""
        self._kb = [None] * len(_KEYS)
        self.lines(self._line)
        self.free_kb, buffers, cached, active, inactive, self.slab_kb, slab_reclaimable = self._kb
        self.cached_kb = cached
        # Cached would include ramfs and tmpfs, the root file system of many boards, which cannot be reclaimed: with
        # 1872 kB Cached, all Unevictable, an MCF5208 had nothing to reclaim. The rows per list exist since 2.6.28.
        if active is None or inactive is None:
            active, inactive, slab_reclaimable = buffers, cached, None
        self.reclaimable_kb = None if inactive is None else (active or 0) + inactive + (slab_reclaimable or 0)

    def _line(self, line):
        key = line[: line.find(b":")]
        if key in _KEYS:
            self._kb[_KEYS.index(key)] = parse_line(line)[1]
        if key == b"Inactive(file)":
            return b"\nSlab:"
        return True if key == b"SReclaimable" else None
