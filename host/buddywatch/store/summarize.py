"""Summaries of snapshots, and what they say about a need. Pure, no I/O.

It works on columns, not on snapshots: a second of a thousand boards takes a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, repeat
from operator import add, ge, lshift, sub

from buddyd import watermark

from buddywatch.model.batch import VectorRow
from buddywatch.model.summaries import Range, Summary
from buddywatch.protocol.layout import MARKS, Layout
from buddywatch.verdict.demands import demanded, is_counted

_Column = Sequence[int]


class _Zone:
    """A zone's columns. held: pages in blocks of at least each order. beside: counted beside them; empty: none."""

    def __init__(self, marks: Sequence[_Column], nr_free: Sequence[_Column], beside: _Column) -> None:
        self.marks = marks
        self.beside = beside
        self.held: list[_Column] = []
        above: _Column | None = None
        for order in reversed(range(len(nr_free))):
            pages = list(map(lshift, nr_free[order], repeat(order)))
            above = pages if above is None else list(map(add, pages, above))
            self.held.insert(0, above)

    def counted(self, order: int, pages: _Column, rule: str | None) -> _Column:
        """What the rule's test of this order compares: pages of `held`, or of what is left of them."""
        return list(map(add, pages, self.beside)) if self.beside and is_counted(order, rule or "") else pages


def summaries(
    boot_id: str, rows: Sequence[VectorRow], layout: Layout, rule: str | None, step_s: int
) -> Iterator[Summary]:
    """One for each step in which there are rows. The rows are in ascending order and fit the layout."""
    for step, of_step in groupby(rows, key=lambda row: row.time_ms // (1000 * step_s)):
        part = list(of_step)
        columns = list(zip(*(row.vector for row in part), strict=True))
        zones, serving = _zones(layout, columns)
        free = list(map(sum, zip(*(zone.held[0] for zone in zones), strict=True))) if zones else [0] * len(part)
        if "free" in layout.columns:
            free = list(map(add, free, columns[layout.columns.index("free")]))
        only = serving[0] if len(serving) == 1 else None
        yield Summary(
            boot_id=boot_id,
            time=step * step_s,
            step_s=step_s,
            samples=len(part),
            first_seq=part[0].first_seq,
            seq=part[-1].seq,
            uptime_ms=10 * part[-1].vector[0],
            columns=tuple(map(_range, columns[1:])),
            free_pages=_range(free),
            serviceable_pages=_serviceable(serving, rule),
            rule=rule,
            held=tuple(min(only.counted(order, pages, rule)) for order, pages in enumerate(only.held)) if only else (),
            left=tuple(min(only.counted(order, pages, rule)) for order, pages in _left(only)) if only else (),
        )


def lowest_margin(summary: Summary, layout: Layout, order: int, is_program: bool, rule: str | None) -> int | None:
    """The lowest margin_pages, at the min mark, of a need of this order in the step; None if that is not known.

    Exact: in one zone a margin is the smallest of some differences, and so the smallest of all is that of the lowest
    numbers. It is not known if several zones serve the kernel, if they have no marks, or if the marks changed; nor by
    another rule than the summary's where the kernel counts pages beside those in blocks.
    """
    return _lowest(summary, layout, order, is_program, rule, 0)


def lowest_margin_at_low(
    summary: Summary, layout: Layout, order: int, is_program: bool, rule: str | None
) -> int | None:
    """The same at the low mark: below 0, the need was tight or refused."""
    return _lowest(summary, layout, order, is_program, rule, 1)


def _lowest(summary: Summary, layout: Layout, order: int, is_program: bool, rule: str | None, mark: int) -> int | None:
    held = summary.left if is_program else summary.held
    marks = _constant_marks(summary, layout)
    if not held or marks is None or rule is None or (layout.beside_at is not None and summary.rule != rule):
        return None
    orders, *required = demanded(len(held), order, *marks, rule)
    pages = (*held, _lowest_beside(summary, layout) if is_counted(len(held), rule) else 0)
    return min(pages[o] - demand for o, demand in zip(orders, required[mark], strict=True))


def _lowest_beside(summary: Summary, layout: Layout) -> int:
    return 0 if layout.beside_at is None else summary.columns[layout.beside_at - 1][0]


def has_constant_marks(summary: Summary, layout: Layout) -> bool:
    """True if the zone that serves the kernel has marks, which were the same in the whole step."""
    return _constant_marks(summary, layout) is not None


def _constant_marks(summary: Summary, layout: Layout) -> tuple[int, int, int] | None:
    """min, low, reserve of the zone that serves the kernel; None if they changed in the step."""
    at = len(layout.columns)
    for zone in layout.zones:
        if zone.name in watermark.KERNEL_ZONES:
            if not zone.has_marks:
                return None
            least, low, _, reserve = summary.columns[at - 1 : at - 1 + MARKS]
            constant = all(mark[0] == mark[2] for mark in (least, low, reserve))
            return (least[0], low[0], reserve[0]) if constant else None
        at += zone.orders + MARKS * zone.has_marks
    return None


def _zones(layout: Layout, columns: Sequence[_Column]) -> tuple[list[_Zone], list[_Zone]]:
    """All zones, and those that serve the kernel."""
    at = len(layout.columns)
    zones, serving = [], []
    for zone in layout.zones:
        behind_marks = at + MARKS * zone.has_marks
        blocks = columns[behind_marks : behind_marks + zone.orders]
        found = _Zone(columns[at:behind_marks], blocks, () if layout.beside_at is None else columns[layout.beside_at])
        zones.append(found)
        if zone.name in watermark.KERNEL_ZONES:
            serving.append(found)
        at = behind_marks + zone.orders
    return zones, serving


def _serviceable(zones: Sequence[_Zone], rule: str | None) -> Range | None:
    """Pages of the largest request that succeeds at the min mark in the best zone."""
    if rule is None or not zones:
        return None
    best: list[int] | None = None
    for zone in zones:
        if not zone.marks or any(min(mark) != max(mark) for mark in zone.marks):
            return None
        least, low, _, reserve = (mark[0] for mark in zone.marks)
        held = [zone.counted(order, pages, rule) for order, pages in enumerate(zone.held)]
        orders = _orders(held, (least, low, reserve), rule)
        best = orders if best is None else list(map(max, best, orders))
    assert best is not None
    return _range([1 << order >> 1 for order in best])


def _orders(held: Sequence[_Column], marks: tuple[int, int, int], rule: str) -> list[int]:
    """One more than the largest order that succeeds, for each snapshot; 0 if none does."""
    found = [0] * len(held[0])
    spare: list[int] = []  # the smallest margin of the tests so far, but for the block itself
    bases: list[tuple[int, int]] = []  # these tests: order, pages required beside the block
    for order in range(len(held)):
        of_order, pages, _ = demanded(len(held), order, *marks, rule)
        wanted = [(o, demand - (1 << order)) for o, demand in zip(of_order, pages, strict=True)]
        if wanted[: len(bases)] != bases:
            bases, spare = [], []
        for o, base in wanted[len(bases) :]:
            margin = list(map(sub, held[o], repeat(base)))
            spare = list(map(min, spare, margin)) if spare else margin
        bases = wanted
        granted = list(map(ge, spare, repeat(1 << order)))
        if True not in granted:
            break  # the rule is monotone: larger orders fail as well
        found = list(map(add, found, granted))
    return found


def _left(zone: _Zone) -> Iterator[tuple[int, _Column]]:
    """Of each order, `held` after an exec has taken its pages, from the smallest blocks first."""
    total = zone.held[0]
    for order, held in enumerate(zone.held):
        below = list(map(sub, total, held))
        if min(below) >= watermark.EXEC_PAGES:
            yield order, held
            continue
        # What smaller blocks lack is split from larger ones, of which each block loses one of this order.
        yield order, [
            pages if less >= watermark.EXEC_PAGES
            else max(0, pages - (-(-(watermark.EXEC_PAGES - less) >> order) << order))
            for pages, less in zip(held, below, strict=True)
        ]  # fmt: skip


def _range(column: _Column) -> Range:
    return min(column), sum(column), max(column)
