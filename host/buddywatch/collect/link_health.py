"""Decides when the health of each link is stored: at most once a minute, and at once when a link goes up or down."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from buddywatch.links.connection import Connection
from buddywatch.model.batch import StoredHealth
from buddywatch.model.links import LinkHealth

REPORT_S = 60.0  # not at every damaged line: a noisy line would keep the disk busy


class LinkHealths:
    """The links of a collector, by their connections. Closed connections are forgotten."""

    def __init__(self) -> None:
        self._stored: WeakKeyDictionary[Connection, LinkHealth] = WeakKeyDictionary()
        self._due_s = 0.0

    def changed(self, connections: Iterable[Connection], at_once: bool, monotonic_s: float) -> list[StoredHealth]:
        """What to store now. at_once: a link went up or down."""
        if monotonic_s < self._due_s and not at_once:
            return []
        self._due_s = monotonic_s + REPORT_S
        found = []
        for connection in connections:
            health = connection.health()
            if connection.board is not None and health != self._stored.get(connection, LinkHealth()):
                self._stored[connection] = health
                found.append(StoredHealth(connection.board, connection.url, health))
        return found
