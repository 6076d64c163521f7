"""What a run of each program costs: large blocks, and files that stay in memory. Pure.

As several programs run at once, what changed from poll to poll is explained by all starts and ends together (least
squares), after the steady change of the polls between which nothing starts or ends.

By that alone the large blocks are charged to the wrong program: on a board without an MMU the page that tears a block
often lies in the end that another program gave back, and shows only when that one ends. SLAB also gives back its pages
late. Files are counted exactly, and at once. So where the files that stay can explain the loss, it is shared out by
them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from buddywatch.model.lives import Life
from buddywatch.verdict.least_squares import LeastSquares
from buddywatch.verdict.room import Point

UNSEEN = ""  # stands for all starts that were not seen
BLURRED_S = 1.0  # starts are known to a second
_NOTICED_S = 1.0  # an end is told as up to a second after the poll that noticed it
_QUIET_LEAST = 10  # polls in a row, or the steady change is not known
_EXPLAINED = 0.5  # of the loss, if each page of a file tore a block of its own
_NOTHING_PAGES = 0.05  # of a file each run: less is an error of the estimate


@dataclass(frozen=True)
class Span:
    """From one poll to another in one boot, with no start so near to them that it may be on either side. file_pages:
    how many more files are in memory, None if the board does not say."""

    seconds: float
    room_pages: int
    file_pages: int | None
    starts: Counter[str]
    ends: Counter[str]
    unseen: int


@dataclass(frozen=True)
class RunCosts:
    """By program, UNSEEN among them: pages that a run costs of the room, negative for a gain; pages of files that it
    leaves, None where the board does not count them."""

    lost_pages: Mapping[str, float]
    left_pages: Mapping[str, float] | None


def spans_of(points: Sequence[Point], lives: Sequence[Life]) -> list[Span]:
    """points: of one boot, in order; lives: of the same boot."""
    starts = sorted((float(life.started_s), life.name) for life in lives)
    polls = [point.uptime_s for point in points]
    ends = sorted((_noticed_s(life.ended_s, polls), life.name) for life in lives if life.ended_s is not None)
    clear = [point for point in points if not within(starts, point.uptime_s - BLURRED_S, point.uptime_s)]
    found = []
    for before, after in pairwise(clear):
        begun = Counter(name for _, name in within(starts, before.uptime_s, after.uptime_s))
        over = Counter(name for _, name in within(ends, before.uptime_s, after.uptime_s))
        created = _difference(before.created, after.created) or 0
        room_pages, files = after.room_pages - before.room_pages, _difference(before.file_pages, after.file_pages)
        unseen = max(0, created - begun.total())
        found.append(Span(after.uptime_s - before.uptime_s, room_pages, files, begun, over, unseen))
    return found


def _difference(before: int | None, after: int | None) -> int | None:
    return None if before is None or after is None else after - before


def _noticed_s(ended_s: float, polls: Sequence[float]) -> float:
    """The poll that noticed it: what the program held was free by then."""
    at = bisect_right(polls, ended_s) - 1
    return polls[at] if at >= 0 and ended_s - polls[at] < _NOTICED_S else ended_s


def within(times: Sequence[tuple[float, str]], after_s: float, until_s: float) -> Sequence[tuple[float, str]]:
    """Those with after_s < time <= until_s."""
    behind = "\U0010ffff"  # no name comes after it
    return times[bisect_left(times, (after_s, behind)) : bisect_left(times, (until_s, behind))]


def run_costs(spans: Sequence[Span], names: Sequence[str], block_pages: int) -> RunCosts:
    """names: the programs that are told apart. block_pages: of the blocks that are counted as room."""
    lost = _explained(spans, names, lambda span: -span.room_pages)
    if not spans or any(span.file_pages is None for span in spans):
        return RunCosts(lost, None)
    raw = _explained(spans, names, lambda span: span.file_pages or 0)
    left = {name: pages if pages >= _NOTHING_PAGES else 0.0 for name, pages in raw.items()}
    runs = {name: sum(span.starts[name] for span in spans) for name in names}
    runs[UNSEEN] = sum(span.unseen for span in spans)
    stays = sum(left[name] * runs[name] for name in left)
    loss = -sum(span.room_pages for span in spans)
    if loss <= 0 or stays * block_pages < _EXPLAINED * loss:
        return RunCosts(lost, left)
    each = min(loss / stays, float(block_pages))
    return RunCosts({name: pages * each for name, pages in left.items()}, left)


def _explained(spans: Sequence[Span], names: Sequence[str], value: Callable[[Span], int]) -> dict[str, float]:
    """How much more of it there is after a run of each program than before.

    Starts that were not seen explain only what is left then: those that always come with a program belong to its run,
    as the shell does with which cron starts it.
    """
    steady = _steady(spans, value)
    seen = LeastSquares([f"{what} {name}" for name in names for what in ("start", "end")])
    for span in spans:
        seen.add(_runs(span, names), value(span) - steady * span.seconds)
    factors = seen.factors()
    rest = LeastSquares([UNSEEN])
    for span in spans:
        explained = sum(factors[column] * count for column, count in _runs(span, names).items())
        rest.add({UNSEEN: span.unseen}, value(span) - steady * span.seconds - explained)
    costs = {name: factors[f"start {name}"] + factors[f"end {name}"] for name in names}
    return {**costs, UNSEEN: rest.factors()[UNSEEN]}


def _steady(spans: Sequence[Span], value: Callable[[Span], int]) -> float:
    """A second's change where nothing starts or ends; 0.0 where that is hardly ever so."""
    quiet = [span for span in spans if not (span.starts or span.ends or span.unseen)]
    return sum(map(value, quiet)) / sum(span.seconds for span in quiet) if len(quiet) >= _QUIET_LEAST else 0.0


def _runs(span: Span, names: Sequence[str]) -> dict[str, int]:
    starts = {f"start {name}": span.starts[name] for name in names}
    return starts | {f"end {name}": span.ends[name] for name in names}
