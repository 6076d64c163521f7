"""Puts recorded data into the store: each snapshot and event once, judged by no rule, so that nothing is sent.

A boot that is older than what is stored of its board comes before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from buddywatch.alerts.known_events import KnownEvents
from buddywatch.commands import CommandError
from buddywatch.model.batch import Batch, StoredEvent
from buddywatch.model.samples import Boot, BootEnd, ConsoleLine, Event, Gap, Snapshot, Zone
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.store.boot_order import known_in_kernel, place_boot
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped

ROWS_IN_A_BATCH = 5_000
PACK_S = 0.5
SNAPSHOTS_COMPARED = 5_000  # with those that are stored under the same boot
# Facts that decide what the numbers of a boot mean: with others, its later numbers would not fit the stored ones.
_SETTLED = ("cols", "zones", "interval_cs", "page_bytes", "kernel")

Value = Boot | BootEnd | Snapshot | Event | StoredEvent | Gap | ConsoleLine


@dataclass
class Count:
    """What came of one board. first, last: times of snapshots and events; 0: there are none."""

    boots: int = 0
    snapshots: int = 0
    new_snapshots: int = 0
    events: int = 0
    gaps: int = 0
    first: float = 0.0
    last: float = 0.0

    def add(self, value: Value) -> None:
        self.boots += isinstance(value, Boot)
        self.gaps += isinstance(value, Gap)
        self.snapshots += isinstance(value, Snapshot)
        self.events += isinstance(value, Event | StoredEvent)
        event = value.event if isinstance(value, StoredEvent) else value
        if isinstance(event, Snapshot | Event):
            self.first = min(self.first or event.time, event.time)
            self.last = max(self.last, event.time)


class Intake:
    """counts: by board."""

    def __init__(self, store: Store) -> None:
        self.counts: dict[str, Count] = {}
        self._store = store
        self._snapshots_before: dict[str, int] = {}
        self._batch = Batch()
        self._rows = 0
        self._known: dict[str, KnownEvents] = {}
        self._boots: dict[tuple[str, str], Boot] = {}
        self._stored_zones: dict[tuple[str, str], dict[int, tuple[Zone, ...]]] = {}
        self._unnumbered: dict[str, set[tuple[object, ...]]] = {}
        self._console: dict[str, set[tuple[float, str]]] = {}
        self._newest: dict[str, tuple[str, int]] = {}  # board -> its newest boot, and the last frame of it
        self._older: set[str] = set()  # boards that got a boot before others

    def tracker(self, ended: float, board: str) -> BoardTracker:
        """Where the stored data of a board go on, for a recorded stream that ended then."""
        newest = self._store.latest_boot(board)
        state = None if newest is not None and newest.started > ended else self._store.resume(board)
        try:
            return BoardTracker() if state is None else BoardTracker.resume(state)
        except ValueError:
            return BoardTracker()

    def take(self, board: str, value: Value) -> None:
        """CommandError: it cannot be stored there."""
        if board not in self.counts:
            self.counts[board] = Count()
            self._snapshots_before[board] = self._store.snapshot_count(board)
        self.counts[board].add(value)
        rows = self._batch.of(board)
        if isinstance(value, Boot):
            self._take_boot(board, value)
        elif isinstance(value, Snapshot):
            self._check_same(board, value)
            rows.snapshots.append(value)
            self._reach(board, value.boot_id, value.seq)
        elif isinstance(value, Event):
            self._take_event(board, StoredEvent(value, self._is_copy(board, value)))
        elif isinstance(value, StoredEvent):
            self._take_event(board, value)
        elif isinstance(value, Gap):
            rows.gaps.append(value)
            self._reach(board, value.boot_id, value.last)
        elif isinstance(value, BootEnd):
            rows.ends.append(value)
        elif (round(value.time, 3), value.text) not in self._console_before(board):
            rows.console.append(value)
        self._rows += 1
        if self._rows >= ROWS_IN_A_BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits. What no rule has judged yet counts as judged: it is not news."""
        for board, (boot_id, seq) in self._newest.items():
            rows = self._batch.of(board)
            is_new = (board, boot_id) in self._boots and not self._is_judged(board, boot_id, seq)
            rows.judged = (boot_id, seq) if is_new else None
        batch, self._batch = self._batch, Batch()
        self._rows = 0
        self._store.write(batch)
        while self._store.pack_for(PACK_S):
            pass

    def finish(self) -> None:
        """Write the last rows, and count what was new."""
        self.flush()
        for board in self._older:
            self._store.sum_losses(board)
        for board, count in self.counts.items():
            count.new_snapshots = self._store.snapshot_count(board) - self._snapshots_before[board]

    def _take_boot(self, board: str, boot: Boot) -> None:
        stored = self._stored(board, boot.boot_id)
        if stored is None and self._is_older(board, boot):
            self._place(board, boot)
            return
        if stored is not None and any(
            stored.facts.get(key) != boot.facts.get(key) for key in (*_SETTLED, *_zone_keys(boot))
        ):
            raise CommandError(
                f"{escaped(board)} has boot {escaped(boot.boot_id)} of these data already, with other settings: "
                "give the same options as before, or another --board NAME"
            )
        if stored is not None:
            self._stored_zones[board, boot.boot_id] = {
                snapshot.seq: snapshot.zones
                for snapshot in islice(self._store.snapshots(board), SNAPSHOTS_COMPARED)
                if snapshot.boot_id == boot.boot_id
            }
        self._boots[board, boot.boot_id] = boot
        self._batch.of(board).boots.append(boot)
        self._events(board).begin(boot)
        self._newest[board] = (boot.boot_id, 0)

    def _is_older(self, board: str, boot: Boot) -> bool:
        """Whether the board has newer data, be it in the store or about to be written."""
        taken = self._boots.get((board, self._newest.get(board, ("", 0))[0]))
        newest = (taken, self._store.latest_boot(board))
        return any(known is not None and known.started > boot.started for known in newest)

    def _place(self, board: str, boot: Boot) -> None:
        """Store a boot before others, which are written first."""
        self.flush()
        place_boot(self._store, board, boot)
        self._older.add(board)
        self._boots[board, boot.boot_id] = boot
        self._known[board] = KnownEvents(*known_in_kernel(self._store, board, boot.boot_id))

    def _take_event(self, board: str, stored: StoredEvent) -> None:
        """Events of the console have no number by which the store would know them again."""
        event = stored.event
        if event.seq is None and (stored.copy or _key(event) in self._events_before(board)):
            return
        self._batch.of(board).events.append(stored)
        self._reach(board, event.boot_id, event.seq or 0)

    def _events_before(self, board: str) -> set[tuple[object, ...]]:
        """The events without a number that were stored before."""
        if board not in self._unnumbered:
            stored = (known.event for known in self._store.stored_events(board))
            self._unnumbered[board] = {_key(event) for event in stored if event.seq is None}
        return self._unnumbered[board]

    def _console_before(self, board: str) -> set[tuple[float, str]]:
        if board not in self._console:
            self._console[board] = {(line.time, line.text) for line in self._store.console_since(board, 0.0)}
        return self._console[board]

    def _check_same(self, board: str, snapshot: Snapshot) -> None:
        """Two recordings without dates, of which the first readings are equal, give one boot id."""
        stored = self._stored_zones.get((board, snapshot.boot_id), {}).get(snapshot.seq)
        if stored is not None and stored != snapshot.zones:
            raise CommandError(
                f"{escaped(board)} has another recording that begins with the same reading: give another --board NAME"
            )

    def _stored(self, board: str, boot_id: str) -> Boot | None:
        known = self._boots.get((board, boot_id))
        return known or next((boot for boot in self._store.boots(board) if boot.boot_id == boot_id), None)

    def _reach(self, board: str, boot_id: str, seq: int) -> None:
        newest = self._newest.get(board)
        if newest is None or (newest[0] == boot_id and newest[1] < seq):
            self._newest[board] = (boot_id, seq)

    def _is_judged(self, board: str, boot_id: str, seq: int) -> bool:
        """True if the store has a later boot, or the rules have come further in this one."""
        latest = self._store.latest_boot(board)
        is_stored = self._store.has_boot(board, boot_id)
        if is_stored and latest is not None and latest.boot_id != boot_id:
            return True
        return is_stored and self._store.judged(board, boot_id) >= seq

    def _events(self, board: str) -> KnownEvents:
        if board not in self._known:
            history = self._store.rules_history(board)
            self._known[board] = KnownEvents(history.kernel_boots, history.kernel_events)
        return self._known[board]

    def _is_copy(self, board: str, event: Event) -> bool:
        return self._events(board).is_copy(event)


def _zone_keys(boot: Boot) -> list[str]:
    return [key for key in boot.facts if key[:1] == "z" and key[1:].isdecimal()]


def _key(event: Event) -> tuple[object, ...]:
    return event.boot_id, event.uptime_ms, round(event.time) if event.uptime_ms is None else None, event.text
