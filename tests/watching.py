"""A link, driven as by the collector, and the items that it brings: snapshots, gaps, events, console lines."""

import time
from collections.abc import Callable

from buddywatch.collect.board import Now
from buddywatch.links.connection import Connection
from buddywatch.links.urls import open_link
from buddywatch.model.samples import Boot, Event, Gap, Snapshot
from buddywatch.protocol.line_stream import Text
from linktools import wait
from virtualline import new_board
from waiting import DEADLINE_S, wait_for


class Watch:
    """news: lines for the user. downs: how often the link was lost."""

    def __init__(self, url: str) -> None:
        self.connection = Connection(open_link(url))
        self.board = new_board("board")
        self.values: list[object] = []
        self.console: list[str] = []
        self.news: list[str] = []

    def until(self, condition: Callable[["Watch"], object], deadline_s: float = DEADLINE_S) -> "Watch":
        def have() -> str:
            return f"more; news: {self.news}; console: {self.console[-20:]}; have: {self.values[-5:]}"

        wait_for(lambda: condition(self), have, self.turn, deadline_s)
        return self

    def turn(self) -> None:
        connection, shots = self.connection, []
        connection.tend(time.monotonic())
        if connection.is_started:
            wait(connection.link, 0.1)
            at = Now(time.time(), time.monotonic())
            for item in connection.receive(time.monotonic()):
                if isinstance(item, Text):
                    self.board.take_console(item.text, time.time(), at)
                else:
                    taken = self.board.take(item, time.time(), True, at)
                    shots += [value for value in taken if isinstance(value, Snapshot)]
        self.board.ask([connection], Now(time.time(), time.monotonic()))
        rows = self.board.take_rows(0.0)
        self.values += [*rows.boots, *shots, *(stored.event for stored in rows.events), *rows.gaps]
        self.console += [line.text for line in rows.console]
        self.news += connection.news
        connection.news.clear()

    @property
    def snapshots(self) -> list[Snapshot]:
        return [value for value in self.values if isinstance(value, Snapshot)]

    @property
    def gaps(self) -> list[Gap]:
        return [value for value in self.values if isinstance(value, Gap)]

    @property
    def events(self) -> list[Event]:
        return [value for value in self.values if isinstance(value, Event)]

    @property
    def boots(self) -> list[Boot]:
        return [value for value in self.values if isinstance(value, Boot)]

    def has(self, snapshots: int) -> "Watch":
        """Wait for a total number of snapshots."""
        return self.until(lambda watch: len(watch.snapshots) >= snapshots)

    def close(self) -> None:
        self.connection.close()
