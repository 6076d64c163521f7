"""Reads a board's map, and the snapshot that was taken with it."""

from __future__ import annotations

from collections.abc import Sequence

from buddywatch.config.sections import Need
from buddywatch.model.memory_map import MAP, MemoryMap, Rescue
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.protocol.map_text import maps_of
from buddywatch.store.store import Store
from buddywatch.verdict.rescue import rescues

PARTS_MAX = 64  # of one map: a thousand programs
_WITHIN_S = 120.0  # a map follows its snapshot at once
_RECENT_S = 3600.0  # an older map says little about which programs run


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


def rescues_now(
    store: Store, board: str, snapshot: Snapshot, state: BoardState, needs: Sequence[Need]
) -> tuple[Rescue, ...]:
    """Whose ends would let the needs succeed that are refused in this snapshot, the newest of the board."""
    return rescues_at(store, board, snapshot, state, needs, None)


def rescues_at(
    store: Store, board: str, snapshot: Snapshot, state: BoardState, needs: Sequence[Need], until: float | None
) -> tuple[Rescue, ...]:
    """The same of an earlier snapshot, by what was known up to a time (None: until now)."""
    if state.page_bytes is None:
        return ()
    found = maps_of(store.newest_events(board, PARTS_MAX, snapshot.time - _RECENT_S, (MAP,), until))
    of_boot = [one for one in found if one.boot_id == snapshot.boot_id]
    return rescues(of_boot[-1], snapshot, needs, state.page_bytes, state.rule) if of_boot else ()
