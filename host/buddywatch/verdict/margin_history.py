"""The lower envelope of a margin over time, at several scales and of a bounded size. No I/O.

The margin of a working board goes up and down all the time; requests fail at its lowest points. So time is divided into
buckets, and each keeps its minimum. Two buckets are merged into one of the next scale: a few hundred numbers describe
the last minutes in detail and the months before them roughly.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeVar

SAMPLES = 4  # periods of polling in a bucket of the finest scale
SCALES = 20  # a bucket of the coarsest lasts 4 << 19 periods: four months at a period of 5 s
BUCKETS = 40  # kept of each scale
_MOST = 2**62  # of any number in a dump: it must fit an array

Bucket = tuple[int, int]  # number since boot, minimum in pages
Found = TypeVar("Found")


class MarginHistory:
    """The history of one need in one boot of the kernel. Times are uptimes in seconds, and only rise."""

    def __init__(self, period_s: float) -> None:
        """period_s: time between two snapshots."""
        self.bucket_s = SAMPLES * period_s  # of the finest scale
        # Arrays, not tuples: a thousand boards have half a million closed buckets.
        self._closed: list[tuple[array[int], array[int]]] = []  # of each scale: numbers, minima
        self._open: list[Bucket | None] = [None]
        self._found: list[dict[object, object]] = []  # of each scale: what was computed from its closed buckets

    def add(self, uptime_s: float, margin_pages: int) -> bool:
        """Add a sample. True if it closed a bucket, so that the forecast may change. Older samples are left out."""
        number, current = int(uptime_s // self.bucket_s), self._open[0]
        if current is not None and (number < current[0] or (number == current[0] and margin_pages >= current[1])):
            return False
        return self._put(0, number, margin_pages)

    @property
    def end_s(self) -> float:
        """The start of the open bucket of the finest scale; 0 without a sample."""
        newest = self._open[0]
        return 0.0 if newest is None else newest[0] * self.bucket_s

    def buckets(self, scale: int) -> list[Bucket]:
        """The closed buckets, oldest first. Each lasts bucket_s << scale; buckets without a sample are left out."""
        return list(zip(*self._closed[scale], strict=True)) if scale < len(self._closed) else []

    def of_buckets(self, scale: int, compute: Callable[[Sequence[Bucket], float], Found]) -> Found:
        """compute(closed buckets of the scale, seconds of each), which is done once until another one is closed.

        A coarse scale hardly changes, so most of a forecast is known from the one before.
        """
        known = self._found[scale]
        if compute not in known:
            known[compute] = compute(self.buckets(scale), self.bucket_s * (1 << scale))
        found: Found = known[compute]  # type: ignore[assignment]
        return found

    def count(self, scale: int) -> int:
        """How many closed buckets of the scale are kept."""
        return len(self._closed[scale][0]) if scale < len(self._closed) else 0

    def newest_minimum(self, scale: int) -> int | None:
        """The lowest sample since the last closed bucket of that scale; None without a sample."""
        return min([bucket[1] for bucket in self._open[: scale + 1] if bucket is not None], default=None)

    def whole_scale(self) -> int:
        """The finest scale that still covers the beginning of the history."""
        unfilled = (scale for scale, (numbers, _) in enumerate(self._closed) if len(numbers) < BUCKETS)
        return min(next(unfilled, len(self._closed)), SCALES - 1)

    def lowest_before(self, uptime_s: float) -> int | None:
        """The lowest minimum of the buckets that ended before then; None if there is none."""
        lowest = None
        for scale, (numbers, minima) in enumerate(self._closed):
            ended = bisect_left(numbers, int(uptime_s // (self.bucket_s * (1 << scale))))
            if ended:
                of_scale = min(minima[:ended])
                lowest = of_scale if lowest is None else min(lowest, of_scale)
        return lowest

    def dump(self) -> str:
        """The history as JSON text, for load()."""
        closed = [[numbers.tolist(), minima.tolist()] for numbers, minima in self._closed]
        return json.dumps({"bucket_s": self.bucket_s, "open": self._open, "closed": closed}, separators=(",", ":"))

    @classmethod
    def load(cls, text: str) -> MarginHistory:
        """The history that dump() wrote. ValueError if it did not."""
        try:
            values = json.loads(text)
            history = cls(float(values["bucket_s"]) / SAMPLES)
            history._open = [bucket and (_whole(bucket[0]), _whole(bucket[1])) for bucket in values["open"]]
            for numbers, minima in values["closed"]:
                history._closed.append((array("q", map(_whole, numbers)), array("q", map(_whole, minima))))
        except (KeyError, TypeError, IndexError, RecursionError) as error:
            raise ValueError(f"not a history of margins: {error}") from None
        lengths = [(len(numbers), len(minima)) for numbers, minima in history._closed]
        if not history.bucket_s > 0 or any(a != b or a > BUCKETS for a, b in lengths) or len(history._closed) > SCALES:
            raise ValueError("not a history of margins: its buckets do not fit each other")
        history._found = [{} for _ in history._closed]
        if not history._open or len(history._open) < len(history._closed):
            raise ValueError("not a history of margins: the open buckets are missing")
        return history

    def _put(self, scale: int, number: int, minimum: int) -> bool:
        if scale == len(self._open):
            self._open.append(None)
        current = self._open[scale]
        if current is not None and current[0] == number:
            if minimum < current[1]:
                self._open[scale] = number, minimum
            return False
        self._open[scale] = number, minimum
        if current is None:
            return False
        self._close(scale, current)
        if scale + 1 < SCALES:
            self._put(scale + 1, current[0] >> 1, current[1])
        return True

    def _close(self, scale: int, bucket: Bucket) -> None:
        if scale == len(self._closed):
            self._closed.append((array("q"), array("q")))
            self._found.append({})
        self._found[scale].clear()
        for values, value in zip(self._closed[scale], bucket, strict=True):
            values.append(value)
            if len(values) > BUCKETS:
                del values[0]


def _whole(value: object) -> int:
    if type(value) is not int or abs(value) > _MOST:
        raise ValueError(f"not a history of margins: read {value!r:.40}, expected a whole number")
    return value
