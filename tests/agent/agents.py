"""Helpers for the tests of the agent's rooms: an agent on a capture, and the other side of a conversation."""

import select
import socket
import struct

from buddyd import compat, options, start, wire, wire_host
from buddyd.agent import Agent
from buddyd.links.telnet_filter import TelnetFilter
from buddyd.ring import Ring
from buddyd.sample import Sampler
from buddyd.sources.kmsg import KernelLog
from harness import fixture
from scratch import Scratch


def agent_on(proc, ring="2048", map_interval="0"):
    """An Agent that has not polled yet. proc: a folder."""
    settings = options.check({"proc": proc, "name": "xport-07", "ring": ring, "map-interval": map_interval})
    boot = start.new_boot_id(proc)
    return Agent(settings, Sampler(proc), KernelLog(proc), Ring(settings["ring"]), settings["name"], boot)


def agent(capture="frag-4k-bflt", ring="2048"):
    """An Agent on a capture, see agent_on()."""
    return agent_on(fixture("captures/%s/proc" % capture), ring)


def events(here):
    """Events that the ring holds, as wire_host.parse_event() gives them."""
    found = []
    for sequence in range(here.ring.oldest, here.ring.next):
        line = bytes(here.ring.line(here.ring.locate(sequence)))
        content = wire.unseal(line, wire.context(here.boot, sequence))
        if content[1:2] == wire.EVENT:
            found.append(wire_host.parse_event(content[4:]))
    return found


def pair():
    """Two connected non-blocking sockets."""
    if hasattr(socket, "socketpair"):
        ours, theirs = socket.socketpair()
    else:
        ours, theirs = _unix_pair()
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


def _unix_pair():
    """Like socketpair(): MicroPython needs the bytes of a struct sockaddr_un, unix(7)."""
    with Scratch() as scratch:
        address = struct.pack("H", 1) + scratch.path.encode() + b"/socket\0"
        listener, theirs = socket.socket(1), socket.socket(1)
        listener.bind(address)
        listener.listen(1)
        theirs.connect(address)
        ours = listener.accept()[0]
        listener.close()
    return ours, theirs


class Host:
    """The other side of a Conversation: sends data to it, and keeps its output in `heard`."""

    def __init__(self, peer, telnet=False):
        self.conversation = peer
        ours, self.stream = pair()
        self.heard = b""
        self.boot = peer.agent.boot
        peer.attach(ours, TelnetFilter() if telnet else None)

    def say(self, data):
        """Send data, and let the peer read all of it."""
        taken = 0
        while taken < len(data):
            taken += compat.write(self.stream, data, taken, len(data) - taken) or 0
            self._let_peer_receive()
        if data:
            while self._let_peer_receive():
                pass

    def _let_peer_receive(self):
        poller = select.poll()
        poller.register(self.conversation.stream, select.POLLIN)
        ready = bool(poller.poll(0))
        if ready:
            self.conversation.receive()
        return ready

    def listen(self):
        """Let the peer send everything; returns the lines, without their ends."""
        while self.conversation.wants_write():
            self.conversation.send()
            self._take()
        self._take()
        lines, self.heard = self.heard, b""
        return [line.rstrip(b"\r") for line in lines.split(b"\n")[:-1]]

    def _take(self):
        data = compat.read(self.stream, 4096)
        while data:
            self.heard += data
            data = compat.read(self.stream, 4096)

    def frames_after_newline(self, near=1):
        """frames() of a line that begins to flow unasked."""
        lines = self.listen()
        assert lines[0] == b""
        return self._numbers(lines[1:], near)

    def frames(self, near=1):
        """listen(), and the sequence numbers of the frames among the lines; all else must be hello or gap."""
        return self._numbers(self.listen(), near)

    def _numbers(self, lines, near):
        numbers = []
        for line in lines:
            if line[:2] in (b"~H", b"~G"):
                assert wire.unseal(line), line
            else:
                number = wire_host.candidate_sequence(line, near)
                assert wire.unseal(line, wire.context(self.boot, number)), line
                numbers.append(number)
        return numbers

    def close(self):
        self.conversation.close()
        self.stream.close()
