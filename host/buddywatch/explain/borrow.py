"""The state of memory for a failure whose message came without one: the nearest in time, else in the text. Pure.

The kernel prints few of many dumps: its limits are 10 in 5 s (warn_alloc() in mm/page_alloc.c, 1 in 10 s from 5.4 on).
"""

from __future__ import annotations

from bisect import bisect_left

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.case import Case
from buddywatch.explain.judge import Answer
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
        if state is not None:
            _borrow(case, [state])
        else:
            candidates = tables if case.message.stamp_s is not None and tables else others
            _borrow(case, _neighbours(candidates, case.message.offset))


def _borrow(case: Case, states: list[State]) -> None:
    """By the first state in which the request fails, else by the first: it was refused, and memory changes."""
    found = [(state, *answered) for state in states if (answered := _answer(case, state)) is not None]
    if not found:
        return
    state, case.order, answer = next((one for one in found if one[2].verdict == watermark.REFUSED), found[0])
    set_answer(case, state, answer)
    case.notes.append(reasons.BORROWED_STATE)
    if state.stamp_s is not None and case.message and case.message.stamp_s is not None:
        case.state_gap_s = state.stamp_s - case.message.stamp_s


def _answer(case: Case, state: State) -> tuple[int | None, Answer] | None:
    if case.order is not None:
        return case.order, answer_of(state, case)
    if case.requested_bytes and case.message and case.message.kind == "alloc":
        return judge_bytes(state, case.requested_bytes, Request(0))
    return None


def _stamp(state: State) -> float:
    return state.stamp_s or 0.0


def _nearest_in_time(stamped: list[State], stamp_s: float | None) -> State | None:
    if stamp_s is None or not stamped:
        return None
    index = bisect_left(stamped, stamp_s, key=_stamp)
    nearest = min(stamped[max(index - 1, 0) : index + 1], key=lambda state: abs(_stamp(state) - stamp_s))
    return nearest if abs(_stamp(nearest) - stamp_s) <= _FEW_SECONDS else None


def _neighbours(states: list[State], offset: int) -> list[State]:
    """The states before and after that place in the text, the nearer one first."""
    index = bisect_left(states, offset, key=lambda state: state.offset)
    return sorted(states[max(index - 1, 0) : index + 1], key=lambda state: abs(state.offset - offset))
