"""compat for CPython; compat/__init__.py describes each function. Boards do not need this file."""

import os
import signal
import sys
import time

IMPLEMENTATION = "cpython-%d.%d.%d" % tuple(sys.version_info[:3])
_EPOCH = time.monotonic_ns()


def ticks_ms():
    """Milliseconds that never go back; only differences mean anything."""
    return (time.monotonic_ns() - _EPOCH) // 1000000


def ticks_us():
    """The same in microseconds."""
    return (time.monotonic_ns() - _EPOCH) // 1000


def ticks_add(ticks, ms):
    return ticks + ms


def ticks_diff(later, earlier):
    return later - earlier


def heap():
    return 0, 0


def collect_every(allocated_bytes):
    pass


def make_room(size_bytes=0):
    pass


def wait(poller, timeout_ms):
    return poller.poll(timeout_ms)


def numbers(folder):
    return [int(name) for name in os.listdir(folder) if name.isdigit()]


def open_binary(path):
    return open(path, "rb", buffering=0)


def open_output(descriptor):
    return open(descriptor, "wb", buffering=0)


def open_nonblocking(path):
    return open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0)


def open_tty(path):
    return open(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY), "r+b", buffering=0)


def read_some(file, buffer):
    return file.readinto(buffer)


def read(stream, size):
    try:
        if hasattr(stream, "recv"):
            return stream.recv(size)
        return stream.read(size)
    except BlockingIOError:
        return None


def write(stream, data, start, count):
    try:
        if hasattr(stream, "recv"):
            return stream.send(memoryview(data)[start : start + count])
        return stream.write(memoryview(data)[start : start + count])
    except BlockingIOError:
        return None


def stop_on_signals():
    """Let SIGINT and SIGTERM raise KeyboardInterrupt, even if a shell's `&` had made SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
