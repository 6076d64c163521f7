"""Makes one event of the kernel's lines about one failure, and counts those for which the ring has no room.

Without an MMU a program that cannot start gives up to three lines: the allocator's (`page`), mmap's (`alloc`), and the
loader's (`load`). mmap's has the bytes, the process and the program; the others are left out. Imported with the first
line, and unloaded when a minute has passed without one: a board that works pays nothing.
"""

from .. import compat, const
from . import memory_map

EVENTS_SHARE = const(4)  # kernel failures take at most this fraction of the ring
_MORE_MS = const(60000)  # between two events that count the others
_ENOMEM = const(12)
# From mmap's line to the loader's: the kernel prints its memory state in between, 3 kB, which a console of 9600 baud
# takes 3 s for.
_LOADER_CS = const(1000)


class Failures:
    """agent: agent.Agent, whose event() makes the frames."""

    def __init__(self, agent):
        self.agent = agent
        self._held = None  # an allocator's line that waits for mmap's about the same request
        self._was_held = False  # at the last poll, too
        self._refused_cs = -1  # when mmap's line came that may be followed by the loader's
        self._count = 0  # failures that had no room since the last event
        self._last = None  # the newest of them
        self._since_ms = compat.ticks_ms()

    def take(self, found, text, stamp_cs):
        """A line of the kernel. found: kernel_messages.parse()'s. The map of the moment is worth having, too."""
        memory_map.want(self.agent)
        kind, comm = found[0], found[3]
        if kind in ("alloc", "vma"):
            if self._held is not None and comm in (None, self._held[0][3]):
                self._held = None
            self._refused_cs = stamp_cs
        elif kind == "load" and found[1] == _ENOMEM and 0 <= self._refused_cs >= stamp_cs - _LOADER_CS:
            self._refused_cs = -1
            return
        self.send_held()
        line = (found, text, stamp_cs)
        if kind == "page":
            self._held, self._was_held = line, False
        else:
            self._send(line)

    def is_map_due(self):
        """True if a map of the moment of this failure can be made now."""
        return self.agent.map_ms and compat.ticks_diff(compat.ticks_ms(), self.agent.map_at_ms) >= 0

    def polled(self):
        """Called once a poll. True when nothing waits here."""
        if self._was_held:
            self.send_held()
        self._was_held = self._held is not None
        if compat.ticks_diff(compat.ticks_ms(), self._since_ms) < _MORE_MS:
            return False
        if self._count:
            found, text, stamp_cs = self._last
            text = "%d more; the newest: %s" % (self._count, text)
            self.agent.event(stamp_cs, "more", self._count, found[2], found[3], text)
            self._count, self._last = 0, None
            self._since_ms = compat.ticks_ms()
            return False
        return not self._was_held

    def send_held(self):
        held, self._held = self._held, None
        if held is not None:
            self._send(held)

    def _send(self, line):
        ring = self.agent.ring
        self._since_ms = self._since_ms if self._count else compat.ticks_ms()
        if ring.event_bytes * EVENTS_SHARE >= ring.size_bytes:
            self._count += 1
            self._last = line
            return
        (kind, number, pid, comm), text, stamp_cs = line
        self.agent.event(stamp_cs, kind, number, pid, comm, text)
        ring.urgent = ring.next - 1
