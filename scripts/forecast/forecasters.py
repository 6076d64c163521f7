"""The forecast, and the simple ones that it must beat. Each takes one sample after another and returns a forecast."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Protocol

from buddywatch.alerts.forecasts import is_due
from buddywatch.model.forecasts import FALLING, LEVEL, UNKNOWN, Forecast
from buddywatch.verdict.forecast import deciles, forecast
from buddywatch.verdict.margin_history import MarginHistory

from scripts.forecast.histories import PERIOD_S, Sample

SAMPLES_MIN = 48  # as many as the forecast waits for
_Z = [NormalDist().inv_cdf(tenth / 10) for tenth in range(1, 10)]


class Forecaster(Protocol):
    def take(self, number: int, sample: Sample) -> Forecast:
        """The forecast after this snapshot. number: of the snapshot since boot."""

    def deciles(self) -> list[float | None]:
        """When the need is refused with a probability of 10, 20, ... 90 %, in seconds from now; None: never."""


class Envelope:
    """buddywatch's own forecast, made as often as the collector makes it."""

    def __init__(self) -> None:
        self._history, self._newest, self._made_s = MarginHistory(PERIOD_S), Forecast(UNKNOWN), 0.0

    def take(self, number: int, sample: Sample) -> Forecast:
        uptime_s = number * PERIOD_S
        is_closed = self._history.add(uptime_s, sample.margin)
        if is_closed and is_due(self._history.bucket_s, self._made_s, uptime_s):
            self._newest, self._made_s = forecast(self._history), uptime_s
        return self._newest

    def deciles(self) -> list[float | None]:
        return deciles(self._history)


class Stays:
    """Assumes no change: it warns only when the need is refused."""

    def take(self, number: int, sample: Sample) -> Forecast:
        return Forecast(LEVEL)

    def deciles(self) -> list[float | None]:
        return [None] * len(_Z)


class Line:
    """Least squares over all samples, down to zero; the slope is uncertain by its standard error."""

    def __init__(self, value: Callable[[Sample], int]) -> None:
        self._value = value
        self._count = self._x = self._y = self._xx = self._xy = self._yy = 0
        self._end = self._slope = self._error = 0.0

    def take(self, number: int, sample: Sample) -> Forecast:
        y = self._value(sample)
        self._count, self._x, self._y = self._count + 1, self._x + number, self._y + y
        self._xx, self._xy, self._yy = self._xx + number * number, self._xy + number * y, self._yy + y * y
        if self._count < SAMPLES_MIN:
            return Forecast(UNKNOWN)
        self._fit(number)
        low_s, in_s, high_s = (self._until_zero(z) for z in (_Z[0], 0.0, _Z[-1]))
        return Forecast(FALLING if self._slope < 0 else LEVEL, in_s, low_s, high_s)

    def deciles(self) -> list[float | None]:
        return [self._until_zero(z) for z in _Z]

    def _fit(self, number: int) -> None:
        count, x, y = self._count, self._x, self._y
        spread = self._xx - x * x / count
        self._slope = (self._xy - x * y / count) / spread
        rest = max(self._yy - y * y / count - self._slope * self._slope * spread, 0.0)
        self._error = math.sqrt(rest / (count - 2) / spread)
        self._end = y / count + self._slope * (number - x / count)

    def _until_zero(self, errors: float) -> float | None:
        slope = self._slope + errors * self._error
        return max(self._end, 0.0) / -slope * PERIOD_S if slope < 0 else None


FORECASTERS: dict[str, Callable[[], Forecaster]] = {
    "buddywatch": Envelope,
    "line through margin": lambda: Line(lambda sample: sample.margin),
    "line through free": lambda: Line(lambda sample: sample.free),
    "line through largest": lambda: Line(lambda sample: sample.largest),
    "stays as it is": Stays,
}
