"""Forecasts when a need will first be refused if the trend continues. Pure: from the history of its margin.

Each line through the lower envelope (envelope_line.py) gives one estimate. The line over the longest straight window
has the largest weight, since it includes the saw-tooth of normal work; those over its newest half, quarter and so on
have smaller weights, and show first that a job was started or stopped, or that a margin which wanders is near zero now:
what the board does next begins where it is, not at its mean. Each estimate is the probability that the margin
is still above zero after some time: its slope may change meanwhile, and the minima scatter around it. The forecast is
the weighted mean: its median, and the times at which the margin has reached zero with 10 % and 90 % probability.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from buddywatch.model.forecasts import FALLING, LEVEL, RISING, UNKNOWN, Forecast
from buddywatch.verdict.envelope_line import EnvelopeLine, lines
from buddywatch.verdict.margin_history import MarginHistory

NEXT_COUNTS = 0.6  # the weight of a window of half the length, relative to the longer one
CHANGE = 0.4  # the change of a slope over a time as long as its window, relative to the slope
WINDOWS_MAX = 1.5  # after this many windows the uncertainty of a slope grows no more: it goes on falling
FLATTER, SAME, STEEPER = (0.3, 1.3), (0.4, 0.0), (0.3, -1.3)  # (share, errors): three points approximate a normal
SIGHT_WINDOWS = 2.5  # how far ahead a history is used, in times its length: a later median is not reported
AHEAD_WINDOWS = 8.0  # the end of the interval may lie beyond that
LINES_MAX = 5  # to the newest sixteenth of the longest window; shorter ones say more of chance than of a trend
STEP_SHARE = 1 / 8  # of the time ahead: the step of the search
SAFE_SPREADS = 4.5  # a margin so far above zero is not refused by chance: 3 in a million
MEDIAN, LOW, HIGH = 0.5, 0.9, 0.1  # probabilities that the margin is still above zero


@dataclass(frozen=True)
class _Future:
    share: float
    line: EnvelopeLine
    slope: float  # pages per second, from now on


def forecast(history: MarginHistory) -> Forecast:
    """The forecast from a history; trend UNKNOWN while it is too short for a line."""
    opinions = lines(history)[:LINES_MAX]
    if not opinions:
        return Forecast(UNKNOWN)
    longest = opinions[0]
    trend = LEVEL
    if longest.is_trend:
        trend = RISING if longest.slope > 0 else FALLING
    times = _times(opinions, history.bucket_s, (LOW, MEDIAN, HIGH))
    in_s = times[MEDIAN]
    if in_s is None or in_s > SIGHT_WINDOWS * longest.window_s:
        return Forecast(trend, since_s=longest.begin_s)
    return Forecast(trend, in_s, times[LOW], times[HIGH], longest.begin_s)


def deciles(history: MarginHistory) -> list[float | None]:
    """The times, in seconds from now, at which the need has been refused with a probability of 10, 20, ... 90 %."""
    shares = [1 - tenth / 10 for tenth in range(1, 10)]
    opinions = lines(history)[:LINES_MAX]
    times = _times(opinions, history.bucket_s, shares) if opinions else {}
    return [times.get(share) for share in shares]


def _futures(opinions: list[EnvelopeLine]) -> Iterator[_Future]:
    total = sum([NEXT_COUNTS**number for number in range(len(opinions))])
    for number, line in enumerate(opinions):
        counts = NEXT_COUNTS**number / total
        if not line.is_trend:
            yield _Future(counts, line, 0.0)
            continue
        left_s = max(line.end_pages, 0.0) / abs(line.slope)
        change = CHANGE * line.slope * min(left_s / line.window_s, WINDOWS_MAX)
        error = math.hypot(line.error, change)
        for share, errors in (FLATTER, SAME, STEEPER):
            yield _Future(counts * share, line, line.slope + errors * error)


def _times(opinions: list[EnvelopeLine], step_s: float, shares: Iterable[float]) -> dict[float, float | None]:
    """When the probability of a margin above zero falls below each of the shares, the largest of which comes first."""
    futures, end_s = list(_futures(opinions)), AHEAD_WINDOWS * opinions[0].window_s
    waiting = list(shares)
    found: dict[float, float | None] = dict.fromkeys(waiting)
    survival = [0.0] * len(futures)  # logarithms
    alive_parts = [future.share for future in futures]
    at_s, before = min([_safe_until_s(future) for future in futures]), 1.0
    while at_s < end_s and waiting:
        step_s = max(step_s, at_s * STEP_SHARE)
        at_s += step_s
        for number, future in enumerate(futures):
            height = (future.line.end_pages + future.slope * at_s) / future.line.spread
            if height < SAFE_SPREADS:
                survival[number] += _log_survival(height) * step_s / future.line.bucket_s
                alive_parts[number] = future.share * math.exp(survival[number])
        alive = sum(alive_parts)
        while waiting and alive <= waiting[0]:
            found[waiting[0]] = at_s - step_s * (waiting[0] - alive) / (before - alive)
            del waiting[0]
        before = alive
    return found


def _safe_until_s(future: _Future) -> float:
    """How long the line stays too far above zero for a refusal."""
    spare = future.line.end_pages - SAFE_SPREADS * future.line.spread
    if spare <= 0:
        return 0.0
    return spare / -future.slope if future.slope < 0 else math.inf


def _log_survival(height: float) -> float:
    """Logarithm of the chance that the minimum of a bucket is above zero, if it is normal, and its mean so high."""
    return math.log1p(-min(0.5 * math.erfc(height / math.sqrt(2)), 0.999))
