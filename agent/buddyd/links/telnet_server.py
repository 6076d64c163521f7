"""The telnet listener, and the conversation with whoever comes over a network; dial.py has the other way round."""

from .. import compat, const, wire
from ..talk.conversation import Peer
from .base import Link
from .telnet_filter import Nvt

CLIENTS_MAX = 2  # telnet clients; each costs the board's kernel socket buffers
IDLE_MS = 600000  # a client that says nothing for so long is let go; collectors send a newline now and then
PROVE_MS = 30000  # so long a client may take to prove that it has the secret
LINES_A_SECOND = 20  # of a person; of requests, which cost a tenth, it may be ten times as many
_LINE_COST = const(10)
_SECOND_COST = const(200)
_WENT_BEFORE = (compat.EAGAIN, 103)  # 103: ECONNABORTED


class Visitor(Peer):
    """A conversation with somebody who is greeted, held to a rate, and asked for the secret if there is one.

    gate: gate.Gate while the other side has not proven that it has the secret, else None. cost: of what came in since
    cost_ms. They are the class's until somebody comes, for the reason that Peer.watched has.
    """

    gate = None
    cost = 0

    def greet(self):
        self.cost_ms = self.heard_ms
        if self.gate is not None:
            self.gate = None
        if self.desk.secret is None:
            super().greet()
        else:
            from ..talk.gate import Gate  # 2 kB of heap, with what it needs, that only a secret is worth

            self.gate = Gate(self)

    def _line(self, line):
        is_cheap = line[:1] == wire.ASK or not line
        if line[:1] == wire.MARK or self._is_too_much(1 if is_cheap else _LINE_COST):
            return
        if self.gate is None:
            super()._line(line)
        elif self.gate.opens(line):
            self.gate = None
            super().greet()

    def _is_too_much(self, cost):
        """Whether a line of this cost is more than may come in a second; the first one is told so."""
        now_ms = compat.ticks_ms()
        if compat.ticks_diff(now_ms, self.cost_ms) >= 1000:
            self.cost, self.cost_ms = 0, now_ms
        was_allowed = self.cost <= _SECOND_COST
        self.cost += cost
        if self.cost <= _SECOND_COST:
            return False
        if was_allowed:
            self.say(("too fast: at most %d lines a second; the rest is dropped" % LINES_A_SECOND,))
        return True

    def part(self, text):
        """Say why the conversation ends, if there is room for it at once; the caller ends it."""
        if not self.out:
            line = wire.printable(text) + b"\r\n"
            try:
                compat.write(self.stream, line, 0, len(line))
            except OSError:
                pass  # it has ended


class Telnet(Link):
    """Listens; up to CLIENTS_MAX at once, one more is told so and let go."""

    def __init__(self, desk, loop, target):
        super().__init__(loop, "telnet %s:%d" % target, None, compat.listen, target, Nvt)
        self.peers = [Visitor(desk, False) for _ in range(CLIENTS_MAX)]
        self.listener = None

    def is_open(self):
        return self.listener is not None

    def open(self):
        self.listener = self.opener(self.target, CLIENTS_MAX)
        self.loop.watch_listener(self.listener, self)

    def tick(self, now_ms):
        super().tick(now_ms)
        for peer in self.peers:
            if peer.stream is not None and peer.watched < 0:
                # Who proves nothing does not stay for long, whatever is said meanwhile.
                since_ms, allowed_ms = (peer.heard_ms, IDLE_MS) if peer.gate is None else (peer.gate.since_ms, PROVE_MS)
                if compat.ticks_diff(now_ms, since_ms) > allowed_ms:
                    peer.part("nothing heard for %d s: closed" % (allowed_ms // 1000))
                    self.loop.drop(peer)

    def lost(self):
        """A client that went may come again; only a listener that could not be opened is tried later."""
        if self.listener is None:
            super().lost()

    def accept(self):
        try:
            stream = self.listener.accept()[0]
        except OSError as error:
            if error.errno not in _WENT_BEFORE:  # no memory or descriptors left: do not ask again at once
                self.loop.ignore_listener(self.listener)
                self.listener.close()
                self.listener = None
                self.lost()
            return
        try:
            self._welcome(stream)
        except OSError:
            stream.close()

    def _welcome(self, stream):
        stream.setblocking(False)
        for peer in self.peers:
            if peer.stream is None:
                compat.keep_alive(stream)
                self.start(peer, stream)
                return
        stream.send(b"busy: %d clients are connected\r\n" % CLIENTS_MAX)
        stream.close()
