"""Runs a part of the collector in its own thread, restarts it when it ends, and stores its health for `status`."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

from buddywatch.links.backoff import Backoff
from buddywatch.model.health import RESTARTING, RUNNING, STOPPED, PartHealth
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import one_line

BUSY_S = 0.2  # for the database: health that cannot be stored at once is stored with the next change
_GRACE_S = 2.0  # at the end: for the part to finish its work
_END_S = 60.0  # after cut_short()


class Part(Protocol):
    """run() returns after stop(), which any thread may call; cut_short() aborts work that takes too long."""

    def run(self) -> None: ...

    def stop(self) -> None: ...

    def cut_short(self) -> None: ...


class Supervised:
    """name: as `status` shows it. report: called from the thread with one line for the user."""

    def __init__(self, name: str, part: Part, db_path: Path, report: Callable[[str], None]) -> None:
        self._part = part
        self._db_path = db_path
        self._report = report
        self._health = PartHealth(name, STOPPED, time.time())
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, grace_s: float = _GRACE_S) -> None:
        """Stop the part. Its current work has grace_s to finish; then it is cut short."""
        self._stopping.set()
        self._part.stop()
        if self._thread.is_alive():
            self._thread.join(grace_s)
            self._part.cut_short()
            self._thread.join(_END_S)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            self._note(replace(self._health, state=RUNNING, since=time.time()))
            began_s = time.monotonic()
            error = self._end_of_run()
            now = time.time()
            if self._stopping.is_set():
                self._note(replace(self._health, state=STOPPED, since=now))
                return
            health = replace(self._health, state=RESTARTING, since=now, last_error=error, last_error_at=now)
            self._note(replace(health, restarts=health.restarts + 1))
            wait_s = backoff.next_wait_s(time.monotonic() - began_s, random.random())
            with suppress(Exception):  # a closed terminal must not end the supervision
                self._report(f"{self._health.name} stopped: {error}; it is started again in {wait_s:.0f} s")
            self._stopping.wait(wait_s)

    def _end_of_run(self) -> str:
        """Run the part once; returns why it ended."""
        try:
            self._part.run()
        except BaseException as error:  # SystemExit as well: it would end a thread silently
            import traceback  # reads source text: most runs need it never

            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(last.filename)}:{last.lineno}"
            return f"{type(error).__name__}: {one_line(str(error))} ({where})"
        return "it ended without an error"

    def _note(self, health: PartHealth) -> None:
        """Store the health for `status`. Errors are ignored: the collector reports a store that cannot be written."""
        self._health = health
        with suppress(StoreError), Store.open(self._db_path, BUSY_S) as store:
            store.save_part(health)
