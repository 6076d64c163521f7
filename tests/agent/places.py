"""A real telnet listener in a real loop, and its clients. The test sets the time."""

import os
import socket

from agents import agent
from buddyd import compat
from buddyd.links.telnet_server import Telnet
from buddyd.loop import Loop
from buddyd.talk import secret
from clock import Clock

KEY = b"correct-horse-battery-staple"
GREETING = b"Type help.\r\n"
PATIENCE = 2000  # polls of the streams, of 5 ms at most
OF_HOST = b"8PHy8_T19vf4-fr7_P3-_w"


def listening(link):
    """Open the link on a free port; the address."""
    while True:
        port = 20000 + int.from_bytes(os.urandom(2), "little") % 30000
        link.target = ("127.0.0.1", port)
        try:
            link.open()
            return compat.address("127.0.0.1", port)
        except OSError:
            pass


class Place:
    """`with Place() as place`: place.link is a Telnet, place.come() a Caller. guarded: a secret is set."""

    def __init__(self, guarded=False):
        self.clock = Clock()
        self.agent = agent()
        if guarded:
            self.agent.secret = KEY
        self.callers = []

    def __enter__(self):
        self.clock.__enter__()
        self.loop = Loop(self.agent, 5000)
        self.link = Telnet(self.agent, self.loop, ("127.0.0.1", 0))
        self.loop.links = [self.link]
        self.address = listening(self.link)
        return self

    def __exit__(self, *_):
        for caller in self.callers:
            caller.stream.close()
        for peer in self.link.conversations:
            peer.close()
        self.link.listener.close()
        self.clock.__exit__()

    def come(self):
        caller = Caller(self)
        self.callers.append(caller)
        return caller

    def turn(self, timeout_ms=0):
        self.loop.wake()
        self.loop.serve(timeout_ms)
        for caller in self.callers:
            caller.take()

    def settle(self):
        """Let all sides send everything."""
        for _ in range(20):
            self.turn()

    def pass_ms(self, ms):
        """Let time pass, with the ticks of a loop in between."""
        while ms > 0:
            step_ms = min(ms, 1000 if self.link.is_restless() else 10000)
            self.clock.pass_ms(step_ms)
            ms -= step_ms
            self.loop.tick(compat.ticks_ms())
        self.settle()


class Caller:
    """A connection to the listener, and the data received over it."""

    def __init__(self, place):
        self.place = place
        self.heard = b""
        self.has_ended = False
        self.stream = socket.socket()
        self.stream.connect(place.address)
        self.stream.setblocking(False)

    def take(self):
        try:
            data = compat.read(self.stream, 4096)
        except OSError:
            data = b""
        while data:
            self.heard += data
            data = compat.read(self.stream, 4096)
        if data == b"":
            self.has_ended = True

    def say(self, data):
        try:
            self.stream.send(data)
        except OSError:
            pass  # it has ended, which take() finds
        self.place.settle()

    def until(self, text):
        """Take turns until text was heard."""
        for _ in range(PATIENCE):
            if text in self.heard:
                return
            self.place.turn(5)
        raise AssertionError("waited in vain for %r, heard %r" % (text, self.heard))

    def prove(self):
        """Answer the challenge; it must have come."""
        self.until(b"~S ")
        lines = [line.strip() for line in self.heard.split(b"\n")]
        challenge = [line for line in lines if line[:2] == b"~S"][-1]
        name, of_board = secret.parse(challenge, secret.CHALLENGE, 2)
        self.say(secret.answer(KEY, name, of_board, OF_HOST) + b"\n")


def arrived(place, count):
    """`count` callers that were greeted, and connected one after the other."""
    callers = []
    for _ in range(count):
        callers.append(place.come())
        callers[-1].until(GREETING)
        place.pass_ms(1000)
    return callers
