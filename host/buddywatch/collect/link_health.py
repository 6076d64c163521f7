"""When the health of each link is stored: at most once a minute, and at once when the link goes down."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from buddywatch.links.connection import Connection
from buddywatch.model.links import LinkHealth
from buddywatch.store.store import Store

REPORT_S = 60.0  # a damaged line causes no write of its own: a noisy line would keep the disk busy


class _Report:
    """What the store has of one link."""

    def __init__(self) -> None:
        self.health = LinkHealth()
        self.was_up = False
        self.due_s = 0.0


class LinkHealths:
    """The links of a collector, by their connections. A connection that is gone is forgotten."""

    def __init__(self) -> None:
        self._reports: WeakKeyDictionary[Connection, _Report] = WeakKeyDictionary()

    def save(self, store: Store, connections: Iterable[Connection], monotonic_s: float) -> None:
        """Store what is due, in one transaction. StoreError: nothing was stored, and all of it is still due."""
        due = [(c, c.board, c.health()) for c in connections if c.board is not None and self._is_due(c, monotonic_s)]
        changed = [(c, board, health) for c, board, health in due if health != self._report(c).health]
        if changed:
            with store.batch():
                for connection, board, health in changed:
                    store.link_health(board, connection.url, health)
        for connection, _, health in due:
            report = self._report(connection)
            report.was_up = connection.is_up
            report.due_s = report.due_s if health == report.health else monotonic_s + REPORT_S
            report.health = health

    def _report(self, connection: Connection) -> _Report:
        return self._reports.setdefault(connection, _Report())

    def _is_due(self, connection: Connection, monotonic_s: float) -> bool:
        report = self._report(connection)
        return monotonic_s >= report.due_s or (report.was_up and not connection.is_up)
