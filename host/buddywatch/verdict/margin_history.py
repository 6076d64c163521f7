"""The lower envelope of a margin over time, at several scales and of a bounded size. No I/O.

The margin of a working board goes up and down all the time; requests fail at its lowest points. So time is divided into
buckets, and each keeps its minimum. Two buckets are merged into one of the next scale: a few hundred numbers describe
the last minutes in detail and the months before them roughly.
"""

from __future__ import annotations

from collections import deque

SAMPLES = 4  # periods of polling in a bucket of the finest scale
SCALES = 20  # a bucket of the coarsest lasts 4 << 19 periods: four months at a period of 5 s
BUCKETS = 40  # kept of each scale

Bucket = tuple[int, int]  # number since boot, minimum in pages


class MarginHistory:
    """The history of one need in one boot. Times are uptimes in seconds, and only rise."""

    def __init__(self, period_s: float) -> None:
        """period_s: time between two snapshots."""
        self.bucket_s = SAMPLES * period_s  # of the finest scale
        self._closed: list[deque[Bucket]] = [deque(maxlen=BUCKETS) for _ in range(SCALES)]
        self._open: list[Bucket | None] = [None] * SCALES

    def add(self, uptime_s: float, margin_pages: int) -> bool:
        """Add a sample. True if it closed a bucket, so that the forecast may change."""
        return self._put(0, int(uptime_s // self.bucket_s), margin_pages)

    @property
    def end_s(self) -> float:
        """The start of the open bucket of the finest scale; 0 without a sample."""
        newest = self._open[0]
        return 0.0 if newest is None else newest[0] * self.bucket_s

    def buckets(self, scale: int) -> list[Bucket]:
        """The closed buckets, oldest first. Each lasts bucket_s << scale; buckets without a sample are left out."""
        return list(self._closed[scale])

    def newest_minimum(self, scale: int) -> int | None:
        """The lowest sample since the last closed bucket of that scale; None without a sample."""
        return min([bucket[1] for bucket in self._open[: scale + 1] if bucket is not None], default=None)

    def whole_scale(self) -> int:
        """The finest scale that still covers the beginning of the history."""
        return next((scale for scale in range(SCALES) if len(self._closed[scale]) < BUCKETS), SCALES - 1)

    def lowest_before(self, uptime_s: float) -> int | None:
        """The lowest minimum of the buckets that ended before then; None if there is none."""
        lowest = None
        for scale, closed in enumerate(self._closed):
            last = int(uptime_s // (self.bucket_s * (1 << scale)))
            for number, minimum in closed:
                if number < last and (lowest is None or minimum < lowest):
                    lowest = minimum
        return lowest

    def _put(self, scale: int, number: int, minimum: int) -> bool:
        current = self._open[scale]
        if current is not None and current[0] == number:
            if minimum < current[1]:
                self._open[scale] = number, minimum
            return False
        self._open[scale] = number, minimum
        if current is None:
            return False
        self._closed[scale].append(current)
        if scale + 1 < SCALES:
            self._put(scale + 1, current[0] >> 1, current[1])
        return True
