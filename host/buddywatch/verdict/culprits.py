"""Which programs cost the board the large blocks: from their starts and ends, and what was free meanwhile. Pure.

Room is what a need can be served from: the pages in free blocks of its order or larger. A program takes some when it
starts and gives it back when it ends; what it did not give back, its run has cost, see run_costs.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from buddywatch.model.lives import Life
from buddywatch.verdict.clockwork import period_s
from buddywatch.verdict.losses import Loss, losses_of
from buddywatch.verdict.room import Point
from buddywatch.verdict.run_costs import BLURRED_S, UNSEEN, RunCosts, run_costs, spans_of, within

LEAST_RUNS = 3  # fewer say nothing about what a run costs
PROGRAMS_MAX = 16  # that are told apart


@dataclass(frozen=True)
class Record:
    """One program, by its name. starts: those that were seen, in the time watched. pages, run_s: medians; run_s None
    where no end was seen. running: still at the end. held_page_s: pages times seconds. lost_pages: what a run costs of
    the room, negative for a gain; left_pages: of files that it leaves in memory; None where there are too few runs, or
    the board does not count files."""

    name: str
    starts: int
    period_s: float | None
    pages: int
    run_s: float | None
    running: int
    held_page_s: float
    failures: int
    lost_pages: float | None
    left_pages: float | None = None

    @property
    def lost_in_all_pages(self) -> float:
        return (self.lost_pages or 0.0) * self.starts

    @property
    def left_in_all_pages(self) -> float:
        return (self.left_pages or 0.0) * self.starts


@dataclass(frozen=True)
class Findings:
    """records: the program that cost most first. created: processes in the time watched; unseen: those that were not
    seen, with what each cost. None: the board does not count processes."""

    watched_s: float
    records: tuple[Record, ...]
    created: int | None
    unseen: int | None
    unseen_period_s: float | None
    unseen_lost_pages: float | None
    losses: tuple[Loss, ...]


def find(
    points: Mapping[str, Sequence[Point]], lives: Iterable[Life], failures: Mapping[str, int], order: int
) -> Findings:
    """points: of each boot, in order. lives: of these boots. failures: of starts, by program. order: of the blocks that
    the points count as room."""
    by_boot: dict[str, list[Life]] = defaultdict(list)
    for life in lives:
        by_boot[life.boot_id].append(life)
    watched = {boot_id: (of[0].uptime_s, of[-1].uptime_s) for boot_id, of in points.items() if of}
    spans = [span for boot_id, of in points.items() for span in spans_of(of, by_boot[boot_id])]
    names = Counter(name for span in spans for name in span.starts.elements())
    told_apart = [name for name, count in names.most_common(PROGRAMS_MAX) if count >= LEAST_RUNS]
    costs = run_costs(spans, told_apart, 1 << order)
    here = [life for boot_id, span in watched.items() for life in by_boot[boot_id] if _overlaps(life, span)]
    by_name: dict[str, list[Life]] = {name: [] for name in failures}
    for life in here:
        by_name.setdefault(life.name, []).append(life)
    records = [_record(name, of, watched, failures.get(name, 0), costs) for name, of in by_name.items()]
    unseen = [span.unseen for span in spans]
    counts = any(point.created is not None for of in points.values() for point in of)
    return Findings(
        watched_s=sum(end - start for start, end in watched.values()),
        records=tuple(sorted(records, key=_guilt)),
        created=sum(unseen) + sum(record.starts for record in records) if counts else None,
        unseen=sum(unseen) if counts else None,
        unseen_period_s=_period_of_unseen(points, by_boot),
        unseen_lost_pages=costs.lost_pages.get(UNSEEN) if sum(unseen) >= LEAST_RUNS else None,
        losses=tuple(loss for boot_id, of in points.items() for loss in losses_of(boot_id, of, by_boot[boot_id])),
    )


def _guilt(record: Record) -> tuple[float, float, float, str]:
    return -record.lost_in_all_pages, -record.left_in_all_pages, -record.held_page_s, record.name


def _overlaps(life: Life, span: tuple[float, float]) -> bool:
    return life.started_s <= span[1] and life.seen_s >= span[0]


def _record(
    name: str, lives: Sequence[Life], watched: Mapping[str, tuple[float, float]], failures: int, costs: RunCosts
) -> Record:
    from statistics import median  # loads the decimal numbers

    begun = [life for life in lives if watched[life.boot_id][0] < life.started_s]
    ended = [life.ended_s - life.started_s for life in lives if life.ended_s is not None]
    held_page_s = 0.0
    for life in lives:
        begin, end = watched[life.boot_id]
        until = end if life.ended_s is None else min(life.ended_s, end)
        held_page_s += life.pages * max(0.0, until - max(begin, life.started_s))
    return Record(
        name=name,
        starts=len(begun),
        period_s=period_s([life.started_s for life in begun]) if len(watched) == 1 else None,
        pages=int(median(life.pages for life in lives)) if lives else 0,
        run_s=median(ended) if ended else None,
        running=sum(life.ended_s is None for life in lives),
        held_page_s=held_page_s,
        failures=failures,
        lost_pages=costs.lost_pages.get(name),
        left_pages=(costs.left_pages or {}).get(name),
    )


def _period_of_unseen(points: Mapping[str, Sequence[Point]], lives: Mapping[str, Sequence[Life]]) -> float | None:
    """The time between the moments at which programs started that were not seen."""
    if len(points) != 1:
        return None
    ((boot_id, of),) = points.items()
    starts = sorted((float(life.started_s), life.name) for life in lives[boot_id])
    times = []
    for before, after in pairwise(of):
        created = 0 if None in (before.created, after.created) else (after.created or 0) - (before.created or 0)
        if created > len(within(starts, before.uptime_s - BLURRED_S, after.uptime_s)):
            times.append(after.uptime_s)
    return period_s(times)
