"""What is stored about a board, as a stream in the order in which the board lived it: nothing is held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from buddywatch.analysis import BoardState, board_state
from buddywatch.config import Config
from buddywatch.model import Boot, Event, Gap, Snapshot
from buddywatch.store import Store


@dataclass(frozen=True)
class Row:
    """A snapshot and what it means."""

    snapshot: Snapshot
    state: BoardState


Item = Boot | Row | Gap | Event


class History:
    """A board's past with since <= time < until (seconds since 1970; None: no limit)."""

    def __init__(self, store: Store, config: Config, board: str, since: float | None, until: float | None) -> None:
        self._store = store
        self._config = config
        self.board = board
        self._since = since
        self._until = until
        self.boots = {boot.boot_id: boot for boot in store.boots(board)}

    def items(self) -> Iterator[Item]:
        """A Boot before its first row, gaps where they are in the sequence, events by their time."""
        order = {boot_id: place for place, boot_id in enumerate(self.boots)}
        gaps = self._store.gaps(self.board)  # in the same order as the snapshots
        events = self.events()
        event = next(events, None)
        before: Snapshot | None = None
        for row in self._rows():
            snapshot = row.snapshot
            here = (order.get(snapshot.boot_id, len(order)), snapshot.first_seq)
            while gaps and _place(gaps[0], order) < here:
                if self._shows(gap := gaps.pop(0), before, snapshot):
                    yield gap
            if before is None or before.boot_id != snapshot.boot_id:
                yield self.boots[snapshot.boot_id]
            while event is not None and event.time <= snapshot.time:
                yield event
                event = next(events, None)
            yield row
            before = snapshot
        while event is not None:
            yield event
            event = next(events, None)
        yield from (gap for gap in gaps if self._shows(gap, before, None))

    def events(self) -> Iterator[Event]:
        return self._store.events(self.board, self._since, self._until)

    def need_names(self) -> list[str]:
        return [need.name for need in self._config.needs_of(self.board)]

    def _rows(self) -> Iterator[Row]:
        needs, said = self._config.needs_of(self.board), self._config.board(self.board)
        for snapshot in self._store.snapshots(self.board, self._since, self._until):
            if snapshot.boot_id not in self.boots:  # the collector met it after we began to read
                self.boots |= {boot.boot_id: boot for boot in self._store.boots(self.board)}
            facts = self.boots[snapshot.boot_id].facts
            yield Row(snapshot, board_state(snapshot, facts, needs, said.rule, said.page_bytes))

    def _shows(self, gap: Gap, before: Snapshot | None, after: Snapshot | None) -> bool:
        """Whether a gap between two rows that are shown (None: there is none) belongs to the time asked for.

        When its frames were made is not known; that it touches what is shown is, and when the host learnt of it.
        """
        follows = before is not None and before.boot_id == gap.boot_id
        leads = after is not None and after.boot_id == gap.boot_id
        if follows and leads:
            return True
        if (follows and before and gap.first == before.seq + 1) or (
            leads and after and gap.last == after.first_seq - 1
        ):
            return True
        return (self._since is None or gap.time >= self._since) and (self._until is None or gap.time < self._until)


def _place(gap: Gap, order: dict[str, int]) -> tuple[int, int]:
    return order.get(gap.boot_id, len(order)), gap.first
