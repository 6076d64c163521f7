"""Two collectors that hear the same boards, as [pair] of the configuration says: what either knows of the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from buddywatch.bridge.pair import Sharing
from buddywatch.config.bridges import SPARE, Pair
from buddywatch.config.sections import Config
from buddywatch.fleet.engine import Engine
from buddywatch.fleet.pair import Absence, PairView
from buddywatch.notify.base import Channel, Parcel
from buddywatch.notify.pair import PairChannel
from buddywatch.store.bridges import BridgeStore
from buddywatch.store.newest import NewestReader
from buddywatch.store.store import Store, StoreError

ASK_S = 10  # for an answer; a message waits for it


def sharing_of(pair: Pair, config: Config, begun: float) -> Sharing:
    """For the bridge."""
    return Sharing(pair, _view(config), begun)


def pair_channels(
    config: Config, pair: Pair, channels: Mapping[str, Channel], report: Callable[[str], None]
) -> dict[str, Channel]:
    """The channels of one of the two; to be called before its bridge starts."""
    view, db = _view(config), config.collector.db
    absence = _absence(config, pair)

    def is_left_to_first(parcel: Parcel) -> bool:
        try:
            return view.is_first_aware(str(parcel.message.payload.get("board", "")), parcel.created, _newest(db))
        except StoreError:
            return False

    def is_left_to_spare(parcel: Parcel) -> bool:
        changes = [(one["board"], one["time"]) for one in parcel.message.payload.get("transitions", ())]
        return absence is not None and view.has_spare_reported(changes, absence)

    is_left = is_left_to_first if pair.role == SPARE else is_left_to_spare
    return {name: PairChannel(channel, is_left, 2 * ASK_S, report) for name, channel in channels.items()}


def _absence(config: Config, pair: Pair) -> Absence | None:
    """How long this collector was away; None if it has never pushed."""
    try:
        with BridgeStore.open_readonly(config.collector.db) as store:
            since = store.bridge_state(config.bridges[0].name).pushed
    except StoreError:
        return None
    return None if since is None else Absence(since, time.time(), pair.after_s)


def _view(config: Config) -> PairView:
    assert config.fleet is not None and config.bridges
    settings = replace(config.fleet, timeout_s=min(ASK_S, config.fleet.timeout_s))
    return PairView(Engine(settings), config.bridges[0].site)


def _newest(db: Path) -> dict[str, float]:
    """When the newest snapshot of each board was made."""
    with Store.open_readonly(db) as store:
        found = NewestReader(store).of_all()
    return {board: newest.snapshot.time for board, newest in found.items() if newest.snapshot is not None}
