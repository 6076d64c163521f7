"""The ways out: a serial line and standard output; the others are in console.py, network.py (telnet) and dial.py.

A link gives the loop its descriptors and keeps itself alive: what is gone is opened again by tick(), which the loop
calls once a poll and which never waits. All peers are made at the start.
"""

import termios

from .. import compat
from ..talk.conversation import Peer

RETRY_MIN_MS, RETRY_MAX_MS = 1000, 60000

# termios(3) numbers that are the same on every Linux architecture that uses asm-generic/termbits.h (m68k, x86, ARM,
# RISC-V, xtensa). MicroPython's termios module lacks most names.
_CS8_CREAD_CLOCAL = 0o60 | 0o200 | 0o4000
_CRTSCTS = -(1 << 31)  # bit 31; so written it is a C long on 32 bit, too
_SPEEDS = {300: 7, 1200: 9, 2400: 11, 4800: 12, 19200: 14, 38400: 15}  # the rates that have no name there
_VTIME, _VMIN = 5, 6


def set_raw(stream, baud, rtscts):
    """Raw mode, 8N1, no modem lines, the given rate, flow control by RTS and CTS or none; reads never wait."""
    speed = getattr(termios, "B%d" % baud, None)
    if speed is None:  # since glibc 2.42 a rate is its own number
        speed = baud if termios.B9600 == 9600 else _SPEEDS[baud]
    attributes = termios.tcgetattr(stream.fileno())
    attributes[0] = attributes[1] = attributes[3] = 0  # input, output, local modes
    attributes[2] = _CS8_CREAD_CLOCAL + (_CRTSCTS if rtscts else 0)  # the rate is put in by tcsetattr
    attributes[4] = attributes[5] = speed
    attributes[6][_VTIME] = attributes[6][_VMIN] = 0
    termios.tcsetattr(stream.fileno(), termios.TCSANOW, attributes)


class Link:
    """One stream at a time, opened again, later and later, when it was lost.

    opener(target) gives a stream or raises OSError. new_filter: nvt.Nvt where telnet commands may come, else None.
    """

    def __init__(self, loop, label, peer, opener, target, new_filter=None):
        self.loop = loop
        self.label = label
        self.peer = peer
        self.opener = opener
        self.target = target
        self.new_filter = new_filter
        self.retry_ms = RETRY_MIN_MS
        self.due_ms = compat.ticks_ms()

    def is_open(self):
        return self.peer.stream is not None

    def open(self):
        """OSError if it cannot be opened now."""
        self.start(self.peer, self.opener(self.target))

    def start(self, peer, stream):
        peer.attach(stream, self.new_filter and self.new_filter())
        self.loop.watch(peer, self)

    def tick(self, now_ms):
        if not self.is_open() and compat.ticks_diff(now_ms, self.due_ms) >= 0:
            try:
                self.open()
            except OSError:
                self.lost()

    def lost(self):
        """It failed, or could not be opened: try again in a while."""
        if self.opener is compat.open_output:  # its descriptor is closed, and may be somebody else's by now
            self.loop.links.remove(self)
        self.due_ms = compat.ticks_add(compat.ticks_ms(), self.retry_ms)
        self.retry_ms = min(self.retry_ms * 2, RETRY_MAX_MS)

    def heard(self):
        """Something came in, so the other side is really there."""
        self.retry_ms = RETRY_MIN_MS


def open_serial(target):
    """A raw tty. target: (path, baud, rtscts)."""
    stream = compat.open_tty(target[0])
    try:
        set_raw(stream, target[1], target[2])
    except Exception as error:  # CPython raises termios.error, which is no OSError
        stream.close()
        raise OSError(error.args[0], "")
    return stream


def from_settings(settings, desk, loop):
    """The links that the settings ask for; none of them is open yet."""
    links = []
    serial, console = settings["serial"], settings["console"]
    telnet, connect = settings["telnet"], settings["connect"]
    if serial:
        links.append(Link(loop, "serial %s" % serial[0], Peer(desk, True), open_serial, serial))
    if console:
        from .console import Console

        links.append(Console(desk, loop, console))
    # What serves one way out only is imported for it alone: a serial line does without 2 kB of heap.
    if telnet:
        from .telnet_server import Telnet

        links.append(Telnet(desk, loop, telnet))
    if connect:
        from .dial import connect as dialled

        links.append(dialled(desk, loop, connect))
    if settings["stdout"]:
        links.append(Link(loop, "standard output", Peer(desk, True), compat.open_output, 1))
        links[-1].peer.reads = False
    return links
