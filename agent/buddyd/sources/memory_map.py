"""The map of who holds which pages, as events of kind `map`, see PROTOCOL.md. Imported only while one is made."""

from .. import compat, const, wire

_TEXT_MAX = const(216)  # what fits into an event behind the longest uptime and part
END = b"}"  # no digit
LEAST_MS = 10000  # between two maps, whatever asks for them
_EVENTS_SHARE = const(8)  # while events take this fraction of the ring, no map is made


class MapWriter:
    """Collects programs into the texts of events. send(part, text) is called for each."""

    def __init__(self, send):
        self._send = send
        self._part = 0
        self._restart()

    def _restart(self):
        """Each event can be read alone: its numbers are differences from 0."""
        self._text = bytearray()
        self._pid = self._start_s = self._page = 0
        self._name = ""

    def add(self, program):
        """program: as Programs.read() gives it."""
        entry = self._entry(program)
        if len(self._text) + len(entry) > _TEXT_MAX:
            self._flush()
            entry = self._entry(program)
        self._text += entry
        self._pid, self._name, self._start_s = program[0], program[1], program[2] // 100
        self._page = program[3][-1][0] + program[3][-1][1]

    def _entry(self, program):
        pid, name, start_cs, regions = program
        entry = bytearray()
        put_difference(entry, pid - self._pid)
        put_difference(entry, start_cs // 100 - self._start_s)
        if name == self._name and self._text:
            entry.append(wire.FIRST_DIGIT)
        else:
            wire.put_number(entry, len(name) + 1)
            entry += wire.printable(name)
        wire.put_number(entry, len(regions))
        page = self._page
        for first, pages in regions:
            put_difference(entry, first - page)
            wire.put_number(entry, pages)
            page = first + pages
        return entry

    def _flush(self):
        text = bytes(self._text)
        self._send(self._part, text)
        self._part += 1
        self._restart()

    def end(self, behind=b""):
        """behind: what follows the end. A /proc without processes, as a recorded one, makes no event."""
        if len(self._text) + len(END) + len(behind) > _TEXT_MAX:
            self._flush()
        if self._part or self._text or behind:
            self._text += END
            self._text += behind
            self._flush()


def put_difference(out, difference):
    """Twice the size, and 1 more if it is negative, as changes on the wire."""
    wire.put_number(out, 2 * abs(difference) + (1 if difference < 0 else 0))


def want(agent):
    """Something asks for a map: it is due now, or LEAST_MS after the last one."""
    now_ms = compat.ticks_ms()
    left_ms = compat.ticks_diff(agent.map_at_ms, now_ms)
    if left_ms > LEAST_MS:  # so nothing has asked since the last one, which was made map_ms before
        agent.map_at_ms = compat.ticks_add(now_ms, max(0, left_ms - agent.map_ms + LEAST_MS))


def make(agent):
    """Read the map and put it into the ring."""
    from .programs import Programs

    agent.map_at_ms = compat.ticks_add(compat.ticks_ms(), agent.map_ms)
    if agent.ring.event_bytes * _EVENTS_SHARE >= agent.ring.size_bytes:
        return
    uptime_cs = agent.sampler.uptime_cs()

    def send(part, text):
        agent.event(uptime_cs, "map", part, None, None, str(text, "ascii"))

    writer = MapWriter(send)
    system = agent.sampler.system
    try:
        for program in Programs(system.root, system.page_bytes).read():
            writer.add(program)
    except OSError:
        agent.event(uptime_cs, "source", None, None, None, "the map: no processes can be listed in " + system.root)
    writer.end()
