"""Who is to be told what, and when: transitions become messages, and messages become rows of the outbox.

plan() decides and does no I/O. Composer gathers what a message is made of, and writes the outbox rows in the same
transaction that marks the transitions as told, so that a crash neither repeats nor forgets one.
"""

from __future__ import annotations

import re
import shlex
import socket
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from buddywatch.alerts.signals import KERNEL_FAILURE_KINDS
from buddywatch.config.load import Alert, Config
from buddywatch.model.alerts import (
    CRITICAL,
    FIRING,
    KERNEL_FAILURE,
    LOST,
    NOTED,
    OK,
    REFUSED,
    RULES,
    SILENT,
    TIGHT,
    Incident,
    Message,
    MessageFacts,
    Transition,
)
from buddywatch.model.samples import Event, Gap
from buddywatch.store.store import Store
from buddywatch.verdict.judge import board_state

MAIL_INTERVAL_BATCHES = 10  # of batch_s, between messages about one board, unless a critical incident is new
SNAPSHOTS_SHOWN = 5
KERNEL_LINES_SHOWN = 5
_KERNEL_KINDS = (*KERNEL_FAILURE_KINDS, "load")
_KERNEL_LINES_BEFORE_S = 60  # the kernel says why just before something fires

_Key = tuple[str, str | None]  # rule, need


@dataclass(frozen=True)
class View:
    """What plan() looks at, of one board.

    untold: transitions and when each was noted, oldest first. incidents: by id, all open ones and those of the untold.
    active: rules that are not OK. silenced: rules that nobody wants to hear of. last_told: when the board last was
    the subject of a message.
    """

    untold: Sequence[tuple[Transition, float]]
    incidents: Mapping[int, Incident]
    active: Collection[_Key]
    silenced: Collection[_Key]
    last_told: float | None


@dataclass(frozen=True)
class Plan:
    """tell: transitions for a message now. remind: open incidents for it as well. drop: never to be told."""

    tell: tuple[Transition, ...] = ()
    remind: tuple[Incident, ...] = ()
    drop: tuple[Transition, ...] = ()


def plan(view: View, alert: Alert, now: float) -> Plan:
    """What to tell of a board at this moment."""
    wanted = [(change, noted) for change, noted in view.untold if not _is_held(change, view)]
    refused = {change.need for change, _ in wanted if change.rule == REFUSED}
    drop = {change.id: change for change, _ in view.untold if _is_moot(change, view)}
    drop |= {change.id: change for change, _ in wanted if _is_covered(change, refused, view)}
    ready = [(change, noted) for change, noted in wanted if change.id not in drop]
    rested = view.last_told is None or _has_passed(MAIL_INTERVAL_BATCHES * alert.batch_s, view.last_told, now)
    urgent = any(change.to in (FIRING, NOTED) and change.severity == CRITICAL for change, _ in ready)
    gathered = any(_has_passed(alert.batch_s, noted, now) for _, noted in ready)
    due = gathered and (rested or urgent)
    remind = tuple(incident for incident in view.incidents.values() if _wants_reminder(incident, view, alert, now))
    if not due and not (remind and rested):
        return Plan(drop=tuple(drop.values()))
    return Plan(tuple(change for change, _ in ready) if due else (), remind, tuple(drop.values()))


def _is_moot(change: Transition, view: View) -> bool:
    """Silenced, or the end of something of which nobody was told the beginning."""
    if (change.rule, change.need) in view.silenced:
        return True
    incident = view.incidents.get(change.incident_id or 0)
    began_untold = any(other.incident_id == change.incident_id and other.to == FIRING for other, _ in view.untold)
    return change.to == OK and incident is not None and incident.last_told is None and not began_untold


def _is_held(change: Transition, view: View) -> bool:
    return _rule_is_held(change.rule, change.need, view)


def _rule_is_held(rule: str, need: str | None, view: View) -> bool:
    """Whether something graver of the same cause is told instead, for as long as it lasts.

    A silent board holds back all else, except what the kernel itself says on a console that still works.
    """
    if rule == TIGHT and (REFUSED, need) in view.active:
        return True
    return rule not in (SILENT, KERNEL_FAILURE) and (SILENT, None) in view.active


def _is_covered(change: Transition, refused: Collection[str | None], view: View) -> bool:
    """Tight while it was refused, and over before anybody was told."""
    incident = view.incidents.get(change.incident_id or 0)
    over_untold = incident is not None and incident.closed is not None and incident.last_told is None
    return change.rule == TIGHT and change.need in refused and over_untold


def _wants_reminder(incident: Incident, view: View, alert: Alert, now: float) -> bool:
    """Open for repeat_after_s since it was last told; or never told, because a silence has only now run out."""
    if incident.closed is not None or incident.state != FIRING or (incident.rule, incident.need) in view.silenced:
        return False
    if _rule_is_held(incident.rule, incident.need, view) or any(t.incident_id == incident.id for t, _ in view.untold):
        return False
    if incident.last_told is None:
        return True
    return alert.repeat_after_s > 0 and now >= incident.last_told + alert.repeat_after_s


def _has_passed(span_s: float, since: float, now: float) -> bool:
    """Whether so much time went by; also when `since` lies ahead because the clock was set back."""
    return not 0 <= now - since < span_s


class Composer:
    """channels: where every message goes, "mail" and "hook:NAME". compose: notify.message.compose."""

    def __init__(
        self, store: Store, config: Config, channels: Sequence[str], compose: Callable[[MessageFacts], Message]
    ) -> None:
        self._store = store
        self._config = config
        self._channels = tuple(channels)
        self._compose = compose
        self._domain = _domain(config.mail.sender if config.mail else "")

    def run(self, now: float) -> int:
        """Make the messages that are due, to be called every second or so. How many."""
        return sum(self._tell(board, now) for board in self._store.boards_to_tell())

    def _tell(self, board: str, now: float) -> bool:
        view = self._view(board, now)
        what = plan(view, self._config.alert, now)
        if not (what.tell or what.remind or what.drop):
            return False
        with self._store.batch():
            self._store.mark_told(change.id for change in (*what.tell, *what.drop))
            if what.tell or what.remind:
                self._send(board, view, what, now)
        return bool(what.tell or what.remind)

    def _view(self, board: str, now: float) -> View:
        untold = self._store.untold(board)
        incidents = {incident.id: incident for incident in self._store.incidents(board, open_only=True)}
        for incident_id in {change.incident_id for change, _ in untold} - incidents.keys() - {None}:
            incident = self._store.incident(incident_id or 0)
            if incident is not None:
                incidents[incident.id] = incident
        active = {key for key, state in self._store.rule_states(board).items() if state.phase != OK}
        keys = {(change.rule, change.need) for change, _ in untold} | {(i.rule, i.need) for i in incidents.values()}
        silenced = {key for key in keys if self._store.silenced(board, *key, now)}
        return View(untold, incidents, active, silenced, self._store.last_told(board))

    def _send(self, board: str, view: View, what: Plan, now: float) -> None:
        told_ids = {change.incident_id for change in what.tell} | {incident.id for incident in what.remind}
        # An open incident that was told before is shown again, which is as good as a reminder.
        told_ids |= {i.id for i in view.incidents.values() if i.last_told is not None and _may_be_shown(i, view)}
        incidents = sorted((i for i in view.incidents.values() if i.id in told_ids), key=_by_gravity)
        message = self._compose(self._facts(board, what, tuple(incidents), now))
        about = {change.incident_id for change in what.tell} | {incident.id for incident in what.remind}
        earlier = sorted((i for i in incidents if i.id in about and i.message_id), key=lambda incident: incident.opened)
        references = tuple(dict.fromkeys(str(incident.message_id) for incident in earlier))
        message = replace(message, message_id=f"<{uuid.uuid4().hex}@{self._domain}>", references=references)
        self._store.add_message(self._channels, board, message, now)
        for incident in incidents:
            self._store.mark_incident_told(incident.id, message.message_id, now)

    def _facts(self, board: str, what: Plan, incidents: tuple[Incident, ...], now: float) -> MessageFacts:
        boot = self._store.latest_boot(board)
        recent = self._store.recent(board, SNAPSHOTS_SHOWN)
        settings = self._config.board(board)
        facts = boot.facts if boot else {}
        state = None
        if recent:
            needs = self._config.needs_of(board)
            state = board_state(recent[-1], facts, needs, settings.rule, settings.page_bytes)
        rules = [rule for rule in RULES if rule in {incident.rule for incident in incidents}]
        return MessageFacts(
            board=board,
            time=now,
            transitions=what.tell,
            incidents=incidents,
            state=state,
            recent=tuple(recent),
            facts=facts,
            kernel_lines=self._kernel_lines(board, what, incidents),
            gaps=self._gaps(board, what),
            silence_commands=tuple(_silence_command(board, rule) for rule in rules),
        )

    def _kernel_lines(self, board: str, what: Plan, incidents: tuple[Incident, ...]) -> tuple[Event, ...]:
        """The newest of the kernel's lines since shortly before the oldest incident told, and those told themselves."""
        opened = min((incident.opened for incident in incidents), default=0.0)
        lines = [
            event
            for event in self._store.events(board, since=opened - _KERNEL_LINES_BEFORE_S)
            if event.kind in _KERNEL_KINDS
        ]
        told = {(change.boot_id, change.time) for change in what.tell if change.rule == KERNEL_FAILURE}
        return tuple(
            event
            for at, event in enumerate(lines, 1)
            if at > len(lines) - KERNEL_LINES_SHOWN or (event.boot_id, event.time) in told
        )

    def _gaps(self, board: str, what: Plan) -> tuple[Gap, ...]:
        told = {(change.boot_id, change.seq) for change in what.tell if change.rule == LOST}
        return tuple(gap for gap in self._store.gaps(board) if (gap.boot_id, gap.first) in told) if told else ()


def _may_be_shown(incident: Incident, view: View) -> bool:
    key = (incident.rule, incident.need)
    return incident.closed is None and key not in view.silenced and not _rule_is_held(*key, view)


def _by_gravity(incident: Incident) -> tuple[bool, int, int]:
    return incident.severity != CRITICAL, RULES.index(incident.rule), incident.id


def _silence_command(board: str, rule: str) -> str:
    return f"buddywatch silence {shlex.quote(board)} {rule} --for 2h --because TEXT"


def _domain(sender: str) -> str:
    """What stands behind the @ of a Message-ID (RFC 5322, 3.6.4): the sender's domain, else this host's name as it is.

    The name is not looked up: a resolver that hangs must not hold up an alert.
    """
    domain = sender.rpartition("@")[2] if "@" in sender else socket.gethostname()
    return re.sub(r"[^A-Za-z0-9.-]", "", domain).strip(".-") or "localhost"
