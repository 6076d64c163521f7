"""The forecast, and the simple ones that it must beat. Each takes one sample after another and returns a forecast."""

from __future__ import annotations

import math
from collections.abc import Callable

from buddywatch.alerts.forecasts import is_due
from buddywatch.model.forecasts import FALLING, LEVEL, UNKNOWN, Forecast
from buddywatch.verdict.forecast import deciles, forecast
from buddywatch.verdict.margin_history import MarginHistory

from scripts.forecast.histories import MODEL_MARKS, ORDER, PERIOD_S, Sample

Forecaster = Callable[[int, Sample], Forecast]  # (number of the snapshot, snapshot)
SAMPLES_MIN = 48  # as many as the forecast waits for


class Envelope:
    """buddywatch's own forecast, made as often as the collector makes it."""

    def __init__(self) -> None:
        self._history, self._newest, self._made_s = MarginHistory(PERIOD_S), Forecast(UNKNOWN), 0.0

    def __call__(self, number: int, sample: Sample) -> Forecast:
        uptime_s = number * PERIOD_S
        is_closed = self._history.add(uptime_s, sample.margin)
        if is_closed and is_due(self._history.bucket_s, self._made_s, uptime_s):
            self._newest, self._made_s = forecast(self._history), uptime_s
        return self._newest

    def deciles(self) -> list[float | None]:
        """When the need is refused with a probability of 10, 20, ... 90 %."""
        return deciles(self._history)


def stays() -> Forecaster:
    """Assumes no change: it warns only when the need is refused."""
    return lambda number, sample: Forecast(LEVEL)


def free_line() -> Forecaster:
    """A straight line through free memory, down to the min mark and the block itself."""
    return _line(lambda sample: sample.free - MODEL_MARKS[0] - (1 << ORDER))


def largest_line() -> Forecaster:
    """A straight line through the largest free block, down to less than the need."""
    return _line(lambda sample: sample.largest - (1 << ORDER) + 1)


def margin_line() -> Forecaster:
    """A straight line through the margin itself, down to zero."""
    return _line(lambda sample: sample.margin)


FORECASTERS = {
    "buddywatch": Envelope, "line through margin": margin_line, "line through free": free_line,
    "line through largest": largest_line, "stays as it is": stays,
}  # fmt: skip


def _line(value: Callable[[Sample], int]) -> Forecaster:
    """Least squares over all samples, with the standard error of the slope."""
    count = x_sum = y_sum = xx = xy = yy = 0

    def take(number: int, sample: Sample) -> Forecast:
        nonlocal count, x_sum, y_sum, xx, xy, yy
        y = value(sample)
        count, x_sum, y_sum = count + 1, x_sum + number, y_sum + y
        xx, xy, yy = xx + number * number, xy + number * y, yy + y * y
        if count < SAMPLES_MIN:
            return Forecast(UNKNOWN)
        spread = xx - x_sum * x_sum / count
        slope = (xy - x_sum * y_sum / count) / spread
        rest = max(yy - y_sum * y_sum / count - slope * slope * spread, 0.0)
        error = 1.2816 * math.sqrt(rest / (count - 2) / spread)
        end = y_sum / count + slope * (number - x_sum / count)
        times = [_until_zero(end, s) for s in (slope, slope - error, slope + error)]
        return Forecast(FALLING if slope < 0 else LEVEL, *times)

    return take


def _until_zero(end: float, slope: float) -> float | None:
    return max(end, 0.0) / -slope * PERIOD_S if slope < 0 else None
