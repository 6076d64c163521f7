"""The only room that depends on the interpreter: MicroPython's unix port or CPython.

In: paths, descriptors, addresses. Out: streams, ticks, the state of the heap, an error in words.
May touch: the interpreter and system calls, on behalf of the other rooms.

A "stream" is a socket, tty or pipe that the agent reads and writes without ever blocking. A read returns bytes, b"" at
the end, None if there is nothing yet; a write returns the number of bytes taken, None if there is no room. Both raise
OSError when the other side is gone.
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
WENT_BEFORE = (EAGAIN, 103)  # from accept(): the client has already gone; 103: ECONNABORTED
_ROOM_BYTES = const(512)
_BACKLOG = const(8)  # connections waiting in the kernel: with fewer, a series of strangers keeps the owner out
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
        """(bytes in use without garbage, total bytes) of the heap; (0, 0) if it has no fixed size."""
        gc.collect()
        used = gc.mem_alloc()
        return used, used + gc.mem_free()

    def collect_every(allocated_bytes):
        """Collect garbage after this many bytes, not only when the heap is full.

        Then lasting objects lie close together, and the free heap is in one piece: with garbage of the imports in
        between, 4 kB of free heap had no hole for a line of 250 bytes.
        """
        gc.threshold(allocated_bytes)

    def make_room(size_bytes=_ROOM_BYTES):
        """Check that the heap has some room, so that the next steps do not fail halfway; MemoryError.

        MicroPython 1.25 loses the descriptor if accept() has no room for the socket, and crashes later if
        poll.register() has none. The memory allocated here is free again at once, in one piece.
        """
        bytearray(size_bytes)
        gc.collect()

    def wait(poller, timeout_ms):
        """The ready (descriptor, mask) pairs, after at most timeout_ms. The agent waits in no other way."""
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
        """A stream for reading that never blocks.

        Without fdio and ffi, impossible for a file with other readers: they may have taken what poll() saw.
        """
        if fdio is not None:
            return open(fdio.open(path, _O_RDONLY), "rb")
        if is_pollable(path):
            raise OSError(_ENOSYS)
        return open(path, "rb")

    def open_tty(path):
        """A tty for both. With fdio or ffi, open neither waits for carrier nor makes it the controlling tty."""
        return open(path if fdio is None else fdio.open(path, _O_RDWR), "r+b")

    def read_some(file, buffer):
        """One read(2) into buffer: returns the count, 0 at the end, None if there is nothing yet; OSError.

        readinto() of the unix port reads until the buffer is full: but /dev/kmsg gives one record per read(2), and a
        file without data would block.
        """
        if fdio is None:
            return file.readinto(buffer)
        return fdio.read(file.fileno(), buffer)

    def numbers(folder):
        """The entries of a folder that are numbers, as a list in any order; OSError."""
        if hasattr(fdio, "numbers"):
            return fdio.numbers(folder)
        return [int(entry[0]) for entry in os.ilistdir(folder) if entry[0].isdigit()]

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
        # `micropython -m` does not set SIGINT, unlike `micropython FILE` (ports/unix/main.c, 1.25).
        import micropython

        micropython.kbd_intr(3)

else:
    from .cpython import (  # noqa: F401  # exported by this module
        IMPLEMENTATION,
        collect_every,
        heap,
        make_room,
        numbers,
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
    from . import reasons  # 1 kB of heap, needed only for errors

    return reasons.words(error)


def random_bytes(count):
    """Random bytes from the kernel; b"" without /dev/urandom. Without entropy they may repeat after every power-on."""
    try:
        return os.urandom(count)
    except OSError:
        return b""


def exists(path):
    """True if the file exists; it is not opened."""
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def is_pollable(path):
    """True if poll() can wait for this file: a FIFO, a device, /proc/kmsg. Other regular files are always "ready"."""
    try:
        return path == "/proc/kmsg" or os.stat(path)[0] & 0o170000 in (0o010000, 0o020000)
    except OSError:
        return False


def address(host, port):
    """The socket address of host:port (IPv4). OSError if it cannot be resolved; a dotted address needs no resolver."""
    try:
        return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][-1]
    except (OSError, ValueError):  # MicroPython's errno is a text here; CPython's codec for names refuses "a..b"
        raise OSError(UNRESOLVED, "")


def listen(target):
    """A non-blocking TCP socket that listens at target, (host, port)."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address(target[0], target[1]))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def connect(peer):
    """A TCP socket that is connecting to peer, an address(); it becomes writable once connected."""
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
    """Make the kernel detect within about two minutes that a TCP peer is gone. Numbers: tcp(7), linux/tcp.h."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((4, 60), (5, 15), (6, 4)):  # TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
        stream.setsockopt(6, option, value)
    try:
        # While data is unacknowledged there is no keep-alive, and TCP retries for a quarter of an hour.
        stream.setsockopt(6, 18, 120000)  # TCP_USER_TIMEOUT, since Linux 2.6.37
    except OSError:
        pass


def new_poller():
    return select.poll()
