"""Scores one forecast over one history: right and false warnings, and how often the truth was within the interval."""

from __future__ import annotations

from dataclasses import dataclass, field

from buddywatch.alerts.forecast_rule import Steady
from buddywatch.alerts.forecasts import is_due
from buddywatch.alerts.signals import refused_within_signal, step
from buddywatch.config.sections import Alert
from buddywatch.model.alerts import CLEARING, FIRING, RuleState
from buddywatch.model.forecasts import Forecast, NeedForecast
from buddywatch.verdict.margin_history import SAMPLES

from scripts.forecast.forecasters import Forecaster
from scripts.forecast.histories import PERIOD_S, History

ALERT = Alert()
FAR = round(3 * ALERT.refused_within_s / PERIOD_S)  # snapshots: a warning this long before a refusal was false
EVERY = 3  # forecasts between two checks of the interval
BUILT_UP = 200  # snapshots: an earlier failure cannot be forecast
LEAD_MIN, LEAD_SHARE = 100, 0.2  # required lead: snapshots, or share of the run, whichever is less


@dataclass
class Score:
    """Sums over histories. leads: snapshots from the warning to each refusal, 0 for one that was missed."""

    boards: int = 0
    refused: int = 0  # after BUILT_UP snapshots or more
    missed: int = 0
    short: int = 0  # warned of later than LEAD_MIN and LEAD_SHARE ask for
    leads: list[int] = field(default_factory=list)
    lead_share: float = 0.0
    in_vain: int = 0
    weeks: float = 0.0
    forecasts: int = 0
    looks: int = 0
    early: int = 0  # refused before the interval
    late: int = 0  # or after it
    tenths: list[int] = field(default_factory=lambda: [0] * 10)  # in which tenth of the forecast the refusal came

    def add(self, other: Score) -> None:
        self.tenths = [own + more for own, more in zip(self.tenths, other.tenths, strict=True)]
        for name in vars(self).keys() - {"tenths"}:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def unevenness(self) -> float:
        """How far the tenths are from a tenth each, on average; 0: exact."""
        return sum([abs(count / sum(self.tenths) - 0.1) for count in self.tenths]) / 10 if sum(self.tenths) else 0.0


class _Warning:
    """The collector's rule refused_within, with its defaults."""

    def __init__(self) -> None:
        self.since: int | None = None
        self.over: list[int] = []  # beginnings of the warnings that were taken back
        self._state, self._steady = RuleState(), Steady()

    def take(self, number: int, forecast: Forecast) -> None:
        found = NeedForecast("rm", "", number * PERIOD_S, forecast)
        level = self._steady.level(refused_within_signal(found, ALERT.refused_within_s).level, found)
        self._state = step(self._state, level, ALERT.hold_samples, ALERT.clear_samples)
        is_on = self._state.phase in (FIRING, CLEARING)
        if is_on and self.since is None:
            self.since = number
        elif self.since is not None and not is_on:
            self.over.append(self.since)
            self.since = None


def score(history: History, forecaster: Forecaster) -> Score:
    """refused_at itself is not shown to the forecaster."""
    result = Score(boards=1, weeks=len(history.samples) * PERIOD_S / 604_800)
    warning, end, made_s = _Warning(), history.refused_at, 0.0
    for number, sample in enumerate(history.samples[:end]):
        forecast = forecaster.take(number, sample)
        if not is_due(SAMPLES * PERIOD_S, made_s, number * PERIOD_S):
            continue
        made_s = number * PERIOD_S
        warning.take(number, forecast)
        result.forecasts += 1
        if end is not None and forecast.in_s is not None and result.forecasts % EVERY == 0:
            true_s = (end - number) * PERIOD_S
            result.looks += 1
            result.early += forecast.low_s is not None and true_s < forecast.low_s
            result.late += forecast.high_s is not None and true_s > forecast.high_s
            result.tenths[sum([time is not None and time < true_s for time in forecaster.deciles()])] += 1
    if end is not None and end >= BUILT_UP:
        _lead(result, warning.since, end)
    begun = [*warning.over, *([warning.since] if warning.since is not None else [])]
    last = len(history.samples) - FAR  # the end of later warnings is unknown
    result.in_vain = sum([begin < last and (end is None or end - begin > FAR) for begin in begun])
    return result


def _lead(result: Score, since: int | None, end: int) -> None:
    result.refused = 1
    lead = 0 if since is None else end - since
    result.missed = int(since is None)
    result.leads, result.lead_share = [lead], lead / end
    result.short = int(since is not None and lead < min(LEAD_MIN, LEAD_SHARE * end))
