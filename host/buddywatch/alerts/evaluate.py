"""Runs the rules on a board's data. No I/O: rows for the store are left in `rows`.

Snapshots are judged in the order in which the board made them (see sequence.py), so neither their order of arrival nor
a restart in between changes the result: the position of the last one judged is stored in the same transaction.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from buddywatch.alerts import signals
from buddywatch.alerts.forecast_rule import ForecastRule
from buddywatch.alerts.incidents import Incidents, Moment, moment_of
from buddywatch.alerts.kernel_failures import KernelFailures
from buddywatch.alerts.known_events import KnownEvents
from buddywatch.alerts.late import LateSnapshots
from buddywatch.alerts.own_rules import OwnRules
from buddywatch.alerts.reboots import Reboots
from buddywatch.alerts.sequence import Sequence
from buddywatch.alerts.verdicts import Judged, Verdicts
from buddywatch.config.sections import Config
from buddywatch.model.alerts import (
    CLEARING,
    FIRING,
    KERNEL_FAILURE,
    LOST,
    OFF,
    REBOOTED,
    REFUSED,
    SILENT,
    TIGHT,
    RulesHistory,
)
from buddywatch.model.batch import BoardRows, StoredEvent
from buddywatch.model.links import LinkHealth
from buddywatch.model.samples import ENDING, Boot, BootEnd, Event, Gap, Piece, Snapshot

SAMPLES_MIN = 2  # before the first verdict: the first sample after a start may not be typical
RECENTLY_S = 86_400  # a board heard within this time before the collector started is expected to send data

Item = Boot | BootEnd | Snapshot | Event | Gap


class BoardRules:
    """All rules of one board. rows: waiting to be stored; the caller that takes them replaces them by empty ones."""

    def __init__(
        self,
        board: str,
        config: Config,
        history: RulesHistory,
        new_incident_id: Callable[[], int],
        now: float,
        monotonic_s: float,
    ) -> None:
        """now: seconds since 1970, for rows. monotonic_s: a clock that never jumps, for time limits."""
        self.board = board
        self._config = config
        named = config.name_of(board, history.boots[-1][0].facts if history.boots else {})
        self._needs = config.needs_of(named)
        self._settings = config.board(named)
        self._alert = config.alert_of(named)
        self._incidents = Incidents(board, history.states, new_incident_id, BoardRows())
        self._samples = 0  # judged since the start
        self._newest: Boot | None = None
        self._boots: dict[str, Boot] = {}
        self._forecasts = ForecastRule(self._needs, self._alert, history.margins, self._incidents)
        of_needs = ((REFUSED, self._alert.refused), (TIGHT, self._alert.tight))
        self._severities = {rule: how for rule, how in of_needs if how != OFF}  # of the rules about needs
        self._verdicts = Verdicts(self._needs, self._settings, tuple(self._severities))
        self._settled: tuple[str | None, ...] | None = None  # levels that change no state any more
        self._known_events = KnownEvents(history.kernel_boots, history.kernel_events)
        self._failures = KernelFailures(self._alert.kernel_failure, history, self._incidents)
        known_since = history.kernel_boots[0].started if history.kernel_boots else now
        self._own = OwnRules(config.rules_of(named), self._alert, self._incidents, known_since)
        self._own.know(history.kernel_events)
        lately = history.heard is not None and history.heard > now - RECENTLY_S
        self._is_expected = lately or any(known.name == named for known in config.boards)
        self._heard_s = monotonic_s
        self._is_silent = False
        self._silent_after_s = float(self._alert.silent_after_s)
        self._reboots = Reboots()
        self._late = LateSnapshots()
        self._incidents.now = now
        self._incidents.retire(self._watched())
        self._resume(history, monotonic_s)

    @property
    def rows(self) -> BoardRows:
        return self._incidents.rows

    def phase(self, rule: str, need: str | None) -> str:
        """Where a rule stands."""
        return self._incidents.phase(rule, need)

    def take_rows(self) -> BoardRows:
        """The rows to store since the last call."""
        rows, self._incidents.rows = self._incidents.rows, BoardRows()
        return rows

    def give_up(self, why: str, now: float) -> None:
        """No data can come any more: close what only data would end, without a message."""
        self._is_expected = False
        self._incidents.now = now
        self._incidents.retire(frozenset(), why)

    def take_health(self, url: str, health: LinkHealth, now: float) -> None:
        """How well one of the board's links carries data."""
        self._own.take_health(url, health, now)

    def end(self) -> None:
        """The collector ends."""
        self._forecasts.end()

    def take(self, items: Iterable[Item], now: float, monotonic_s: float) -> None:
        """Store and judge items that came from the board."""
        self._incidents.now = now
        for item in items:
            if isinstance(item, Snapshot):
                self._keep_snapshot(item, now, monotonic_s)
            else:
                self._keep(item, monotonic_s)
        self._judge_ready(monotonic_s)

    def go_on(self, boot: Boot) -> None:
        """The board runs in this boot. A known boot that seemed to have ended is judged again."""
        self._sequence.go_on(boot.boot_id)

    def tick(self, now: float, monotonic_s: float) -> None:
        """Check for silence, for a hole that has been waited for long enough, and for what came late."""
        self._incidents.now = now
        if monotonic_s >= self._late.due_s:
            self._report_late()
        since_s = self._sequence.blocked_since_s
        if since_s is not None and monotonic_s - since_s >= self._patience_s:
            self._judge_ready(monotonic_s)
        if self._alert.silent != OFF and self._is_expected and not self._is_silent:
            quiet_s, limit_s = monotonic_s - self._heard_s, self._silent_after_s
            if quiet_s >= limit_s:
                self._is_silent = True
                self._incidents.apply(signals.silent_signal(quiet_s, limit_s, self._alert.silent), Moment(now))

    def due_s(self) -> float:
        """When tick() has something to do, by the steady clock; infinity: not before new items come."""
        due_s = self._late.due_s
        if self._sequence.blocked_since_s is not None:
            due_s = min(due_s, self._sequence.blocked_since_s + self._patience_s)
        if self._alert.silent != OFF and self._is_expected and not self._is_silent:
            due_s = min(due_s, self._heard_s + self._silent_after_s)
        return due_s

    @property
    def is_waiting(self) -> bool:
        """True if tick() has something to do beside the check for silence, which each snapshot puts off."""
        return self._sequence.blocked_since_s is not None or self._late.due_s < math.inf

    def settle(self, now: float) -> None:
        """Judge what waits behind holes, at the end of a recording: nothing will fill the holes."""
        self._incidents.now = now
        if self._sequence.blocked_since_s is not None:
            self._judge_ready(math.inf)
        self._report_late()

    def _report_late(self) -> None:
        """Report refusals in snapshots that came late, unless the need is refused now: then that is known."""
        for found in self._late.take_refusals():
            is_known = self._incidents.phase(REFUSED, found.need.name) in (FIRING, CLEARING)
            if found.count >= self._alert.hold_samples and not is_known:
                severity = self._severities[REFUSED]
                signal = signals.Signal(REFUSED, found.need.name, signals.BAD, severity, found.text)
                self._incidents.note_past(signal, moment_of(found.first), moment_of(found.last))

    @property
    def _patience_s(self) -> float:
        return self._config.collector.hole_patience_s

    def _resume(self, history: RulesHistory, monotonic_s: float) -> None:
        self._sequence = Sequence()
        self._sequence.know(history.earlier)
        for boot, snapshots in history.unrecorded:
            self._learn(boot)
            for snapshot in snapshots:
                self._forecasts.know(boot, snapshot, self._verdicts.of(snapshot))
        for boot, pieces in history.boots:
            self._sequence.begin(boot, history.judged.get(boot.boot_id, 0))
            self._learn(boot)
            for piece in pieces:
                self._sequence.add(boot.boot_id, piece, monotonic_s)
        for end in history.endings:
            self._reboots.end(end)
            self._sequence.end(end.boot_id, end.last)
        for boot in history.followers:
            self._reboots.begin(boot)
        self._position = self._sequence.position  # as stored, or in the rows

    def _learn(self, boot: Boot) -> None:
        """The facts for judging the boot's snapshots."""
        if self._newest is None or boot.boot_id not in self._boots or boot.boot_id == self._newest.boot_id:
            self._newest = boot
        interval_s = signals.interval_s(self._newest.facts)
        self._silent_after_s = signals.silent_after_s(self._alert.silent_after_s, interval_s)
        self._boots[boot.boot_id] = boot
        self._verdicts.learn(boot)

    def _keep(self, item: Boot | BootEnd | Event | Gap, monotonic_s: float) -> None:
        """Store one item. Act at once on items that need not wait for earlier ones."""
        if isinstance(item, Boot):
            self._keep_boot(item)
        elif isinstance(item, Event):
            self._keep_event(item, monotonic_s)
        elif isinstance(item, BootEnd):
            self._keep_end(item)
        else:
            self.rows.gaps.append(item)
            self._own.take_gap(item)
            self._sequence.add(item.boot_id, Piece(item.first, item.last, None), monotonic_s)
            text = signals.lost_text(item) if self._alert.lost != OFF else None
            if text is not None:
                self._incidents.note(LOST, self._alert.lost, text, Moment(item.time, item.boot_id, item.first))

    def _keep_snapshot(self, snapshot: Snapshot, now: float, monotonic_s: float) -> None:
        incidents = self._incidents
        incidents.rows.snapshots.append(snapshot)
        self._heard_s = monotonic_s
        self._is_expected = True
        self._is_silent = False
        if incidents.active and (SILENT, None) in incidents.active:
            self._hear(now)
        if self._sequence.passes(snapshot):
            self._judge_snapshot(snapshot)
            return
        piece = Piece(snapshot.first_seq, snapshot.seq, snapshot)
        is_late = not self._sequence.add(snapshot.boot_id, piece, monotonic_s)
        if is_late and snapshot.boot_id in self._boots and REFUSED in self._severities:
            self._late.take(snapshot, self._verdicts.of(snapshot).needs, monotonic_s)

    def _hear(self, now: float) -> None:
        if self._alert.silent != OFF:
            signal = signals.heard_signal(self._alert.silent)
            self._incidents.apply(signal, Moment(now), clear=self._alert.clear_samples)

    def _keep_boot(self, boot: Boot) -> None:
        self.rows.boots.append(boot)
        is_new = self._sequence.begin(boot)
        self._known_events.begin(boot)
        self._learn(boot)
        if is_new and self._reboots.begin(boot):
            self._note_reboot(boot)

    def _keep_end(self, end: BootEnd) -> None:
        self.rows.ends.append(end)
        if end.state == ENDING:
            self._sequence.end(end.boot_id, end.last)
        else:
            self._sequence.close(end.boot_id)
        rebooted = self._reboots.end(end)
        if rebooted is not None:
            self._note_reboot(rebooted)

    def _note_reboot(self, boot: Boot) -> None:
        if self._alert.rebooted != OFF:
            at = Moment(boot.started, boot.boot_id)
            self._incidents.note(REBOOTED, self._alert.rebooted, signals.rebooted_text(boot), at)
        self._failures.end(boot)
        self._own.happened("reboots", boot.started)

    def _keep_event(self, event: Event, monotonic_s: float) -> None:
        is_copy = self._known_events.is_copy(event)
        if event.seq is not None:
            self._sequence.add(event.boot_id, Piece(event.seq, event.seq, None), monotonic_s)
        elif is_copy:
            return
        self.rows.events.append(StoredEvent(event, is_copy))
        if is_copy or event.kind not in signals.KERNEL_FAILURE_KINDS:
            return
        self._own.take_event(event)
        is_past = self._failures.take(event, self._known_events.is_of_newest_kernel(event.boot_id))
        if is_past and not self._reboots.is_ending(event.boot_id) and self._newest is not None:
            self._failures.end(self._newest)

    def _judge_ready(self, monotonic_s: float) -> None:
        if self._sequence.has_waiting:
            for _, snapshot in self._sequence.ready(monotonic_s, self._patience_s):
                self._judge_snapshot(snapshot)
            self.rows.passed |= self._sequence.take_passed()
        position = self._sequence.position
        if position != self._position:
            self.rows.judged = self._position = position

    def _judge_snapshot(self, snapshot: Snapshot) -> None:
        last = self._verdicts.of(snapshot)
        self._samples += 1
        if last.levels != self._settled:
            self._settled = None if self._apply(last, snapshot) else last.levels
        if self._incidents.active:
            self._failures.judge(snapshot, last.needs)
        boot = self._boots[snapshot.boot_id]
        self._forecasts.take(boot, snapshot, last)
        self._own.take(boot, snapshot, last, self.rows.forecasts)

    def _apply(self, verdicts: Judged, snapshot: Snapshot) -> bool:
        """Apply the snapshot to the rules about needs. Returns whether a state changed."""
        alert, at, levels = self._alert, moment_of(snapshot), iter(verdicts.levels)
        hold = alert.hold_samples if self._samples >= SAMPLES_MIN else max(SAMPLES_MIN, alert.hold_samples)
        changed = False
        for need in verdicts.needs:
            for rule, severity in self._severities.items():
                signal = signals.need_signal(rule, need, next(levels), severity)
                changed |= self._incidents.apply(signal, at, hold, alert.clear_samples)
        return changed

    def _watched(self) -> set[tuple[str, str | None]]:
        """The (rule, need) pairs in the configuration."""
        alert = self._alert
        of_board = [
            rule for rule, how in ((KERNEL_FAILURE, alert.kernel_failure), (SILENT, alert.silent)) if how != OFF
        ]
        of_needs = {(rule, need.name) for rule in self._severities for need in self._needs}
        return of_needs | self._forecasts.watched() | self._own.watched() | {(rule, None) for rule in of_board}
