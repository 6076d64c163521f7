"""The only room that knows which interpreter runs: MicroPython's unix port or CPython.

In: paths, descriptors, addresses. Out: streams, ticks, the state of the heap, an error in words.
May touch: the interpreter and the kernel's calls, for whoever asks; nothing of its own.

A "stream" is what the rest of the agent reads from and writes to without ever waiting: a socket, a tty, a pipe. A read
gives bytes, b"" at the end, None where there is nothing yet; a write gives the count that was taken, None where there
is no room. Both raise OSError when the other side is gone.
"""

import gc
import os
import select
import socket
import sys
import time

from .. import const

MICROPYTHON = sys.implementation.name == "micropython"
EAGAIN = 11
EINPROGRESS = 115
WENT_BEFORE = (EAGAIN, 103)  # of accept(): whoever came has gone again; 103: ECONNABORTED
_ROOM_BYTES = const(512)
UNRESOLVED = -2  # EAI_NONAME
_ENOSYS = const(38)
_O_RDONLY = const(0)
_O_RDWR = const(2)

if MICROPYTHON:
    IMPLEMENTATION = "micropython-%d.%d.%d" % tuple(sys.implementation[1][:3])
    ticks_ms = time.ticks_ms
    ticks_us = time.ticks_us
    ticks_add = time.ticks_add
    ticks_diff = time.ticks_diff

    def heap():
        """(bytes in use without garbage, bytes in all) of the heap; (0, 0) where it has no fixed size."""
        gc.collect()
        used = gc.mem_alloc()
        return used, used + gc.mem_free()

    def collect_every(allocated_bytes):
        """Collect garbage after so many bytes, not only when the heap is full.

        What stays is then packed, and what is free is in one piece: with garbage of the imports in between, 4 kB of
        free heap had no hole for a line of 250 bytes.
        """
        gc.threshold(allocated_bytes)

    def make_room(size_bytes=_ROOM_BYTES):
        """Make sure of some room in the heap, so that what comes next does not fail halfway; MemoryError.

        MicroPython 1.25 loses the descriptor where accept() finds no room for the socket, and crashes later on where
        poll.register() finds none. What is taken here is free again at once, in one piece.
        """
        bytearray(size_bytes)
        gc.collect()

    def wait(poller, timeout_ms):
        """The ready (descriptor, mask) pairs, after at most timeout_ms. The only sleep of the agent."""
        return poller.ipoll(timeout_ms)

    def open_binary(path):
        """A file for reading, unbuffered."""
        return open(path, "rb")

    def open_output(descriptor):
        """A stream on a descriptor that is open for writing."""
        return open(descriptor, "wb")

    try:
        import fdio
    except ImportError:
        try:
            from . import fdio_by_ffi as fdio
        except ImportError:
            fdio = None

    def open_nonblocking(path):
        """A stream for reading that never waits.

        Without fdio and ffi there is none of a file that others may read, too: what poll() saw may be theirs by now.
        """
        if fdio is not None:
            return open(fdio.open(path, _O_RDONLY), "rb")
        if is_pollable(path):
            raise OSError(_ENOSYS)
        return open(path, "rb")

    def open_tty(path):
        """A tty for both. With fdio or ffi, opening neither waits for carrier nor makes it the controlling tty."""
        return open(path if fdio is None else fdio.open(path, _O_RDWR), "r+b")

    def read_some(file, buffer):
        """What one read(2) gives, into buffer: the count, 0 at the end, None where there is nothing yet; OSError.

        readinto() of the unix port reads on until the buffer is full: /dev/kmsg gives a record per read(2), and a
        file that waits would be waited for.
        """
        if fdio is None:
            return file.readinto(buffer)
        return fdio.read(file.fileno(), buffer)

    def read(stream, size):
        """Up to size bytes of a socket or a tty, see the top of this file."""
        try:
            if hasattr(stream, "recv"):
                return stream.recv(size)
            return stream.read(size)
        except OSError as error:
            if error.errno == EAGAIN:
                return None
            raise

    def write(stream, data, start, count):
        """Write data[start : start + count], see the top of this file."""
        if hasattr(stream, "recv"):
            try:
                return stream.send(memoryview(data)[start : start + count])
            except OSError as error:
                if error.errno == EAGAIN:
                    return None
                raise
        return stream.write(data, start, count)

    def stop_on_signals():
        """Let SIGINT raise KeyboardInterrupt. SIGTERM cannot be caught by this interpreter and ends the process."""
        # `micropython -m` leaves SIGINT as it found it, other than `micropython FILE` (ports/unix/main.c, 1.25).
        import micropython

        micropython.kbd_intr(3)

else:
    from .cpython import (  # noqa: F401  # they are what this module offers
        IMPLEMENTATION,
        collect_every,
        heap,
        make_room,
        open_binary,
        open_nonblocking,
        open_output,
        open_tty,
        read,
        read_some,
        stop_on_signals,
        ticks_add,
        ticks_diff,
        ticks_ms,
        ticks_us,
        wait,
        write,
    )


def reason(error):
    """An OSError in words."""
    from . import reasons  # 1 kB of heap that only an error is worth

    return reasons.words(error)


def random_bytes(count):
    """From the kernel; b"" where it has no /dev/urandom. Without entropy they may be the same after every power-on."""
    try:
        return os.urandom(count)
    except OSError:
        return b""


def exists(path):
    """Whether there is such a file; it is not opened."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def is_pollable(path):
    """Whether poll() waits on this file: a FIFO, a device, and /proc/kmsg. Other regular files are always "ready"."""
    try:
        return path == "/proc/kmsg" or os.stat(path)[0] & 0o170000 in (0o010000, 0o020000)
    except OSError:
        return False


def address(host, port):
    """The socket address of host:port (IPv4). OSError if it cannot be resolved; a dotted address asks no resolver."""
    return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][-1]


def listen(target, backlog):
    """A TCP socket that listens at target, (host, port), and never waits."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address(target[0], target[1]))
        listener.listen(backlog)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def connect(peer):
    """A TCP socket on its way to peer, an address(); it is writable once connected."""
    stream = socket.socket()
    stream.setblocking(False)
    try:
        stream.connect(peer)
    except OSError as error:
        if error.errno != EINPROGRESS:
            stream.close()
            raise
    return stream


def keep_alive(stream):
    """Let the kernel find out within about two minutes that a TCP peer is gone. Numbers: tcp(7), linux/tcp.h."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((4, 60), (5, 15), (6, 4)):  # TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
        stream.setsockopt(6, option, value)
    try:
        # While something is under way there is no keep-alive, and TCP tries again for a quarter of an hour.
        stream.setsockopt(6, 18, 120000)  # TCP_USER_TIMEOUT, since Linux 2.6.37
    except OSError:
        pass


def new_poller():
    return select.poll()
