"""From what a board sent to what is wrong with it: stores it and lets the rules judge it, in one transaction.

Snapshots are judged in the board's own sequence, read back from the store, so that neither their order of arrival nor
a restart in between changes the outcome. Where frames are missing that the board may still hold, judging waits for
them, but no longer than hole_patience_s. What comes after that is kept and not judged: the present has been.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from buddywatch.alerts import signals
from buddywatch.alerts.incidents import Ledger, Moment
from buddywatch.config.load import Alert, Config
from buddywatch.model.alerts import CLEARING, FIRING, KERNEL_FAILURE, LOST, OFF, REBOOTED, REFUSED, SILENT, TIGHT
from buddywatch.model.samples import REBOOT, Boot, Event, Gap, Snapshot
from buddywatch.store.resume import Judged
from buddywatch.store.store import Store
from buddywatch.verdict.judge import board_state

SAMPLES_MIN = 2  # before there is any verdict: the first one after a start may be a moment of its own
RECENTLY_S = 86_400  # a board heard so long before the collector started is still expected to speak

Item = Boot | Snapshot | Event | Gap


class Alerting:
    """now: seconds since 1970, for rows. monotonic_s: a clock that never jumps, for waiting."""

    def __init__(self, store: Store, config: Config, now: float, monotonic_s: float) -> None:
        self._store = store
        self._config = config
        self._heard_s = dict.fromkeys(self._expected(now), monotonic_s)  # by board: when it last sent a snapshot
        self._blocked_s: dict[str, float] = {}  # by board: since when a hole keeps it from being judged
        self._samples: dict[str, int] = {}  # judged since the start
        self._silent: set[str] = set()  # boards whose silence was noted

    def feed(self, board: str, items: Sequence[Item], now: float, monotonic_s: float) -> None:
        """Keep and judge what came of a board, within one batch. StoreError: nothing of it was kept, feed it again."""
        heard = False
        with self._store.batch():
            ledger = Ledger(self._store, board, now)
            for item in items:
                heard = self._keep(ledger, board, item, now) or heard
            self._judge(ledger, board, monotonic_s)
            ledger.save()
        if heard:
            self._heard_s[board] = monotonic_s
            self._silent.discard(board)

    def tick(self, now: float, monotonic_s: float) -> None:
        """What time alone brings, to be called every second or so: boards gone silent, holes waited for long enough."""
        patience_s = self._config.collector.hole_patience_s
        for board in [board for board, since_s in self._blocked_s.items() if monotonic_s - since_s >= patience_s]:
            self.feed(board, (), now, monotonic_s)
        if self._alert.silent != OFF:
            for board, heard_s in self._heard_s.items():
                if board not in self._silent:
                    self._check_silence(board, monotonic_s - heard_s, now)

    def settle(self, now: float) -> None:
        """Judge what waits behind holes, at the end of a recording: nothing will fill them any more."""
        for board in list(self._blocked_s):
            self.feed(board, (), now, math.inf)

    @property
    def _alert(self) -> Alert:
        return self._config.alert

    def _expected(self, now: float) -> set[str]:
        """Boards whose silence is news: those that the configuration names, and those heard lately."""
        latest = {board: self._store.latest(board) for board in self._store.boards()}
        recent = {board for board, snapshot in latest.items() if snapshot and snapshot.time > now - RECENTLY_S}
        return recent | {board.name for board in self._config.boards}

    def _keep(self, ledger: Ledger, board: str, item: Item, now: float) -> bool:
        """Store one item, and act on what does not wait for its turn. Whether it is a snapshot."""
        if isinstance(item, Snapshot):
            if self._store.add_snapshot(board, item) and self._alert.silent != OFF:
                ledger.apply(signals.heard_signal(self._alert.silent), Moment(now), clear=self._alert.clear_samples)
            return True
        if isinstance(item, Boot):
            self._keep_boot(ledger, board, item)
        elif isinstance(item, Event):
            if self._store.add_event(board, item) and item.kind in signals.KERNEL_FAILURE_KINDS:
                self._on_kernel_failure(ledger, item)
        elif self._store.add_gap(board, item) and self._alert.lost != OFF:
            text = signals.lost_text(item)
            if text is not None:
                ledger.note(LOST, self._alert.lost, text, Moment(item.time, item.boot_id, item.first))
        return False

    def _keep_boot(self, ledger: Ledger, board: str, boot: Boot) -> None:
        if not self._store.add_boot(board, boot) or boot.cause != REBOOT:
            return
        if self._alert.rebooted != OFF:
            at = Moment(boot.started, boot.boot_id)
            ledger.note(REBOOTED, self._alert.rebooted, signals.rebooted_text(boot), at)
        if ledger.phase(KERNEL_FAILURE) in (FIRING, CLEARING):
            # When its first hello was made; its start is an estimate, and may lie before the failure.
            met = Moment(signals.met_time(boot), boot.boot_id)
            ledger.apply(signals.kernel_new_signal(self._alert.kernel_failure), met)

    def _on_kernel_failure(self, ledger: Ledger, event: Event) -> None:
        if self._alert.kernel_failure != OFF:
            at = Moment(event.time, event.boot_id, event.seq, event.uptime_ms)
            ledger.apply(signals.kernel_failed_signal(event, self._alert.kernel_failure), at)

    def _check_silence(self, board: str, quiet_s: float, now: float) -> None:
        configured_s = self._config.board(board).silent_after_s or self._alert.silent_after_s
        if quiet_s < configured_s:
            return
        boot = self._store.latest_boot(board)
        limit_s = signals.silent_after_s(configured_s, signals.interval_s(boot.facts) if boot else None)
        if quiet_s < limit_s:
            return
        with self._store.batch():
            ledger = Ledger(self._store, board, now)
            ledger.apply(signals.silent_signal(quiet_s, limit_s, self._alert.silent), Moment(now))
            ledger.save()
        self._silent.add(board)

    def _judge(self, ledger: Ledger, board: str, monotonic_s: float) -> None:
        """Go on from where the board was judged up to."""
        ledger.retire(self._watched(board))
        at = self._store.judged(board)
        start, blocked = at, False
        patience_s = self._config.collector.hole_patience_s
        impatient = monotonic_s - self._blocked_s.get(board, monotonic_s) >= patience_s
        while at is not None:
            at, blocked = self._judge_boot(ledger, board, at, impatient)
            following = None if blocked else self._store.next_boot(board, at)
            if following is None:
                break
            at = following
        if at is not None and at != start:
            self._store.set_judged(board, at)
        if blocked:
            self._blocked_s.setdefault(board, monotonic_s)
        else:
            self._blocked_s.pop(board, None)

    def _judge_boot(self, ledger: Ledger, board: str, at: Judged, impatient: bool) -> tuple[Judged, bool]:
        """How far it came within one boot, and whether a hole stopped it."""
        facts = self._store.facts(at.boot)
        for piece in self._store.unjudged(at):
            if piece.first > at.seq + 1 and not at.ended and not impatient:
                return at, True
            if piece.snapshot is not None:
                self._judge_snapshot(ledger, board, piece.snapshot, facts)
            at = replace(at, seq=max(at.seq, piece.last))
        return at, False

    def _judge_snapshot(self, ledger: Ledger, board: str, snapshot: Snapshot, facts: dict[str, str]) -> None:
        settings, alert = self._config.board(board), self._alert
        needs = board_state(snapshot, facts, self._config.needs_of(board), settings.rule, settings.page_bytes).needs
        at = Moment(snapshot.time, snapshot.boot_id, snapshot.seq, snapshot.uptime_ms)
        self._samples[board] = self._samples.get(board, 0) + 1
        hold = alert.hold_samples if self._samples[board] >= SAMPLES_MIN else max(SAMPLES_MIN, alert.hold_samples)
        for need in needs:
            if alert.refused != OFF:
                ledger.apply(signals.refused_signal(need, alert.refused), at, hold, alert.clear_samples)
            if alert.tight != OFF:
                ledger.apply(signals.tight_signal(need, alert.tight), at, hold, alert.clear_samples)
        if ledger.phase(KERNEL_FAILURE) in (FIRING, CLEARING) and alert.kernel_failure != OFF:
            failure = self._store.last_event(board, signals.KERNEL_FAILURE_KINDS)
            ledger.apply(signals.kernel_quiet_signal(failure, snapshot, needs, alert.kernel_failure), at)

    def _watched(self, board: str) -> set[tuple[str, str | None]]:
        """What the configuration asks for: (rule, need)."""
        needs = [need.name for need in self._config.needs_of(board)]
        alert = self._alert
        watched = {
            (rule, name)
            for rule, how in ((REFUSED, alert.refused), (TIGHT, alert.tight))
            for name in needs
            if how != OFF
        }
        boards = ((KERNEL_FAILURE, alert.kernel_failure), (SILENT, alert.silent))
        return watched | {(rule, None) for rule, how in boards if how != OFF}
