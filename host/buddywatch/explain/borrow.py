"""The state of memory for a failure whose message came without one: the nearest in time, else in the text. Pure.

The kernel prints few of many dumps: its limits are 10 in 5 s (warn_alloc() in mm/page_alloc.c, 1 in 10 s from 5.4 on).
"""

from __future__ import annotations

from bisect import bisect_left

from buddywatch.explain import reasons
from buddywatch.explain.case import Case
from buddywatch.explain.kinds_of_request import answer_of
from buddywatch.explain.notes import set_answer
from buddywatch.explain.page_sizes import judge_bytes
from buddywatch.explain.request import Request
from buddywatch.kernel_text.state import DUMP, State

_FEW_SECONDS = 10.0  # later, memory may be quite another


def borrow_states(cases: list[Case], states: list[State]) -> None:
    """Answer the cases without a state by the state nearest to each. states: in the order of the text."""
    owned = {id(case.state) for case in cases if case.state}
    stamped = sorted((state for state in states if state.stamp_s is not None), key=_stamp)
    others = [state for state in states if id(state) not in owned]
    tables = [state for state in others if state.source != DUMP]
    for case in cases:
        if case.state is not None or case.message is None or (case.finding and case.finding.decides):
            continue
        state = _nearest_in_time(stamped, case.message.stamp_s)
        if state is None:
            candidates = tables if case.message.stamp_s is not None and tables else others
            state = _nearest(candidates, case.message.offset) if candidates else None
        if state is not None:
            _borrow(case, state)


def _borrow(case: Case, state: State) -> None:
    if case.order is not None:
        set_answer(case, state, answer_of(state, case))
    elif case.requested_bytes and case.message and case.message.kind == "alloc":
        case.order, answer = judge_bytes(state, case.requested_bytes, Request(0))
        set_answer(case, state, answer)
    else:
        return
    case.notes.append(reasons.BORROWED_STATE)
    if state.stamp_s is not None and case.message and case.message.stamp_s is not None:
        case.state_gap_s = state.stamp_s - case.message.stamp_s


def _stamp(state: State) -> float:
    return state.stamp_s or 0.0


def _nearest_in_time(stamped: list[State], stamp_s: float | None) -> State | None:
    if stamp_s is None or not stamped:
        return None
    index = bisect_left(stamped, stamp_s, key=_stamp)
    nearest = min(stamped[max(index - 1, 0) : index + 1], key=lambda state: abs(_stamp(state) - stamp_s))
    return nearest if abs(_stamp(nearest) - stamp_s) <= _FEW_SECONDS else None


def _nearest(states: list[State], offset: int) -> State:
    index = bisect_left(states, offset, key=lambda state: state.offset)
    return min(states[max(index - 1, 0) : index + 1], key=lambda state: abs(state.offset - offset))
