"""/proc/buddyinfo: how many free blocks of each order every zone has (mm/vmstat.c, frag_show_print())."""

from .kernel_messages import printable
from .procfile import ProcFile


def parse_line(line):
    """(node, zone_name, counts) of a line such as `Node 0, zone   Normal      1      0      2 `; else ValueError.

    counts: list of int, free blocks of order 0, 1, ... There may be any number of orders: 6 on cris, 14 on blackfin.
    """
    fields = line.split()
    node_word, node, zone_word, name = fields[:4]
    counts = [int(field) for field in fields[4:]]
    if node_word != b"Node" or zone_word != b"zone" or min(counts) < 0:
        raise ValueError(line)
    return int(node.rstrip(b",")), printable(name), counts


class BuddyInfo(ProcFile):
    """The free blocks at the last read().

    zones:  list of (node, zone_name) in the file's order. A damaged line loses only its zone, see first_error.
    orders: the number of orders, the same for every zone.
    counts: flat list; the blocks of order o in zones[z] are counts[z * orders + o].
    """

    def __init__(self, proc_root):
        ProcFile.__init__(self, proc_root, "/buddyinfo")

    def read(self):
        """Read the file; OSError."""
        self._torn = None
        self._restart(0)
        self.lines(self._line)
        self.first_error = self.first_error or self._torn

    def _restart(self, orders):
        self.zones, self.counts, self.orders = [], [], orders

    def _line(self, line):
        node, name, counts = parse_line(line)
        if len(counts) > self.orders:
            if self.zones:
                self._torn = "%s: zone %s has only %d orders" % (self.path(), self.zones[0][1], self.orders)
            self._restart(len(counts))
        if len(counts) < self.orders:
            raise ValueError(line)
        self.zones.append((node, name))
        self.counts.extend(counts)

    def free_pages(self):
        """The pages in all free blocks."""
        pages = 0
        for i in range(len(self.counts)):
            pages += self.counts[i] << (i % self.orders)
        return pages
