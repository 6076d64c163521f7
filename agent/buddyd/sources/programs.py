"""/proc/PID/stat and /proc/PID/maps: which program holds which pages, on a board without an MMU.

There addresses are physical, and each mapping is memory of its own (fs/proc/task_nommu.c). Imported only while a map is
read.
"""

from .. import compat, const
from .kernel_messages import printable
from .procfile import ProcFile

REGIONS_MAX = 22  # of one program at a time: no more fit into a frame
PASSES_MAX = const(16)  # over the regions of one program; what is left then is left out


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
    """proc: the folder, with a slash at its end; page_bytes: the page size."""

    def __init__(self, proc, page_bytes):
        self._proc = proc
        self._page_bytes = page_bytes

    def read(self, pids=None):
        """Yield (pid, name, start_cs, regions) of each process with memory of its own, by pid; OSError.

        pids: of these processes only, those that still run.

        regions: [(first page, pages)] in ascending order, at most REGIONS_MAX; a process with more comes again with
        the others. Kernel threads have none.
        """
        if pids is None:
            pids = compat.numbers(self._proc)
            pids.sort()
        for pid in pids:
            folder = "%s%d" % (self._proc, pid)
            self._mapped = self._taken = 0
            self._of(folder, "/stat", self._take_stat)
            passes = PASSES_MAX if self._mapped else 0
            while passes:
                self._regions, self._line, self._is_full = [], 0, False
                self._of(folder, "/maps", self._take_region)
                if self._regions:
                    yield pid, self._name, self._start_cs, self._regions
                passes = passes - 1 if self._is_full else 0

    def _of(self, folder, name, handler):
        file = ProcFile(folder, name)
        try:
            file.lines(handler)
        except OSError:
            pass  # it has ended meanwhile
        file.close()

    def _take_stat(self, line):
        self._name, self._start_cs, self._mapped = parse_stat(line)
        return True

    def _take_region(self, line):
        self._line += 1
        if self._line <= self._taken:
            return None
        region, regions = parse_region(line, self._page_bytes), self._regions
        if region is not None and regions and sum(regions[-1]) == region[0]:
            regions[-1] = regions[-1][0], regions[-1][1] + region[1]
        elif region is not None:
            self._is_full = len(regions) >= REGIONS_MAX
            if self._is_full:
                return True
            regions.append(region)
        self._taken = self._line
        return None
