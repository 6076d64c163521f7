"""A bridge beside the collector: `buddywatch bridge NAME` in a process of its own, however long the engine takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from buddywatch.text.escape import one_line

_LINE_MAX = 300


class BridgeEnded(Exception):
    """It ends only when it is stopped."""


class BridgeProcess:
    """A part of the collector, for Supervised. options: of the command line, with `bridge` and its name.

    report: called with each line that it tells.
    """

    def __init__(self, options: Sequence[str], report: Callable[[str], None]) -> None:
        self._options = options
        self._report = report
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = False

    def run(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-P", "-m", "buddywatch", *self._options, "--until-eof"]
        self._process = process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env
        )
        if self._is_stopped:
            self.stop()
        assert process.stderr is not None and process.stdin is not None
        last = ""
        with process.stderr, process.stdin:
            for line in process.stderr:
                last = one_line(line.decode("utf-8", "replace").strip(), _LINE_MAX)
                with suppress(Exception):  # a closed terminal must not end the bridge
                    self._report(last)
        code = process.wait()
        if not self._is_stopped:
            raise BridgeEnded(last or f"exit code {code}")

    def stop(self) -> None:
        self._is_stopped = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    def cut_short(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
