"""Which programs were started and which ended, as events of kind `born`, see PROTOCOL.md, without an MMU.

/proc is listed only when the kernel's count of processes has risen, and then at each poll while one of the new programs
still runs, a few minutes at most. A program that starts and ends between two polls is not seen: only the count has it.
Imported with the first start after that of the agent.
"""

from .. import compat, const, forget, wire

PIDS_MAX = const(160)  # processes that are followed; with more, those with the largest pids are not
BORN_MAX = const(8)  # programs that wait for an event
ENDED_MAX = const(24)  # the same for ends
HOLD_MS = const(300000)  # how long at most: an event for each start would take more of the ring than the snapshots
YOUNG_POLLS = const(24)  # for so many polls after a start its end is looked for
_EVENTS_SHARE = const(8)  # while events take this fraction of the ring, none is made


class Births:
    """agent: agent.Agent. created: the kernel's count of processes, since_cs: the uptime at the poll before."""

    def __init__(self, agent, created, since_cs):
        self._agent = agent
        self._created = created
        self._since_cs = since_cs
        self._known = None  # pids at the last look, in ascending order
        self._young = []  # pids of programs whose end is looked for
        self._polls = 0  # how often still
        self._born = []  # programs that no event has yet, as Programs.read() gives them
        self._ended = []  # (pid, uptime in centiseconds)
        self._due_ms = 0  # when they go at the latest

    def polled(self, created):
        """Called once a poll with the kernel's count of processes."""
        if created != self._created or self._polls:
            self._look(created)
        if (self._born or self._ended) and compat.ticks_diff(compat.ticks_ms(), self._due_ms) >= 0:
            self.flush()

    def _make_room(self):
        if len(self._born) >= BORN_MAX or len(self._ended) >= ENDED_MAX:
            self.flush()

    def _look(self, created):
        from .programs import Programs

        system = self._agent.sampler.system
        try:
            pids = compat.numbers(system.root)
        except OSError:
            return
        pids.sort()
        del pids[PIDS_MAX:]
        if not (self._born or self._ended):
            self._due_ms = compat.ticks_add(compat.ticks_ms(), HOLD_MS)
        known = self._known or ()
        new = [pid for pid in pids if pid not in known]
        now_cs = self._agent.sampler.uptime_cs()
        young = [pid for pid in self._young if pid in pids]
        for program in Programs(system.root, system.page_bytes).read(new):
            # At the first look all are new to it. Of many regions the first ones are enough.
            if program[2] >= self._since_cs and program[0] not in young:
                self._make_room()
                self._born.append(program)
                young.append(program[0])
        for pid in known:
            if pid not in pids:
                self._make_room()
                self._ended.append((pid, now_cs))
        self._polls = YOUNG_POLLS if created != self._created else self._polls - 1 if young else 0
        self._known, self._young, self._created = pids, young, created
        forget("buddyd.sources", "programs")

    def flush(self):
        """Put what waits into the ring."""
        from .memory_map import MapWriter, put_difference

        born, ended = self._born, self._ended
        self._born, self._ended = [], []
        agent, ring = self._agent, self._agent.ring
        if ring.event_bytes * _EVENTS_SHARE < ring.size_bytes:
            uptime_cs = agent.sampler.uptime_cs()

            def send(part, text):
                agent.event(uptime_cs, "born", part, None, None, str(text, "ascii"))

            writer, behind, before = MapWriter(send), bytearray(), 0
            for program in born:
                writer.add(program)
            for pid, ended_cs in ended:
                put_difference(behind, pid - before)
                wire.put_number(behind, max(0, uptime_cs - ended_cs) // 100)
                before = pid
            writer.end(behind)
        forget("buddyd.sources", "memory_map")
