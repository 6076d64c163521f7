"""A board's history as CSV (RFC 4180): a line for each snapshot or step, gap and event. Unknown values are empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from buddywatch.model.samples import Boot, Event, Gap
from buddywatch.protocol.layout import Layout, ZoneLayout
from buddywatch.store.buckets import Spread, Step, in_steps
from buddywatch.store.timeline import History, Row
from buddywatch.text.escape import escaped, iso_time

_FIRST = ("kind", "time", "time_iso", "boot_id", "first_seq", "seq", "uptime_s")
_OF_STEPS = ("samples", "step_s", "processes_started")
_SPREAD = ("_min", "_mean", "_max")


def lines(history: History, step_s: int | None) -> Iterator[str]:
    """kind: "snapshot", "step", "gap" (frames first_seq..seq; text: why) or "event" (text: its line)."""
    values = ["free_bytes", "serviceable_bytes"]
    values += [f"{name}_margin_pages" for name in history.need_names()] + _zone_columns(history)
    if step_s is not None:
        values = [value + suffix for value in values for suffix in _SPREAD]
    verdicts = [f"{name}_verdict" for name in history.need_names()]
    columns = [*_FIRST, *(_OF_STEPS if step_s is not None else ()), *verdicts, *values, "text"]
    line = io.StringIO()
    writer = csv.DictWriter(line, columns, lineterminator="")
    writer.writeheader()
    for item in history.items() if step_s is None else in_steps(history.pieces(step_s), step_s):
        if not isinstance(item, Boot):
            yield line.getvalue()
            line.seek(0)
            line.truncate()
            cells = _cells(item)
            writer.writerow({**cells, "time_iso": iso_time(cells["time"])})
    yield line.getvalue()


def _zone_columns(history: History) -> list[str]:
    """The columns of every zone that any boot had."""
    widest: dict[tuple[int, str], ZoneLayout] = {}
    for boot in history.boots.values():
        for zone in _zones(boot):
            known = widest.get((zone.node, zone.name))
            if known is None or known.orders < zone.orders:
                widest[zone.node, zone.name] = zone
    columns: list[str] = []
    for zone in widest.values():
        name = _zone_name(zone.node, zone.name)
        columns += [f"{name}_min_pages", f"{name}_low_pages", *(f"{name}_{order}" for order in range(zone.orders))]
    return columns


def _zones(boot: Boot) -> tuple[ZoneLayout, ...]:
    try:
        return Layout(boot.facts).zones
    except ValueError:  # an unusable hello: no snapshot of that boot was stored
        return ()


def _zone_name(node: int, name: str) -> str:
    """ "node0_DMA": the column NAME_ORDER has the free blocks of that order."""
    return f"node{node}_{escaped(name)}"


def _cells(item: Row | Step | Gap | Event) -> dict[str, Any]:
    if isinstance(item, Row):
        return _row_cells(item)
    if isinstance(item, Step):
        return _step_cells(item)
    if isinstance(item, Gap):
        cells: dict[str, Any] = {"kind": "gap", "first_seq": item.first, "seq": item.last, "text": escaped(item.reason)}
    else:
        cells = {"kind": "event", "first_seq": item.seq, "seq": item.seq, "text": escaped(item.text)}
        if item.uptime_ms is not None:
            cells["uptime_s"] = item.uptime_ms / 1000
    return {"time": item.time, "boot_id": escaped(item.boot_id), **cells}


def _row_cells(row: Row) -> dict[str, Any]:
    snapshot, state = row.snapshot, row.state
    cells: dict[str, Any] = {
        "kind": "snapshot",
        "time": snapshot.time,
        "boot_id": escaped(snapshot.boot_id),
        "first_seq": snapshot.first_seq,
        "seq": snapshot.seq,
        "uptime_s": snapshot.uptime_ms / 1000,
        "free_bytes": state.free_bytes,
        "serviceable_bytes": state.serviceable_bytes,
    }
    for need in state.needs:
        cells |= {f"{need.name}_verdict": need.verdict, f"{need.name}_margin_pages": need.margin_pages}
    for zone in snapshot.zones:
        name = _zone_name(zone.node, zone.name)
        cells |= {f"{name}_min_pages": zone.min_pages, f"{name}_low_pages": zone.low_pages}
        cells |= {f"{name}_{order}": count for order, count in enumerate(zone.nr_free)}
    return cells


def _step_cells(step: Step) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "kind": "step",
        "time": step.time,
        "boot_id": escaped(step.boot_id),
        "first_seq": step.first_seq,
        "seq": step.seq,
        "uptime_s": step.uptime_ms / 1000,
        "samples": step.samples,
        "step_s": step.step_s,
        "processes_started": step.processes_started,
    }
    spreads = {"free_bytes": step.free_bytes, "serviceable_bytes": step.serviceable_bytes}
    for need_name, need in step.needs.items():
        cells[f"{need_name}_verdict"] = need.verdict
        spreads[f"{need_name}_margin_pages"] = need.margin_pages
    for zone in step.zones:
        name = _zone_name(zone.node, zone.name)
        spreads |= {f"{name}_min_pages": zone.min_pages, f"{name}_low_pages": zone.low_pages}
        spreads |= {f"{name}_{order}": count for order, count in enumerate(zone.nr_free)}
    for value_name, spread in spreads.items():
        cells |= dict(zip((value_name + suffix for suffix in _SPREAD), _three(spread), strict=True))
    return cells


def _three(spread: Spread) -> tuple[int | float | None, int | float | None, int | float | None]:
    mean = spread.mean()
    return spread.least, None if mean is None else round(mean, 3), spread.greatest
