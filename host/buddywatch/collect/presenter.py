"""What a person sees of a running collector: a live view on a terminal, lines of news anywhere else."""

from __future__ import annotations

import time

from buddywatch.config.load import Config
from buddywatch.model.alerts import Incident
from buddywatch.store.store import Store
from buddywatch.terminal.dashboard import ViewState, render
from buddywatch.terminal.line_writer import LineWriter
from buddywatch.terminal.overview import board_names, board_view
from buddywatch.terminal.screen import Screen
from buddywatch.terminal.style import Style
from buddywatch.text.escape import local_clock, local_time, one_line

_LINE_MAX = 400


class Lines:
    """A line with the time for each piece of news: links that come and go, alerts that begin and end.

    The writer is entered by the caller.
    """

    def __init__(self, out: LineWriter) -> None:
        self._out = out
        self._open: dict[int, Incident] = {}

    def tell(self, line: str) -> None:
        self._out.write(f"{local_clock(time.time())} {one_line(line, _LINE_MAX)}")

    def show(self, store: Store, problem: str | None) -> None:
        now_open = {i.id: i for name in store.boards() for i in store.incidents(name, open_only=True)}
        for incident in now_open.values():
            if incident.id not in self._open:
                self.tell(f"{incident.board}: {incident.severity}, {incident.rule}: {incident.text}")
        for incident in self._open.values():
            if incident.id not in now_open:
                self.tell(f"{incident.board}: over, {incident.rule}: {incident.need or ''}")
        self._open = now_open


class Live:
    """The live view; screen is entered by the caller."""

    def __init__(self, screen: Screen, style: Style, config: Config) -> None:
        self._screen = screen
        self._style = style
        self._config = config
        self._news = ""

    def tell(self, line: str) -> None:
        self._news = f"{local_clock(time.time())} {one_line(line, _LINE_MAX)}"

    def show(self, store: Store, problem: str | None) -> None:
        now = time.time()
        boards = tuple(board_view(store, self._config, name, now) for name in board_names(store, self._config))
        state = ViewState(boards, local_time(now), store.path, problem or self._news)
        width, height = self._screen.size()
        self._screen.draw(render(state, width, height, self._style))
