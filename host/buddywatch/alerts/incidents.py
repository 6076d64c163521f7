"""The results of one board's rules: states in memory; incidents and transitions as rows for the store."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace

from buddywatch.alerts import signals
from buddywatch.model.alerts import CLEARING, FIRING, NOTED, OK, PENDING, Incident, RuleState, Transition
from buddywatch.model.batch import BoardRows, IncidentChange, NotedTransition
from buddywatch.model.samples import Snapshot

LATE_AFTER_S = 60.0  # an event that reaches the host later than this is reported as delayed

_Key = tuple[str, str | None]  # rule, need
_OK_STATE = RuleState()


@dataclass(frozen=True)
class Moment:
    """When something happened on the board, and the snapshot or event that showed it."""

    time: float
    boot_id: str | None = None
    seq: int | None = None
    uptime_ms: int | None = None


def moment_of(snapshot: Snapshot) -> Moment:
    return Moment(snapshot.time, snapshot.boot_id, snapshot.seq, snapshot.uptime_ms)


class Incidents:
    """The states of a board's rules. Changes are added to `rows`; the caller stores these and replaces them."""

    def __init__(
        self, board: str, states: Mapping[_Key, RuleState], new_id: Callable[[], int], rows: BoardRows
    ) -> None:
        """new_id: gives the next number for an incident."""
        self.now = 0.0  # the time of the evaluation, seconds since 1970
        self.rows = rows
        self._board = board
        self._states = dict(states)
        self.active = {key for key, state in states.items() if state.phase != OK}  # rules that are not OK
        self._new_id = new_id

    def phase(self, rule: str, need: str | None = None) -> str:
        return self._states.get((rule, need), _OK_STATE).phase

    def apply(self, signal: signals.Signal, at: Moment, hold: int = 1, clear: int = 1) -> bool:
        """Apply one more sample to the signal's rule. False: its state stays, as it will for each equal sample."""
        before = self._states.get((signal.rule, signal.need), _OK_STATE)
        after = signals.step(before, signal.level, hold, clear)
        if after.phase != before.phase:
            after = self._enter(before, after, signal, at)
        return self._set((signal.rule, signal.need), after)

    def note(self, rule: str, severity: str, text: str, at: Moment) -> None:
        """Add a one-time event, which needs one message."""
        signal = signals.Signal(rule, None, signals.BAD, severity, text)
        incident_id = self._open(signal, NOTED, at, at.time)
        self._add_transition(signal, at, OK, NOTED, incident_id, needs_message=True)

    def note_past(self, signal: signals.Signal, first: Moment, last: Moment) -> None:
        """Add something that is over, and was not known before. It needs one message and changes no state."""
        incident_id = self._open(signal, NOTED, first, last.time)
        self._add_transition(signal, last, OK, NOTED, incident_id, needs_message=True)

    def note_within(self, signal: signals.Signal, at: Moment) -> None:
        """Add news about an open incident: it needs a message and changes no state."""
        incident_id = self._states.get((signal.rule, signal.need), _OK_STATE).incident_id
        self._add_transition(signal, at, FIRING, NOTED, incident_id, needs_message=True)

    def retire(self, watched: Container[_Key], why: str = "no longer watched") -> None:
        """Close incidents of rules or needs that were removed from the configuration, without a message."""
        for (rule, need), state in list(self._states.items()):
            if state.phase != OK and (rule, need) not in watched:
                signal = signals.Signal(rule, need, None, "off", why)
                self._enter(state, _OK_STATE, signal, Moment(self.now), quietly=True)
                self._set((rule, need), _OK_STATE)

    def _set(self, key: _Key, state: RuleState) -> bool:
        if state == self._states.get(key, _OK_STATE):
            return False
        self._states[key] = state
        self.rows.rule_states[key] = state
        (self.active.discard if state.phase == OK else self.active.add)(key)
        return True

    def _enter(
        self, before: RuleState, after: RuleState, signal: signals.Signal, at: Moment, quietly: bool = False
    ) -> RuleState:
        """`after` with its incident; the change is added to the rows."""
        fired = after.phase == FIRING and before.phase in (OK, PENDING)
        ended = after.phase == OK and before.phase in (FIRING, CLEARING)
        incident_id = before.incident_id
        if fired:
            incident_id = self._open(signal, FIRING, at, None)
        elif incident_id is not None:
            self.rows.incident_changes.append(IncidentChange(incident_id, after.phase, at.time if ended else None))
        needs_message = (fired or ended) and not quietly
        self._add_transition(signal, at, before.phase, after.phase, incident_id, needs_message)
        return replace(after, incident_id=incident_id if after.phase in (FIRING, CLEARING) else None)

    def _open(self, signal: signals.Signal, state: str, at: Moment, closed: float | None) -> int:
        """Open an incident; returns its number."""
        what = (signal.rule, signal.need, signal.severity, state, at.time, closed, signal.text)
        incident = Incident(self._new_id(), self._board, *what, None, None)
        self.rows.incidents.append(incident)
        return incident.id

    def _add_transition(
        self, signal: signals.Signal, at: Moment, from_: str, to: str, incident_id: int | None, needs_message: bool
    ) -> None:
        late = self.now - at.time > LATE_AFTER_S
        transition = Transition(
            0, incident_id, self._board, signal.rule, signal.need, from_, to, signal.severity,
            at.time, at.seq, at.boot_id, at.uptime_ms, signal.text, late,
        )  # fmt: skip
        self.rows.transitions.append(NotedTransition(transition, self.now, needs_message))
