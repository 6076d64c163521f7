"""Lines for a reader that may stop reading: a pager, a terminal after Ctrl-S. The writer never waits for it."""

from __future__ import annotations

import errno
import os
import queue
import select
import threading
from typing import Self

LINES_MAX = 1000  # that wait for the reader; more lines are dropped and counted
_FULL = (errno.ENOSPC, errno.EDQUOT)  # the reader is a file: there may be room again later
_CLOSE_S = 2.0  # how long close() waits for a reader that is behind


class LineWriter:
    """`with LineWriter(descriptor) as writer: writer.write(line)`.

    A thread does the writing: making the descriptor non-blocking would do so for every process that shares it, such as
    the shell that started us. It writes past the buffers of sys.stdout, so that a thread that is still stuck when
    the process ends holds none of their locks.
    """

    def __init__(self, descriptor: int, lines_max: int = LINES_MAX) -> None:
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes | None] = queue.Queue(lines_max)
        self._dropped = 0
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._work, name="line-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Wait until the waiting lines are written, but not for ever."""
        try:
            if self._dropped:
                self._waiting.put(self._dropped_line(), timeout=_CLOSE_S)
            self._waiting.put(None, timeout=_CLOSE_S)
            self._thread.join(_CLOSE_S)
        except queue.Full:
            pass

    def write(self, line: str) -> None:
        """Queue a line for the reader. OSError: an earlier line found no reader."""
        if self._error is not None:
            raise self._error
        try:
            if self._dropped:
                self._waiting.put_nowait(self._dropped_line())
                self._dropped = 0
            self._waiting.put_nowait(_encoded(line))
        except queue.Full:
            self._dropped += 1

    def _dropped_line(self) -> bytes:
        lines = "1 line was" if self._dropped == 1 else f"{self._dropped} lines were"
        return _encoded(
            f"... {lines} not shown: the terminal or the program behind the pipe did not read, or the disk was full"
        )

    def _work(self) -> None:
        try:
            while (line := self._waiting.get()) is not None:
                self._write_whole(line)
        except OSError as error:
            self._error = error

    def _write_whole(self, line: bytes) -> None:
        try:
            while line:
                line = line[self._write_some(line) :]
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._dropped += 1

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # our parent process made it non-blocking
            select.select([], [self._descriptor], [])
            return 0


def _encoded(line: str) -> bytes:
    return line.encode("ascii", "backslashreplace") + b"\n"
