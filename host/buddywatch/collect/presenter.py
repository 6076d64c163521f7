"""Shows a running collector to the user: a live view on a terminal, lines of news anywhere else."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from buddywatch.config.sections import Config
from buddywatch.store.damage import DamageReports
from buddywatch.store.store import Store, StoreError
from buddywatch.terminal.dashboard import ViewState, render
from buddywatch.terminal.line_writer import LineWriter
from buddywatch.terminal.overview import board_names, board_view
from buddywatch.terminal.screen import Screen
from buddywatch.terminal.style import Style
from buddywatch.text.escape import local_clock, local_time, one_line
from buddywatch.text.link_words import unheard_words

_LINE_MAX = 400
_END_S = 2.0  # for an unfinished drawing


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
    """The live view; the caller enters the screen. A thread reads the store and draws, so the loop never waits.

    damage: for all connections to the database.
    """

    def __init__(self, screen: Screen, style: Style, config: Config, db: Path) -> None:
        self.damage = DamageReports(self.report)
        self._screen = screen
        self._style = style
        self._config = config
        self._db = db
        self._news = ""
        self._problem: str | None = None
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="view", daemon=True)
        self._thread.start()

    def report(self, line: str) -> None:
        self._news = f"{local_clock(time.time())} {one_line(line, _LINE_MAX)}"

    def show(self, problem: str | None) -> None:
        """Ask for a new drawing soon."""
        self._problem = problem
        self._wanted.set()

    def close(self) -> None:
        """Stop drawing."""
        self._stopping = True
        self._wanted.set()
        self._thread.join(_END_S)

    def _run(self) -> None:
        store: Store | None = None
        while self._wanted.wait() and not self._stopping:
            self._wanted.clear()
            try:
                store = store or self._opened()
                self._draw(store)
            except Exception as error:  # one board that cannot be shown must not end the view
                why = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
                self._news = f"{local_clock(time.time())} {one_line(f'cannot be shown: {why}', _LINE_MAX)}"
        if store is not None:
            store.close()

    def _opened(self) -> Store:
        store = Store.open_readonly(self._db)
        store.damage = self.damage  # standard error is where the view is drawn
        return store

    def _draw(self, store: Store) -> None:
        now = time.time()
        boards = tuple(board_view(store, self._config, name, now) for name in board_names(store, self._config))
        unheard = tuple(unheard_words(link) for link in store.unheard_links())
        state = ViewState(boards, local_time(now), store.path, self._problem or self._news, unheard)
        width, height = self._screen.size()
        self._screen.draw(render(state, width, height, self._style))
