"""Scores one forecast over one history: right and false warnings, and how often the truth was within the interval."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.model.forecasts import Forecast

from scripts.forecast.forecasters import Forecaster
from scripts.forecast.histories import PERIOD_S, History

WITHIN_S = 86_400.0  # the warning: refused within a day
CLEAR_SAMPLES = 10  # this many forecasts in a row of more than twice that end the warning
FAR = round(3 * WITHIN_S / PERIOD_S)  # snapshots: a warning this long before a refusal was false
EVERY = 20  # snapshots between two checks of the interval
BUILT_UP = 200  # snapshots: an earlier failure cannot be forecast
LEAD_MIN, LEAD_SHARE = 100, 0.2  # required lead: snapshots, or share of the run, whichever is less


@dataclass
class Score:
    """Sums over histories. lead and lead_share are sums over the refusals that were warned of."""

    boards: int = 0
    refused: int = 0  # after BUILT_UP snapshots or more
    missed: int = 0
    short: int = 0  # warned of later than LEAD_MIN and LEAD_SHARE ask for
    lead: int = 0
    lead_share: float = 0.0
    in_vain: int = 0
    weeks: float = 0.0
    looks: int = 0
    early: int = 0  # refused before the interval
    late: int = 0  # or after it

    def add(self, other: Score) -> None:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class _Warning:
    """On after a forecast within WITHIN_S, off after CLEAR_SAMPLES forecasts that are far ahead."""

    def __init__(self) -> None:
        self.since: int | None = None
        self.over: list[int] = []  # beginnings of the warnings that were taken back
        self._clear = 0

    def take(self, number: int, forecast: Forecast) -> None:
        in_s = forecast.in_s
        if in_s is not None and in_s <= WITHIN_S:
            self.since = number if self.since is None else self.since
            self._clear = 0
        elif self.since is not None and (in_s is None or in_s > 2 * WITHIN_S):
            self._clear += 1
            if self._clear == CLEAR_SAMPLES:
                self.over.append(self.since)
                self.since = None


def score(history: History, forecaster: Forecaster) -> Score:
    """refused_at itself is not shown to the forecaster."""
    result = Score(boards=1, weeks=len(history.samples) * PERIOD_S / 604_800)
    warning, end = _Warning(), history.refused_at
    for number, sample in enumerate(history.samples[:end]):
        forecast = forecaster(number, sample)
        warning.take(number, forecast)
        if end is not None and forecast.in_s is not None and number % EVERY == 0:
            true_s = (end - number) * PERIOD_S
            result.looks += 1
            result.early += forecast.low_s is not None and true_s < forecast.low_s
            result.late += forecast.high_s is not None and true_s > forecast.high_s
    if end is not None and end >= BUILT_UP:
        _lead(result, warning.since, end)
    begun = [*warning.over, *([warning.since] if warning.since is not None else [])]
    last = len(history.samples) - FAR  # the end of later warnings is unknown
    result.in_vain = sum([begin < last and (end is None or end - begin > FAR) for begin in begun])
    return result


def _lead(result: Score, since: int | None, end: int) -> None:
    result.refused = 1
    if since is None:
        result.missed = 1
        return
    result.lead, result.lead_share = end - since, (end - since) / end
    result.short = int(result.lead < min(LEAD_MIN, LEAD_SHARE * end))
