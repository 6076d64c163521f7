"""/proc/PID/stat and /proc/PID/maps: which program holds which pages, on a board without an MMU.

There addresses are physical, and each mapping is memory of its own (fs/proc/task_nommu.c). Imported only while a map is
read.
"""

from .. import compat
from .kernel_messages import printable
from .procfile import ProcFile

REGIONS_MAX = 22  # of one program: no more fit into a frame; the others are left out


def parse_stat(line):
    """(name, start in centiseconds since the boot, bytes mapped) of a process; ValueError for any other line.

    The name is in brackets and may contain some. Fields 22 and 23 of proc(5); clock ticks are centiseconds to programs.
    """
    opening, closing = line.find(b"("), line.rfind(b")")
    fields = line[closing + 1 :].split()
    if not 0 <= opening < closing or len(fields) < 21:
        raise ValueError(line)
    return printable(line[opening + 1 : closing]), int(fields[19]), int(fields[20])


def parse_region(line, page_bytes):
    """(first page, pages) of a line of maps; None for memory that is not the program's own; ValueError.

    An `s` is shared with the file that it shows: text that is executed in a ROM, or where the file lies in RAM. It
    stays when the program ends. Memory of its own begins at a page.
    """
    dash, blank = line.find(b"-"), line.find(b" ")
    start, end = int(line[:dash], 16), int(line[dash + 1 : blank], 16)
    if line[blank + 4 : blank + 5] != b"p" or start % page_bytes or end <= start:
        return None
    return start // page_bytes, (end - start + page_bytes - 1) // page_bytes


class Programs:
    """proc: the folder; page_bytes: the page size."""

    def __init__(self, proc, page_bytes):
        self._proc = proc
        self._page_bytes = page_bytes

    def read(self):
        """Yield (pid, name, start_cs, regions) of each process with memory of its own, by pid; OSError.

        regions: [(first page, pages)] in ascending order, at most REGIONS_MAX. Kernel threads have none.
        """
        pids = compat.numbers(self._proc)
        pids.sort()
        for pid in pids:
            folder = "%s/%d" % (self._proc, pid)
            try:
                self._mapped = 0
                self._read(folder, "/stat", self._take_stat)
                self._regions = []
                if self._mapped:
                    self._read(folder, "/maps", self._take_region)
            except OSError:
                continue  # it has ended meanwhile
            if self._regions:
                yield pid, self._name, self._start_cs, self._regions

    def _read(self, folder, name, handler):
        file = ProcFile(folder, name)
        try:
            file.lines(handler)
        finally:
            file.close()

    def _take_stat(self, line):
        self._name, self._start_cs, self._mapped = parse_stat(line)
        return True

    def _take_region(self, line):
        region = parse_region(line, self._page_bytes)
        if region is None:
            return None
        regions = self._regions
        if regions and regions[-1][0] + regions[-1][1] == region[0]:
            regions[-1] = regions[-1][0], regions[-1][1] + region[1]
        elif len(regions) < REGIONS_MAX:
            regions.append(region)
        return None
