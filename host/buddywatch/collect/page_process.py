"""Runs `buddywatch serve` beside the collector, as a process: however long a page takes, intake never waits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from buddywatch.text.escape import one_line

_LINE_MAX = 400  # less than PIPE_BUF: a line is written whole, or not at all


class PageProcess:
    """command: the arguments of `buddywatch`. The process ends with the pipe of beat(), however this one ends."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False

    def run(self) -> None:
        """Until stop(). RuntimeError: it ended by itself, and why."""
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        argv = [sys.executable, "-P", "-m", "buddywatch", *self._command, "--pulse", str(read_end)]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        void = subprocess.DEVNULL
        try:
            with self._lock:
                self._pipe = write_end
                if self._stopping:
                    self._hang_up()
                self._process = subprocess.Popen(
                    argv, env=env, text=True, stdin=void, stdout=void, stderr=subprocess.PIPE, pass_fds=(read_end,)
                )
        finally:
            os.close(read_end)
        complaint = self._process.communicate()[1]
        with self._lock:
            self._hang_up()
        if not self._stopping:
            raise RuntimeError(one_line(complaint.removeprefix("buddywatch: ") or "it ended"))

    def beat(self, problem: str | None) -> None:
        """The loop turned. problem: why the store takes nothing."""
        with self._lock:
            if self._pipe is not None:
                with suppress(BlockingIOError, BrokenPipeError):
                    os.write(self._pipe, one_line(problem or "", _LINE_MAX).encode() + b"\n")

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._hang_up()

    def cut_short(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def _hang_up(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
