"""The reserve: blocks of memory taken at the start, given back when a program cannot be started, and taken again.

Without an MMU a program needs its memory in one piece. A block that the agent holds does not come apart, so it is still
whole when nothing else is. The agent never holds more than at its start.
"""

from .. import compat, const, forget

_SAME_MS = const(3000)  # in which the kernel's lines about one failure come, on a console of 9600 baud as well
RETAKE_MS = const(60000)  # a block given back is left to the others at least so long


class Reserve:
    """agent: agent.Agent. sizes: bytes of each block; gives_itself: also when the kernel reports a refused start."""

    name = "reserve"

    def __init__(self, agent, sizes, gives_itself):
        self._agent = agent
        self.gives_itself = gives_itself
        page_bytes = agent.sampler.system.page_bytes
        self.page_bytes = page_bytes
        self._orders = [_order(size, page_bytes) for size in sizes]
        self._held = [None] * len(sizes)  # what calls.take() gave
        self._looked_ms = compat.ticks_ms()
        self._page_of = None  # (program, when) of the allocator's line that came last
        self._is_told = False  # that all blocks would be too little
        from ..compat.calls import words

        try:
            for i in self._all():
                self._take(i)
        except OSError as error:
            self._report("cannot take %d bytes: %s" % (self._bytes(i), words(error)))
        self._report(self.words())

    def words(self):
        """The blocks held, and those given back."""
        return ", ".join(
            ["%d bytes %s" % (self._bytes(i), "given back" if self._held[i] is None else "held") for i in self._all()]
        )

    def status(self):
        return "reserve: " + self.words()

    def _all(self):
        return range(len(self._held))

    def _bytes(self, i):
        return self.page_bytes << self._orders[i]

    def _zones(self):
        """(zones, rule) as watermark.judge() takes them, read now."""
        from .. import watermark

        agent = self._agent
        agent.sampler.read(agent._news)
        return watermark.kernel_zones(agent.sampler), watermark.rule_of(agent.sampler.system)

    def failed(self, found):
        """A line of the kernel about a failure: give back what would have served, at once."""
        if not self.gives_itself or found[0] not in ("alloc", "page") or self._is_second(found):
            return
        size_bytes = self.page_bytes << min(found[1], 20) if found[0] == "page" else found[1]
        order = _order(size_bytes, self.page_bytes)
        if max([-1 if self._held[i] is None else self._orders[i] for i in self._all()]) < order:
            return
        from . import reserve_rule as rules

        held = [-1 if self._held[i] is None else self._orders[i] for i in self._all()]
        zones, rule = self._zones()
        answer, chosen = rules.to_give(zones, rule, order, held)
        because = "as the kernel refused %d bytes to %s" % (size_bytes, found[3] or "a program")
        for i in chosen:
            self.give(i, because)
        if answer == rules.TOO_LITTLE and not self._is_told:
            self._is_told = True
            self._report("nothing given back, %s: all of it would not be enough" % because)
        _forget()

    def _is_second(self, found):
        """True for mmap's line behind the allocator's about the same failure. What failed still has memory then."""
        before, self._page_of = self._page_of, None
        if found[0] == "page":
            self._page_of = found[3], compat.ticks_ms()
            return False
        return (
            before is not None
            and before[0] in (None, found[3])
            and compat.ticks_diff(compat.ticks_ms(), before[1]) < _SAME_MS
        )

    def fitting(self, size_bytes):
        """The smallest block held of at least so many bytes, as a number for give(); None if there is none."""
        found = [
            (self._orders[i], i) for i in self._all() if self._held[i] is not None and self._bytes(i) >= size_bytes
        ]
        return min(found)[1] if found else None

    def give(self, i, because):
        """Give a block back to the kernel; what was said about it. OSError."""
        from ..compat.calls import calls

        self._looked_ms = compat.ticks_ms()
        memory, self._held[i] = self._held[i], None
        calls.give(memory, self._bytes(i))
        text = "gave %d bytes back, %s; now: %s" % (self._bytes(i), because, self.words())
        self._report(text)
        return text

    def polled(self):
        """Take a block again if there is room, at most one a minute."""
        if None not in self._held or compat.ticks_diff(compat.ticks_ms(), self._looked_ms) < RETAKE_MS:
            return
        self._looked_ms = compat.ticks_ms()
        i = self._held.index(None)
        try:
            self._take(i)
        except OSError:
            return  # tried again in a minute
        if self._held[i] is not None:
            self._is_told = False
            self._report("took %d bytes again, as there is room; now: %s" % (self._bytes(i), self.words()))

    def _take(self, i):
        """Take a block if there is room. OSError. Without room the kernel is not asked: it would log a failure."""
        from ..compat.calls import calls
        from . import reserve_rule as rules

        zones, rule = self._zones()
        try:
            if rules.may_take(zones, rule, self._orders[i]):
                self._held[i] = calls.take(self._bytes(i))
        finally:
            _forget()

    def end(self):
        """The kernel gets all back when the agent ends."""

    def _report(self, text):
        agent = self._agent
        facts = [fact for fact in agent.more_facts if fact[0] != self.name]
        blocks = ",".join(["%d:%s" % (self._bytes(i), "-" if self._held[i] is None else "held") for i in self._all()])
        agent.more_facts = tuple(facts) + ((self.name, blocks),)
        agent.event(agent.sampler.uptime_cs(), "source", None, None, None, "reserve: " + text)


def _order(size_bytes, page_bytes):
    """get_order() of the kernel."""
    order = 0
    while page_bytes << order < size_bytes:
        order += 1
    return order


def _forget():
    """Free the heap of what only decisions need."""
    forget("buddyd.guard", "reserve_rule")
    forget("buddyd", "watermark")
    for name in ("calls", "calls_by_ffi"):
        forget("buddyd.compat", name)
