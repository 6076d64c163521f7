"""One poll: reads the sources under /proc and puts their figures into the vector that the wire carries.

Columns: `up` (centiseconds), `proc` (processes created), `free` (MemFree minus the pages in buddyinfo), `recl`
(reclaimable), `slab`, `file` (files in memory; only without an MMU, where they tear it up), these in pages; then for
every zone min, low, high, reserve (if zoneinfo has them) and the free blocks of every order. The columns are fixed at
the start and listed in the hello. A source that is unreadable then stays missing; one that fails later keeps its last
value and is reported once, and again when it is back.
"""

from . import compat, const
from .sources import uptime
from .sources.buddyinfo import BuddyInfo
from .sources.meminfo import MemInfo
from .sources.procfile import ProcFile
from .sources.stat import Stat
from .sources.system import System
from .sources.zoneinfo import MARKS_PER_ZONE, ZoneInfo

MARKS_EVERY_MS = 60000  # marks change only when a sysctl is written, and zoneinfo is the longest file
_ZONES = const("memory-zones")  # named as missing while buddyinfo shows other zones or orders than at the start


class ZoneColumns:
    """Where one zone's figures stand in the vector."""

    def __init__(self, node, name, at, has_marks, orders):
        self.node = node
        self.name = name
        self.at = at
        self.has_marks = has_marks
        self.counts_at = at + (MARKS_PER_ZONE if has_marks else 0)
        self.end = self.counts_at + orders
        self.orders = orders

    def nr_free(self, vector):
        """Free blocks by order, a new list."""
        return vector[self.counts_at : self.end]

    def marks(self, vector):
        """(min, low, high, reserve) in pages, None if they are not known."""
        return vector[self.at : self.counts_at] if self.has_marks else None


class Sampler:
    """OSError or ValueError if there is no usable buddyinfo; every other source may be missing."""

    def __init__(self, proc):
        self._buddyinfo, self._zoneinfo = BuddyInfo(proc), ZoneInfo(proc)
        self._meminfo, self._stat = MemInfo(proc), Stat(proc)
        self._uptime = ProcFile(proc, "/uptime")
        self._failed = []  # sources that are missing or failed
        self._marks_ms = compat.ticks_ms()  # when the marks were read last
        self._up_cs, self._up_ms = 0, compat.ticks_ms()
        self._wrapped_cs = 0  # added to /proc/uptime because it has wrapped since the start
        self._read_blocks()
        self._names = list(self._buddyinfo.zones)  # those of the layout: [(node, zone_name)]
        self._try("meminfo", self._read_memory)
        self._try("stat", self._read_processes)
        self._try("zoneinfo", self._read_marks)
        self._try("uptime", self._read_uptime)
        self.system = System(proc)
        self.refresh()
        self._lay_out()

    def _try(self, name, read):
        """True if read() succeeded; a source that failed is in _failed from then on."""
        try:
            read()
        except (OSError, ValueError):
            if name not in self._failed:
                self._failed.append(name)
            return False
        if name in self._failed:
            self._failed.remove(name)
        return True

    def refresh(self):
        """Read the facts that hardly ever change."""
        memory = None if "meminfo" in self._failed else self._meminfo
        self.system.read(self._buddyinfo.free_pages(), memory)

    def _read_blocks(self):
        self._buddyinfo.read()
        if not self._buddyinfo.zones:
            raise ValueError(self._buddyinfo.first_error or "no zone in it")

    def _read_memory(self):
        self._meminfo.read()
        if self._meminfo.free_kb is None:
            raise ValueError

    def _read_processes(self):
        self._stat.read()
        if self._stat.processes is None:
            raise ValueError

    def _read_marks(self):
        self._zoneinfo.read(self._names)
        if self._zoneinfo.marks.count(None) == len(self._zoneinfo.marks):
            raise ValueError

    def _read_uptime(self):
        up_cs = uptime.read(self._uptime) + self._wrapped_cs
        if up_cs < self._up_cs:  # kernels that count in 32-bit jiffies start again at 0 after 497 days at 100 Hz
            before_cs = self._counted_on()
            self._wrapped_cs += before_cs - up_cs
            up_cs = before_cs
        self._up_cs, self._up_ms = up_cs, compat.ticks_ms()

    def _lay_out(self):
        self.columns, self._wants_memory = ["up"], False
        if "stat" not in self._failed:
            self.columns.append("proc")
        if "meminfo" not in self._failed and self.system.page_bytes:
            for name, kb in (
                ("free", self._meminfo.free_kb),
                ("recl", self._meminfo.reclaimable_kb),
                ("slab", self._meminfo.slab_kb),
                ("file", self._meminfo.cached_kb if self.system.no_mmu else None),
            ):
                if kb is not None:
                    self.columns.append(name)
                    self._wants_memory = True
        self.zones, at, marks = [], len(self.columns), self._zoneinfo.marks
        for i in range(len(self._names)):
            node, name = self._names[i]
            first = i * MARKS_PER_ZONE
            has_marks = bool(marks) and None not in marks[first : first + MARKS_PER_ZONE]
            zone = ZoneColumns(node, name, at, has_marks, self._buddyinfo.orders)
            self.zones.append(zone)
            at = zone.end
        self.vector = [0] * at
        self._fill_marks()

    def read(self, news):
        """Take a sample into `vector`; False if that fails. news(text) is called for sources that fail or are back."""
        was_failed = list(self._failed)
        usable = self._try("buddyinfo", self._read_blocks)
        if self._wants_memory:
            self._try("meminfo", self._read_memory)
        if "proc" in self.columns:
            self._try("stat", self._read_processes)
        self._try("uptime", self._read_uptime)
        now_ms = compat.ticks_ms()
        if compat.ticks_diff(now_ms, self._marks_ms) >= MARKS_EVERY_MS:
            self._marks_ms = now_ms
            if self._try("zoneinfo", self._read_marks):
                self._fill_marks()
        if usable:
            self._fill()
            self._try(_ZONES, self._compare_zones)
        for name in self._failed:
            if name not in was_failed:
                news(self._zones_news() if name == _ZONES else "lost " + name)
        for name in was_failed:
            if name not in self._failed:
                news("back " + name)
        return usable

    def _fill(self):
        vector = self.vector
        for zone in self.zones:
            self._fill_zone(zone)
        vector[0] = self.uptime_cs()
        page_kb = (self.system.page_bytes or 1024) // 1024
        for i in range(1, len(self.columns)):
            name = self.columns[i]
            if name == "proc":
                value = self._stat.processes
            elif name == "free":
                value = self._meminfo.free_kb
                value = None if value is None else value // page_kb - self._block_pages()
            else:
                memory = self._meminfo
                kb = memory.cached_kb if name == "file" else memory.slab_kb
                value = memory.reclaimable_kb if name == "recl" else kb
                value = None if value is None else value // page_kb
            if value is not None:
                vector[i] = value

    def _fill_zone(self, zone):
        buddyinfo = self._buddyinfo
        if (zone.node, zone.name) not in buddyinfo.zones or buddyinfo.orders != zone.orders:
            return  # it keeps its last figures, see _compare_zones()
        start = buddyinfo.zones.index((zone.node, zone.name)) * buddyinfo.orders
        for order in range(zone.orders):
            self.vector[zone.counts_at + order] = buddyinfo.counts[start + order]

    def _compare_zones(self):
        """ValueError if buddyinfo shows other zones than at the start: memory was plugged, or a line is damaged."""
        if self._buddyinfo.zones != self._names or self._buddyinfo.orders != self.zones[0].orders:
            raise ValueError

    def _zones_news(self):
        found = self._buddyinfo.first_error or ", ".join(["%d/%s" % zone for zone in self._buddyinfo.zones])
        return "memory zones changed: restart buddyd to read the new ones; found: " + found

    def _block_pages(self):
        """Pages in the free blocks of the vector, with the last figures of zones that cannot be read."""
        pages = 0
        for zone in self.zones:
            for order in range(zone.orders):
                pages += self.vector[zone.counts_at + order] << order
        return pages

    def _fill_marks(self):
        marks = self._zoneinfo.marks
        for i in range(len(self.zones)):
            zone, first = self.zones[i], i * MARKS_PER_ZONE
            if zone.has_marks and len(marks) >= first + MARKS_PER_ZONE:
                for k in range(MARKS_PER_ZONE):
                    if marks[first + k] is not None:
                        self.vector[zone.at + k] = marks[first + k]

    def uptime_cs(self):
        """Centiseconds since the kernel's boot; without /proc/uptime, counted from the last known value."""
        return self._counted_on() if "uptime" in self._failed else self._up_cs

    def _counted_on(self):
        passed_cs = compat.ticks_diff(compat.ticks_ms(), self._up_ms) // 10
        self._up_cs += passed_cs
        self._up_ms = compat.ticks_add(self._up_ms, passed_cs * 10)
        return self._up_cs

    def value(self, column):
        """The last value of one of the named columns, None if there is no such column. free: MemFree in pages."""
        if column not in self.columns:
            return None
        value = self.vector[self.columns.index(column)]
        return value + self._block_pages() if column == "free" else value

    def missing(self):
        """Names of the sources that cannot be read."""
        return self._failed + [name for name in self.system.missing if name not in self._failed]

    def facts(self):
        """The hello's facts about kernel and columns: yields (key, str)."""
        system = self.system
        yield "kernel", system.release or "?"
        yield "machine", system.machine or "?"
        yield "page_bytes", str(system.page_bytes or "?")
        yield "nommu", "?" if system.no_mmu is None else str(int(system.no_mmu))
        yield "compaction", system.compaction or "?"
        if system.is_smp:
            yield "smp", "1"
        yield "kboot", system.boot_id or "-"
        if system.min_free_order_shift is not None:
            yield "shift", str(system.min_free_order_shift)
        if system.nr_trim_pages is not None:
            yield "trim", str(system.nr_trim_pages)
        kinds = [("ram", "rom", "disk")[i] for i in range(3) if (system.files or 0) >> i & 1]
        yield "files", "?" if system.files is None else ",".join(kinds) or "-"
        yield "cols", ",".join(self.columns)
        yield "zones", str(len(self.zones))
        for i in range(len(self.zones)):
            zone = self.zones[i]
            marks = zone.marks(self.vector) or ["-"] * MARKS_PER_ZONE
            yield "z%d" % i, "/".join([str(part) for part in [zone.node, zone.name, zone.orders] + marks])
