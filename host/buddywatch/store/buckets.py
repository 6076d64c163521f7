"""A board's history in steps of time, with the minimum, mean and maximum of every value. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from buddyd import watermark

from buddywatch.model.samples import Boot, Event, Gap, Zone
from buddywatch.store.timeline import Item, Row

_WORST_FIRST = (watermark.REFUSED, watermark.TIGHT, watermark.OK)


@dataclass
class Spread:
    """Minimum, maximum and mean of the known values."""

    least: int = 0
    greatest: int = 0
    total: int = 0
    count: int = 0

    def add(self, value: int | None) -> None:
        if value is None:
            return
        self.least = value if not self.count else min(self.least, value)
        self.greatest = value if not self.count else max(self.greatest, value)
        self.total += value
        self.count += 1

    def mean(self) -> float:
        return self.total / self.count


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


@dataclass
class NeedSpread:
    """verdict: the worst one in the step."""

    verdict: str | None = None
    margin_pages: Spread = field(default_factory=Spread)

    def add(self, verdict: str | None, margin_pages: int | None) -> None:
        met = (self.verdict, verdict)
        self.verdict = next((worst for worst in _WORST_FIRST if worst in met), None)
        self.margin_pages.add(margin_pages)


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
    needs: dict[str, NeedSpread] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        snapshot, state = row.snapshot, row.state
        self.samples += 1
        self.seq, self.uptime_ms = snapshot.seq, snapshot.uptime_ms
        self.free_bytes.add(state.free_bytes)
        self.serviceable_bytes.add(state.serviceable_bytes)
        for zone_spread, zone in zip(self.zones, snapshot.zones, strict=True):
            zone_spread.add(zone)
        for need in state.needs:
            self.needs.setdefault(need.name, NeedSpread()).add(need.verdict, need.margin_pages)


StepItem = Boot | Step | Gap | Event


def in_steps(items: Iterable[Item], step_s: int) -> Iterator[StepItem]:
    """The items, with rows gathered into steps; a gap or an event follows the step in which it happened."""
    step: Step | None = None
    held: list[Gap | Event] = []
    for item in items:
        if isinstance(item, Gap | Event) and step is not None:
            held.append(item)
            continue
        if isinstance(item, Row):
            start = item.snapshot.time // step_s * step_s
            if step is not None and (step.boot_id, step.time) == (item.snapshot.boot_id, start):
                step.add(item)
                continue
        if step is not None:
            yield step
            yield from held
            step, held = None, []
        if isinstance(item, Row):
            step = _new_step(item, start, step_s)
            step.add(item)
        else:
            yield item
    if step is not None:
        yield step
    yield from held


def _new_step(row: Row, start: float, step_s: int) -> Step:
    snapshot = row.snapshot
    zones = [ZoneSpread(zone.node, zone.name, [Spread() for _ in zone.nr_free]) for zone in snapshot.zones]
    return Step(snapshot.boot_id, start, step_s, snapshot.first_seq, snapshot.seq, snapshot.uptime_ms, zones)
