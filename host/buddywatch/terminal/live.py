"""The live view: waits for keys, for news and for the next look, and draws. All of its input and output is here."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from buddywatch.store.store import Store, StoreError
from buddywatch.terminal.board_page import board_lines
from buddywatch.terminal.fleet_page import fleet_lines, fleet_rows
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.gather_depth import DepthReader
from buddywatch.terminal.keyboard import Keyboard
from buddywatch.terminal.keys import QUIT, opened, press, question
from buddywatch.terminal.screen import Screen
from buddywatch.terminal.style import REVERSE, Style, painted
from buddywatch.terminal.text_page import text_lines, text_rows
from buddywatch.terminal.view import BOARD, TEXT, Action, Depth, Fleet, View
from buddywatch.text.escape import local_clock, one_line

DRAW_S = 0.5  # between two drawings without a key
LOOK_S = 1.0  # between two looks into the store: a collector writes once a second
LOOK_SHARE = 20  # a look that takes long is followed by a pause of so many times its length
ESCAPE_S = 0.05  # after which a lone ESC is a key and not the beginning of a sequence
MESSAGE_S = 8.0
_NEWS_BYTES = 65536

# What a key asks for beyond the view: (store, board, hours) -> lines of a page, or a message of one line.
Answer = Callable[[Store, Action], tuple[str, ...] | str]


class Live:
    """answers: by Action.what. lend: those that need the terminal for themselves."""

    def __init__(
        self,
        screen: Screen,
        style: Style,
        reader: FleetReader,
        answers: Mapping[str, Answer],
        lend: Mapping[str, Callable[[str], str]],
        news: int | None = None,
        ends: str = "",
    ) -> None:
        self._screen = screen
        self._style = style
        self._reader = reader
        self._depths = DepthReader(reader)
        self._answers = answers
        self._lend = lend
        self._news = news
        self._view = View(ends=ends)
        self._fleet = Fleet()
        self._depth: Depth | None = None
        self._keyboard = Keyboard()
        self._message = ""
        self._message_until_s = 0.0
        self._version: Any = None
        self._look_at_s = 0.0
        self._stopping = False
        self.was_quit = False

    def stop(self, *_: object) -> None:
        """End after this turn. May be called by a signal handler."""
        self._stopping = True

    def open(self, board: str) -> None:
        """Begin with this board."""
        self._view = replace(self._view, page=BOARD, selected=board)

    def run(self, seconds: float | None = None) -> None:
        """Until q, stop(), the end of the news, a terminal that hangs up, or the given time."""
        end_s = None if seconds is None else time.monotonic() + seconds
        while not self._stopping and (end_s is None or time.monotonic() < end_s):
            self._look()
            self._draw()
            self._wait(DRAW_S if end_s is None else min(DRAW_S, max(0.0, end_s - time.monotonic())))

    def _wait(self, timeout_s: float) -> None:
        """Until something comes or it is time to draw."""
        sources = [self._screen.fileno(), *([] if self._news is None else [self._news])]
        timeout_s = ESCAPE_S if self._keyboard.is_waiting else timeout_s
        try:
            ready = select.select(sources, [], [], 0 if self._screen.resized else timeout_s)[0]
        except InterruptedError:
            return
        if self._news in ready:
            self._hear()
        if self._screen.fileno() in ready:
            self._read_keys()
        elif self._keyboard.is_waiting:
            self._press(self._keyboard.pause())

    def _read_keys(self) -> None:
        typed = self._screen.typed()
        if typed is None:
            self._stopping = True
        elif typed:
            self._press(self._keyboard.feed(typed))
        else:
            time.sleep(DRAW_S)  # in the background: what is typed is for another program

    def _press(self, keys: list[str]) -> None:
        for key in keys:
            if key == "r":
                self._screen.forget()
            page = self._view.page
            self._view, action = press(key, self._view, self._fleet, self._rows())
            if action is not None:
                self._do(action)
            if self._view.page == BOARD and (page != BOARD or self._depth is None):
                self._look_deep()

    def _rows(self) -> int:
        height = self._screen.size()[1]
        return text_rows(height) if self._view.page == TEXT else fleet_rows(self._fleet, height)

    def _do(self, action: Action) -> None:
        if action.what == QUIT:
            self.was_quit = self._stopping = True
            return
        try:
            if action.what in self._lend:
                with self._screen.lent():
                    answer: tuple[str, ...] | str = self._lend[action.what](action.board)
            else:
                answer = self._answers[action.what](self._reader.store, action)
        except (StoreError, OSError) as error:
            answer = str(error)
        if isinstance(answer, tuple):
            self._view = opened(self._view, f"{action.board}: {action.what}", answer)
        else:
            self._say(answer)
            self._look_at_s = 0.0  # a mute shows at once
            self._version = None

    def _say(self, message: str) -> None:
        self._message, self._message_until_s = message, time.monotonic() + MESSAGE_S

    def _hear(self) -> None:
        """Lines of the collector that shows itself here: "!..." is its problem, all else news."""
        assert self._news is not None
        data = os.read(self._news, _NEWS_BYTES)
        if not data:
            self._stopping = True
        for line in data.decode("utf-8", "replace").splitlines():
            if line.startswith("!"):
                self._reader.problem = line[1:]
            elif line:
                self._reader.news.append(f"{local_clock(time.time())} {one_line(line)}")
        del self._reader.news[:-10]

    def _look(self) -> None:
        """Read the store, if anything in it changed, and not too often."""
        began_s = time.monotonic()
        if began_s < self._look_at_s:
            return
        try:
            version = self._reader.store.data_version()
            if version == self._version and self._fleet.boards:
                self._fleet = self._reader.aged(self._fleet, time.time())
            else:
                self._fleet, self._version = self._reader.fleet(time.time()), version
            self._look_deep()
        except StoreError as error:
            self._fleet = replace(self._fleet, problem=str(error))
        took_s = time.monotonic() - began_s
        self._look_at_s = began_s + max(LOOK_S, LOOK_SHARE * took_s)

    def _look_deep(self) -> None:
        board = self._fleet.named(self._view.selected) if self._view.page == BOARD else None
        self._depth = None if board is None else self._depths.depth(board, time.time())

    def _draw(self) -> None:
        width, height = self._screen.size()
        if self._view.page == TEXT:
            lines = text_lines(self._view, width, height, self._style)
        elif self._view.page == BOARD:
            lines = board_lines(self._fleet, self._view, self._depth, width, height, self._style)
        else:
            lines = fleet_lines(self._fleet, self._view, width, height, self._style)
        asked = question(self._view)
        message = asked or (self._message if time.monotonic() < self._message_until_s else "")
        if message:
            lines = [*lines[: height - 1], [(one_line(message, 500), REVERSE)]]
        self._screen.draw([painted(line, width, self._style) for line in lines[:height]], (width, height))


def handled(live: Live) -> None:
    """SIGTERM and SIGHUP end the view, which gives the terminal back."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, live.stop)
