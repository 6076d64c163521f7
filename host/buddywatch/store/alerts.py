"""The rows of the rules: states, incidents, transitions, silences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any

from buddywatch.model.alerts import (
    CLEARING,
    CRITICAL,
    FIRING,
    NOTED,
    OFF,
    OK,
    PENDING,
    WARNING,
    Beginning,
    Incident,
    RuleState,
    Silence,
    Transition,
    is_rule,
    mutes,
)
from buddywatch.model.samples import milliseconds
from buddywatch.store.database import Database
from buddywatch.store.read import seconds
from buddywatch.text.escape import one_line

_INCIDENT = "id, board, rule, need, severity, state, opened_ms, closed_ms, text, message_id, last_told_ms"
TRANSITION = (
    "id, incident, board, rule, need, from_state, to_state, severity, time_ms, seq, boot_id, uptime_ms, text, late"
)
_PHASES = (OK, PENDING, FIRING, CLEARING)
_STATES = (*_PHASES, NOTED)
_SEVERITIES = (CRITICAL, WARNING, OFF)
_WORDS = {"severity": _SEVERITIES, "state": _STATES, "from_state": _STATES, "to_state": _STATES}
_SILENCE = "id, board, rule, need, created_ms, until_ms, comment"


class AlertStore(Database):
    def rule_states(self, board: str) -> dict[tuple[str, str | None], RuleState]:
        """By (rule, need); a rule that is not listed is OK."""
        # A state may name an incident whose row is missing; the board must be judged all the same.
        incident = "(SELECT id FROM incidents WHERE id = incident)"
        sql = f"SELECT rule, need, phase, count, {incident} FROM rule_states WHERE board = ?"
        rows = list(self._rows(sql, (board,)))
        return {(rule, need or None): self._rule_state(board, rule, *rest) for rule, need, *rest in rows}

    def set_rule_state(self, board: str, rule: str, need: str | None, state: RuleState) -> None:
        values = (board, rule, need or "", state.phase, state.count, state.incident_id)
        self._run("INSERT OR REPLACE INTO rule_states VALUES (?, ?, ?, ?, ?, ?)", values)

    def add_incident(self, incident: Incident) -> int:
        """Returns its id: incident.id, or the next free one where that is 0."""
        values = (
            incident.id or None,
            incident.board,
            incident.rule,
            incident.need or "",
            incident.severity,
            incident.state,
        )
        times = (milliseconds(incident.opened), _optional_ms(incident.closed))
        rest = (incident.text, incident.message_id, _optional_ms(incident.last_reported))
        sql = "INSERT INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        return self._run(sql, values + times + rest).lastrowid or 0

    def set_incident_state(self, incident_id: int, state: str, closed: float | None) -> None:
        self._run(
            "UPDATE incidents SET state = ?, closed_ms = ? WHERE id = ?", (state, _optional_ms(closed), incident_id)
        )

    def incidents(self, board: str | None = None, open_only: bool = False) -> list[Incident]:
        """Oldest first. board: None for all boards."""
        # One query for both cases, with `? IS NULL OR board = ?`, would use no index.
        conditions = ["TRUE"] + ["board = ?"] * (board is not None) + ["closed_ms IS NULL"] * open_only
        # Of all boards those that are open are found in their index; sorted here, as SQLite would rather scan all.
        order = "" if open_only else " ORDER BY id"
        sql = f"SELECT {_INCIDENT} FROM incidents WHERE {' AND '.join(conditions)}{order}"
        rows = sorted(self._rows(sql, () if board is None else (board,)), key=itemgetter(0))
        return [incident for incident in map(self._incident, rows) if incident is not None]

    def incidents_since(self, board: str, since: float) -> list[Incident]:
        """The board's incidents that are open, or were since then; oldest first."""
        sql = f"SELECT {_INCIDENT} FROM incidents WHERE board = ? AND (closed_ms IS NULL OR closed_ms >= ?) ORDER BY id"
        rows = self._rows(sql, (board, milliseconds(since)))
        return [incident for incident in map(self._incident, rows) if incident is not None]

    def newest_incidents(self, count: int) -> list[Incident]:
        """The last that were opened, of all boards, oldest first; fewer if some are removed."""
        newest = "SELECT max(id) FROM incidents"
        rows = self._rows(f"SELECT {_INCIDENT} FROM incidents WHERE id > ({newest}) - ? ORDER BY id", (count,))
        return [incident for incident in map(self._incident, rows) if incident is not None]

    def incident(self, incident_id: int) -> Incident | None:
        """None if there is none with this number, or if it cannot be read."""
        row = self._row(f"SELECT {_INCIDENT} FROM incidents WHERE id = ?", (incident_id,))
        return None if row is None else self._incident(row)

    def incidents_numbered(self, numbers: Iterable[int]) -> list[Incident]:
        """Those of these numbers that can be read."""
        sql = f"SELECT {_INCIDENT} FROM incidents WHERE id IN (SELECT value FROM json_each(?))"
        rows = self._rows(sql, (json.dumps(sorted(numbers)),))
        return [incident for incident in map(self._incident, rows) if incident is not None]

    def add_transition(self, transition: Transition, noted: float, needs_message: bool) -> int:
        """Returns its new id; transition.id is ignored. noted: when the rule was evaluated, seconds since 1970."""
        t = transition
        values = (t.incident_id, t.board, t.rule, t.need or "", t.from_, t.to, t.severity, milliseconds(t.time))
        rest = (milliseconds(noted), t.boot_id, t.seq, t.uptime_ms, t.text, t.late, not needs_message)
        sql = "INSERT INTO transitions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        return self._run(sql, values + rest).lastrowid or 0

    def transitions(self, board: str, since: float | None = None) -> list[Transition]:
        """The board's transitions since then, in the order in which they were noted."""
        sql = f"SELECT {TRANSITION} FROM transitions WHERE board = ? AND time_ms >= ? ORDER BY id"
        rows = self._rows(sql, (board, milliseconds(since or 0)))
        return [change for change in map(self._transition, rows) if change is not None]

    def unreported(self, board: str) -> list[tuple[Transition, float]]:
        """Transitions that still need a message, each with the time when it was noted; oldest first."""
        # Without INDEXED BY, SQLite would use the index over all transitions of the board.
        sql = f"""SELECT {TRANSITION}, noted_ms FROM transitions INDEXED BY transitions_untold
            WHERE board = ? AND told = 0 ORDER BY id"""
        changes = [(self._transition(row[:-1]), seconds(row[-1])) for row in self._rows(sql, (board,))]
        return [(change, noted) for change, noted in changes if change is not None]

    def boards_to_report(self) -> list[str]:
        """Boards with unreported transitions, sorted."""
        sql = "SELECT DISTINCT board FROM transitions INDEXED BY transitions_untold WHERE told = 0 ORDER BY 1"
        return [board for (board,) in self._rows(sql)]

    def boards_with_open_incidents(self) -> list[str]:
        """Sorted."""
        sql = "SELECT DISTINCT board FROM incidents WHERE closed_ms IS NULL ORDER BY 1"
        return [board for (board,) in self._rows(sql)]

    def beginnings(self, board: str, since: float) -> list[Beginning]:
        """What began for the board since then, oldest first."""
        sql = """SELECT rule, need, time_ms, noted_ms, told, from_state, to_state FROM transitions
            INDEXED BY transitions_by_time WHERE board = ? AND noted_ms >= ? ORDER BY noted_ms"""
        return [
            Beginning(rule, need or None, seconds(time_ms), seconds(noted_ms), bool(told))
            for rule, need, time_ms, noted_ms, told, from_, to in self._rows(sql, (board, milliseconds(since)))
            if from_ in (OK, PENDING) and to in (FIRING, NOTED)
        ]

    def mark_reported(self, transition_ids: Iterable[int]) -> None:
        for transition_id in transition_ids:
            self._run("UPDATE transitions SET told = 1 WHERE id = ?", (transition_id,))

    def mark_incident_reported(self, incident_id: int, message_id: str, time: float) -> None:
        """Note that a message about the incident was made. The incident keeps the id of its first message."""
        sql = "UPDATE incidents SET message_id = coalesce(message_id, ?), last_told_ms = ? WHERE id = ?"
        self._run(sql, (message_id, milliseconds(time), incident_id))

    def last_reported(self, board: str) -> float | None:
        """When the last message about the board was made."""
        row = self._row("SELECT max(last_told_ms) FROM incidents WHERE board = ?", (board,))
        return None if row is None or row[0] is None else seconds(row[0])

    def add_silence(self, silence: Silence) -> int:
        """Returns its new id; silence.id is ignored. ValueError without a comment, or if it ends before it begins."""
        if not silence.comment.strip():
            raise ValueError("a silence needs a comment: why are these alerts muted?")
        if silence.until <= silence.created:
            raise ValueError("a silence needs an end in the future")
        values = (silence.board, silence.rule or "", silence.need or "")
        rest = (milliseconds(silence.created), milliseconds(silence.until), silence.comment)
        return self._run("INSERT INTO silences VALUES (NULL, ?, ?, ?, ?, ?, ?)", values + rest).lastrowid or 0

    def silences(self, now: float) -> list[Silence]:
        """The silences in force or planned, oldest first."""
        sql = f"SELECT {_SILENCE} FROM silences INDEXED BY silences_by_end WHERE until_ms > ?"
        found = [_silence(row) for row in self._rows(sql, (milliseconds(now),))]
        return sorted(found, key=lambda silence: silence.id)

    def silenced(self, board: str, rule: str, need: str | None, now: float) -> bool:
        """True if a silence mutes this rule and need at the moment."""
        return any(mutes(silence, board, rule, need, now) for silence in self.silences(now))

    def end_silence(self, number: int, now: float) -> bool:
        """End a silence early. False if there is none with this number in force or planned."""
        now_ms = milliseconds(now)
        return (
            self._run(
                "UPDATE silences SET until_ms = ? WHERE id = ? AND until_ms > ?", (now_ms, number, now_ms)
            ).rowcount
            == 1
        )

    def acknowledge(self, incident_id: int, now: float, comment: str) -> None:
        """Somebody looks after the incident: nobody is reminded of it."""
        self._run("INSERT OR REPLACE INTO acknowledgements VALUES (?, ?, ?)", (incident_id, milliseconds(now), comment))

    def acknowledged(self, incident_ids: Iterable[int]) -> dict[int, str]:
        """Those of these incidents that somebody looks after, and what he said."""
        sql = "SELECT incident, comment FROM acknowledgements WHERE incident IN (SELECT value FROM json_each(?))"
        return dict(self._rows(sql, (json.dumps(sorted(incident_ids)),)))

    def _rule_state(self, board: str, rule: str, phase: str, count: int, incident_id: int | None) -> RuleState:
        """A row's state. If its phase cannot be read, an open incident says that the rule was firing."""
        if phase in _PHASES:
            return RuleState(phase, count, incident_id)
        why = f"phase: read {one_line(repr(phase), 40)}, expected one of {', '.join(_PHASES)}"
        row = f"the state of the rule {one_line(rule)} of board {board}"
        self._report_damage(row, why, "nothing to do: the rule goes on from its open alert, or from none")
        incident = None if incident_id is None else self.incident(incident_id)
        is_open = incident is not None and incident.closed is None
        return RuleState(FIRING, 0, incident_id) if is_open else RuleState()

    def _incident(self, row: tuple[Any, ...]) -> Incident | None:
        """A row's incident; None if it cannot be read."""
        incident = Incident(*row)
        words = {"rule": incident.rule, "severity": incident.severity, "state": incident.state}
        if not self._knows_words("incidents", incident.id, incident.board, words):
            return None
        return replace(
            incident,
            need=incident.need or None,
            opened=seconds(incident.opened),
            closed=_optional_s(incident.closed),
            last_reported=_optional_s(incident.last_reported),
        )

    def _transition(self, row: tuple[Any, ...]) -> Transition | None:
        """A row's transition; None if it cannot be read."""
        change = Transition(*row)
        words = {
            "rule": change.rule, "severity": change.severity, "from_state": change.from_, "to_state": change.to,
        }  # fmt: skip
        if not self._knows_words("transitions", change.id, change.board, words):
            return None
        return replace(change, need=change.need or None, time=seconds(change.time), late=bool(change.late))

    def _knows_words(self, table: str, row_id: int, board: str, words: Mapping[str, str]) -> bool:
        """False, and reported, if a column of the row holds another word than those that it may hold."""
        for column, word in words.items():
            known = _WORDS.get(column)
            if not (isinstance(word, str) and is_rule(word) if known is None else word in known):
                expected = f"one of {', '.join(known)}" if known else "the name of a rule"
                why = f"{column}: read {one_line(repr(word), 40)}, expected {expected}"
                row = f"row {row_id} of {table}, of board {board},"
                self._report_damage(row, why, self._removal(table, f"id = {row_id}"))
                return False
        return True


def _silence(row: tuple[Any, ...]) -> Silence:
    silence_id, board, rule, need, created_ms, until_ms, comment = row
    return Silence(silence_id, board, rule or None, need or None, seconds(created_ms), seconds(until_ms), comment)


def _optional_ms(time: float | None) -> int | None:
    return None if time is None else milliseconds(time)


def _optional_s(time_ms: float | None) -> float | None:
    return None if time_ms is None else seconds(time_ms)
