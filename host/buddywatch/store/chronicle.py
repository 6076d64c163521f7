"""Everything that is stored of a board, in the order in which the board made it: for an export, and to replay it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby

from buddywatch.model.batch import StoredEvent
from buddywatch.model.samples import Boot, Gap, Snapshot
from buddywatch.store.store import Store

_Numbered = Snapshot | StoredEvent | Gap
Told = Boot | _Numbered


def chronicle(store: Store, board: str) -> Iterator[Told]:
    """Each boot, followed by its snapshots, events and gaps by number. Events of the console, which have no number,
    come at their time. One snapshot is in memory at a time."""
    gaps: defaultdict[str, list[Gap]] = defaultdict(list)
    for gap in store.gaps(board):
        gaps[gap.boot_id].append(gap)
    events: defaultdict[str, list[StoredEvent]] = defaultdict(list)
    for stored in store.stored_events(board):
        events[stored.event.boot_id].append(stored)
    of_boots = groupby(store.snapshots(board), key=lambda snapshot: snapshot.boot_id)
    group = next(of_boots, None)
    for boot in store.boots(board):
        yield boot
        snapshots: Iterator[Snapshot] = iter(())
        if group is not None and group[0] == boot.boot_id:
            snapshots = group[1]
        yield from _of_boot(snapshots, events[boot.boot_id], gaps[boot.boot_id])
        if group is not None and group[0] == boot.boot_id:
            group = next(of_boots, None)


def _of_boot(snapshots: Iterator[Snapshot], events: list[StoredEvent], gaps: list[Gap]) -> Iterator[Told]:
    numbered = sorted((stored for stored in events if stored.event.seq is not None), key=_number)
    unnumbered = sorted((stored for stored in events if stored.event.seq is None), key=lambda stored: stored.event.time)
    unnumbered.reverse()
    sources: list[Iterable[_Numbered]] = [snapshots, numbered, gaps]
    for item in merge(*sources, key=_number):
        while unnumbered and isinstance(item, Snapshot) and unnumbered[-1].event.time <= item.time:
            yield unnumbered.pop()
        yield item
    yield from reversed(unnumbered)


def _number(item: _Numbered) -> int:
    """The frame that the item ends with."""
    if isinstance(item, Snapshot):
        return item.seq
    return item.last if isinstance(item, Gap) else item.event.seq or 0
