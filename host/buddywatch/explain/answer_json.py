"""The answers as `explain --json` prints them. Unknown values are null."""

from __future__ import annotations

from typing import Any

from buddywatch.explain.case import Case, Explanation
from buddywatch.explain.changes import Change
from buddywatch.explain.judge import Answer, certain_largest_order
from buddywatch.explain.merge import merge_plan
from buddywatch.explain.missing import commands
from buddywatch.explain.program import Piece
from buddywatch.explain.remedies import remedies
from buddywatch.explain.request import Request
from buddywatch.explain.trimming import is_picture
from buddywatch.kernel_text.state import State, Zone, reserve_pages

_PLAIN = Request(0)


def explanation_json(explanation: Explanation) -> dict[str, Any]:
    """states: an entry for each zone of each state; `state` numbers the states from 0."""
    kernel = explanation.kernel
    indexes = {id(state): index for index, state in enumerate(explanation.states)}
    return {
        "kernel": {
            "release": kernel.release,
            "rule": kernel.rules[0] if len(kernel.rules) == 1 else None,
            "no_mmu": kernel.no_mmu,
            "compaction": kernel.compaction,
        },
        "page_bytes": explanation.page_bytes,
        "states": [_zone(state, zone, index) for index, state in enumerate(explanation.states) for zone in state.zones],
        "failures": [_failure(case, indexes) for case in explanation.failures],
        "needs": [_need(case, indexes) for case in explanation.needs],
        "changes": [_change(change, indexes) for change in explanation.changes],
    }


def _change(change: Change, indexes: dict[int, int]) -> dict[str, Any]:
    """From one state to the next: counts of free blocks by order, and the requests whose answer changed."""
    return {
        "from": indexes[id(change.before)],
        "to": indexes[id(change.after)],
        "event": change.event,
        "free_pages": [change.before.free_pages, change.after.free_pages],
        "uses": [{"use": use, "from_kb": old, "to_kb": new} for use, old, new in change.uses],
        "grew": [{"order": order, "from": old, "to": new} for order, old, new in change.grew],
        "shrank": [{"order": order, "from": old, "to": new} for order, old, new in change.shrank],
        "needs": [{"name": name, "from": old, "to": new} for name, old, new in change.needs],
    }


def _zone(state: State, zone: Zone, index: int) -> dict[str, Any]:
    page_bytes = state.page_bytes
    orders = [order for order, count in enumerate(zone.nr_free) if count]
    is_largest_known = zone.unlisted_pages == 0 or max(orders, default=-1) > max(zone.gaps)
    return {
        "state": index,
        "source": state.source,
        "line": state.line,
        "node": zone.node,
        "zone": zone.name,
        "nr_free": [None if order in _unknown_orders(zone) else count for order, count in enumerate(zone.nr_free)],
        "free_bytes": None if zone.unlisted_pages is None else _times(zone.free_pages, page_bytes),
        "unlisted_bytes": _times(zone.unlisted_pages, page_bytes),
        "min_pages": zone.min_pages,
        "low_pages": zone.low_pages,
        "marks_from": zone.marks_from,
        "largest_free_block_bytes": _block(max(orders, default=-1), page_bytes) if is_largest_known else None,
        "serviceable_bytes": _serviceable(state, zone, at_low=False),
        "serviceable_low_bytes": _serviceable(state, zone, at_low=True),
        "reclaimable_bytes": _times(state.reclaimable_pages, page_bytes),
        "usage_bytes": {use: _times(pages, page_bytes) for use, pages in state.usage.items()},
    }


def _unknown_orders(zone: Zone) -> tuple[int, ...]:
    return zone.gaps if zone.unlisted_pages != 0 else ()


def _serviceable(state: State, zone: Zone, at_low: bool) -> int | None:
    """The largest plain GFP_KERNEL request that succeeds, if the rule is certain; 0 for zones that serve none."""
    if zone.name not in _PLAIN.zone_names:
        return 0
    if zone.min_pages is None or zone.low_pages is None or len(state.kernel.rules) != 1:
        return None
    reserve = reserve_pages(zone, state.zones, _PLAIN.highest_zone)
    order = certain_largest_order(zone, _PLAIN, reserve, state.kernel.rules[0], at_low)
    return None if order is None else _block(order, state.page_bytes)


def _failure(case: Case, indexes: dict[int, int]) -> dict[str, Any]:
    message = case.message
    return {
        "line": case.line,
        "kind": message.kind if message else None,
        "process": case.name,
        "pid": message.pid if message else None,
        "for": message.for_what if message else None,
        "killed": message.killed if message else [],
        "contiguous": case.finding.contiguous if case.finding else True,
        **_answer(case, indexes),
    }


def _need(case: Case, indexes: dict[int, int]) -> dict[str, Any]:
    return {
        "name": case.name,
        "bytes": case.requested_bytes,
        **_answer(case, indexes),
        "blocks": [_piece(piece, case.page_bytes) for piece in case.pieces],
    }


def _answer(case: Case, indexes: dict[int, int]) -> dict[str, Any]:
    answer = case.answer
    plan = merge_plan(answer) if answer.missing_pages else None
    return {
        "requested_bytes": case.requested_bytes,
        "order": case.order,
        "block_bytes": case.block_bytes,
        "state": indexes[id(case.state)] if case.state else None,
        "state_gap_s": None if case.state_gap_s is None else round(case.state_gap_s, 6),
        "zone": answer.zone.name if answer.zone else None,
        "node": answer.zone.node if answer.zone else None,
        "verdict": answer.verdict,
        "margin_pages": None if answer.is_bound else answer.margin_pages,
        "margin_at_most_pages": answer.margin_pages if answer.is_bound and answer.missing_pages else None,
        "margin_at_least_pages": answer.margin_pages if answer.is_bound and not answer.missing_pages else None,
        "trace": [
            {"order": order, "free_pages": held, "mark_pages": demanded} for order, held, demanded in answer.tests
        ],
        "reason": answer.reason,
        "notes": case.notes,
        "serviceable_bytes": None
        if answer.serviceable_order is None
        else _block(answer.serviceable_order, case.page_bytes),
        "merge": None
        if plan is None
        else {"blocks": plan.blocks, "of": [{"order": order, "count": count} for order, count in plan.pieces]},
        "reclaimable_bytes": case.reclaimable_bytes,
        "ram_file_bytes": case.ram_file_bytes,
        "can_wait": answer.request.can_wait,
        "flags": None if answer.request.flags is None else sorted(answer.request.flags),
        "kernel": case.kernel.release,
        "rule": answer.rule,
        "remedies": [
            {"what": remedy.what, "helps": remedy.helps, **remedy.numbers, "text": remedy.text, "short": remedy.short}
            for remedy in remedies(case)
        ],
        "zones": [_zone_answer(one) for one in (answer, *answer.others) if one.zone],
        "is_start": case.is_start,
        "is_trimming": is_picture(case),
        "next": [{"command": command.strip("`"), "settles": settles} for command, settles in commands(case)],
    }


def _zone_answer(answer: Answer) -> dict[str, Any]:
    """Why one of several zones refuses the request."""
    return {
        "node": answer.zone.node if answer.zone else None,
        "zone": answer.zone.name if answer.zone else None,
        "verdict": answer.verdict,
        "margin_pages": None if answer.is_bound else answer.margin_pages,
        "reason": answer.reason,
        "reserve_pages": answer.reserve,
    }


def _piece(piece: Piece, page_bytes: int | None) -> dict[str, Any]:
    return {
        "what": piece.block.what,
        "bytes": piece.block.bytes,
        "order": piece.order,
        "block_bytes": _block(piece.order, page_bytes),
        "shareable": piece.block.shareable,
        "verdict": piece.answer.verdict if piece.answer else None,
        "margin_pages": piece.answer.margin_pages if piece.answer else None,
    }


def _block(order: int, page_bytes: int | None) -> int | None:
    if page_bytes is None:
        return None
    return page_bytes << order if order >= 0 else 0


def _times(pages: int | None, page_bytes: int | None) -> int | None:
    return None if pages is None or page_bytes is None else pages * page_bytes
