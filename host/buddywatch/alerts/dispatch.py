"""Decides which changes go into a message and when, and adds the messages to the outbox.

plan() decides and does no I/O. Dispatcher makes the message, and writes its rows in the same transaction that marks
the transitions as reported, so that a crash neither repeats nor loses one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from buddywatch.config.sections import Alert
from buddywatch.model.alerts import (
    COVERED_BY_REFUSED,
    CRITICAL,
    FIRING,
    KERNEL_FAILURE,
    NOTED,
    OK,
    REFUSED,
    SILENT,
    Incident,
    Message,
    Occasion,
    Transition,
    rule_rank,
)
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import one_line

MAIL_INTERVAL_BATCHES = 10  # of batch_s, between messages about one board, unless a critical incident is new
FAILED_REST_S = 60

_Key = tuple[str, str | None]  # rule, need


@dataclass(frozen=True)
class View:
    """The input of plan(), for one board.

    unreported: transitions without a message yet, and when each was noted, oldest first. incidents: by id, all open
    ones and those of the unreported transitions. active: rules that are not OK. silenced: muted rules. last_reported:
    when the last message about the board was made.
    """

    unreported: Sequence[tuple[Transition, float]]
    incidents: Mapping[int, Incident]
    active: Collection[_Key]
    silenced: Collection[_Key]
    last_reported: float | None


@dataclass(frozen=True)
class Plan:
    """report: transitions for a message now. remind: open incidents to repeat in it. drop: never to be reported."""

    report: tuple[Transition, ...] = ()
    remind: tuple[Incident, ...] = ()
    drop: tuple[Transition, ...] = ()


def plan(view: View, alert: Alert, now: float) -> Plan:
    """What to report about a board now."""
    wanted = [(change, noted) for change, noted in view.unreported if not _is_held(change, view)]
    refused = {change.need for change, _ in wanted if change.rule == REFUSED}
    drop = {change.id: change for change, _ in view.unreported if _is_moot(change, view)}
    drop |= {change.id: change for change, _ in wanted if _is_covered(change, refused, view)}
    ready = [(change, noted) for change, noted in wanted if change.id not in drop]
    rested = view.last_reported is None or _has_passed(MAIL_INTERVAL_BATCHES * alert.batch_s, view.last_reported, now)
    urgent = any(change.to in (FIRING, NOTED) and change.severity == CRITICAL for change, _ in ready)
    gathered = any(_has_passed(alert.batch_s, noted, now) for _, noted in ready)
    due = gathered and (rested or urgent)
    remind = tuple(incident for incident in view.incidents.values() if _wants_reminder(incident, view, alert, now))
    if not due and not (remind and rested):
        return Plan(drop=tuple(drop.values()))
    return Plan(tuple(change for change, _ in ready) if due else (), remind, tuple(drop.values()))


def _is_moot(change: Transition, view: View) -> bool:
    """True if the rule is muted, or if this is the end of an incident whose beginning was never reported."""
    if (change.rule, change.need) in view.silenced:
        return True
    incident = view.incidents.get(change.incident_id or 0)
    began_unreported = any(
        other.incident_id == change.incident_id and other.to == FIRING for other, _ in view.unreported
    )
    return change.to == OK and incident is not None and incident.last_reported is None and not began_unreported


def _is_held(change: Transition, view: View) -> bool:
    return _rule_is_held(change.rule, change.need, view)


def _rule_is_held(rule: str, need: str | None, view: View) -> bool:
    """True while a more serious rule with the same cause is active; messages report that one instead.

    While a board is silent, every other rule is held back, except kernel messages from a console that still works.
    """
    if rule in COVERED_BY_REFUSED and (REFUSED, need) in view.active:
        return True
    return rule not in (SILENT, KERNEL_FAILURE) and (SILENT, None) in view.active


def _is_covered(change: Transition, refused: Collection[str | None], view: View) -> bool:
    """True if `tight` fired and ended unreported while the need was refused: the message about that covers it."""
    incident = view.incidents.get(change.incident_id or 0)
    ended_unreported = incident is not None and incident.closed is not None and incident.last_reported is None
    return change.rule in COVERED_BY_REFUSED and change.need in refused and ended_unreported


def _wants_reminder(incident: Incident, view: View, alert: Alert, now: float) -> bool:
    """True if repeat_after_s has passed since its last message, or if it was never reported because it was muted."""
    if incident.closed is not None or incident.state != FIRING or (incident.rule, incident.need) in view.silenced:
        return False
    if _rule_is_held(incident.rule, incident.need, view) or any(
        t.incident_id == incident.id for t, _ in view.unreported
    ):
        return False
    if incident.last_reported is None:
        return True
    return alert.repeat_after_s > 0 and now >= incident.last_reported + alert.repeat_after_s


def _has_passed(span_s: float, since: float, now: float) -> bool:
    """True after span_s; also if `since` is in the future, because the clock was set back."""
    return not 0 <= now - since < span_s


class Dispatcher:
    """channels: where every message goes, "mail" and "hook:NAME". make: notify.gather.MessageMaker.make.

    report: called with one line for the user about a board whose message cannot be made.
    """

    def __init__(
        self,
        store: Store,
        alert: Alert,
        channels: Sequence[str],
        make: Callable[[Occasion], Message],
        report: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._store = store
        self._alert = alert
        self._channels = tuple(channels)
        self._make = make
        self._report = report
        self._failed: dict[str, tuple[float, str]] = {}  # by board: when and how its message could not be made

    def run(self, now: float) -> int:
        """Make the messages that are due; call it about once a second. Returns how many. StoreError.

        A board whose message cannot be made does not delay the others; it is tried again a minute later.
        """
        made = 0
        for board in self._store.boards_to_report():
            if board in self._failed and not _has_passed(FAILED_REST_S, self._failed[board][0], now):
                continue
            try:
                made += self._process(board, now)
                self._failed.pop(board, None)
            except StoreError:
                raise
            except Exception as error:  # such as a stored value that our code does not expect
                self._set_aside(board, f"{type(error).__name__}: {one_line(str(error))}", now)
        return made

    def _set_aside(self, board: str, error: str, now: float) -> None:
        if self._failed.get(board, (0.0, ""))[1] != error:
            self._report(f"{one_line(board)}: its alerts cannot be sent: {error}; the other boards go on")
        self._failed[board] = now, error

    def _process(self, board: str, now: float) -> bool:
        view = self._view(board, now)
        what = plan(view, self._alert, now)
        if not (what.report or what.remind or what.drop):
            return False
        with self._store.batch():
            self._store.mark_reported(change.id for change in (*what.report, *what.drop))
            if what.report or what.remind:
                self._send(board, view, what, now)
        return bool(what.report or what.remind)

    def _view(self, board: str, now: float) -> View:
        unreported = self._store.unreported(board)
        incidents = {incident.id: incident for incident in self._store.incidents(board, open_only=True)}
        for incident_id in {change.incident_id for change, _ in unreported} - incidents.keys() - {None}:
            incident = self._store.incident(incident_id or 0)
            if incident is not None:
                incidents[incident.id] = incident
        active = {key for key, state in self._store.rule_states(board).items() if state.phase != OK}
        keys = {(change.rule, change.need) for change, _ in unreported} | {(i.rule, i.need) for i in incidents.values()}
        silenced = {key for key in keys if self._store.silenced(board, *key, now)}
        return View(unreported, incidents, active, silenced, self._store.last_reported(board))

    def _send(self, board: str, view: View, what: Plan, now: float) -> None:
        about = {change.incident_id for change in what.report} | {incident.id for incident in what.remind}
        # Open incidents that were reported before are listed as well, which serves as a reminder.
        shown = about | {
            i.id for i in view.incidents.values() if i.last_reported is not None and _may_be_shown(i, view)
        }
        incidents = sorted((i for i in view.incidents.values() if i.id in shown), key=_by_gravity)
        earlier = sorted((i for i in incidents if i.id in about and i.message_id), key=lambda incident: incident.opened)
        references = tuple(dict.fromkeys(str(incident.message_id) for incident in earlier))
        message = self._make(Occasion(board, now, what.report, tuple(incidents), references))
        self._store.add_message(self._channels, board, message, now)
        for incident in incidents:
            self._store.mark_incident_reported(incident.id, message.message_id, now)


def _may_be_shown(incident: Incident, view: View) -> bool:
    key = (incident.rule, incident.need)
    return incident.closed is None and key not in view.silenced and not _rule_is_held(*key, view)


def _by_gravity(incident: Incident) -> tuple[bool, int, int]:
    return incident.severity != CRITICAL, rule_rank(incident.rule), incident.id
