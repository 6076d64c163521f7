"""A board's history as a stream, in the order in which things happened on the board. Memory use is constant."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from buddyd import watermark

from buddywatch.config.sections import Config
from buddywatch.model.memory_map import MAP_KINDS
from buddywatch.model.samples import Boot, Event, Gap, Snapshot
from buddywatch.model.summaries import Summary
from buddywatch.model.verdicts import BoardState
from buddywatch.protocol.layout import Layout
from buddywatch.store.store import Store
from buddywatch.store.stretch import Reader, Stretch
from buddywatch.verdict.judge import board_state, page_bytes_of, rule_of


@dataclass(frozen=True)
class Row:
    """A snapshot and its verdict."""

    snapshot: Snapshot
    state: BoardState


Item = Boot | Row | Gap | Event
_Frames = Snapshot | Summary
_Place = tuple[float, int]  # number of the boot, number of the frame in it


class History:
    """A board's history with since <= time < until (seconds since 1970; None: no limit)."""

    def __init__(self, store: Store, config: Config, board: str, since: float | None, until: float | None) -> None:
        self._store = store
        self.board = board
        self._since = since
        self._until = until
        self.boots = {boot.boot_id: boot for boot in store.boots(board)}
        newest = next(reversed(self.boots.values()), None)
        named = config.name_of(board, newest.facts if newest else {})
        self._needs, self._said = config.needs_of(named), config.board(named)
        self._readers: dict[str, Reader] = {}

    def items(self) -> Iterator[Item]:
        """Yield each Boot before its rows; gaps and events in the place of their frame numbers."""
        return self._in_place(map(self._row, self._store.snapshots(self.board, self._since, self._until)))

    def pieces(self, step_s: int) -> Iterator[Item | Stretch]:
        """The same, to be gathered into steps: stretches come in the place of rows, as far as they say the same.

        A stretch of another step stands for snapshots that are not kept any more.
        """
        return self._in_place(self._pieces(step_s))

    def _in_place(self, rows: Iterator[Row] | Iterator[Row | Stretch]) -> Iterator[Any]:
        order = {boot_id: place for place, boot_id in enumerate(self.boots)}
        between = _Between(self._store.gaps(self.board), self.events(), order)
        before: _Frames | None = None
        for row in rows:
            found = row.snapshot if isinstance(row, Row) else row.summary
            boot_place = order.setdefault(found.boot_id, len(order))
            if before is None or before.boot_id != found.boot_id:
                yield from self._shown(between.until((boot_place, 0), found.time), before, found)
                yield self.boots[found.boot_id]
            yield from self._shown(between.until((boot_place, found.first_seq), found.time), before, found)
            yield row
            before = found
        yield from self._shown(between.until((math.inf, 0), math.inf), before, None)

    def removed_until(self) -> float | None:
        """The time of the newest snapshot of which no more than a summary is kept; None if there is none."""
        return self._store.removed_until(self.board, self._since, self._until)

    def events(self) -> Iterator[Event]:
        """What happened; maps and starts show only what was there, see `buddywatch map`."""
        events = self._store.events(self.board, self._since, self._until)
        return (event for event in events if event.kind not in MAP_KINDS)

    @property
    def orders(self) -> dict[str, int]:
        """The order that each need takes on the newest boot; nothing where the page size is not known."""
        page_bytes = self.page_bytes
        if page_bytes is None:
            return {}
        return {need.name: int(watermark.order_for(need.bytes, page_bytes)) for need in self._needs}

    @property
    def page_bytes(self) -> int | None:
        """Of the newest boot."""
        newest = next(reversed(self.boots.values()), None)
        return self._said.page_bytes or page_bytes_of(newest.facts if newest else {})

    def need_names(self) -> list[str]:
        return [need.name for need in self._needs]

    def _pieces(self, step_s: int) -> Iterator[Row | Stretch]:
        def is_enough(summary: Summary) -> bool:
            return self._reader(summary.boot_id).is_enough(summary)

        for piece in self._store.pieces(self.board, self._since, self._until, step_s, is_enough):
            if isinstance(piece, Snapshot):
                yield self._row(piece)
            else:
                yield self._reader(piece.boot_id).stretch(piece)

    def _row(self, snapshot: Snapshot) -> Row:
        facts = self._facts(snapshot.boot_id)
        return Row(snapshot, board_state(snapshot, facts, self._needs, self._said.rule, self._said.page_bytes))

    def _reader(self, boot_id: str) -> Reader:
        if boot_id not in self._readers:
            facts, said = self._facts(boot_id), self._said
            judged_by = (said.rule or rule_of(facts), said.page_bytes or page_bytes_of(facts))
            self._readers[boot_id] = Reader(Layout(facts), self._needs, *judged_by)
        return self._readers[boot_id]

    def _facts(self, boot_id: str) -> dict[str, str]:
        if boot_id not in self.boots:  # a new boot: the collector met it after we began to read
            self.boots |= {boot.boot_id: boot for boot in self._store.boots(self.board)}
        return self.boots[boot_id].facts

    def _shown(
        self, items: Iterator[Gap | Event], before: _Frames | None, after: _Frames | None
    ) -> Iterator[Gap | Event]:
        return (item for item in items if isinstance(item, Event) or self._shows(item, before, after))

    def _shows(self, gap: Gap, before: _Frames | None, after: _Frames | None) -> bool:
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
