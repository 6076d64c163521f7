"""The table of links: which have something to read, and which reach a board.

Each link is registered once with the kernel (epoll), so the cost of a turn depends on the number of ready links, not of
all links.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterable, Iterator
from contextlib import suppress

from buddywatch.collect.timers import Timers
from buddywatch.links.connection import Connection


class LinkTable:
    """After any use of a connection, sync() must be called for it."""

    def __init__(self, connections: Iterable[Connection] = ()) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: Timers[Connection] = Timers()
        self._registered: dict[Connection, tuple[int, int]] = {}  # (descriptor, events)
        self._always: set[Connection] = set()  # files, which are always ready
        self._reach: dict[Connection, str] = {}  # the board that a connection reaches
        self._by_board: dict[str, list[Connection]] = {}
        self._changes: list[tuple[str, str, bool]] = []
        self._connections: dict[Connection, None] = {}
        self._others: set[int] = set()
        for connection in connections:
            self.add(connection)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._connections))

    def __len__(self) -> int:
        return len(self._connections)

    @property
    def all_ended(self) -> bool:
        """True if nothing more will come over any link."""
        return all(connection.ended for connection in self._connections)

    def add(self, connection: Connection) -> None:
        """Add a new connection; it is due at once."""
        self._connections[connection] = None
        self._timers.set(connection, 0.0)

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has ended."""
        self._unregister(connection)
        self._set_reach(connection, None)
        self._timers.set(connection, float("inf"))
        self._always.discard(connection)
        self._connections.pop(connection, None)

    def reaching(self, board: str) -> list[Connection]:
        """Connections that are up and reach the board, fast ones first."""
        return self._by_board.get(board, [])

    def changes(self) -> list[tuple[str, str, bool]]:
        """(board, URL, is up) of each link that changed since the last call."""
        changes, self._changes = self._changes, []
        return changes

    def report(self, connection: Connection) -> None:
        """Report the link once more, as what was stored of it is gone."""
        if connection in self._reach:
            self._changes.append((self._reach[connection], connection.url, True))

    def urls(self) -> list[str]:
        return [connection.url for connection in self._connections]

    def watch(self, descriptors: set[int]) -> None:
        """Also wait for these descriptors, which belong to no link; they replace those of the last call."""
        for gone in self._others - descriptors:
            with suppress(KeyError, ValueError):
                if self._selector.get_key(gone).data is None:
                    self._selector.unregister(gone)
        for new in descriptors - self._others:
            self._register(None, new, selectors.EVENT_READ)
        self._others = descriptors

    def wait(self, timeout_s: float, now_s: float) -> list[Connection]:
        """Wait at most timeout_s for connections with something to read, or with room for waiting output."""
        timeout_s = 0.0 if self._always else max(0.0, min(timeout_s, self._timers.next_s() - now_s))
        ready = self._selector.select(timeout_s)
        return [key.data for key, _ in ready if key.data is not None] + list(self._always)

    def due(self, now_s: float) -> Iterator[Connection]:
        """Connections whose time has come: to reopen, to send a keep-alive, and so on."""
        return self._timers.due(now_s)

    def sync(self, connection: Connection, now_s: float) -> None:
        """Update the table after a connection changed: its descriptor, what it waits for, its board, its due time."""
        if connection not in self._connections:
            return
        descriptor = connection.link.fileno() if connection.is_started else None
        writes = selectors.EVENT_WRITE if connection.wants_write else 0
        wanted = None if descriptor is None else (descriptor, selectors.EVENT_READ | writes)
        # A link that is being opened may close one socket and open another one with the same number.
        if self._registered.get(connection) != wanted or not connection.is_up or connection not in self._reach:
            self._unregister(connection)
            if wanted is not None:
                self._register(connection, *wanted)
        if connection.is_started and descriptor is None and not connection.ended:
            self._always.add(connection)
        else:
            self._always.discard(connection)
        self._set_reach(connection, connection.board if connection.is_up else None)
        self._timers.set(connection, connection.due_s(now_s))

    def close(self) -> None:
        self._selector.close()

    def _register(self, connection: Connection | None, descriptor: int, events: int) -> None:
        with suppress(KeyError):  # a link closed it without our notice, and its number is in use again
            other = self._selector.unregister(descriptor).data
            if other is not None:
                del self._registered[other]
        self._selector.register(descriptor, events, connection)
        if connection is not None:
            self._registered[connection] = (descriptor, events)

    def _unregister(self, connection: Connection) -> None:
        registered = self._registered.pop(connection, None)
        if registered is not None:
            with suppress(KeyError, ValueError, OSError):  # it may be closed already; then the kernel has removed it
                self._selector.unregister(registered[0])

    def _set_reach(self, connection: Connection, board: str | None) -> None:
        before = self._reach.get(connection)
        if before == board:
            return
        if before is not None:
            del self._reach[connection]
            self._by_board[before].remove(connection)
            self._changes.append((before, connection.url, False))
        if board is not None:
            self._reach[connection] = board
            others = self._by_board.setdefault(board, [])
            others.append(connection)
            others.sort(key=lambda other: other.url.startswith("serial:"))
            self._changes.append((board, connection.url, True))
