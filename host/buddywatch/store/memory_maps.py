"""Reads a board's map, and the snapshot that was taken with it."""

from __future__ import annotations

from buddywatch.model.memory_map import MAP, MemoryMap
from buddywatch.model.samples import Snapshot
from buddywatch.protocol.map_text import maps_of
from buddywatch.store.store import Store

PARTS_MAX = 64  # of one map: a thousand programs
_WITHIN_S = 120.0  # a map follows its snapshot at once


def map_at(store: Store, board: str, until: float | None) -> tuple[MemoryMap, Snapshot | None] | None:
    """The newest map before that time (None: of all), and the state of memory then; None if there is no map."""
    maps = maps_of(store.newest_events(board, PARTS_MAX, kinds=(MAP,), until=until))
    if not maps:
        return None
    newest = max(maps, key=lambda one: one.time)
    found = None
    for snapshot in store.snapshots(board, newest.time - _WITHIN_S, newest.time + 1.0):
        if snapshot.boot_id == newest.boot_id and snapshot.uptime_ms <= newest.uptime_ms:
            found = snapshot
    return newest, found
