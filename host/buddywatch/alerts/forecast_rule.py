"""The rule `refused_within` of one board, and the rows of its forecasts. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from buddyd import watermark

from buddywatch.alerts import signals
from buddywatch.alerts.forecasts import Forecasts
from buddywatch.alerts.incidents import Incidents, moment_of
from buddywatch.alerts.verdicts import Judged
from buddywatch.config.sections import Alert, Need
from buddywatch.model.alerts import REFUSED_WITHIN
from buddywatch.model.forecasts import MarginRecord, NeedForecast
from buddywatch.model.samples import Boot, Snapshot

HOLD_PART = 1 / 2  # of the lower end of the interval: so long a forecast must have said that the need will be refused
CLEAR_PART, CLEAR_MAX_S = 1 / 8, 3 * 3600.0  # of the uptime, at most so long: then a forecast is withdrawn


class Steady:
    """The longer the board is safe by a forecast, the longer the forecast must hold before it is a warning."""

    def __init__(self, level: str | None = None, since_s: float = 0.0) -> None:
        """level: what the forecast has said since then, by uptime."""
        self._level = level
        self._since_s = since_s

    def recorded(self, record: MarginRecord) -> MarginRecord:
        return replace(record, level=self._level, level_since_s=self._since_s)

    def level(self, level: str | None, found: NeedForecast) -> str | None:
        """The level for the rule: BETWEEN while the forecast has not said so for long enough."""
        if level is None:
            return None
        if level != self._level:
            self._level, self._since_s = level, found.uptime_s
        enough_s = min(found.uptime_s * CLEAR_PART, CLEAR_MAX_S)
        if level == signals.BAD:
            enough_s = (found.forecast.low_s or 0.0) * HOLD_PART
        return level if found.uptime_s - self._since_s >= enough_s else signals.BETWEEN


class ForecastRule:
    """Applied to forecasts, which are made more rarely than snapshots come."""

    def __init__(
        self, needs: tuple[Need, ...], alert: Alert, records: Sequence[MarginRecord], incidents: Incidents
    ) -> None:
        self._needs = needs
        self._alert = alert
        self._incidents = incidents
        self._forecasts = Forecasts(needs, records)
        self._steady = {need.name: Steady() for need in needs}
        self._steady |= {record.need: Steady(record.level, record.level_since_s) for record in records}

    def know(self, boot: Boot, snapshot: Snapshot, judged: Judged) -> None:
        """A snapshot that an earlier collector judged."""
        for _ in self._made(boot, snapshot, judged):
            pass

    def take(self, boot: Boot, snapshot: Snapshot, judged: Judged) -> None:
        """Add the snapshot to the history of the margins; judge the forecasts, if it is time for new ones."""
        if self._forecasts.begin(boot, snapshot.uptime_ms / 1000):
            self._steady = {need.name: Steady() for need in self._needs}
            for need in self._needs if self._alert.refused_within_s else ():
                self._incidents.apply(signals.forecast_over_signal(need.name), moment_of(snapshot))
        for found, signal in self._made(boot, snapshot, judged):
            self._incidents.rows.forecasts[found.need] = found
            if signal is not None:
                hold, clear = self._alert.hold_samples, self._alert.clear_samples
                self._incidents.apply(signal, moment_of(snapshot), hold, clear)
        if self._forecasts.has_unrecorded:
            self._record(at_end=False)

    def _made(
        self, boot: Boot, snapshot: Snapshot, judged: Judged
    ) -> Iterator[tuple[NeedForecast, signals.Signal | None]]:
        """The new forecasts, each with its signal; None: the rule is off, or the need is refused already."""
        within_s = self._alert.refused_within_s
        for found in self._forecasts.take(boot, snapshot, judged.needs, judged.judged_by):
            signal = None
            refused = {need.name for need in judged.needs if need.verdict == watermark.REFUSED}
            if within_s and found.need not in refused:
                signal = signals.refused_within_signal(found, within_s)
                signal = replace(signal, level=self._steady[found.need].level(signal.level, found))
            yield found, signal

    def end(self) -> None:
        """The collector ends: store what a later one continues with."""
        self._record(at_end=True)

    def watched(self) -> set[tuple[str, str | None]]:
        """The (rule, need) pairs that are on."""
        return {(REFUSED_WITHIN, need.name) for need in self._needs} if self._alert.refused_within_s else set()

    def _record(self, at_end: bool) -> None:
        for record in self._forecasts.records(at_end):
            self._incidents.rows.margins[record.need] = self._steady[record.need].recorded(record)
