"""What `map` says, as plain values: each program, what its end makes for certain, and what that does for the needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from buddywatch.config.sections import Board, Need
from buddywatch.model.memory_map import MappedProgram, MemoryMap
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.verdict.ends import Freed, freed, judged_after, trimmed_pages
from buddywatch.verdict.judge import judge, page_bytes_of, rule_of
from buddywatch.verdict.rescue import rescues

ORDERS = 11  # where no snapshot says how many


@dataclass(frozen=True)
class ProgramAnswer:
    """freed: what its end makes at least. trimmed_pages: given back behind its regions when they were made, which
    would make whole blocks if they are free now; None if it is certain that they are in use. needs: after its end."""

    program: MappedProgram
    freed: Freed
    trimmed_pages: int | None
    needs: tuple[NeedState | None, ...]


@dataclass(frozen=True)
class NeedAnswer:
    """state: at the time of the map; None if unknown. together: programs whose ends let it succeed, few of them."""

    name: str
    state: NeedState | None
    together: tuple[MappedProgram, ...]


@dataclass(frozen=True)
class MapAnswer:
    board: str
    map: MemoryMap
    snapshot: Snapshot | None
    page_bytes: int
    programs: tuple[ProgramAnswer, ...]
    needs: tuple[NeedAnswer, ...]


def answer(
    board: str,
    found: MemoryMap,
    snapshot: Snapshot | None,
    facts: Mapping[str, str],
    needs: Sequence[Need],
    settings: Board,
) -> MapAnswer:
    """snapshot: of the same moment, if there is one. facts: of the boot. settings: of the board."""
    page_bytes = settings.page_bytes or page_bytes_of(facts) or 4096
    rule = settings.rule or rule_of(facts)
    orders = len(snapshot.zones[0].nr_free) if snapshot is not None and snapshot.zones else ORDERS
    programs = []
    for program in found.programs:
        gain = freed([program], found.programs, orders)
        after = tuple(judged_after(snapshot, gain, need, page_bytes, rule) if snapshot else None for need in needs)
        programs.append(ProgramAnswer(program, gain, _trimmed(program, snapshot), after))
    return MapAnswer(
        board,
        found,
        snapshot,
        page_bytes,
        tuple(programs),
        tuple(_need_answer(need, found, snapshot, page_bytes, rule) for need in needs),
    )


def _need_answer(
    need: Need, found: MemoryMap, snapshot: Snapshot | None, page_bytes: int, rule: str | None
) -> NeedAnswer:
    state = judge(snapshot, page_bytes, need, rule) if snapshot is not None else None
    together: list[MappedProgram] = []
    if snapshot is not None:
        together = [one for rescue in rescues(found, snapshot, [need], page_bytes, rule) for one in rescue.programs]
    return NeedAnswer(need.name, state, tuple(together))


def _trimmed(program: MappedProgram, snapshot: Snapshot | None) -> int | None:
    """A single page that was trimmed off can only be free as a block of its own, for its buddy is in use."""
    tails = [pages for pages in map(trimmed_pages, program.regions) if pages]
    if tails and set(tails) == {1} and snapshot is not None and not any(zone.nr_free[0] for zone in snapshot.zones):
        return None
    return sum(tails)
