"""A map as JSON."""

from __future__ import annotations

from typing import Any

from buddywatch.commands.map_answer import MapAnswer, NeedAnswer, ProgramAnswer
from buddywatch.model.verdicts import NeedState


def of(answer: MapAnswer, now: float) -> dict[str, Any]:
    snapshot, page_bytes = answer.snapshot, answer.page_bytes
    return {
        "board": answer.board,
        "boot_id": answer.map.boot_id,
        "time": answer.map.time,
        "age_s": max(0.0, now - answer.map.time),
        "uptime_s": answer.map.uptime_ms / 1000,
        "is_whole": answer.map.is_whole,
        "page_bytes": page_bytes,
        "seq": None if snapshot is None else snapshot.seq,
        "nr_free": None if snapshot is None else [list(zone.nr_free) for zone in snapshot.zones],
        "programs": [_program(program, answer) for program in answer.programs],
        "needs": {need.name: _need(need) for need in answer.needs},
    }


def _program(one: ProgramAnswer, answer: MapAnswer) -> dict[str, Any]:
    page_bytes, program = answer.page_bytes, one.program
    regions = [{"address": first * page_bytes, "bytes": pages * page_bytes} for first, pages in program.regions]
    order = one.freed.largest_order
    return {
        "pid": program.pid,
        "name": program.name,
        "started_s": program.started_s,
        "bytes": program.pages * page_bytes,
        "regions": regions,
        "end_makes": {
            "blocks": list(one.freed.blocks),
            "largest_block_bytes": page_bytes << order if order >= 0 else 0,
            "trimmed_bytes": None if one.trimmed_pages is None else one.trimmed_pages * page_bytes,
            "needs": {need.name: _state(after) for need, after in zip(answer.needs, one.needs, strict=True)},
        },
    }


def _need(need: NeedAnswer) -> dict[str, Any]:
    return {**_state(need.state), "ends_together": [program.pid for program in need.together]}


def _state(state: NeedState | None) -> dict[str, Any]:
    return {
        "verdict": None if state is None else state.verdict,
        "margin_pages": None if state is None else state.margin_pages,
    }
