"""SIGINT, SIGTERM and SIGHUP for `collect`: none is lost, also while one collector makes way for the next."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Signals:
    """One object for as long as the process collects. is_over: SIGINT or SIGTERM came, and nothing is to go on.

    A signal that comes while no collector is there is kept for the next one.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._is_reload_due = False
        self._stop: Callable[[], None] | None = None
        self._reload: Callable[[], None] | None = None

    @contextmanager
    def handed_to(self, stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
        """A collector is there. stop() lets it end; reload() reads the configuration again, and may let it end, too."""
        self._stop, self._reload = stop, reload
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._end)
        signal.signal(signal.SIGHUP, self._hang_up)
        try:
            if self.is_over:
                stop()
            elif self._is_reload_due:
                self._hang_up()
            yield
        finally:
            self._stop = self._reload = None

    def _end(self, *_: object) -> None:
        self.is_over = True
        if self._stop is not None:
            self._stop()

    def _hang_up(self, *_: object) -> None:
        self._is_reload_due = self._reload is None
        if self._reload is not None:
            self._reload()
