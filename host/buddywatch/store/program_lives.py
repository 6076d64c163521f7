"""Reads which programs ran on a board, what was free meanwhile, and which starts failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from buddywatch.model.lives import Life
from buddywatch.model.memory_map import MAP_KINDS
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, Event
from buddywatch.protocol.map_text import births_of, maps_of
from buddywatch.store.store import Store
from buddywatch.verdict.lives import lives_of
from buddywatch.verdict.room import Point, point_of

_BEFORE_S = 7200.0  # programs that run at `since` are in a map of the time before
_REFUSED_KINDS = tuple(kind for kind in KERNEL_FAILURE_KINDS if kind not in ("kill", "more"))


def lives(store: Store, board: str, since: float, until: float) -> list[Life]:
    """Of all programs that the board's maps and starts tell of."""
    of_programs = [event for event in _events(store, board, since - _BEFORE_S, until) if event.kind in MAP_KINDS]
    return lives_of([*maps_of(of_programs), *births_of(of_programs)])


def refusals(store: Store, board: str, since: float, until: float) -> Counter[str]:
    """How often the kernel refused memory to each program, by its own messages."""
    events = _events(store, board, since, until)
    return Counter(event.comm for event in events if event.kind in _REFUSED_KINDS and event.comm)


def points(store: Store, board: str, since: float, until: float, order: int) -> dict[str, list[Point]]:
    """What was free for requests of that order, by boot of the agent."""
    found: dict[str, list[Point]] = {}
    for snapshot in store.snapshots(board, since, until):
        found.setdefault(snapshot.boot_id, []).append(point_of(snapshot, order))
    return found


def _events(store: Store, board: str, since: float, until: float) -> Iterator[Event]:
    return store.events(board, max(0.0, since), until)
