"""The telnet listener and its clients."""

import select

from .. import compat, wire
from .network import NetworkConversation, NetworkLink
from .telnet_filter import TelnetFilter

CLIENTS_MAX = 2  # telnet clients; each costs the board's kernel socket buffers
WAITING_MAX = 1  # more connections, that have not proven the secret yet, or wait for a place
YOUNG_MS = 1000  # how long a waiting connection cannot be displaced by the next one
BUSY_MS = 5000  # how long a collector has to identify itself, if an interactive user may have to make room
SILENT_MS = 300000  # a collector sends something every four minutes; one that is silent for longer can be displaced
ACCEPTS_A_SECOND = 10
BUSY = "busy: %d clients are connected" % CLIENTS_MAX


def longer_silent(one, other):
    """The one of two clients that has been silent longer. one may be None."""
    return other if one is None or compat.ticks_diff(other.heard_ms, one.heard_ms) < 0 else one


class Client(NetworkConversation):
    """A telnet client. It holds a place only after it has entered; before, the next client may displace it."""

    def __init__(self, agent, server):
        self.server = server
        NetworkConversation.__init__(self, agent, False)

    def enter(self):
        holders = self.server.holders
        if holders.count(None):
            holders[holders.index(None)] = self
            NetworkConversation.enter(self)
        elif self.server.least(compat.ticks_ms()) is not None:
            self.say((BUSY,))  # a user reads this and leaves; a collector may send requests, see _line()
        else:
            self.part(BUSY)
            raise OSError(0)

    def has_entered(self):
        return self in self.server.holders

    def _line(self, line):
        if self.gate is None and line and not self.has_entered():
            is_request = line[:1] == wire.ASK and wire.unseal(line) is not None
            if not is_request or not self.server.displace(self):
                self.part(BUSY)
                raise OSError(0)
        NetworkConversation._line(self, line)

    def is_over(self, now_ms):
        if NetworkConversation.is_over(self, now_ms):
            return True
        waits = self.gate is None and not self.has_entered()
        return waits and compat.ticks_diff(now_ms, self.heard_ms) > BUSY_MS

    def close(self):
        if self.has_entered():
            self.server.holders[self.server.holders.index(self)] = None
        NetworkConversation.close(self)


class Telnet(NetworkLink):
    """Listens. CLIENTS_MAX may talk at once; one more may prove that it has the secret, or wait for a place.

    holders: the clients that hold the places, None for a free one.
    """

    def __init__(self, agent, loop, target):
        NetworkLink.__init__(self, loop, "telnet %s:%d" % target, None, compat.listen, target, TelnetFilter)
        self.conversations = [Client(agent, self) for _ in range(CLIENTS_MAX + WAITING_MAX)]
        self.holders = [None] * CLIENTS_MAX
        self.listener = None
        self.accepted = 0  # in this second
        self.rests = False  # no client is accepted before the next second

    def is_open(self):
        return self.listener is not None

    def open(self):
        compat.make_room()
        self.listener = self.opener(self.target)
        self.listens_at = self.listener.fileno()
        self.loop.register(self.listens_at, select.POLLIN)

    def is_restless(self):
        return self.rests or self.accepted > 0 or NetworkLink.is_restless(self)

    def tick(self, now_ms):
        NetworkLink.tick(self, now_ms)
        self.accepted = 0
        if self.rests:
            self.rests = False
            self.loop.poller.modify(self.listens_at, select.POLLIN)

    def lost(self):
        """Clients reconnect themselves; only a listener that could not be opened is tried again later."""
        if self.listener is None:
            NetworkLink.lost(self)

    def accept(self):
        """Begin a conversation. OSError, MemoryError: the client left at once, or there is no place or heap for it."""
        conversation = self._place(compat.ticks_ms())
        if conversation is None or self.accepted >= ACCEPTS_A_SECOND or self.loop.agent.starved:
            self._rest()
            return
        self.accepted += 1
        try:
            compat.make_room()  # accept() loses the descriptor if the heap has no room for its socket
            stream = self.listener.accept()[0]
        except MemoryError:
            self._rest()
            raise
        except OSError as error:
            if error.errno not in compat.WENT_BEFORE:  # no memory or descriptors left: do not retry at once
                self._rest()
            return
        if conversation.stream is not None:
            conversation.part("closed: somebody else came, and no secret was proven in time")
            self.loop.drop(conversation, self)
        try:
            stream.setblocking(False)
            compat.keep_alive(stream)
        except (OSError, MemoryError):
            stream.close()
            raise
        self.start(conversation, stream)

    def _rest(self):
        self.rests = True
        self.loop.poller.modify(self.listens_at, 0)

    def _place(self, now_ms):
        """The conversation for the next client: a free one, or the one that waits longest; None if it is too young."""
        oldest = None
        for conversation in self.conversations:
            if conversation.stream is None:
                return conversation
            if not conversation.has_entered():
                oldest = longer_silent(oldest, conversation)
        return oldest if compat.ticks_diff(now_ms, oldest.heard_ms) >= YOUNG_MS else None

    def least(self, now_ms):
        """The client that must make room for a collector: an interactive user, or a silent collector; None if none."""
        least = None
        for client in self.holders:
            if not client.asks or compat.ticks_diff(now_ms, client.heard_ms) > SILENT_MS:
                least = longer_silent(least, client)
        return least

    def displace(self, collector):
        """Give a collector a free place, or that of another client; False if there is none."""
        if not self.holders.count(None):  # else a client left meanwhile
            least = self.least(compat.ticks_ms())
            if least is None:
                return False
            least.part("closed: a collector needs this place")
            self.loop.drop(least, self)
        self.holders[self.holders.index(None)] = collector
        return True
