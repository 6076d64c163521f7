"""A board's history as a stream, in the order in which things happened on the board. Memory use is constant."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from buddywatch.config.sections import Config
from buddywatch.model.memory_map import MAP
from buddywatch.model.samples import Boot, Event, Gap, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.store.store import Store
from buddywatch.verdict.judge import board_state


@dataclass(frozen=True)
class Row:
    """A snapshot and its verdict."""

    snapshot: Snapshot
    state: BoardState


Item = Boot | Row | Gap | Event
_Place = tuple[float, int]  # number of the boot, number of the frame in it


class History:
    """A board's history with since <= time < until (seconds since 1970; None: no limit)."""

    def __init__(self, store: Store, config: Config, board: str, since: float | None, until: float | None) -> None:
        self._store = store
        self._config = config
        self.board = board
        self._since = since
        self._until = until
        self.boots = {boot.boot_id: boot for boot in store.boots(board)}
        newest = next(reversed(self.boots.values()), None)
        self._named = config.name_of(board, newest.facts if newest else {})

    def items(self) -> Iterator[Item]:
        """Yield each Boot before its rows; gaps and events in the place of their frame numbers."""
        order = {boot_id: place for place, boot_id in enumerate(self.boots)}
        between = _Between(self._store.gaps(self.board), self.events(), order)
        before: Snapshot | None = None
        for row in self._rows():
            snapshot = row.snapshot
            boot_place = order.setdefault(snapshot.boot_id, len(order))
            if before is None or before.boot_id != snapshot.boot_id:
                yield from self._shown(between.until((boot_place, 0), snapshot.time), before, snapshot)
                yield self.boots[snapshot.boot_id]
            yield from self._shown(between.until((boot_place, snapshot.first_seq), snapshot.time), before, snapshot)
            yield row
            before = snapshot
        yield from self._shown(between.until((math.inf, 0), math.inf), before, None)

    def events(self) -> Iterator[Event]:
        """What happened; a map shows only what was there, see `buddywatch map`."""
        events = self._store.events(self.board, self._since, self._until)
        return (event for event in events if event.kind != MAP)

    def need_names(self) -> list[str]:
        return [need.name for need in self._config.needs_of(self._named)]

    def _rows(self) -> Iterator[Row]:
        needs, said = self._config.needs_of(self._named), self._config.board(self._named)
        for snapshot in self._store.snapshots(self.board, self._since, self._until):
            if snapshot.boot_id not in self.boots:  # a new boot: the collector met it after we began to read
                self.boots |= {boot.boot_id: boot for boot in self._store.boots(self.board)}
            facts = self.boots[snapshot.boot_id].facts
            yield Row(snapshot, board_state(snapshot, facts, needs, said.rule, said.page_bytes))

    def _shown(
        self, items: Iterator[Gap | Event], before: Snapshot | None, after: Snapshot | None
    ) -> Iterator[Gap | Event]:
        return (item for item in items if isinstance(item, Event) or self._shows(item, before, after))

    def _shows(self, gap: Gap, before: Snapshot | None, after: Snapshot | None) -> bool:
        """True if a gap belongs to the requested time. Its neighbours are rows that are shown, or None.

        The time of the lost frames is unknown. A gap next to a shown row is shown; for the others, the time when the
        host noticed them decides.
        """
        follows = before if before is not None and before.boot_id == gap.boot_id else None
        leads = after if after is not None and after.boot_id == gap.boot_id else None
        if follows and leads:
            return True
        if follows:
            return self._until is None or gap.first == follows.seq + 1
        if leads:
            return self._since is None or gap.last == leads.first_seq - 1
        return (self._since is None or gap.time >= self._since) and (self._until is None or gap.time < self._until)


class _Between:
    """Gaps and events that are still to be yielded, both in the order of the board's frames."""

    def __init__(self, gaps: list[Gap], events: Iterator[Event], order: dict[str, int]) -> None:
        self._gaps = deque(gaps)
        self._events = events
        self._event = next(events, None)
        self._order = order

    def until(self, place: _Place, time: float) -> Iterator[Gap | Event]:
        """Gaps and events before the frame at `place`. A console event has no frame number, so its time decides."""
        while True:
            gap_at = self._place(self._gaps[0].boot_id, self._gaps[0].first) if self._gaps else place
            event_at = self._event_place(place, time)
            if gap_at < place and gap_at < event_at:
                yield self._gaps.popleft()
            elif self._event is not None and event_at < place:
                yield self._event
                self._event = next(self._events, None)
            else:
                return

    def _event_place(self, place: _Place, time: float) -> _Place:
        if self._event is None:
            return place
        if self._event.seq is None:
            return (-1, 0) if self._event.time <= time else place
        return self._place(self._event.boot_id, self._event.seq)

    def _place(self, boot_id: str, seq: int) -> _Place:
        return self._order.get(boot_id, len(self._order)), seq
