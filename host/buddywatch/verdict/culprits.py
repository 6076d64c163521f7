"""Which programs cost the board the large blocks: from their starts and ends, and what was free meanwhile. Pure.

Room is what a need can be served from: the pages in free blocks of its order or larger. A program takes some when it
starts and gives it back when it ends; what it did not give back, its run has cost. As several run at once, the change
of room from poll to poll is explained by all starts and ends together (least squares), and by a steady drift.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from buddywatch.model.lives import Life
from buddywatch.verdict.clockwork import period_s
from buddywatch.verdict.least_squares import LeastSquares
from buddywatch.verdict.losses import Loss, losses_of
from buddywatch.verdict.room import Point

LEAST_RUNS = 3  # fewer say nothing about what a run costs
PROGRAMS_MAX = 16  # that are told apart
_BLURRED_S = 1.0  # starts are known to a second
_DRIFT, _UNSEEN = "drift", "unseen"


@dataclass(frozen=True)
class Record:
    """One program, by its name. starts: those that were seen, in the time watched. pages, run_s: medians; run_s None
    where no end was seen. running: still at the end. held_page_s: pages times seconds. lost_pages: what a run costs of
    the room, negative for a gain; None where there are too few runs."""

    name: str
    starts: int
    period_s: float | None
    pages: int
    run_s: float | None
    running: int
    held_page_s: float
    failures: int
    lost_pages: float | None

    @property
    def lost_in_all_pages(self) -> float:
        return (self.lost_pages or 0.0) * self.starts


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


@dataclass(frozen=True)
class _Span:
    """From one poll to another in one boot, with no start or end so near to them that it may be on either side."""

    seconds: float
    room_pages: int
    starts: Counter[str]
    ends: Counter[str]
    unseen: int


def find(points: Mapping[str, Sequence[Point]], lives: Iterable[Life], failures: Mapping[str, int]) -> Findings:
    """points: of each boot, in order. lives: of these boots. failures: of starts, by program."""
    by_boot: dict[str, list[Life]] = defaultdict(list)
    for life in lives:
        by_boot[life.boot_id].append(life)
    watched = {boot_id: (of[0].uptime_s, of[-1].uptime_s) for boot_id, of in points.items() if of}
    spans = [span for boot_id, of in points.items() for span in _spans(of, by_boot[boot_id])]
    names = Counter(name for span in spans for name in span.starts.elements())
    told_apart = [name for name, count in names.most_common(PROGRAMS_MAX) if count >= LEAST_RUNS]
    costs = _costs(spans, told_apart)
    here = [life for boot_id, span in watched.items() for life in by_boot[boot_id] if _overlaps(life, span)]
    by_name: dict[str, list[Life]] = {name: [] for name in failures}
    for life in here:
        by_name.setdefault(life.name, []).append(life)
    records = [_record(name, of, watched, failures.get(name, 0), costs.get(name)) for name, of in by_name.items()]
    unseen = [span.unseen for span in spans]
    counts = any(point.created is not None for of in points.values() for point in of)
    return Findings(
        watched_s=sum(end - start for start, end in watched.values()),
        records=tuple(sorted(records, key=lambda one: (-one.lost_in_all_pages, -one.held_page_s, one.name))),
        created=sum(unseen) + sum(record.starts for record in records) if counts else None,
        unseen=sum(unseen) if counts else None,
        unseen_period_s=_period_of_unseen(points, by_boot),
        unseen_lost_pages=costs.get(_UNSEEN) if sum(unseen) >= LEAST_RUNS else None,
        losses=tuple(loss for boot_id, of in points.items() for loss in losses_of(boot_id, of, by_boot[boot_id])),
    )


def _overlaps(life: Life, span: tuple[float, float]) -> bool:
    return life.started_s <= span[1] and life.seen_s >= span[0]


def _record(
    name: str, lives: Sequence[Life], watched: Mapping[str, tuple[float, float]], failures: int, cost: float | None
) -> Record:
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
        lost_pages=cost,
    )


def _spans(points: Sequence[Point], lives: Sequence[Life]) -> list[_Span]:
    starts = sorted((life.started_s, life.name) for life in lives)
    ends = sorted((life.ended_s, life.name) for life in lives if life.ended_s is not None)
    clear = [point for point in points if _is_clear(point.uptime_s, starts, ends)]
    found = []
    for before, after in pairwise(clear):
        begun = Counter(name for _, name in _within(starts, before.uptime_s, after.uptime_s))
        over = Counter(name for _, name in _within(ends, before.uptime_s, after.uptime_s))
        created = 0 if None in (before.created, after.created) else (after.created or 0) - (before.created or 0)
        unseen = max(0, created - begun.total())
        found.append(_Span(after.uptime_s - before.uptime_s, after.room_pages - before.room_pages, begun, over, unseen))
    return found


def _is_clear(at_s: float, starts: Sequence[tuple[float, str]], ends: Sequence[tuple[float, str]]) -> bool:
    return not _within(starts, at_s - _BLURRED_S, at_s) and not _within(ends, at_s - _BLURRED_S, at_s + _BLURRED_S)


def _within(times: Sequence[tuple[float, str]], after_s: float, until_s: float) -> Sequence[tuple[float, str]]:
    """Those with after_s < time <= until_s."""
    behind = "\U0010ffff"  # no name comes after it
    return times[bisect_left(times, (after_s, behind)) : bisect_left(times, (until_s, behind))]


def _costs(spans: Sequence[_Span], names: Sequence[str]) -> dict[str, float]:
    """What a run of each program costs of the room.

    Starts that were not seen explain only what is left then: those that always come with a program belong to its run,
    as the shell does with which cron starts it.
    """
    seen = LeastSquares([_DRIFT, *(f"{what} {name}" for name in names for what in ("start", "end"))])
    for span in spans:
        seen.add({_DRIFT: span.seconds / 60, **_runs(span, names)}, span.room_pages)
    factors = seen.factors()
    rest = LeastSquares([_DRIFT, _UNSEEN])
    for span in spans:
        explained = sum(factors[column] * count for column, count in _runs(span, names).items())
        rest.add({_DRIFT: span.seconds / 60, _UNSEEN: span.unseen}, span.room_pages - explained)
    costs = {name: -factors[f"start {name}"] - factors[f"end {name}"] for name in names}
    return {**costs, _UNSEEN: -rest.factors()[_UNSEEN]}


def _runs(span: _Span, names: Sequence[str]) -> dict[str, int]:
    starts = {f"start {name}": span.starts[name] for name in names}
    return starts | {f"end {name}": span.ends[name] for name in names}


def _period_of_unseen(points: Mapping[str, Sequence[Point]], lives: Mapping[str, Sequence[Life]]) -> float | None:
    """The time between the moments at which programs started that were not seen."""
    if len(points) != 1:
        return None
    ((boot_id, of),) = points.items()
    starts = sorted((float(life.started_s), life.name) for life in lives[boot_id])
    times = []
    for before, after in pairwise(of):
        created = 0 if None in (before.created, after.created) else (after.created or 0) - (before.created or 0)
        if created > len(_within(starts, before.uptime_s - _BLURRED_S, after.uptime_s)):
            times.append(after.uptime_s)
    return period_s(times)
