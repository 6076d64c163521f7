"""The conversation with a network client: greets it, limits its rate, asks for the secret if there is one."""

from .. import compat, const, wire
from ..talk.conversation import Conversation
from .base import Link

IDLE_MS = 600000  # a client that is silent for this time is disconnected; collectors send a newline now and then
WATCH_MS = 3600000  # the same for a user who runs `watch`
PROVE_MS = 30000  # the time for a client to prove that it has the secret
STALLED_MS = 120000  # a client that reads nothing for this time is gone, even if no end of the connection came
LINES_A_SECOND = 20  # typed lines; of requests, which cost a tenth, ten times as many are allowed
_CHEAP_COST = const(500)
_LINE_COST = const(5000)
_SECOND_COST = const(100000)  # input that is not a line counts twice its microseconds: a twentieth of the processor


class NetworkConversation(Conversation):
    """gate: gate.ProofGate until the other side has proven that it has the secret, then None.

    cost: of the input in this second. If it is too high, nothing more is read until the next second: the rest waits on
    the other side of the connection, and costs nothing here.
    """

    def _reset(self):
        Conversation._reset(self)
        self.gate = None
        self.cost = 0
        self.watched = -1  # set at the start, so that the object's table does not grow when the heap is full
        self.heard_ms = compat.ticks_ms()  # when data was last received, once it has entered
        self.moved_ms = self.heard_ms  # when the stream last accepted data, or there was nothing to send

    def greet(self):
        if self.agent.secret is None:
            self.enter()
        else:
            from ..talk.gate import ProofGate  # imported by start where there is a secret

            self.gate = ProofGate(self)

    def enter(self):
        """The client may talk now. OSError if there is no place for it."""
        Conversation.greet(self)

    def wants_read(self):
        return self.cost <= _SECOND_COST and Conversation.wants_read(self)

    def has_entered(self):
        """True if the client may talk; before that, data from it does not extend its time."""
        return self.gate is None

    def receive(self):
        cost, began_us, waiting = self.cost, compat.ticks_us(), len(self.answers)
        has_come = Conversation.receive(self)
        if self.cost == cost:  # a part of a line, or telnet commands, each of which is answered
            self.cost += 1 + 2 * compat.ticks_diff(compat.ticks_us(), began_us)
            self.cost += _CHEAP_COST * (len(self.answers) - waiting)
        if has_come and self.has_entered():
            self.heard_ms = compat.ticks_ms()
        return has_come

    def send(self):
        count = Conversation.send(self)
        if count:
            self.moved_ms = compat.ticks_ms()
        return count

    def _line(self, line):
        is_cheap = line[:1] == wire.ASK or line[:1] == wire.MARK or not line
        if self._is_too_much(_CHEAP_COST if is_cheap else _LINE_COST) or line[:1] == wire.MARK:
            return
        if self.gate is None:
            Conversation._line(self, line)
        elif self.gate.opens(line):
            self.gate = None
            self.enter()

    def _is_too_much(self, cost):
        """True if a line of this cost exceeds the limit of this second; the first one is reported to the client."""
        was_allowed = self.cost <= _SECOND_COST
        self.cost += cost
        if self.cost <= _SECOND_COST:
            return False
        if was_allowed:
            self.say(("too fast: at most %d lines a second; some were dropped" % LINES_A_SECOND,))
        return True

    def is_over(self, now_ms):
        """True if it has lasted too long; the client is informed if there is room. Called every 1 to 10 seconds.

        A new second for the cost begins. Times are compared and renewed here, because 32-bit ticks are meaningless
        after six days.
        """
        self.cost = 0
        if not self.wants_write():
            self.moved_ms = now_ms
        limit_ms = PROVE_MS if self.gate is not None else IDLE_MS if self.watched < 0 else WATCH_MS
        if compat.ticks_diff(now_ms, self.heard_ms) > limit_ms:
            self.part("nothing heard for %d s: closed" % (limit_ms // 1000))
            return True
        return compat.ticks_diff(now_ms, self.moved_ms) > STALLED_MS

    def part(self, text):
        """Send why the conversation ends, if there is room for it at once; the caller ends it."""
        if not self.out:
            try:
                line = wire.printable(text) + b"\r\n"
                compat.write(self.stream, line, 0, len(line))
            except (OSError, MemoryError):
                pass  # it has ended, or the heap is full


class NetworkLink(Link):
    """A link over a network, whose conversations last for a limited time only."""

    def polled(self, starved):
        """If the heap has no room for polls, end conversations rather than the agent, unproven ones first."""
        if starved:
            for conversation in self.conversations:
                if conversation.stream is not None and (starved > 1 or not conversation.has_entered()):
                    self.loop.drop(conversation, self)

    def is_restless(self):
        is_restless = not self.is_open()
        for conversation in self.conversations:
            is_restless = is_restless or (
                conversation.stream is not None and (conversation.cost > 0 or not conversation.has_entered())
            )
        return is_restless

    def tick(self, now_ms):
        Link.tick(self, now_ms)
        for conversation in self.conversations:
            if conversation.stream is not None and conversation.is_over(now_ms):
                self.loop.drop(conversation, self)
