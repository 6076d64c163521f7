"""Items from links whose board is not known yet: they wait for the hello that names the board."""

from __future__ import annotations

from buddywatch.links.connection import Connection
from buddywatch.protocol.line_stream import Item

ORPHANS_MAX = 1024  # items of one link: frames, and a boot's worth of kernel messages
ALL_MAX = 65_536  # of all links together


class Orphans:
    """Items with their time of arrival, by connection."""

    def __init__(self) -> None:
        self._items: dict[Connection, list[tuple[Item, float]]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, connection: Connection, item: Item, arrival: float) -> None:
        """Keep an item. If there are too many, of its link or of all together, drop the oldest."""
        items = self._items.setdefault(connection, [])
        items.append((item, arrival))
        self._count += 1
        if len(items) > ORPHANS_MAX:
            del items[0]
            self._count -= 1
        while self._count > ALL_MAX:
            self.drop(next(iter(self._items)))

    def take(self, connection: Connection) -> list[tuple[Item, float]]:
        """Take all items of a connection, oldest first."""
        items = self._items.pop(connection, [])
        self._count -= len(items)
        return items

    def drop(self, connection: Connection) -> None:
        """Drop all items of a connection."""
        self.take(connection)
