"""Commands that hosts may have done (--allow). Keeps their code out of the heap while none is done."""

from .. import compat, forget

NUMBERS_BYTES = 72  # the numbers of the newest eight commands, each with a blank before it


class Proven:
    """A connection whose other side has proven the secret.

    rank: the highest number of a command so far: one that was recorded on its way is not done again.
    """

    def __init__(self, peer, key):
        self.peer = peer
        self.stream = peer.stream  # the peer's; it has another one, or none, when the connection has ended
        self.key = key
        self.rank = 0


class Commands:
    """agent: agent.Agent. allowed: names of options.ALLOWED, at least one."""

    def __init__(self, agent, allowed):
        self.agent = agent
        self.allowed = allowed
        agent.more_facts += (("allow", ",".join(allowed)),)
        self.desk = None  # actions.desk.Desk while a host has commands done
        self._numbers = b""
        self._proven = []

    def prove(self, peer, lock):
        """A peer has opened a secret.Lock: it may give commands as long as its connection lasts."""
        self._proven = [one for one in self._proven if one.peer.stream is one.stream and one.peer is not peer]
        self._proven.append(Proven(peer, lock.command_key()))

    def of(self, peer):
        """The Proven of a peer, None without one."""
        for one in self._proven:
            if one.peer is peer and peer.stream is one.stream and peer.stream is not None:
                return one
        return None

    def take(self, peer, content):
        """A request about a command, see PROTOCOL.md, Commands: from a line of the agent's own, or from a proven peer.

        On a terminal that belongs to a shell, nothing is read: anybody might type there.
        """
        is_line = peer.flows_unasked and peer.reads
        if content[1:2] not in (b"X", b"x", b"q") or not (is_line or self.of(peer) is not None):
            return
        if self.desk is None:
            from .desk import Desk  # 6 kB of heap

            self.desk = Desk(self)
        self.desk.take(peer, content)

    def was_begun(self, number):
        """True if a command with this number was begun: it is not done a second time."""
        return self._numbers.find(b" " + number) >= 0

    def begin(self, number):
        self._numbers = (self._numbers + b" " + number)[-NUMBERS_BYTES:]

    def report(self, who, line, code):
        """Put a command into the ring. code: None when it begins, its exit code when it has failed."""
        self.agent.event(self.agent.sampler.uptime_cs(), "act", code, None, who, line)

    def work(self, loop):
        """Called before each wait of the loop: go on with a command for a few milliseconds. True if it is not done yet.

        Also unloads the code once no host has a command done.
        """
        if self.desk is None:
            return False
        if self.agent.starved or self.desk.is_over(compat.ticks_ms()):  # starved: polls come first
            self.leave()
            return False
        if not self.desk.is_working():
            return False
        try:
            if self.desk.work():
                loop.wake()
        except MemoryError:
            self.agent.leave_out()
        return True

    def leave(self):
        """End what runs, and free the heap of the code."""
        if self.desk is not None:
            self.desk.clear()
            self.desk = None
            for name in ("desk", "table"):
                forget("buddyd.actions", name)
