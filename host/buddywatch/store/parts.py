"""The health of the running collector's threads, for `buddywatch status`."""

from __future__ import annotations

from buddywatch.model.health import STOPPED, PartHealth
from buddywatch.model.samples import milliseconds
from buddywatch.store.database import Database
from buddywatch.store.process_owner import is_alive, this_process
from buddywatch.store.read import seconds


class PartStore(Database):
    def save_part(self, part: PartHealth) -> None:
        """Store a part's health, with this process as its owner."""
        error_ms = None if part.last_error_at is None else milliseconds(part.last_error_at)
        values = (part.name, part.state, milliseconds(part.since), part.restarts, part.last_error, error_ms)
        self._run("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)", (*values, this_process()))

    def collector_pid(self) -> int | None:
        """The process that collects; 0: none runs any more; None: none ever ran on this database."""
        owners = [owner for (owner,) in self._rows("SELECT owner FROM parts WHERE name = 'writer'")]
        if not owners:
            return None
        return int(owners[0].partition("/")[0]) if is_alive(owners[0]) else 0

    def part(self, name: str) -> PartHealth | None:
        """A part's health; None if no collector has started it yet."""
        row = self._row("SELECT * FROM parts WHERE name = ?", (name,))
        if row is None:
            return None
        _, state, since_ms, restarts, last_error, error_ms, owner = row
        error_at = None if error_ms is None else seconds(error_ms)
        return PartHealth(
            name, state if is_alive(owner) else STOPPED, seconds(since_ms), restarts, last_error, error_at
        )
