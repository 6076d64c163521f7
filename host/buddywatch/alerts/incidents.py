"""What the rules conclude about one board within one batch: states, incidents and transitions, written as rows."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

from buddywatch.alerts import signals
from buddywatch.model.alerts import CLEARING, FIRING, NOTED, OK, PENDING, Incident, RuleState, Transition
from buddywatch.store.store import Store

LATE_AFTER_S = 60.0  # what happened longer ago than this when the host learns of it is told as late

_Key = tuple[str, str | None]  # rule, need


@dataclass(frozen=True)
class Moment:
    """When something happened on the board, and the snapshot or event that showed it."""

    time: float
    boot_id: str | None = None
    seq: int | None = None
    uptime_ms: int | None = None


class Ledger:
    """Reads a board's states when made, and writes those that changed with save(), all within one batch."""

    def __init__(self, store: Store, board: str, now: float) -> None:
        self._store = store
        self._board = board
        self._now = now
        self._states = store.rule_states(board)
        self._changed: set[_Key] = set()

    def phase(self, rule: str, need: str | None = None) -> str:
        return self._states.get((rule, need), RuleState()).phase

    def apply(self, signal: signals.Signal, at: Moment, hold: int = 1, clear: int = 1) -> None:
        """One more sample for the signal's rule."""
        before = self._states.get((signal.rule, signal.need), RuleState())
        after = signals.step(before, signal.level, hold, clear)
        if after.phase != before.phase:
            after = self._enter(before, after, signal, at)
        self._set((signal.rule, signal.need), after)

    def note(self, rule: str, severity: str, text: str, at: Moment) -> None:
        """Something that is told once and does not last."""
        signal = signals.Signal(rule, None, signals.BAD, severity, text)
        incident_id = self._store.add_incident(self._incident(signal, NOTED, at, at.time))
        self._add_transition(signal, at, OK, NOTED, incident_id, to_be_told=True)

    def retire(self, watched: Container[_Key]) -> None:
        """End, without telling anybody, what the configuration no longer asks for."""
        for (rule, need), state in list(self._states.items()):
            if state.phase != OK and (rule, need) not in watched:
                signal = signals.Signal(rule, need, None, "off", "no longer watched")
                self._enter(state, RuleState(), signal, Moment(self._now), quietly=True)
                self._set((rule, need), RuleState())

    def save(self) -> None:
        for rule, need in self._changed:
            self._store.set_rule_state(self._board, rule, need, self._states[rule, need])
        self._changed.clear()

    def _set(self, key: _Key, state: RuleState) -> None:
        if state != self._states.get(key, RuleState()):
            self._states[key] = state
            self._changed.add(key)

    def _enter(
        self, before: RuleState, after: RuleState, signal: signals.Signal, at: Moment, quietly: bool = False
    ) -> RuleState:
        """`after` with its incident, once the rows of the change are written."""
        fired = after.phase == FIRING and before.phase in (OK, PENDING)
        ended = after.phase == OK and before.phase in (FIRING, CLEARING)
        incident_id = before.incident_id
        if fired:
            incident_id = self._store.add_incident(self._incident(signal, FIRING, at, None))
        elif incident_id is not None:
            self._store.set_incident_state(incident_id, after.phase, at.time if ended else None)
        to_be_told = (fired or ended) and not quietly
        self._add_transition(signal, at, before.phase, after.phase, incident_id, to_be_told)
        return replace(after, incident_id=incident_id if after.phase in (FIRING, CLEARING) else None)

    def _incident(self, signal: signals.Signal, state: str, at: Moment, closed: float | None) -> Incident:
        return Incident(
            0, self._board, signal.rule, signal.need, signal.severity, state, at.time, closed, signal.text, None, None
        )

    def _add_transition(
        self, signal: signals.Signal, at: Moment, from_: str, to: str, incident_id: int | None, to_be_told: bool
    ) -> None:
        late = self._now - at.time > LATE_AFTER_S
        transition = Transition(
            0, incident_id, self._board, signal.rule, signal.need, from_, to, signal.severity,
            at.time, at.seq, at.boot_id, at.uptime_ms, signal.text, late,
        )  # fmt: skip
        self._store.add_transition(transition, self._now, to_be_told)
