"""Shows a running collector to the user: a live view on a terminal, lines of news anywhere else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from buddywatch.store.damage import DamageReports
from buddywatch.terminal.line_writer import LineWriter
from buddywatch.terminal.screen import Restorer, first_environment
from buddywatch.text.escape import local_clock, one_line

QUIT_CODE = 10  # of the live view: the user wants to end the collector
PROBLEM = "!"  # begins a line about the database's problem; nothing behind it: no problem
_LINE_MAX = 400
_END_S = 2.0  # for the view, to give the terminal back


class Presenter(Protocol):
    """Shows lines of news to the user, and the database's problem (None: no problem)."""

    def report(self, line: str) -> None: ...

    def show(self, problem: str | None) -> None: ...


class Lines:
    """A line with the time for each piece of news: links that go up or down, alerts that begin or end.

    damage: for all connections to the database. The caller enters the writer.
    """

    def __init__(self, out: LineWriter) -> None:
        self.damage = DamageReports(self.report)
        self._out = out

    def report(self, line: str) -> None:
        self._out.write(f"{local_clock(time.time())} {one_line(line, _LINE_MAX)}")

    def show(self, problem: str | None) -> None:
        """Nothing: problems are reported as lines of news."""


class Live:
    """`buddywatch watch` in a process of its own: however long it takes to read and draw, the collector never waits.

    It gets news through a pipe, whose end tells it that the collector has ended, also one that was killed. quit: called
    when the user wants to end the collector. If the view itself ends by an error, news go on as lines.
    """

    def __init__(self, watch: Sequence[str], quit: Callable[[], None], lines: Lines) -> None:
        self.damage = DamageReports(self.report)
        self._quit = quit
        self._lines = lines
        self._is_over = self._has_failed = False
        self._problem: str | None = None
        self._terminal = Restorer(sys.stdout.fileno())
        read_end, self._pipe = os.pipe()
        os.set_blocking(self._pipe, False)  # a view that hangs loses news
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "buddywatch", *watch, "--news", str(read_end)],
                pass_fds=(read_end,),
                env=_environment(),
            )
        except OSError:
            os.close(self._pipe)
            raise
        finally:
            os.close(read_end)
        self._thread = threading.Thread(target=self._wait, name="view", daemon=True)
        self._thread.start()

    def report(self, line: str) -> None:
        if self._has_failed:
            self._lines.report(line)
        else:
            self._send(one_line(line, _LINE_MAX))

    def show(self, problem: str | None) -> None:
        """Show what is wrong with the database, if that is new."""
        if problem != self._problem:
            self._problem = problem
            self._send(PROBLEM + one_line(problem or "", _LINE_MAX))

    def close(self) -> None:
        """End the view, and wait until the terminal is as it was."""
        self._is_over = True
        os.close(self._pipe)
        self._thread.join(_END_S)
        if self._thread.is_alive():
            self._process.kill()
            self._terminal.restore()

    def _send(self, line: str) -> None:
        if not self._is_over:
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(self._pipe, line.encode() + b"\n")

    def _wait(self) -> None:
        code = self._process.wait()
        if self._is_over:
            return
        if code == QUIT_CODE:
            self._quit()
        elif code != 0:  # 0: the terminal hung up, and nobody looks
            self._terminal.restore()
            self._has_failed = True
            self._lines.report(f"the live view has ended (exit code {code}); collecting goes on")


def _environment() -> dict[str, str]:
    """As this process was started, so that the view knows in which locale; with the place of these modules."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if "LC_CTYPE" not in first_environment():
        env.pop("LC_CTYPE", None)  # Python sets it in the C locale
    return env
