"""Has the report of [report] sent when it is time, by a process of its own: making it may take many seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from buddywatch.alerts.quiet import newest_on
from buddywatch.config.sections import Report
from buddywatch.notify.channels import REPORT
from buddywatch.store.store import Store
from buddywatch.text.escape import one_line

LOOK_S = 20.0
_NOT_SENT_YET = 4  # exit code: it waits in the outbox


class ReportClock:
    """command: `buddywatch report --mail` with all its arguments. clock: seconds since 1970."""

    def __init__(
        self,
        settings: Report,
        db: Path,
        command: Sequence[str],
        clock: Callable[[], float] = time.time,
        look_s: float = LOOK_S,
    ) -> None:
        self._settings = settings
        self._db = db
        self._command = tuple(command)
        self._clock = clock
        self._look_s = look_s
        self._started = clock()
        self._stopping = threading.Event()
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Look now and then until stop(). RuntimeError: a report could not be made; it is tried again."""
        while not self._stopping.is_set():
            if self._is_due():
                self._make()
            self._stopping.wait(self._look_s)

    def stop(self) -> None:
        self._stopping.set()

    def cut_short(self) -> None:
        process = self._process
        if process is not None:
            process.terminate()

    def _is_due(self) -> bool:
        now = self._clock()
        with Store.open_readonly(self._db) as store:
            made = store.newest_made(REPORT)
        if made is None or made > now:  # never yet, or the clock was set back
            made = self._started
        return made < newest_on(self._settings.at, self._settings.days, now)

    def _make(self) -> None:
        argv = [sys.executable, "-P", "-m", "buddywatch", *self._command]
        env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        void = subprocess.DEVNULL
        self._process = subprocess.Popen(argv, env=env, text=True, stdin=void, stdout=void, stderr=subprocess.PIPE)
        try:
            complaint = self._process.communicate()[1]
            if self._process.returncode not in (0, _NOT_SENT_YET) and not self._stopping.is_set():
                raise RuntimeError(f"the report was not made: {one_line(complaint)}")
        finally:
            self._process = None
