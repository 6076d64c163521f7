"""Straight lines through the lower envelope of a margin: over all of its history, and over its newest parts. No I/O."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from buddywatch.verdict.margin_history import Bucket, MarginHistory

BUCKETS_MIN = 12  # for a line
Z_AGREE = 2.5  # standard errors: newer minima this close to the line through the older ones still belong to it
Z_TREND = 2.5  # standard errors that make a slope a trend
ERROR_MIN_PAGES = 1.0  # margins are whole pages
CORRELATION_MAX = 0.9  # of neighbours: with 40 of them a larger one cannot be distinguished from 1


@dataclass(frozen=True, slots=True)
class EnvelopeLine:
    """slope, error: pages per second and its standard error. spread: standard deviation of the minima, in pages.

    It ends at end_s with end_pages. correlation: between neighbouring buckets' distances from the line.
    """

    slope: float
    error: float
    spread: float
    begin_s: float
    end_s: float
    end_pages: float
    bucket_s: float
    correlation: float

    @property
    def window_s(self) -> float:
        return self.end_s - self.begin_s

    @property
    def is_trend(self) -> bool:
        """True if it goes up or down by more than chance."""
        return abs(self.slope) > Z_TREND * self.error


def lines(history: MarginHistory) -> list[EnvelopeLine]:
    """The line over the longest window that is straight, then those over its newest half, quarter and so on.

    Empty before there are BUCKETS_MIN buckets. A shorter line that falls, but stays above an earlier low that the board
    has survived, gets the slope 0: it is one tooth of the saw-tooth of normal work.
    """
    found: list[EnvelopeLine] = []
    for scale in range(history.whole_scale(), -1, -1):
        if history.count(scale) < BUCKETS_MIN:
            continue
        if not found and scale and not history.of_buckets(scale, _is_straight):
            continue
        line = _line_now(history, scale)
        found.append(_without_tooth(history, _informed(line, found[-1])) if found else line)
    return found


def _is_straight(buckets: Sequence[Bucket], _: float) -> bool:
    """True if the line through the older part predicts the newer half, and the newer quarter."""
    return all(_foretells(buckets[:-newer], buckets[-newer:]) for newer in (len(buckets) // 2, len(buckets) // 4))


def _foretells(older: Sequence[Bucket], newer: Sequence[Bucket]) -> bool:
    """True if the mean of the newer buckets is on the line through the older ones, within the error."""
    line = _fit(older, 1.0)
    ahead = [number + 1 - line.end_s for number, _ in newer]
    off = sum([minimum for _, minimum in newer]) / len(newer) - line.end_pages - line.slope * sum(ahead) / len(ahead)
    scatter = line.spread * math.sqrt((1 + line.correlation) / (1 - line.correlation) / len(newer))
    return abs(off) <= Z_AGREE * math.hypot(scatter, line.error * (line.window_s / 2 + sum(ahead) / len(ahead)))


def _line_now(history: MarginHistory, scale: int) -> EnvelopeLine:
    """The line through a scale, brought up to now: it ends where the newest minima pull it."""
    line = history.of_buckets(scale, _fit)
    end_pages = line.end_pages + line.slope * (history.end_s - line.end_s)
    newest, last = history.newest_minimum(scale), history.of_buckets(scale, _last_minimum)
    lowest = last if newest is None else min(newest, last)
    end_pages += line.correlation * (lowest - end_pages)
    return EnvelopeLine(  # replace() would take longer than all of this
        line.slope, line.error, line.spread, line.begin_s, history.end_s, end_pages, line.bucket_s, line.correlation
    )


def _last_minimum(buckets: Sequence[Bucket], _: float) -> int:
    return buckets[-1][1]


def _informed(line: EnvelopeLine, longer: EnvelopeLine) -> EnvelopeLine:
    """If both slopes may be the same, the line gets their mean, weighted by their errors."""
    own, other = line.error**-2, longer.error**-2
    if abs(line.slope - longer.slope) > Z_AGREE * math.hypot(line.error, longer.error):
        return line
    slope = (line.slope * own + longer.slope * other) / (own + other)
    return replace(line, slope=slope, error=(own + other) ** -0.5)


def _without_tooth(history: MarginHistory, line: EnvelopeLine) -> EnvelopeLine:
    lowest = history.lowest_before(line.begin_s) if line.slope < 0 else None
    is_tooth = lowest is not None and 0 <= lowest < line.end_pages - line.spread
    return replace(line, slope=0.0) if is_tooth else line


def _variance(rest: Sequence[float]) -> float:
    mean = sum(rest) / len(rest)
    return sum([(r - mean) ** 2 for r in rest]) / (len(rest) - 1) + ERROR_MIN_PAGES**2


def _fit(buckets: Sequence[Bucket], bucket_s: float) -> EnvelopeLine:
    """Least squares. Neighbours are alike, which makes the error of the slope larger (AR(1): (1 + r) / (1 - r))."""
    count = len(buckets)
    mean_x = sum([x for x, _ in buckets]) / count
    mean_y = sum([y for _, y in buckets]) / count
    xx = sum([(x - mean_x) ** 2 for x, _ in buckets])
    slope = sum([(x - mean_x) * (y - mean_y) for x, y in buckets]) / xx
    rest = [y - mean_y - slope * (x - mean_x) for x, y in buckets]
    squares = sum([r * r for r in rest])
    products = sum([a * b for a, b in itertools.pairwise(rest)])
    correlation = min(max(products / squares, 0.0), CORRELATION_MAX) if squares else 0.0
    variance = squares / (count - 2) + ERROR_MIN_PAGES**2
    newest = buckets[-1][0]  # a minimum counts at its bucket's end: in a falling margin it is there
    return EnvelopeLine(
        slope=slope / bucket_s,
        error=math.sqrt(variance / xx * (1 + correlation) / (1 - correlation)) / bucket_s,
        spread=math.sqrt(_variance(rest[count // 2 :])),
        begin_s=buckets[0][0] * bucket_s,
        end_s=(newest + 1) * bucket_s,
        end_pages=mean_y + slope * (newest - mean_x),
        bucket_s=bucket_s,
        correlation=correlation,
    )
