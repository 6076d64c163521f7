"""Two collectors that hear the same boards, as [pair] of the configuration says: what either knows of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from buddywatch.bridge.pair import Sharing
from buddywatch.config.bridges import Pair
from buddywatch.config.sections import Config
from buddywatch.fleet.engine import Engine
from buddywatch.fleet.pair import PairView
from buddywatch.notify.base import Channel
from buddywatch.notify.spare import SpareChannel
from buddywatch.store.newest import NewestReader
from buddywatch.store.store import Store, StoreError

ASK_S = 10  # for an answer; a message waits for it


def sharing_of(pair: Pair, config: Config, begun: float) -> Sharing:
    """For the bridge."""
    return Sharing(pair, _view(config), begun)


def spare_channels(
    config: Config, channels: Mapping[str, Channel], report: Callable[[str], None]
) -> dict[str, Channel]:
    """The channels of a spare."""
    view, db = _view(config), config.collector.db

    def is_left(board: str, made: float) -> bool:
        try:
            return view.is_first_aware(board, made, _newest(db))
        except StoreError:
            return False

    return {name: SpareChannel(channel, is_left, 2 * ASK_S, report) for name, channel in channels.items()}


def _view(config: Config) -> PairView:
    assert config.fleet is not None and config.bridges
    settings = replace(config.fleet, timeout_s=min(ASK_S, config.fleet.timeout_s))
    return PairView(Engine(settings), config.bridges[0].site)


def _newest(db: Path) -> dict[str, float]:
    """When the newest snapshot of each board was made."""
    with Store.open_readonly(db) as store:
        found = NewestReader(store).of_all()
    return {board: newest.snapshot.time for board, newest in found.items() if newest.snapshot is not None}
