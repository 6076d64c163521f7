"""Finds in the store what is to be pushed, as items."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

from buddywatch.bridge.pair import Sharing
from buddywatch.bridge.samples import Frames, Item, Labels, Sample
from buddywatch.bridge.series import (
    BoardSeries,
    alert_labels,
    of_forecasts,
    of_incident,
    of_links,
    of_needs,
    of_pair,
    series_of,
)
from buddywatch.config.bridges import Bridge
from buddywatch.config.own_rules import is_among
from buddywatch.config.sections import Config, Need
from buddywatch.model.alerts import CLEARING, FIRING, Transition, without_covered
from buddywatch.model.samples import Snapshot
from buddywatch.protocol.ranges import Ranges
from buddywatch.store.bridges import BootFrames, BridgeStore
from buddywatch.store.newest import NewestReader

AT_ONCE = 500  # events, or changes of incidents
_LATE_S = 86_400.0  # an alert may end by so old a snapshot, and the engine be told meanwhile that it is open


class Reader:
    """What a bridge has not pushed yet. done: the frames that it has pushed, by boots.id; the caller adds to them.

    sharing: with another collector, None without one.
    """

    def __init__(
        self,
        store: BridgeStore,
        config: Config,
        bridge: Bridge,
        sharing: Sharing | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._config = config
        self._bridge = bridge
        self._clock = clock
        self._sharing = sharing
        self._newest = NewestReader(store)
        self._series: dict[int, BoardSeries] = {}
        self._needs: dict[str, Sequence[Need]] = {}  # by board
        self._counts: dict[tuple[str, str], int] | None = None  # of events, by board and kind
        self._checked: set[int] = set()  # boots that are over, in which holes were looked for
        self.done = {key: Ranges(ranges) for key, ranges in store.bridge_frames(bridge.name).items()}

    def note(self, key: int, first: int, last: int) -> None:
        """These frames were pushed."""
        self.done.setdefault(key, Ranges()).add(first, last)

    def take_back(self, frames: Iterable[Frames]) -> None:
        """These frames are pushed once more, as are the events behind the one that is asked for next."""
        self._counts = None
        for key, first, last in frames:
            self._checked.discard(key)
            for number in range(first, last + 1):
                self.done[key].remove(number)

    def _until(self) -> float:
        return math.inf if self._sharing is None else self._sharing.until(self._clock())

    def labels(self, board: str) -> Labels:
        return (("board", board), ("site", self._bridge.site or ""))

    def snapshots(self) -> Iterator[Item]:
        """Of all boards, boot by boot: what is new, and what came late."""
        for boot in self._store.boot_frames():
            if self._is_wanted(boot.board):
                yield from self._of_boot(boot)

    def _of_boot(self, boot: BootFrames) -> Iterator[Item]:
        done = self.done.setdefault(boot.key, Ranges())
        if boot.key not in self._checked:
            for first, last in self._holes(boot.key, done):
                yield from self._between(boot, first, last)
        if boot.is_over:
            self._checked.add(boot.key)
        if boot.last > done.highest:
            yield from self._between(boot, done.highest + 1, boot.last)

    def _holes(self, key: int, done: Ranges) -> list[tuple[int, int]]:
        """Ranges of frames before the last one pushed that may still come."""
        known = Ranges(done)
        for first, last in self._store.frames_lost(key):
            known.add(first, last)
        found, behind = [], 0
        for first, last in known:
            if first > behind + 1:
                found.append((behind + 1, min(first - 1, done.highest)))
            behind = last
            if behind >= done.highest:
                break
        return [(first, last) for first, last in found if first <= last]

    def _between(self, boot: BootFrames, first: int, last: int) -> Iterator[Item]:
        for snapshot in self._store.snapshots_after(boot.key, first - 1):
            if snapshot.first_seq > last or snapshot.time > self._until():
                return
            yield self._of_snapshot(boot, snapshot)

    def _of_snapshot(self, boot: BootFrames, snapshot: Snapshot) -> Item:
        samples = self._series_of(boot).of_snapshot(snapshot)
        what = f"snapshot {snapshot.seq} of boot {snapshot.boot_id} of {boot.board}"
        return Item(what, samples, Frames(boot.key, snapshot.first_seq, snapshot.seq))

    def _series_of(self, boot: BootFrames) -> BoardSeries:
        if boot.key not in self._series:
            found = self._store.boot_numbered(boot.key)
            facts = {} if found is None else found.facts
            name = self._config.name_of(boot.board, facts)
            settings, needs = self._config.board(name), self._config.needs_of(name)
            self._needs[boot.board] = needs
            self._series[boot.key] = BoardSeries(
                self.labels(boot.board), facts, needs, settings.rule, settings.page_bytes
            )
        return self._series[boot.key]

    def events(self, after: int) -> list[Item]:
        """The next events behind this id, each as the count of its kind so far."""
        if self._counts is None:
            self._counts = self._store.events_until(after)
        items = []
        for event_id, board, key, event in self._store.events_after(after, AT_ONCE):
            if event.time > self._until():
                break
            count = self._counts[board, event.kind] = self._counts.get((board, event.kind), 0) + 1
            series = series_of("board_events_total", self.labels(board), (("kind", event.kind),))
            samples = [Sample(series, count, round(1000 * event.time))] if self._is_wanted(board) else []
            frames = None if key is None or event.seq is None else Frames(key, event.seq, event.seq)
            items.append(Item(f"event {event_id} of {board}", samples, frames, event_id=event_id))
        return items

    def transitions(self, after: int) -> list[Item]:
        """The next changes of alerts behind this id: 1 while an alert is open, then 0."""
        changes, last = self._store.transitions_after(after, AT_ONCE)
        early = list(takewhile(lambda change: change.time <= self._until(), changes))
        items = [Item(f"alert of {one.board}", self._of_transition(one), transition_id=one.id) for one in early]
        if len(early) < len(changes):
            return items
        return [*items, Item("alerts", [], transition_id=last)] if last > after else items

    def _of_transition(self, change: Transition) -> list[Sample]:
        is_about_open = FIRING in (change.from_, change.to) or change.from_ == CLEARING
        if not is_about_open or not self._is_wanted(change.board):
            return []
        of_alert = alert_labels(change.rule, change.need, change.severity)
        series, is_open = series_of("alert_open", self.labels(change.board), of_alert), change.to in (FIRING, CLEARING)
        times = [change.time]
        if not is_open and self._clock() - change.time < _LATE_S:
            times.append(self._clock())  # state_now() may have said meanwhile that it is open
        return [Sample(series, int(is_open), round(1000 * time)) for time in times]

    def state_now(self) -> Item:
        """Needs, open alerts, forecasts, links and losses: a picture of the moment, which no cursor notes."""
        now_ms = round(1000 * self._clock())
        samples: list[Sample] = []
        for board, frames in self._store.losses_of_all().items():
            if self._is_wanted(board):
                samples.append(Sample(series_of("board_lost_snapshots_total", self.labels(board)), frames, now_ms))
        for board, forecasts in self._store.forecasts_of_all().items():
            if self._is_wanted(board):
                samples += of_forecasts(forecasts, self.labels(board), now_ms)
        for board, links in self._store.links_of_all().items():
            if self._is_wanted(board):
                samples += of_links(links, self.labels(board), now_ms)
        for board, needs in self._needs.items():
            samples += of_needs(needs, self.labels(board), now_ms)
        for incident in without_covered(self._store.incidents(open_only=True)):
            if self._is_wanted(incident.board):
                samples += of_incident(incident, self.labels(incident.board), now_ms)
        return Item("the state of the moment", samples)

    def presence(self, role: str) -> Item:
        """For the other collector: what this one knows of."""
        heard = {board: newest.snapshot.time for board, newest in self._newest.of_all().items() if newest.snapshot}
        wanted = {board: time for board, time in heard.items() if self._is_wanted(board)}
        return Item("the presence of this collector", of_pair(role, wanted, self.labels, round(1000 * self._clock())))

    def _is_wanted(self, board: str) -> bool:
        return self._bridge.boards is None or is_among(board, self._bridge.boards)
