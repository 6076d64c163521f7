"""Whose end lets a refused need succeed, for the needs of a board: what mails, `status` and `map` say of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from buddyd import watermark

from buddywatch.model.memory_map import MappedProgram, MemoryMap, Rescue
from buddywatch.model.samples import Snapshot
from buddywatch.verdict.ends import ends_that_serve
from buddywatch.verdict.judge import Need, judge

_NOT_TO_END = ("buddyd", "init")  # the agent; pid 1 is left out by its number


def programs_to_end(found: MemoryMap) -> list[MappedProgram]:
    """Those that a person may want to end."""
    return [program for program in found.programs if program.pid > 1 and program.name not in _NOT_TO_END]


def rescues(
    found: MemoryMap, snapshot: Snapshot, needs: Iterable[Need], page_bytes: int, rule: str | None
) -> tuple[Rescue, ...]:
    """One for each need that is refused in this snapshot, if the ends of a few programs are certain to serve it.

    The snapshot may be newer than the map: pages that come free are in addition to those that are free already, as long
    as the program still has them.
    """
    made = []
    for need in needs:
        state = judge(snapshot, page_bytes, need, rule)
        if state.verdict != watermark.REFUSED:
            continue
        chosen = ends_that_serve(snapshot, programs_to_end(found), found.programs, need, page_bytes, rule)
        if chosen:
            made.append(Rescue(need.name, tuple(chosen), page_bytes, found.time))
    return tuple(made)
