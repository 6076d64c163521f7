"""A stored moment of a board, explained in the words of `explain FILE`: its state is written as a kernel prints it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from buddywatch.config.sections import Config, Need
from buddywatch.explain.answers import explain
from buddywatch.explain.case import Explanation, Wanted
from buddywatch.explain.report import report_parts
from buddywatch.kernel_text.state import Options
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, Boot, Event, Snapshot
from buddywatch.store.store import Store
from buddywatch.text.document import Part, text_lines
from buddywatch.text.escape import escaped, local_time
from buddywatch.verdict.judge import page_bytes_of

EVENTS_BEFORE_S = 120.0  # kernel messages that belong to the state: an older failure met another one
NEAR_S = 10.0  # a state of memory that is farther from a failure says little about it
_EVENTS_MAX = 20
_NOT_KNOWN_S = 86_400.0  # a state that is older says little about now


@dataclass(frozen=True)
class Explained:
    """A moment of a board: its snapshot, and what that meant."""

    snapshot: Snapshot
    explanation: Explanation

    def parts(self, full: bool = False) -> tuple[Part, ...]:
        """As report_parts() has them, without its hint to other options."""
        found = report_parts(self.explanation, full)
        return tuple(found if full else found[:-1])


def explanation(store: Store, config: Config, board: str, at: float | None) -> Explained | None:
    """The newest state before `at` (None: of all), with the kernel's failures shortly before it; None without any."""
    snapshot = newest_before(store, board, at)
    if snapshot is None:
        return None
    boot = next((boot for boot in store.boots(board) if boot.boot_id == snapshot.boot_id), None)
    facts = boot.facts if boot else {}
    named = config.name_of(board, facts)
    page_bytes = config.board(named).page_bytes or page_bytes_of(facts)
    since = snapshot.time - EVENTS_BEFORE_S
    events = [
        one for one in store.newest_events(board, _EVENTS_MAX, since, KERNEL_FAILURE_KINDS, at) if _is_of(one, boot)
    ]
    then = _state_of_failure(store, board, snapshot, events)
    text = "\n".join(kernel_text(snapshot, facts, page_bytes, events, then))
    options = Options(release=facts.get("kernel"), page_kb=None if page_bytes is None else page_bytes // 1024)
    return Explained(snapshot, explain(text, options, [_wanted(need) for need in config.needs_of(named)]))


def lines(found: Explained, board: str, full: bool = False) -> list[str]:
    """The explanation as text, with the moment that it is about."""
    head = f"{escaped(board)} at {local_time(found.snapshot.time)}, as it was stored"
    return [head, "", *text_lines(found.parts(full))]


def newest_before(store: Store, board: str, at: float | None) -> Snapshot | None:
    """The board's newest snapshot before that time."""
    if at is None:
        return store.latest(board)
    found = None
    for span_s in (600.0, _NOT_KNOWN_S, at):
        for snapshot in store.snapshots(board, at - span_s, at):
            found = snapshot if found is None or snapshot.time >= found.time else found
        if found is not None:
            return found
    return None


def _state_of_failure(store: Store, board: str, newest: Snapshot, events: Sequence[Event]) -> Snapshot | None:
    """What was stored nearest to the last failure, which `newest` may say nothing about; None if that is `newest`."""
    if not events:
        return None
    failed = events[-1].time
    near = [one for one in store.snapshots(board, failed - NEAR_S, newest.time) if one.boot_id == newest.boot_id]
    found = min([newest, *near], key=lambda one: abs(one.time - failed))
    return None if found.time == newest.time or abs(found.time - failed) > NEAR_S else found


def kernel_text(
    snapshot: Snapshot,
    facts: Mapping[str, str],
    page_bytes: int | None,
    events: Sequence[Event],
    then: Snapshot | None = None,
) -> Iterator[str]:
    """/proc/buddyinfo, zoneinfo and meminfo as they were, and the kernel's lines. then: the state of those lines, if it
    is another one."""
    if facts.get("nommu") == "1":
        yield "MmapCopy: 0 kB"  # /proc/meminfo has this line only without an MMU
    if facts.get("compaction") == "supported":
        yield "compact_stall 0"  # /proc/vmstat has this line only with compaction
    if (trim := facts.get("trim", "")).isdecimal():
        yield f"vm.nr_trim_pages = {trim}"
    if then is not None:
        yield from _state(then, page_bytes)
        yield from _lines_of(events)
        yield from _state(snapshot, page_bytes)
    else:
        yield from _state(snapshot, page_bytes)
        yield from _lines_of(events)


def _lines_of(events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        yield from event.text.splitlines()


def _state(snapshot: Snapshot, page_bytes: int | None) -> Iterator[str]:
    for zone in snapshot.zones:
        yield f"Node {zone.node}, zone {zone.name:>8} {' '.join(f'{count:>6}' for count in zone.nr_free)}"
    for zone in snapshot.zones:
        if zone.min_pages is None:
            continue
        yield f"Node {zone.node}, zone {zone.name:>8}"
        yield f"  pages free     {sum(count << order for order, count in enumerate(zone.nr_free)) + zone.beside_pages}"
        yield f"        min      {zone.min_pages}"
        yield f"        low      {zone.low_pages}"
        yield f"        high     {zone.high_pages}"
        yield f"        protection: (0, {zone.reserve_pages}, {zone.reserve_pages})"
        if zone.beside_pages:
            yield "  pagesets"
            yield f"  vm stats threshold: {abs(zone.beside_pages)}"
    if snapshot.free_pages is not None and page_bytes is not None:
        yield f"MemFree: {snapshot.free_pages * page_bytes // 1024} kB"


def _is_of(event: Event, boot: Boot | None) -> bool:
    return boot is not None and event.boot_id in ("", boot.boot_id)


def _wanted(need: Need) -> Wanted:
    return Wanted(need.name, need.bytes)
