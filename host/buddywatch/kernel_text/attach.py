"""Gives each table of what holds memory to the state that it belongs to. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import groupby

from buddywatch.kernel_text.holdings import PAGES, Row
from buddywatch.kernel_text.raw import Raw
from buddywatch.kernel_text.state import Holder, State

_VIRTUAL = "-virtual"


def attach_holders(states: list[State], raw: Raw) -> None:
    """An OOM report's tables belong to the dump above them, others to the nearest state. states: by offset."""
    for _, table in groupby(sorted(raw.holdings, key=lambda row: (row.table, row.offset)), key=lambda row: row.table):
        rows = list(table)
        state = _owner(states, rows[0])
        if state is not None:
            state.holders += [holder for row in rows for holder in _holder(row, state, raw)]
    for state in states:
        state.holders.sort(key=lambda holder: -holder.kb)


def _owner(states: list[State], row: Row) -> State | None:
    index = bisect_right(states, row.offset, key=lambda state: state.offset)
    if row.source.startswith("oom") and index:
        return states[index - 1]
    near = states[max(index - 1, 0) : index + 1]
    return min(near, key=lambda state: abs(state.offset - row.offset), default=None)


def _holder(row: Row, state: State, raw: Raw) -> Iterator[Holder]:
    """The row in kB. What a process may use (VSZ) is what it holds only without an MMU, where nothing is paged."""
    if row.source.endswith(_VIRTUAL) and not state.kernel.no_mmu:
        return
    kb = row.amount
    if row.unit == PAGES:
        if state.page_bytes is None:
            return
        kb *= state.page_bytes // 1024
    if kb >= 1:
        source = row.source.removesuffix(_VIRTUAL)
        yield Holder(row.kind, row.name, int(kb), source, raw.line_at(row.offset), row.pid)
