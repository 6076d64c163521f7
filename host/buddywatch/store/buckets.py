"""A board's history in steps of time, with the minimum, mean and maximum of every value. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from buddyd import watermark

from buddywatch.model.samples import Boot, Event, Gap, Zone
from buddywatch.model.summaries import Range
from buddywatch.protocol.layout import MARKS
from buddywatch.store.stretch import NeedRange, Stretch
from buddywatch.store.timeline import Item, Row

_NO_RANGE: Range = (0, 0, 0)  # of the uptime, of which a summary has none
_WORST_FIRST = (watermark.REFUSED, watermark.TIGHT, watermark.OK)


@dataclass
class Spread:
    """Minimum, mean and maximum of the known values; None if there is none. Of some no more than the minimum is known.

    count: of the values that are known one by one, or as a range.
    """

    least: int | None = None
    greatest: int | None = None
    total: int | None = 0
    count: int = 0

    def add(self, value: int | None) -> None:
        if value is not None:
            self.add_range((value, value, value), 1)

    def add_range(self, found: Range, count: int) -> None:
        """Minimum, sum and maximum of so many values."""
        least, total, greatest = found
        self.least = least if self.least is None else min(self.least, least)
        if self.total is not None:
            self.greatest = greatest if self.greatest is None else max(self.greatest, greatest)
            self.total += total
            self.count += count

    def add_least(self, least: int | None) -> None:
        """The minimum of many values, of which no more is known."""
        if least is not None:
            self.least = least if self.least is None else min(self.least, least)
            self.total = self.greatest = None

    def mean(self) -> float | None:
        return None if self.total is None or not self.count else self.total / self.count


@dataclass
class ZoneSpread:
    node: int
    name: str
    nr_free: list[Spread]
    min_pages: Spread = field(default_factory=Spread)
    low_pages: Spread = field(default_factory=Spread)

    def add(self, zone: Zone) -> None:
        for spread, count in zip(self.nr_free, zone.nr_free, strict=True):
            spread.add(count)
        self.min_pages.add(zone.min_pages)
        self.low_pages.add(zone.low_pages)

    def add_ranges(self, marks: Sequence[Range], nr_free: Sequence[Range], count: int) -> None:
        for spread, found in zip((self.min_pages, self.low_pages), marks, strict=False):
            spread.add_range(found, count)
        for spread, found in zip(self.nr_free, nr_free, strict=True):
            spread.add_range(found, count)


@dataclass
class NeedSpread:
    """verdict: the worst one in the step."""

    verdict: str | None = None
    margin_pages: Spread = field(default_factory=Spread)

    def add(self, verdict: str | None, margin_pages: int | None) -> None:
        self._meet(verdict)
        self.margin_pages.add(margin_pages)

    def add_worst(self, found: NeedRange) -> None:
        self._meet(found.verdict)
        self.margin_pages.add_least(found.margin_pages)

    def _meet(self, verdict: str | None) -> None:
        met = (self.verdict, verdict)
        self.verdict = next((worst for worst in _WORST_FIRST if worst in met), None)


@dataclass
class Step:
    """The rows of one boot within step_s from `time` on (a multiple of step_s since 1970)."""

    boot_id: str
    time: float
    step_s: int
    first_seq: int
    seq: int
    uptime_ms: int  # of the last row
    zones: list[ZoneSpread]
    samples: int = 0
    free_bytes: Spread = field(default_factory=Spread)
    serviceable_bytes: Spread = field(default_factory=Spread)
    processes: Spread = field(default_factory=Spread)  # created since boot
    needs: dict[str, NeedSpread] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        snapshot, state = row.snapshot, row.state
        self._reach(1, snapshot.seq, snapshot.uptime_ms)
        self.processes.add(snapshot.processes)
        self.free_bytes.add(state.free_bytes)
        self.serviceable_bytes.add(state.serviceable_bytes)
        for zone_spread, zone in zip(self.zones, snapshot.zones, strict=True):
            zone_spread.add(zone)
        for need in state.needs:
            self.needs.setdefault(need.name, NeedSpread()).add(need.verdict, need.margin_pages)

    def add_stretch(self, stretch: Stretch) -> None:
        summary, layout = stretch.summary, stretch.layout
        count, columns = summary.samples, (_NO_RANGE, *summary.columns)
        self._reach(count, summary.seq, summary.uptime_ms)
        for spread, pages in (
            (self.free_bytes, summary.free_pages),
            (self.serviceable_bytes, summary.serviceable_pages),
        ):
            if pages is not None and stretch.page_bytes is not None:
                spread.add_range(_times(pages, stretch.page_bytes), count)
        if "proc" in layout.columns:
            self.processes.add_range(columns[layout.columns.index("proc")], count)
        for zone_spread, (_, has_marks, at, end) in zip(self.zones, layout.blocks_at, strict=True):
            zone_spread.add_ranges(columns[at - MARKS : at] if has_marks else (), columns[at:end], count)
        for need in stretch.needs:
            self.needs.setdefault(need.name, NeedSpread()).add_worst(need)

    @property
    def processes_started(self) -> int | None:
        """Between the first and the last row."""
        least, greatest = self.processes.least, self.processes.greatest
        return None if least is None or greatest is None else greatest - least

    def _reach(self, samples: int, seq: int, uptime_ms: int) -> None:
        self.samples += samples
        if seq >= self.seq:
            self.seq, self.uptime_ms = seq, uptime_ms


StepItem = Boot | Step | Gap | Event


def in_steps(items: Iterable[Item | Stretch], step_s: int) -> Iterator[StepItem]:
    """The items, with rows gathered into steps; a gap or an event follows the step in which it happened."""
    step: Step | None = None
    held: list[Gap | Event] = []
    for item in items:
        if isinstance(item, Gap | Event) and step is not None:
            held.append(item)
            continue
        place = _place(item, step_s) if isinstance(item, Row | Stretch) else None
        if step is not None and (step.boot_id, step.time, step.step_s) != place:
            yield step
            yield from held
            step, held = None, []
        if not isinstance(item, Row | Stretch):
            yield item
            continue
        if step is None:
            step = _new_step(item, step_s)
        if isinstance(item, Row):
            step.add(item)
        else:
            step.add_stretch(item)
    if step is not None:
        yield step
    yield from held


def _place(item: Row | Stretch, step_s: int) -> tuple[str, float, int]:
    """Boot id, time and length of the step that an item belongs to.

    What is kept no longer in steps of this length comes in those that it is kept in.
    """
    if isinstance(item, Row):
        return item.snapshot.boot_id, item.snapshot.time // step_s * step_s, step_s
    size_s = step_s if step_s % item.summary.step_s == 0 else item.summary.step_s
    return item.summary.boot_id, item.summary.time // size_s * size_s, size_s


def _new_step(item: Row | Stretch, step_s: int) -> Step:
    """A step in which the item is the first."""
    boot_id, time, size_s = _place(item, step_s)
    if isinstance(item, Row):
        first_seq = item.snapshot.first_seq
        zones = [(zone.node, zone.name, len(zone.nr_free)) for zone in item.snapshot.zones]
    else:
        first_seq = item.summary.first_seq
        zones = [(zone.node, zone.name, zone.orders) for zone in item.layout.zones]
    spreads = [ZoneSpread(node, name, [Spread() for _ in range(orders)]) for node, name, orders in zones]
    return Step(boot_id, time, size_s, first_seq, 0, 0, spreads)


def _times(pages: Range, page_bytes: int) -> Range:
    least, total, greatest = pages
    return least * page_bytes, total * page_bytes, greatest * page_bytes
