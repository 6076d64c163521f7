"""The margins of one board's needs since its kernel's boot, and the forecasts made from them. No I/O.

A margin is kept for each snapshot, which costs a microsecond. A forecast costs a millisecond, so it is made again when
the history has grown by a small part.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from buddywatch.alerts.signals import interval_s
from buddywatch.model.forecasts import MarginRecord, NeedForecast
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.verdict.forecast import forecast
from buddywatch.verdict.judge import Need
from buddywatch.verdict.margin_history import SAMPLES, MarginHistory

PERIOD_S = 5.0  # of a board that does not say its interval: buddyd's default
EVERY_PART = 1 / 64  # of the uptime, between two forecasts,
EVERY_MIN_PERIODS, EVERY_MAX_S = 8, 300.0  # but at least and at most so long
RECORD_EVERY = 256  # snapshots: a collector that was killed reads so many again


def is_due(bucket_s: float, made_s: float, uptime_s: float) -> bool:
    """True if a forecast that was made at made_s is old. The uptime decides, so that a restart changes nothing."""
    every_s = max(EVERY_MIN_PERIODS / SAMPLES * bucket_s, min(uptime_s * EVERY_PART, EVERY_MAX_S))
    step_s = bucket_s * 2.0 ** math.floor(math.log2(every_s / bucket_s))
    return uptime_s // step_s > made_s // step_s


def basis_of(need: Need, judged_by: Iterable[object]) -> str:
    """What the margins of a need depend on, beside the snapshots."""
    return " ".join(map(str, (need.bytes, need.is_program, *judged_by)))


def period_s_of(boot: Boot) -> float:
    return interval_s(boot.facts) or PERIOD_S


class Forecasts:
    """Of the kernel boot that the newest snapshot belongs to. Snapshots come in the order in which they were made."""

    def __init__(self, needs: Iterable[Need], records: Iterable[MarginRecord] = ()) -> None:
        """records: continued by the first snapshot, if the margins are still computed in the same way."""
        self._needs = tuple(needs)
        self._start(records)

    def _start(self, records: Iterable[MarginRecord]) -> None:
        self._records = {record.need: record for record in records}
        self._histories: dict[str, MarginHistory] = {}
        self._bases: dict[str, str] = {}
        self._judged_by: tuple[object, ...] = ()
        self._of_needs: list[MarginHistory] = []  # in the order of the needs
        self._place = next(((record.boot_id, record.seq) for record in self._records.values()), ("", 0))
        self._uptime_s = self._made_s = 0.0
        self._unrecorded = 0

    def begin(self, boot: Boot, uptime_s: float) -> bool:
        """A snapshot of this boot follows. True if the kernel was booted before it: its history starts anew."""
        if boot.boot_id == self._place[0] or not self._place[0]:
            return False
        if boot.cause == "agent-restart" and uptime_s >= self._uptime_s:
            return False
        self._start(())
        return True

    def take(
        self, boot: Boot, snapshot: Snapshot, states: Iterable[NeedState], judged_by: tuple[object, ...]
    ) -> list[NeedForecast]:
        """Add a snapshot; returns new forecasts, if it is time for them. judged_by: how the states were computed."""
        self._uptime_s = uptime_s = snapshot.uptime_ms / 1000
        self._place = (snapshot.boot_id, snapshot.seq)
        self._unrecorded += 1
        if judged_by != self._judged_by:
            self._judged_by = judged_by
            self._of_needs = [self._history(need, judged_by, boot) for need in self._needs]
        is_closed = False
        for history, state in zip(self._of_needs, states, strict=True):
            if state.margin_pages is not None:
                is_closed |= history.add(uptime_s, state.margin_pages)
        if not is_closed or not is_due(self._of_needs[0].bucket_s, self._made_s, self._uptime_s):
            return []
        self._made_s = self._uptime_s
        made = [(name, forecast(history)) for name, history in self._histories.items()]
        return [NeedForecast(name, snapshot.boot_id, self._uptime_s, found) for name, found in made]

    @property
    def has_unrecorded(self) -> bool:
        """True if it is time for records()."""
        return self._unrecorded >= RECORD_EVERY

    def records(self, at_end: bool) -> list[MarginRecord]:
        """What a later collector continues with; nothing while the record before is new enough."""
        if not self._unrecorded or not (at_end or self.has_unrecorded):
            return []
        self._unrecorded = 0
        histories = self._histories.items()
        return [MarginRecord(name, *self._place, self._bases[name], history.dump()) for name, history in histories]

    def _history(self, need: Need, judged_by: tuple[object, ...], boot: Boot) -> MarginHistory:
        basis = basis_of(need, judged_by)
        if self._bases.get(need.name) != basis:
            self._bases[need.name] = basis
            recorded = self._recorded(need.name, basis)
            self._histories[need.name] = recorded or MarginHistory(period_s_of(boot))
            self._made_s = max(self._made_s, recorded.end_s if recorded else 0.0)
        return self._histories[need.name]

    def _recorded(self, name: str, basis: str) -> MarginHistory | None:
        record = self._records.pop(name, None)
        if record is None or record.basis != basis:
            return None
        try:
            return MarginHistory.load(record.text)
        except ValueError:
            return None  # a damaged row costs what is older than the snapshots that are read again
