"""The rule `refused_within` of one board, and the rows of its forecasts. No I/O."""

from __future__ import annotations

from collections.abc import Iterable

from buddyd import watermark

from buddywatch.alerts import signals
from buddywatch.alerts.forecasts import Forecasts
from buddywatch.alerts.incidents import Incidents, moment_of
from buddywatch.alerts.verdicts import Judged
from buddywatch.config.sections import Alert, Need
from buddywatch.model.alerts import REFUSED_WITHIN
from buddywatch.model.forecasts import MarginRecord
from buddywatch.model.samples import Boot, Snapshot


class ForecastRule:
    """Applied to forecasts, which are made more rarely than snapshots come."""

    def __init__(
        self, needs: tuple[Need, ...], alert: Alert, records: Iterable[MarginRecord], incidents: Incidents
    ) -> None:
        self._needs = needs
        self._alert = alert
        self._incidents = incidents
        self._forecasts = Forecasts(needs, records)

    def know(self, boot: Boot, snapshot: Snapshot, judged: Judged) -> None:
        """A snapshot that an earlier collector judged."""
        self._forecasts.begin(boot, snapshot.uptime_ms / 1000)
        self._forecasts.take(boot, snapshot, judged.needs, judged.judged_by)

    def take(self, boot: Boot, snapshot: Snapshot, judged: Judged) -> None:
        """Add the snapshot to the history of the margins; judge the forecasts, if it is time for new ones."""
        alert, within_s = self._alert, self._alert.refused_within_s
        if self._forecasts.begin(boot, snapshot.uptime_ms / 1000) and within_s:
            for need in self._needs:
                self._incidents.apply(signals.forecast_over_signal(need.name), moment_of(snapshot))
        for found in self._forecasts.take(boot, snapshot, judged.needs, judged.judged_by):
            self._incidents.rows.forecasts[found.need] = found
            refused = {need.name for need in judged.needs if need.verdict == watermark.REFUSED}  # no longer a forecast
            if within_s and found.need not in refused:
                signal = signals.refused_within_signal(found, within_s)
                self._incidents.apply(signal, moment_of(snapshot), alert.hold_samples, alert.clear_samples)
        self._record(at_end=False)

    def end(self) -> None:
        """The collector ends: store what a later one continues with."""
        self._record(at_end=True)

    def watched(self) -> set[tuple[str, str | None]]:
        """The (rule, need) pairs that are on."""
        return {(REFUSED_WITHIN, need.name) for need in self._needs} if self._alert.refused_within_s else set()

    def _record(self, at_end: bool) -> None:
        for record in self._forecasts.records(at_end):
            self._incidents.rows.margins[record.need] = record
