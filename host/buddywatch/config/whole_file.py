"""Reads a whole file that may turn out to be without an end: a device, or a pipe that nobody fills or closes."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from pathlib import Path

_READ_BYTES = 1 << 20


def read_whole(path: Path, limit_bytes: int, wait_s: float) -> bytes:
    """The file's content. OSError, also if it has more than limit_bytes, or has not ended after wait_s.

    It is read without blocking: open(2) of a FIFO would wait for a writer, for ever if none comes.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        return _read(descriptor, limit_bytes, time.monotonic() + wait_s)
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit_bytes: int, until: float) -> bytes:
    content = bytearray()
    while len(content) <= limit_bytes:
        try:
            piece = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            _await(descriptor, until)
            continue
        if not piece and (content or not _may_be_filled(descriptor, until)):
            return bytes(content)
        content += piece
    raise OSError(errno.EFBIG, f"it has more than {limit_bytes} bytes")


def _may_be_filled(descriptor: int, until: float) -> bool:
    """True once something can be read. A FIFO without a writer reads as empty; POLLHUP says that a writer was there
    (pipe_poll() in fs/pipe.c, Linux 6.1). For all other files "empty" is true.
    """
    if not _is_fifo(descriptor):
        return False
    return bool(_await(descriptor, until) & select.POLLIN)


def _is_fifo(descriptor: int) -> bool:
    return stat.S_ISFIFO(os.fstat(descriptor).st_mode)


def _await(descriptor: int, until: float) -> int:
    """Wait until there is something to read, or the end. The events of poll(2)."""
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    events = poller.poll(max(0.0, until - time.monotonic()) * 1000)
    if not events:
        raise OSError(errno.ETIMEDOUT, "no program writes its content, or ends it")
    return events[0][1]
