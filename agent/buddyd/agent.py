"""The agent's state: the last sample, the encoder, the ring. The loop calls poll(); conversations get answers here."""

import gc

from . import VERSION, compat, forget, wire
from .ring import GROUPS_MIN
from .sources import kernel_messages

REFRESH_MS = 600000  # how often system facts are read again
# After this many polls in a row without room in the heap, the heap is too small: the agent reports that and ends. From
# the second on, no network client is connected, see NetworkLink.polled(), so the heap becomes less fragmented.
STARVED_MAX = 8
# Modules that only questions and errors need. With a small heap they are imported each time.
_SELDOM = (
    ("buddyd.talk", "about"),
    ("buddyd.talk", "map_answer"),
    ("buddyd.talk", "line_answers"),
    ("buddyd.talk", "answers"),
    ("buddyd", "watermark"),
    ("buddyd", "wire_read"),
    ("buddyd.compat", "reasons"),
)


class Agent:
    """settings: options.check()'s. sampler: sample.Sampler. kernel_log: kmsg.KernelLog. ring: ring.Ring.

    name: the board's. boot: 8 hex digits for this run of the agent.
    """

    failures = None  # failures.Failures while the kernel reports some; in the class, as it is rare
    births = None  # sources.births.Births after the first start of a program
    commands = None  # commands.Commands with --allow
    tuning = None  # sysctl.Tuning with --set
    guards = ()  # guard.reserve.Reserve and others, with --reserve, --watchdog, --blackbox
    earlier = None  # with --blackbox: as hello(), for a host that asks for frames of another boot
    more_facts = ()  # of the hello: (key, str), of the options that need some

    def __init__(self, settings, sampler, kernel_log, ring, name, boot):
        self.sampler = sampler
        self.kernel_log = kernel_log
        self.ring = ring
        self.name = name
        self.boot = boot
        self.interval_ms = settings["interval_ms"]
        self.secret = settings["secret"]
        columns = len(sampler.vector)
        self.encoder = wire.Encoder(self.boot, columns, self.interval_ms // 10, ring.size_bytes // GROUPS_MIN)
        self.poll_us = 0  # how long the last poll took
        self.sampled = 0  # the number of the frame that ends the newest snapshot
        self.refreshed_ms = compat.ticks_ms()
        self.starved = 0  # polls in a row without room in the heap
        self.left_out = 0  # things that the heap had no room for, not reported yet
        self.without_log = kernel_log.file is None  # as last reported
        self.map_ms = settings["map_ms"]  # between two maps, 0: none
        self.map_at_ms = self.refreshed_ms  # when the next one is due

    def poll(self):
        """Take a sample and put it into the ring. A source that fails only loses its own figures and is reported once.

        The same applies to a heap that is full for a moment, as when many kernel lines come while a user is answered.
        """
        try:
            self._poll()
            self.starved = 0
        except MemoryError:
            self.starved += 1
            self.encoder.key_due = 0  # it may assume that changes were sent which were not
            self.leave_out()
            if self.starved >= STARVED_MAX:
                raise

    def leave_out(self):
        """An allocation failed in the heap: count it, and make room."""
        self.left_out += 1
        for room, name in _SELDOM:
            forget(room, name)
        gc.collect()

    def _poll(self):
        began = compat.ticks_us()
        if self.left_out:
            self._news("the heap had no room %d times; give a larger one (-X heapsize=)" % self.left_out)
            self.left_out = 0
        if not self.kernel_log.pollable:
            self.drain_kernel_log()
        if self.kernel_log.lost:
            self._news("kernel-log: %d lines overwritten before they were read" % self.kernel_log.lost)
            self.kernel_log.lost = 0
        if self.failures is not None and self.failures.polled():
            self.failures = None
            forget("buddyd.sources", "failures")
        if compat.ticks_diff(compat.ticks_ms(), self.refreshed_ms) >= REFRESH_MS:
            self.refreshed_ms = compat.ticks_ms()
            self.sampler.refresh()
            if self.tuning is not None:
                self.tuning.look()
        created, polled_cs = self.sampler.value("proc"), self.sampler.uptime_cs()  # of the poll before
        usable = self.sampler.read(self._news)
        if usable:
            self.encoder.snapshot(self.sampler.vector, self.ring.append)
            now_created = self.sampler.value("proc")
            if self.births is None and now_created != created and self.sampled and self.map_ms:
                from .sources.births import Births

                self.births = Births(self, created, polled_cs)
            if self.births is not None:
                self.births.polled(now_created)
            self.sampled = self.ring.next - 1
        if self.map_ms and compat.ticks_diff(compat.ticks_ms(), self.map_at_ms) >= 0:
            from .sources import memory_map

            memory_map.make(self)
            forget("buddyd.sources", "programs")
            forget("buddyd.sources", "memory_map")
        if usable:
            for guard in self.guards:
                guard.polled()
        self.poll_us = compat.ticks_diff(compat.ticks_us(), began)

    def drain_kernel_log(self):
        """Turn new kernel lines into events; False if the kernel log is gone."""
        try:
            self.kernel_log.drain(self._kernel_line)
            gone = self.kernel_log.file is None
            if gone != self.without_log:
                self._news("lost kernel-log" if gone else "back kernel-log")
                self.without_log = gone
        except MemoryError:
            self.encoder.key_due = 0
            self.leave_out()
        return self.kernel_log.file is not None

    def _kernel_line(self, text, stamp_cs):
        found = kernel_messages.parse(text)
        if found is None:
            return
        if self.failures is None:
            from .sources.failures import Failures

            self.failures = Failures(self)
        self.failures.take(found, text, self.sampler.uptime_cs() if stamp_cs is None else stamp_cs)
        for guard in self.guards:
            guard.failed(found)

    def event(self, uptime_cs, kind, number, pid, comm, text):
        """Put an event into the ring; the arguments are wire.event_text()'s."""
        self.encoder.event(wire.event_text(uptime_cs, kind, number, pid, comm, text), self.ring.append)

    def _news(self, text):
        """Report something about the agent itself: a source that failed, or is back."""
        self.event(self.sampler.uptime_cs(), "source", None, None, None, text)

    def hello(self):
        """An iterator of the hello's lines, see PROTOCOL.md.

        Each is made just before it is sent: a small heap has no room for three lines of 250 bytes.
        """
        ring = self.ring
        return wire.hello_lines(self.boot, self._facts(self.sampler.uptime_cs(), ring.key, ring.oldest, ring.next))

    def _facts(self, up_cs, key, oldest, upcoming):
        """The hello's facts. The arguments are from the time of the request: polls continue until it is sent."""
        sampler, ring = self.sampler, self.ring
        used, total = compat.heap()
        yield "v", str(wire.VERSION)
        yield "name", self.name
        yield "agent", VERSION
        yield "impl", compat.IMPLEMENTATION
        yield "interval_cs", str(self.interval_ms // 10)
        yield from sampler.facts()
        yield "missing", ",".join(self.missing()) or "-"
        yield from self.more_facts
        yield "ring", str(ring.size_bytes)
        yield "heap_used", str(used)
        yield "heap_total", str(total)
        yield "poll_us", str(self.poll_us)
        yield "dropped", str(ring.dropped)
        yield "up", str(up_cs)
        yield "key", str(key)
        yield "oldest", str(oldest)
        yield "next", str(upcoming)

    def missing(self):
        """Names of the sources that cannot be read."""
        return self.sampler.missing() + ([] if self.kernel_log.file else ["kernel-log"])

    def greeting(self):
        return "buddyd %s on %s. Type help." % (VERSION, self.name)

    def answer(self, line, polite):
        """The answer to a typed line (bytes): an iterable of lines. polite: answer unknown words as well."""
        from .talk import answers  # 1 kB of heap, used only to answer questions

        if (line and min(line) < 32) or b"\x7f" in line:
            from .talk import line_answers

            line = line_answers.edited(line)
        return answers.answer(self, kernel_messages.printable(line), polite)
