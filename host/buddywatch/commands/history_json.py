"""A board's history as one JSON object, written piece by piece. Times are seconds since 1970; unknown is null."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from buddywatch.commands.boards import gap_json
from buddywatch.model.samples import Event, Gap
from buddywatch.store.buckets import Spread, Step, in_steps
from buddywatch.store.timeline import History, Row


def lines(history: History, step_s: int | None) -> Iterator[str]:
    """{"board", "rows": [...], "gaps": [...], "events": [...]}; with step_s, every value of a row is a spread()."""
    gaps: list[Gap] = []
    yield '{"board": ' + json.dumps(history.board) + ', "rows": ['
    yield from _joined(_rows(history, step_s, gaps))
    yield '], "gaps": ' + json.dumps([gap_json(gap) for gap in gaps]) + ', "events": ['
    yield from _joined(event_json(event) for event in history.events())
    yield "]}"


def event_json(event: Event) -> dict[str, Any]:
    """number: bytes of kind "alloc", order of "page" and "oom"."""
    return {
        "boot_id": event.boot_id or None,
        "seq": event.seq,
        "time": event.time,
        "uptime_s": None if event.uptime_ms is None else event.uptime_ms / 1000,
        "kind": event.kind,
        "number": event.number,
        "pid": event.pid,
        "comm": event.comm,
        "text": event.text,
    }


def row_json(row: Row) -> dict[str, Any]:
    snapshot, state = row.snapshot, row.state
    return {
        "boot_id": snapshot.boot_id,
        "seq": snapshot.seq,
        "time": snapshot.time,
        "uptime_s": snapshot.uptime_ms / 1000,
        "free_bytes": state.free_bytes,
        "zones": [
            {
                "node": zone.node,
                "zone": zone.name,
                "nr_free": zone.nr_free,
                "min_pages": zone.min_pages,
                "low_pages": zone.low_pages,
            }
            for zone in snapshot.zones
        ],
        "serviceable_bytes": state.serviceable_bytes,
        "needs": {need.name: {"verdict": need.verdict, "margin_pages": need.margin_pages} for need in state.needs},
    }


def step_json(step: Step) -> dict[str, Any]:
    """time: the start of the step; seq and uptime_s: of its last row; verdict: the worst in it."""
    return {
        "boot_id": step.boot_id,
        "first_seq": step.first_seq,
        "seq": step.seq,
        "time": step.time,
        "step_s": step.step_s,
        "samples": step.samples,
        "uptime_s": step.uptime_ms / 1000,
        "processes_started": step.processes_started,
        "free_bytes": spread_json(step.free_bytes),
        "zones": [
            {
                "node": zone.node,
                "zone": zone.name,
                "nr_free": [spread_json(count) for count in zone.nr_free],
                "min_pages": spread_json(zone.min_pages),
                "low_pages": spread_json(zone.low_pages),
            }
            for zone in step.zones
        ],
        "serviceable_bytes": spread_json(step.serviceable_bytes),
        "needs": {
            name: {"verdict": need.verdict, "margin_pages": spread_json(need.margin_pages)}
            for name, need in step.needs.items()
        },
    }


def spread_json(spread: Spread) -> dict[str, int | float | None] | None:
    """None where no value was known; mean and max are None where no more than the minimum was."""
    if spread.least is None:
        return None
    mean = spread.mean()
    return {"min": spread.least, "mean": None if mean is None else round(mean, 3), "max": spread.greatest}


def _rows(history: History, step_s: int | None, gaps: list[Gap]) -> Iterator[dict[str, Any]]:
    """The rows; the gaps between them are appended to `gaps`."""
    for item in history.items() if step_s is None else in_steps(history.pieces(step_s), step_s):
        if isinstance(item, Gap):
            gaps.append(item)
        elif isinstance(item, Row):
            yield row_json(item)
        elif isinstance(item, Step):
            yield step_json(item)


def _joined(values: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The values as JSON, a line each, with commas between them."""
    before: str | None = None
    for value in values:
        if before is not None:
            yield before + ","
        before = json.dumps(value)
    if before is not None:
        yield before
