"""The four ways out: a serial line, a telnet listener, a connection dialled to a collector, standard output.

A link gives the loop its descriptors and keeps itself alive: what is gone is opened again by tick(), which the loop
calls once a poll and which never waits. All peers are made at the start.
"""

import termios

from . import compat
from .peer import Peer

CLIENTS_MAX = 2  # telnet clients; each costs the board's kernel socket buffers
IDLE_MS = 600000  # a client that says nothing for so long is let go; collectors send a newline now and then
RETRY_MIN_MS, RETRY_MAX_MS = 1000, 60000
_WENT_BEFORE = (compat.EAGAIN, 103)  # 103: ECONNABORTED

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


def resolve(target):
    """The address of (host, port), None if there is none. Once, at the start: a resolver that hangs delays polls."""
    try:
        return compat.address(target[0], target[1])
    except OSError:
        return None


def dial(address):
    """A connection on its way to an address of resolve()."""
    if address is None:
        raise OSError(compat.UNRESOLVED, "")
    stream = compat.connect(address)
    compat.keep_alive(stream)
    return stream


class Telnet(Link):
    """Listens; up to CLIENTS_MAX at once, one more is told so and let go."""

    def __init__(self, desk, loop, target, new_filter):
        super().__init__(loop, "telnet %s:%d" % target, None, compat.listen, target, new_filter)
        self.peers = [Peer(desk, False) for _ in range(CLIENTS_MAX)]
        self.listener = None

    def is_open(self):
        return self.listener is not None

    def open(self):
        self.listener = self.opener(self.target, CLIENTS_MAX)
        self.loop.watch_listener(self.listener, self)

    def tick(self, now_ms):
        super().tick(now_ms)
        for peer in self.peers:
            if peer.stream is not None and compat.ticks_diff(now_ms, peer.heard_ms) > IDLE_MS:
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


def from_settings(settings, desk, loop):
    """The links that the settings ask for; none of them is open yet."""
    links = []
    serial, telnet, connect = settings["serial"], settings["telnet"], settings["connect"]
    if serial:
        links.append(Link(loop, "serial %s" % serial[0], Peer(desk, True), open_serial, serial))
    if telnet or connect:
        from .nvt import Nvt  # 0.8 kB of heap that a serial line does without
    if telnet:
        links.append(Telnet(desk, loop, telnet, Nvt))
    if connect:
        links.append(Link(loop, "connect %s:%d" % connect, Peer(desk, False), dial, resolve(connect), Nvt))
    if settings["stdout"]:
        links.append(Link(loop, "standard output", Peer(desk, True), compat.open_output, 1))
        links[-1].peer.reads = False
    return links
