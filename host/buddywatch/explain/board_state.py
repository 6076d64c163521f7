"""A board's stored state as its kernel would print it, explained like any other text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from buddywatch.explain.answers import explain
from buddywatch.explain.case import Explanation, Wanted
from buddywatch.explain.remedies import remedies
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.state import Options
from buddywatch.model.samples import Event, Snapshot
from buddywatch.verdict.judge import Need

MIN_FREE_KB = "min_free_kbytes"


def explain_state(
    snapshot: Snapshot,
    facts: Mapping[str, str],
    page_bytes: int | None,
    needs: Sequence[Need],
    events: Sequence[Event] = (),
    then: Snapshot | None = None,
) -> Explanation:
    """facts: the hello's. events, then: as in kernel_text()."""
    text = "\n".join(kernel_text(snapshot, facts, page_bytes, events, then))
    options = Options(release=facts.get("kernel"), page_kb=None if page_bytes is None else page_bytes // 1024)
    return explain(text, options, [Wanted(need.name, need.bytes) for need in needs])


def lower_reserves(
    snapshot: Snapshot, facts: Mapping[str, str], page_bytes: int | None, needs: Sequence[Need]
) -> list[Remedy]:
    """For the needs that are refused in this state: the value of vm.min_free_kbytes that lets them succeed, as
    `explain` says it, each once."""
    cases = explain_state(snapshot, facts, page_bytes, needs).needs
    found = [remedy for case in cases for remedy in remedies(case) if remedy.what == MIN_FREE_KB and remedy.helps]
    return list({remedy.text: remedy for remedy in found}.values())


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
