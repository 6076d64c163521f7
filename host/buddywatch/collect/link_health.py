"""Decides when the health of each link is stored: at most once a minute, and at once when a link goes up or down.

A link over which no board was heard yet belongs to no board: it has a row of its own, until a board is heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakKeyDictionary

from buddywatch.links.connection import Connection
from buddywatch.links.listen import Listener
from buddywatch.model.batch import StoredHealth
from buddywatch.model.links import LinkHealth, UnheardLink

REPORT_S = 60.0  # not at every damaged line: a noisy line would keep the disk busy


class LinkHealths:
    """The links of a collector, by their connections. Closed connections are forgotten."""

    def __init__(self) -> None:
        self._stored: WeakKeyDictionary[Connection, LinkHealth] = WeakKeyDictionary()
        self._unheard: dict[str, UnheardLink] = {}  # as stored
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

    def unheard(self, connections: Iterable[Connection]) -> dict[str, UnheardLink | None]:
        """Changes of the links over which no board was heard, by URL. None: a board was heard."""
        now = {connection.url: connection for connection in connections if _is_unheard(connection)}
        changes: dict[str, UnheardLink | None] = {url: None for url in self._unheard if url not in now}
        for url, connection in now.items():
            link = UnheardLink(url, connection.is_up, connection.last_error)
            if (link.is_up or link.last_error) and link != self._unheard.get(url):  # else it is being opened, or closed
                changes[url] = self._unheard[url] = link
        for url in changes.keys() - now.keys():
            del self._unheard[url]
        return changes


def _is_unheard(connection: Connection) -> bool:
    """Callers, whose number is that of the strangers who call, and recordings are left out."""
    if connection.is_call or connection.is_recording or connection.ended:
        return False
    if isinstance(connection.link, Listener):
        return not connection.was_ever_up or bool(connection.last_error)
    return connection.board is None or not connection.was_ever_up
