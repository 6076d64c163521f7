"""Pushes what is stored to the engine, and notes what it has taken."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from buddywatch.bridge.door import BodyRefused, Door, DoorError
from buddywatch.bridge.formats import FORMATS
from buddywatch.bridge.pair import Sharing, without_samples
from buddywatch.bridge.reader import Reader
from buddywatch.bridge.recent import Recent, Taken
from buddywatch.bridge.samples import Item, Sample
from buddywatch.config.bridges import Bridge
from buddywatch.config.problems import ConfigError
from buddywatch.config.sections import Config
from buddywatch.links.backoff import Backoff
from buddywatch.links.base import LinkError
from buddywatch.store.bridges import BridgeState, BridgeStore
from buddywatch.store.store import StoreError

BATCH_ITEMS = 500  # at most, and so many samples:
BATCH_SAMPLES = 20_000  # 2 MB of text, about 100 kB on the line


@dataclass
class Pushed:
    """What a run has done."""

    items: int = 0
    samples: int = 0
    requests: int = 0
    set_aside: list[str] = field(default_factory=list)


class Pusher:
    """One bridge. report: called with a line for the user when it stops to work, and when it works again.

    sharing: with another collector that hears the same boards.
    """

    def __init__(
        self,
        store: BridgeStore,
        config: Config,
        bridge: Bridge,
        report: Callable[[str], None],
        sharing: Sharing | None = None,
    ) -> None:
        self.pushed = Pushed()
        self.door = Door(bridge)
        self._packed = FORMATS[bridge.format].packed
        self._store = store
        self._bridge = bridge
        self._report = report
        self._reader = Reader(store, config, bridge, sharing)
        self._sharing = sharing
        self._state = store.bridge_state(bridge.name)
        self._recent = Recent()
        self._cuts = 0

    def push(self) -> None:
        """All that is stored and not pushed yet. DoorError: what was not taken is pushed by the next call."""
        try:
            self._push_stored()
        finally:
            was_cut, self._cuts = self.door.cuts > self._cuts, self.door.cuts
            is_behind = was_cut and self._take_back()
        if is_behind:
            self._push_stored()

    def _push_stored(self) -> None:
        is_left = self._sharing is not None and self._sharing.look(time.time())
        self._push_all(self._reader.snapshots())
        while events := self._reader.events(self._state.event_id):
            self._push_all(without_samples(events) if is_left else events)
        while changes := self._reader.transitions(self._state.transition_id):
            self._push_all(without_samples(changes) if is_left else changes)
        if not is_left:
            self._push_all([self._reader.state_now()])
        if self._sharing is not None:
            self._push_all([self._reader.presence(self._sharing.role)])

    def _push_all(self, items: Iterable[Item]) -> None:
        batch: list[Item] = []
        samples = 0
        for item in items:
            if batch and (len(batch) >= BATCH_ITEMS or samples + len(item.samples) > BATCH_SAMPLES):
                self._push_batch(self._shared(batch))
                batch, samples = [], 0
            batch.append(item)
            samples += len(item.samples)
        if batch:
            self._push_batch(self._shared(batch))

    def _shared(self, batch: Sequence[Item]) -> Sequence[Item]:
        return batch if self._sharing is None else self._sharing.without_known(batch, self._recent.is_own)

    def _push_batch(self, batch: Sequence[Item]) -> None:
        """Push them; if the engine refuses the body, push its halves, down to the item that it refuses."""
        samples: list[Sample] = [sample for item in batch for sample in item.samples]
        try:
            if samples:
                self.pushed.requests += 1
                self.door.post(self._packed(samples))
        except BodyRefused as error:
            if len(batch) > 1:
                half = len(batch) // 2
                self._push_batch(batch[:half])
                self._push_batch(batch[half:])
                return
            self._set_aside(batch[0], str(error))
        self.pushed.items += len(batch)
        self.pushed.samples += len(samples)
        self._note(batch)

    def _set_aside(self, item: Item, why: str) -> None:
        self._state = self._state._replace(set_aside=self._state.set_aside + 1)
        self.pushed.set_aside.append(item.what)
        self._tell(f"{item.what} is set aside: {why}")

    def _note(self, batch: Sequence[Item]) -> None:
        """Note in the store that these were taken, all in one transaction."""
        frames = [item.frames for item in batch if item.frames is not None]
        self._recent.add(Taken(time.monotonic(), frames, self._state.event_id, self._state.transition_id))
        for one in frames:
            self._reader.note(*one)
        state = self._state._replace(
            event_id=max([self._state.event_id, *(item.event_id for item in batch)]),
            transition_id=max([self._state.transition_id, *(item.transition_id for item in batch)]),
            pushed=time.time(),
            error="",
        )
        self._save(state, {one.key for one in frames})

    def _take_back(self) -> bool:
        """The engine may have been killed: push once more what it took last. False if there is nothing."""
        taken = self._recent.give_back(time.monotonic(), self._state.event_id, self._state.transition_id)
        if taken is None:
            return False
        self._reader.take_back(taken.frames)
        state = self._state._replace(event_id=taken.event_id, transition_id=taken.transition_id)
        self._save(state, {one.key for one in taken.frames})
        return True

    def _save(self, state: BridgeState, keys: Iterable[int]) -> None:
        with self._store.batch():
            self._store.set_bridge_state(self._bridge.name, state)
            self._store.set_bridge_frames(self._bridge.name, {key: self._reader.done[key] for key in keys})
        self._state = state

    def note_error(self, text: str) -> None:
        """For `status`: why the last attempt failed."""
        self._state = self._state._replace(error=text)
        with self._store.batch():
            self._store.set_bridge_state(self._bridge.name, self._state)

    def _tell(self, line: str) -> None:
        with suppress(Exception):  # a closed terminal must not end the bridge
            self._report(line)


def push_until(
    pusher: Pusher,
    bridge: Bridge,
    stopping: threading.Event,
    report: Callable[[str], None],
    let_write: Callable[[], None],
) -> None:
    """Push now and then until `stopping` is set. After an error it waits longer and longer, or as the engine says.

    let_write: has the collector write what the boards still hold; not while the engine takes nothing.
    """
    backoff, told, written_s = Backoff(), "", -math.inf
    while not stopping.is_set():
        began_s = time.monotonic()
        if not told and began_s - written_s >= bridge.lag_s:
            written_s = began_s
            let_write()
        try:
            pusher.push()
        except (DoorError, LinkError, StoreError, ConfigError) as error:
            if str(error) != told:
                told = str(error)
                report(f"bridge {bridge.name}: {told}; what is stored waits")
                with suppress(StoreError):  # it is the store that fails
                    pusher.note_error(told)
            asked_s = error.after_s if isinstance(error, DoorError) else None
            stopping.wait(max(backoff.next_wait_s(0.0, random.random()), asked_s or 0.0))
            continue
        if told:
            report(f"bridge {bridge.name}: pushes again")
        backoff, told = Backoff(), ""
        stopping.wait(max(0.0, bridge.every_s - (time.monotonic() - began_s)))
