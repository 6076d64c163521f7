"""Judges a snapshot: the largest request that succeeds, and each need's verdict. Pure, no I/O.

The answer is None, never a guess, if something is unknown: no zoneinfo on the board, no known rule for the kernel
release, no page size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from buddyd import watermark

from buddywatch.model.samples import Snapshot, Zone
from buddywatch.model.verdicts import FAILS, OOM_KILLER, BoardState, NeedState
from buddywatch.verdict import demands
from buddywatch.verdict.reclaim import files_of_fact, reclaimable


class Need(Protocol):
    """A named number of contiguous bytes. is_program: an exec requests them, after it has taken some single pages."""

    @property
    def name(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def is_program(self) -> bool: ...


def board_state(
    snapshot: Snapshot,
    facts: Mapping[str, str],
    needs: Iterable[Need],
    rule_override: str | None = None,
    page_bytes_override: int | None = None,
) -> BoardState:
    """Judge the snapshot by the kernel's rule. facts: from the hello; the overrides take precedence."""
    rule, page_bytes = rule_override or rule_of(facts), page_bytes_override or page_bytes_of(facts)
    zones = marked_zones(snapshot)
    largest = largest_low = None
    if zones and rule:
        order, order_low = demands.serviceable_orders(zones, rule)
        largest, largest_low = _block_bytes(order, page_bytes), _block_bytes(order_low, page_bytes)
    free_pages = snapshot.free_pages
    if free_pages is None:
        free_pages = sum(watermark.free_pages(zone.nr_free) for zone in snapshot.zones)
    caches = None
    if snapshot.reclaimable_pages is not None:
        files, no_mmu = files_of_fact(facts.get("files")), facts.get("nommu") == "1"
        caches = reclaimable(snapshot.reclaimable_pages, files, no_mmu, facts.get("kernel"))
    return BoardState(
        rule=rule,
        page_bytes=page_bytes,
        serviceable_bytes=largest,
        serviceable_low_bytes=largest_low,
        largest_free_block_bytes=_block_bytes(_largest_free_order(snapshot), page_bytes),
        free_bytes=_bytes(free_pages, page_bytes),
        reclaimable_bytes=_bytes(caches.pages if caches else None, page_bytes),
        ram_file_bytes=_bytes(caches.ram_file_pages if caches else None, page_bytes),
        needs=_judge(tuple(needs), page_bytes, rule).states(snapshot),
    )


def judge(snapshot: Snapshot, page_bytes: int | None, need: Need, rule: str | None) -> NeedState:
    """Whether the kernel would grant `need` in this snapshot, in the zone with the best result."""
    return Judge([need], page_bytes, rule).states(snapshot)[0]


class Judge:
    """Judges snapshots by one rule and page size."""

    def __init__(self, needs: Sequence[Need], page_bytes: int | None, rule: str | None) -> None:
        self._unknown = [_unknown_state(need, page_bytes) for need in needs]  # without zones
        self._no_answers = tuple((state.verdict, state.margin_pages) for state in self._unknown)
        self._demands = None
        if page_bytes is not None and rule:
            taken_pages = [watermark.EXEC_PAGES if need.is_program else 0 for need in needs]
            requests = [(state.order or 0, taken) for state, taken in zip(self._unknown, taken_pages, strict=True)]
            self._demands = demands.Demands(requests, rule)

    def states(self, snapshot: Snapshot) -> tuple[NeedState, ...]:
        """Whether the kernel would grant each need in this snapshot, in the zone with the best result."""
        return self.states_of(self.answers(snapshot))

    def answers(self, snapshot: Snapshot) -> tuple[demands.Answer, ...]:
        """The same as verdicts and margins: what of a state depends on the snapshot."""
        zones = marked_zones(snapshot) if self._demands else []
        return tuple(self._demands.answers(zones)) if zones and self._demands else self._no_answers

    def states_of(self, answers: Iterable[demands.Answer]) -> tuple[NeedState, ...]:
        """The states of the needs with these answers."""
        return tuple(
            [
                NeedState(of.name, of.bytes, of.order, verdict, margin_pages, of.consequence)
                for of, (verdict, margin_pages) in zip(self._unknown, answers, strict=True)
            ]
        )


@lru_cache(maxsize=64)
def _judge(needs: tuple[Need, ...], page_bytes: int | None, rule: str | None) -> Judge:
    """Boards of a fleet mostly have the same needs."""
    return Judge(needs, page_bytes, rule)


def _unknown_state(need: Need, page_bytes: int | None) -> NeedState:
    if page_bytes is None:
        return NeedState(need.name, need.bytes, None, None, None, None)
    order = watermark.order_for(need.bytes, page_bytes)
    consequence = OOM_KILLER if order <= watermark.COSTLY_ORDER else FAILS
    return NeedState(need.name, need.bytes, order, None, None, consequence)


def page_bytes_of(facts: Mapping[str, str]) -> int | None:
    """The page size in the board's hello; None if the board could not derive it."""
    return _power_of_two(facts.get("page_bytes", "?"))


def rule_of(facts: Mapping[str, str]) -> str | None:
    """The kernel's rule, from its release and min_free_order_shift; None if they do not determine one."""
    shift = facts.get("shift", "")
    order_shift = int(shift) if shift.isdecimal() and len(shift) < 4 else None
    return _rule(facts.get("kernel", ""), order_shift)


@lru_cache(maxsize=256)
def _rule(kernel: str, order_shift: int | None) -> str | None:
    rule: str | None = watermark.rule_for(kernel, order_shift)
    return rule


def serving_zones(snapshot: Snapshot) -> list[Zone]:
    """The zones that can serve a GFP_KERNEL request: never HighMem or Movable."""
    return [zone for zone in snapshot.zones if is_serving(zone.name)]


def is_serving(zone_name: str) -> bool:
    """True for the zones that can serve a GFP_KERNEL request."""
    return zone_name in watermark.KERNEL_ZONES


def marked_zones(snapshot: Snapshot) -> list[demands.MarkedZone]:
    """The serving zones in the form of watermark.py; empty if the marks of any of them are unknown."""
    zones: list[demands.MarkedZone] = []
    for name, nr_free, min_pages, low_pages, reserve_pages, beside_pages in snapshot.marked_blocks:
        if name in watermark.KERNEL_ZONES:
            if min_pages is None or low_pages is None or reserve_pages is None:
                return []
            zones.append((nr_free, min_pages, low_pages, reserve_pages, beside_pages))
    return zones


def _largest_free_order(snapshot: Snapshot) -> int:
    orders = [order for zone in serving_zones(snapshot) for order, count in enumerate(zone.nr_free) if count > 0]
    return max(orders, default=-1)


def _block_bytes(order: int, page_bytes: int | None) -> int | None:
    if page_bytes is None:
        return None
    return page_bytes << order if order >= 0 else 0


def _bytes(pages: int | None, page_bytes: int | None) -> int | None:
    return None if pages is None or page_bytes is None else pages * page_bytes


def _power_of_two(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    return number if number and not number & (number - 1) else None
