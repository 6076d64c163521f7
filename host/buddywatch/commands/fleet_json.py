"""`buddywatch fleet ... --json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from buddyd.watermark import REFUSED

from buddywatch.fleet.boards import FleetNeed, Key, SiteBoard
from buddywatch.fleet.history import FleetStep
from buddywatch.model.alerts import Incident
from buddywatch.terminal import view as v
from buddywatch.terminal.view import BoardLine

STATES = {v.FAILS: "fails", v.SOON: "soon", v.SILENT: "silent", v.ALERT: "alert", v.FINE: "ok"}


def status(boards: Iterable[SiteBoard], now: float) -> dict[str, Any]:
    return {"boards": [_board(board, now) for board in boards]}


def _board(board: SiteBoard, now: float) -> dict[str, Any]:
    return {
        "site": board.site or None,
        "name": board.name,
        "age_s": None if board.newest is None else round(max(0.0, now - board.newest), 3),
        "serviceable_bytes": board.serviceable_bytes,
        "free_bytes": board.free_bytes,
        "needs": [_need(need) for need in board.needs.values()],
        "lost_snapshots": board.lost_snapshots,
        "alerts": [_alert(incident) for incident in board.alerts],
    }


def _need(need: FleetNeed) -> dict[str, Any]:
    times = {"in_s": need.refused_in_s, "low_s": need.refused_low_s, "high_s": need.refused_high_s}
    forecast = {key: None if time_s is None else round(time_s) for key, time_s in times.items()}
    return {
        "name": need.name,
        "bytes": need.bytes,
        "verdict": need.verdict,
        "margin_pages": need.margin_pages,
        "usable_blocks": need.usable_blocks,
        "refused_in_s": 0 if need.verdict == REFUSED else forecast["in_s"],
        "forecast": forecast,
    }


def _alert(incident: Incident) -> dict[str, Any]:
    return {
        "rule": incident.rule,
        "need": incident.need,
        "severity": incident.severity,
        "since": incident.opened,
    }


def alerts(found: Iterable[tuple[Key, Incident]]) -> dict[str, Any]:
    return {"alerts": [{"site": site or None, "board": board, **_alert(incident)} for (site, board), incident in found]}


def history(key: Key, steps: Iterable[FleetStep], gaps: Iterable[tuple[float, float]], step_s: float) -> dict[str, Any]:
    site, board = key
    rows = [
        {
            "time": step.time,
            "free_bytes": step.free_bytes,
            "serviceable_bytes": step.serviceable_bytes,
            "needs": {name: {key: of.get(key) for key in _OF_STEP} for name, of in sorted(step.needs.items())},
        }
        for step in steps
    ]
    empty = [{"begin": begin, "end": end} for begin, end in gaps]
    return {"site": site or None, "board": board, "step_s": step_s, "rows": rows, "gaps": empty}


_OF_STEP = ("margin_pages", "usable_blocks")


def sites(boards: Sequence[SiteBoard], lines: Sequence[BoardLine]) -> dict[str, Any]:
    found: dict[str, Counter[int]] = {}
    for board, line in zip(boards, lines, strict=True):
        found.setdefault(board.site, Counter())[line.urgency] += 1
    return {
        "sites": [
            {"site": site or None, "boards": count.total(), **{word: count[state] for state, word in STATES.items()}}
            for site, count in sorted(found.items())
        ]
    }
