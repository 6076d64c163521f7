"""The rule `kernel_failure` of one board: what the kernel itself reports. No I/O."""

from __future__ import annotations

from buddywatch.alerts import signals
from buddywatch.alerts.failure_news import FailureNews
from buddywatch.alerts.incidents import Incidents, Moment, moment_of
from buddywatch.model.alerts import CLEARING, FIRING, KERNEL_FAILURE, OFF, RulesHistory
from buddywatch.model.samples import Boot, Event, Snapshot
from buddywatch.model.verdicts import NeedState


class KernelFailures:
    """It begins at once, ends with a reboot or after a quiet hour, and has news while it lasts."""

    def __init__(self, severity: str, history: RulesHistory, incidents: Incidents) -> None:
        """severity: OFF if the rule is off."""
        self._severity = severity
        self._incidents = incidents
        failures = [event for event in history.kernel_events if event.kind in signals.KERNEL_FAILURE_KINDS]
        self._last: Event | None = max(failures, key=lambda event: event.time, default=None)
        self._news = FailureNews()
        for event in failures:
            if history.failing_since is not None and event.time >= history.failing_since:
                self._news.take(event)

    @property
    def is_open(self) -> bool:
        return self._incidents.phase(KERNEL_FAILURE) in (FIRING, CLEARING)

    def take(self, event: Event, is_present: bool) -> bool:
        """The kernel failed. is_present: in its newest boot. True if an alert began that nothing later would end."""
        if is_present:
            self._last = event
        if self._severity == OFF:
            return False
        was_open = self.is_open
        at = Moment(event.time, event.boot_id, event.seq, event.uptime_ms)
        self._incidents.apply(signals.kernel_failed_signal(event, self._severity), at)
        self._news = self._news if was_open else FailureNews()
        more = self._news.take(event)
        if was_open and more is not None:
            self._incidents.note_within(signals.kernel_failed_signal(event, self._severity, more), at)
        return not (is_present or was_open)

    def judge(self, snapshot: Snapshot, needs: tuple[NeedState, ...]) -> None:
        """End the alert if the kernel has been quiet for long enough."""
        if self._severity != OFF and (KERNEL_FAILURE, None) in self._incidents.active:
            quiet = signals.kernel_quiet_signal(self._last, snapshot, needs, self._severity)
            self._incidents.apply(quiet, moment_of(snapshot))

    def end(self, boot: Boot) -> None:
        """End the alert if this boot runs in another boot of the kernel than the one that failed."""
        if self.is_open:
            # The time of its first hello: its start is only an estimate, and may lie before the failure.
            met = Moment(signals.met_time(boot), boot.boot_id)
            self._incidents.apply(signals.kernel_new_signal(self._severity), met)
