"""/proc/zoneinfo: the marks below which a zone's free pages may not fall (mm/vmstat.c, zoneinfo_show_print()).

Every kernel from 2.6.30 to 7.2 prints, per zone, `pages free`, then rows among which are min, low and high (in pages,
boost included), and then `protection: (...)` before or after a block of nr_* counters, and `pagesets`, which has a
`high:` of its own. Since 4.9 a block of per-node counters stands before `pages free` of a node's first zone. Newer
kernels list zones without any memory as well.
"""

from .kernel_messages import printable
from .procfile import ProcFile

_MARKS = (b"min", b"low", b"high")
MARKS_PER_ZONE = 4


def parse_line(line):
    """(key, value) of a line that matters, else None; ValueError if its value cannot be read.

    b"Node": (node, zone_name). b"min", b"low", b"high": pages. b"protection:": list of pages.
    """
    fields = line.split(None, 1)
    if len(fields) < 2:
        return None
    key, value = fields
    if key in _MARKS:
        return key, int(value)
    if key == b"Node":
        node, name = value.split(b", zone")
        return key, (int(node), printable(name.strip()))
    if key == b"protection:":
        return key, [int(pages) for pages in value.strip().strip(b"()").split(b",")]
    return None


def normal_reserve(protection, node_zones, all_zones):
    """The pages that a GFP_KERNEL (ZONE_NORMAL) request has to leave in a zone on top of its mark.

    protection: the zone's lowmem_reserve[], an entry per zone type that the kernel was built with, in the order DMA,
    DMA32, Normal, HighMem, Movable, Device. node_zones, all_zones: the zone names listed for its node, and for any.

    If the node lists as many zones as there are entries, Normal's entry has the position of Normal. Older kernels list
    only zones with memory; then as many types come before Normal as are seen on any node. That is certain only if
    Normal, Movable (built in since 2.6.23) and the types seen make up all entries: an empty DMA32 or HighMem is not
    visible. In doubt the largest entry is used: entries never fall from Normal's on, and too large a reserve warns
    early instead of late.
    """
    if len(node_zones) == len(protection) and "Normal" in node_zones:
        return protection[node_zones.index("Normal")]
    below = ("DMA" in all_zones) + ("DMA32" in all_zones)
    above = ("HighMem" in all_zones) + ("Device" in all_zones)
    return protection[below] if below + above + 2 == len(protection) else max(protection)


class ZoneInfo(ProcFile):
    """marks, at the last read(): a flat list, for each of the zones given to it min, low, high and reserve
    (normal_reserve()) in pages; None if zoneinfo does not say."""

    def __init__(self, proc_root):
        ProcFile.__init__(self, proc_root, "/zoneinfo")
        self.marks = []

    def read(self, zones):
        """Read the marks of zones, a list of (node, zone_name) as in BuddyInfo; OSError."""
        self._listed = []  # [(node, zone_name), min, low, high, protection] of each zone
        self.lines(self._line)
        self.marks = []
        for zone in zones:
            self.marks.extend(self._marks_of(zone))
        self._listed = None

    def _line(self, line):
        if line.startswith(b"Node"):
            self._listed.append([(None, ""), None, None, None, None])  # a damaged line also ends the zone before it
        found = parse_line(line)
        if found is None or not self._listed:
            return None
        key, value = found
        zone = self._listed[-1]
        if key == b"Node":
            zone[0] = value
            return b"\n  pages free"  # skips the per-node counters
        if key == b"protection:":
            zone[4] = value
            return b"\nNode "  # skips counters and pagesets
        zone[1 + _MARKS.index(key)] = value
        return b"\n        protection:" if key == b"high" else None

    def _marks_of(self, zone):
        marks = [None] * MARKS_PER_ZONE
        for listed in self._listed:
            if listed[0] == zone:
                marks = listed[1:]
        if marks[3]:
            node_zones = [listed[0][1] for listed in self._listed if listed[0][0] == zone[0]]
            marks[3] = normal_reserve(marks[3], node_zones, [listed[0][1] for listed in self._listed])
        return marks
