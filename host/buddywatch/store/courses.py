"""The course of a board's memory over time in equal steps, for pictures: read from summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from buddyd import watermark

from buddywatch.config.sections import Config, Need
from buddywatch.model.samples import Boot
from buddywatch.model.summaries import Summary
from buddywatch.protocol.layout import MARKS, Layout
from buddywatch.store.store import Store
from buddywatch.store.summaries import STEPS_S
from buddywatch.store.summarize import lowest_margin
from buddywatch.verdict.judge import page_bytes_of, rule_of

_STEPS_WANTED = 400  # of a course: a picture has no more columns


@dataclass(frozen=True)
class CourseStep:
    """One step of a boot. margins: the lowest of each need, in pages, None if it is not known. blocks: the mean number
    of free blocks of each order in the zones that serve the kernel. free_bytes, usable_bytes: the lowest; usable: the
    largest request that succeeds."""

    boot_id: str
    time: float
    step_s: int
    samples: int
    free_bytes: int | None
    usable_bytes: int | None
    margins: tuple[int | None, ...]
    blocks: tuple[float, ...]


@dataclass(frozen=True)
class BoardCourse:
    """needs: in the order of CourseStep.margins. orders: of the need's blocks, None if the page size is unknown."""

    board: str
    since: float
    until: float
    needs: tuple[Need, ...] = ()
    orders: tuple[int | None, ...] = ()
    page_bytes: int | None = None
    steps: tuple[CourseStep, ...] = ()
    boots: tuple[Boot, ...] = field(default=())


def course(store: Store, config: Config, board: str, since: float, until: float) -> BoardCourse:
    """The board's course with since <= time < until."""
    boots = {boot.boot_id: boot for boot in store.boots(board)}
    newest = next(reversed(boots.values()), None)
    named = config.name_of(board, newest.facts if newest else {})
    needs, said = config.needs_of(named), config.board(named)
    reader = {boot_id: _Reader(boot, needs, said.rule, said.page_bytes) for boot_id, boot in boots.items()}
    step_s = step_for(until - since)
    steps = []
    for summary in store.summaries(board, since, until, step_s):
        of_boot = reader.get(summary.boot_id)
        if of_boot is not None and of_boot.layout is not None:
            steps.append(of_boot.step(summary, of_boot.layout))
    page_bytes = said.page_bytes or (page_bytes_of(newest.facts) if newest else None)
    orders = tuple(None if page_bytes is None else watermark.order_for(need.bytes, page_bytes) for need in needs)
    steps.sort(key=lambda step: step.time)
    return BoardCourse(board, since, until, needs, orders, page_bytes, tuple(steps), tuple(boots.values()))


def step_for(span_s: float) -> int:
    """The step in which a picture of this span is read: one that stored summaries fit."""
    wanted = span_s / _STEPS_WANTED
    if wanted <= 15:
        return 15 if span_s > 1800 else 5
    return next((step_s for step_s in STEPS_S if step_s >= wanted / 2), STEPS_S[-1])


class _Reader:
    """Turns the summaries of one boot into steps."""

    def __init__(self, boot: Boot, needs: Sequence[Need], rule: str | None, page_bytes: int | None) -> None:
        self._needs = needs
        self._rule = rule or rule_of(boot.facts)
        self._page_bytes = page_bytes or page_bytes_of(boot.facts)
        try:
            self.layout: Layout | None = Layout(boot.facts)
        except ValueError:
            self.layout = None

    def step(self, summary: Summary, layout: Layout) -> CourseStep:
        serviceable = summary.serviceable_pages
        return CourseStep(
            summary.boot_id,
            summary.time,
            summary.step_s,
            summary.samples,
            self._bytes(summary.free_pages[0]),
            None if serviceable is None else self._bytes(serviceable[0]),
            tuple(self._margin(summary, layout, need) for need in self._needs),
            tuple(_mean_blocks(summary, layout)),
        )

    def _margin(self, summary: Summary, layout: Layout, need: Need) -> int | None:
        if self._page_bytes is None:
            return None
        order = watermark.order_for(need.bytes, self._page_bytes)
        return lowest_margin(summary, layout, order, need.is_program, self._rule)

    def _bytes(self, pages: int) -> int | None:
        return None if self._page_bytes is None else pages * self._page_bytes


def _mean_blocks(summary: Summary, layout: Layout) -> list[float]:
    """The mean number of free blocks of each order."""
    found: list[float] = []
    at = len(layout.columns) - 1  # the summary leaves the first number of the wire out
    for zone in layout.zones:
        at += MARKS * zone.has_marks
        if zone.name in watermark.KERNEL_ZONES:
            counts = [total / summary.samples for _, total, _ in summary.columns[at : at + zone.orders]]
            longer, shorter = (found, counts) if len(found) >= len(counts) else (counts, found)
            found = [*(a + b for a, b in zip(longer, shorter, strict=False)), *longer[len(shorter) :]]
        at += zone.orders
    return found
