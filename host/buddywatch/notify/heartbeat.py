"""The sign of life for an outside watcher: who hears nothing for a while knows that nobody watches the boards."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from buddywatch.config.sections import Heartbeat
from buddywatch.notify.base import Deadline, NotifyError
from buddywatch.notify.post import get

TIMEOUT_S = 30.0


class HeartbeatSender:
    """is_well: whether the collector works now; without it nothing is sent. report: called with a line for the user."""

    def __init__(self, settings: Heartbeat, is_well: Callable[[], bool], report: Callable[[str], None]) -> None:
        self._settings = settings
        self._is_well = is_well
        self._report = report
        self._reported = ""
        self._stopping = threading.Event()
        self._deadline: Deadline | None = None

    def run(self) -> None:
        """Send signs of life until stop()."""
        while not self._stopping.is_set():
            if self._is_well():
                self.beat()
            self._stopping.wait(self._settings.every_s)

    def stop(self) -> None:
        self._stopping.set()

    def cut_short(self) -> None:
        deadline = self._deadline
        if deadline is not None:
            deadline.cancel()

    def beat(self) -> None:
        """One sign of life. An error is reported once, until it changes."""
        error = "; ".join(filter(None, (self._fetch(self._settings.url), _touch(self._settings.file))))
        if error and error != self._reported:
            with suppress(Exception):  # a closed terminal must not end the signs of life
                self._report(f"heartbeat: {error}")
        self._reported = error

    def _fetch(self, url: str | None) -> str:
        """Returns what went wrong, or ""."""
        if url is None:
            return ""
        try:
            with Deadline(TIMEOUT_S) as self._deadline:
                get(url, self._deadline, TIMEOUT_S)
        except NotifyError as error:
            return str(error)
        finally:
            self._deadline = None
        return ""


def _touch(path: Path | None) -> str:
    try:
        if path is not None:
            path.touch()
    except OSError as error:
        return f"{path}: {error.strerror}"
    return ""
