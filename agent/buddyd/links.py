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
_SPEEDS = {300: 7, 1200: 9, 2400: 11, 4800: 12, 19200: 14, 38400: 15}  # the rates that have no name there
_VTIME, _VMIN = 5, 6


def set_raw(stream, baud):
    """Raw mode, 8N1, no flow control, no modem lines, the given rate; reads give at once what is there."""
    speed = getattr(termios, "B%d" % baud, None)
    if speed is None:  # since glibc 2.42 a rate is its own number
        speed = baud if termios.B9600 == 9600 else _SPEEDS[baud]
    attributes = termios.tcgetattr(stream.fileno())
    attributes[0] = attributes[1] = attributes[3] = 0  # input, output, local modes
    attributes[2] = _CS8_CREAD_CLOCAL  # the rate is put in by tcsetattr
    attributes[4] = attributes[5] = speed
    attributes[6][_VTIME] = attributes[6][_VMIN] = 0
    termios.tcsetattr(stream.fileno(), termios.TCSANOW, attributes)


class Link:
    """Opens again, later and later, what was lost. open() raises OSError; is_open() says whether it is needed."""

    def __init__(self, loop, label):
        self.loop = loop
        self.label = label
        self.retry_ms = RETRY_MIN_MS
        self.due_ms = compat.ticks_ms()

    def tick(self, now_ms):
        if not self.is_open() and compat.ticks_diff(now_ms, self.due_ms) >= 0:
            try:
                self.open()
            except OSError:
                self.lost()

    def lost(self):
        """It failed, or could not be opened: try again in a while."""
        self.due_ms = compat.ticks_add(compat.ticks_ms(), self.retry_ms)
        self.retry_ms = min(self.retry_ms * 2, RETRY_MAX_MS)

    def heard(self):
        """Something came in, so the other side is really there."""
        self.retry_ms = RETRY_MIN_MS


class OnePeer(Link):
    """A link that is one stream at a time."""

    def __init__(self, loop, label, peer):
        super().__init__(loop, label)
        self.peer = peer

    def is_open(self):
        return self.peer.stream is not None

    def start(self, stream, telnet):
        self.peer.attach(stream, telnet)
        self.loop.watch(self.peer, self)


class Serial(OnePeer):
    def __init__(self, desk, loop, path, baud):
        super().__init__(loop, "serial %s" % path, Peer(desk, True))
        self.path = path
        self.baud = baud

    def open(self):
        stream = compat.open_tty(self.path)
        try:
            set_raw(stream, self.baud)
        except Exception as error:  # CPython raises termios.error, which is no OSError
            stream.close()
            raise OSError(error.args[0], "")
        self.start(stream, False)


class Stdout(OnePeer):
    """Once its reader is gone it is gone for good, and its descriptor may be somebody else's."""

    def __init__(self, desk, loop):
        super().__init__(loop, "standard output", Peer(desk, True))
        self.peer.reads = False

    def open(self):
        self.start(compat.open_output(1), False)

    def tick(self, now_ms):
        pass

    def lost(self):
        if self in self.loop.links:
            self.loop.links.remove(self)


class Dial(OnePeer):
    """The host is resolved once, at the start: a resolver that hangs must not delay a poll."""

    def __init__(self, desk, loop, host, port):
        super().__init__(loop, "connect %s:%d" % (host, port), Peer(desk, False))
        self.resolved = None
        try:
            self.resolved = compat.address(host, port)
        except OSError:
            pass

    def open(self):
        if self.resolved is None:
            raise OSError(compat.UNRESOLVED)
        stream = compat.connect(self.resolved)
        compat.keep_alive(stream)
        self.start(stream, True)


class Telnet(Link):
    """Listens; up to CLIENTS_MAX at once, one more is told so and let go."""

    def __init__(self, desk, loop, host, port):
        super().__init__(loop, "telnet %s:%d" % (host, port))
        self.host = host
        self.port = port
        self.peers = [Peer(desk, False) for _ in range(CLIENTS_MAX)]
        self.listener = None

    def is_open(self):
        return self.listener is not None

    def open(self):
        self.listener = compat.listen(self.host, self.port, CLIENTS_MAX)
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
                peer.attach(stream, True)
                self.loop.watch(peer, self)
                return
        stream.send(b"busy: %d clients are connected\r\n" % CLIENTS_MAX)
        stream.close()


def from_settings(settings, desk, loop):
    """The links that the settings ask for; none of them is open yet."""
    links = []
    if settings["serial"]:
        links.append(Serial(desk, loop, settings["serial"][0], settings["serial"][1]))
    if settings["telnet"]:
        links.append(Telnet(desk, loop, settings["telnet"][0], settings["telnet"][1]))
    if settings["connect"]:
        links.append(Dial(desk, loop, settings["connect"][0], settings["connect"][1]))
    if settings["stdout"]:
        links.append(Stdout(desk, loop))
    return links
