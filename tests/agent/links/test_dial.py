"""A connection that the agent dials has the limits of one that it accepts."""

from agents import agent, pair
from buddyd import compat, wire_host
from buddyd.links import dial
from buddyd.links.network import IDLE_MS, PROVE_MS, STALLED_MS
from buddyd.loop import Loop
from clock import Clock
from harness import raises


class Dialled:
    """The Link of dial.connect() with a real stream in place of a connection; `theirs` is the other end."""

    def __init__(self, secret=None):
        here = agent()
        here.secret = secret
        self.loop = Loop(here, 5000)
        self.link = dial.connect(here, self.loop, ("127.0.0.1", 1))
        ours, self.theirs = pair()
        self.link.opener = lambda _: ours
        self.loop.links = [self.link]
        self.link.open()

    def listen(self):
        heard = b""
        for _ in range(30):
            self.loop.wake()
            self.loop.serve(0)
            heard += compat.read(self.theirs, 4096) or b""
        return heard

    def stays(self, clock, ms):
        """Whether it is still open after so many ms."""
        while ms > 0:
            clock.pass_ms(min(ms, 1000))
            ms -= 1000
            self.loop.tick(compat.ticks_ms())
        return self.link.is_open()


def test_collector_that_proves_nothing_is_disconnected_in_time():
    with Clock() as clock:
        dialled = Dialled(b"correct-horse-battery-staple")
        assert b"~S " in dialled.listen()
        assert dialled.link.is_restless(), "its time is looked at every second"
        assert dialled.stays(clock, PROVE_MS // 2)
        dialled.theirs.send(b"x\n")
        dialled.listen()
        assert dialled.stays(clock, PROVE_MS // 2)
        assert not dialled.stays(clock, 1000)


def test_collector_that_is_silent_is_disconnected():
    with Clock() as clock:
        dialled = Dialled()
        dialled.theirs.send(wire_host.ask_hello() + b"\n")
        dialled.listen()
        assert dialled.stays(clock, IDLE_MS)
        assert not dialled.stays(clock, 1000)


def test_connection_that_never_comes_about_is_given_up():
    with Clock() as clock:
        dialled = Dialled()  # nothing is sent, as on a connection whose other end does not answer
        assert dialled.stays(clock, STALLED_MS)
        assert not dialled.stays(clock, 1000)


def test_name_without_an_address_is_an_error():
    assert raises(OSError, dial.dial, None).errno == compat.UNRESOLVED
