"""Whether starts come like clockwork, as those of cron do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

LEAST_STARTS = 4
_SHARE = 0.8  # of the pauses are a whole number of periods
_LEAST_TOLERANCE_S = 2.0
_TOLERANCE = 0.05
_MISSED_MAX = 5  # starts in a row that were not seen


def period_s(starts_s: Sequence[float]) -> float | None:
    """The time from one start to the next, in ascending order; None if there is no such time, or too few starts."""
    pauses = [after - before for before, after in pairwise(starts_s)]
    if len(starts_s) < LEAST_STARTS:
        return None
    from statistics import median  # loads the decimal numbers

    period = median(pauses)
    if period <= _LEAST_TOLERANCE_S:
        return None
    tolerance = max(_LEAST_TOLERANCE_S, _TOLERANCE * period)
    regular = [pause for pause in pauses if _is_multiple(pause, period, tolerance)]
    return period if len(regular) >= _SHARE * len(pauses) else None


def _is_multiple(pause: float, period: float, tolerance: float) -> bool:
    periods = round(pause / period)
    return 1 <= periods <= 1 + _MISSED_MAX and abs(pause - periods * period) <= tolerance
