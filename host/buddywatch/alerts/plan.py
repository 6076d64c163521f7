"""Decides what a message about one board reports, and when. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from buddywatch.alerts.quiet import is_quiet
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
    Beginning,
    Incident,
    Repeat,
    Transition,
    names_need,
)

MAIL_INTERVAL_BATCHES = 10  # of batch_s, between messages about one board, unless a critical incident is new
FLAPPING_S = 4 * 3600.0  # between two beginnings of one alert that belong together
FLAPPING_MIN = 3  # so many: the alert comes and goes. One message says so, the next waits until it is quiet
ENDINGS_MIN = 2  # and so many make its end wait, too: it may not be the last
QUIET_MAX_S = 3600.0  # the longest of such a wait

DAY_S = 86_400.0  # between reminders of a warning, and of what has lasted for so long

Key = tuple[str, str | None]  # rule, need


@dataclass(frozen=True)
class View:
    """The input of plan(), for one board.

    unreported: transitions without a message yet, and when each was noted, oldest first. incidents: by id, all open
    ones and those of the unreported transitions. active: rules that are not OK. silenced: muted rules. last_reported:
    when the last message about the board was made. begun: what began in the last DAY_S, oldest first.
    acknowledged: incidents that somebody looks after. confirmed: kernel failures that joined the alert
    about a refused need.
    """

    unreported: Sequence[tuple[Transition, float]]
    incidents: Mapping[int, Incident]
    active: Collection[Key]
    silenced: Collection[Key]
    last_reported: float | None
    begun: Sequence[Beginning] = ()
    acknowledged: Collection[int] = ()
    confirmed: Collection[int] = ()


@dataclass(frozen=True)
class Plan:
    """report: transitions for a message now. remind: open incidents to repeat in it. drop: never to be reported."""

    report: tuple[Transition, ...] = ()
    remind: tuple[Incident, ...] = ()
    drop: tuple[Transition, ...] = ()

    @property
    def is_due(self) -> bool:
        return bool(self.report or self.remind)


def plan(view: View, alert: Alert, now: float, early_s: float = 0.0) -> Plan:
    """What to report about a board now. early_s: remind so long before the time, beside reminders of other boards."""
    wanted = [(change, noted) for change, noted in view.unreported if not _is_held(change, view)]
    refused = {change.need for change, _ in wanted if change.rule == REFUSED}
    drop = {change.id: change for change, _ in view.unreported if _is_moot(change, view)}
    drop |= {change.id: change for change, _ in wanted if _is_covered(change, refused, view)}
    drop |= {change.id: change for change, _ in wanted if refusal_confirmed(change, view, now) is not None}
    ready = [(change, noted) for change, noted in wanted if change.id not in drop]
    hushed = is_quiet(alert.quiet, now)
    loud = [(change, noted) for change, noted in ready if change.severity == CRITICAL or not hushed]
    causes = [(change, noted) for change, noted in loud if not _is_damped(change, view, alert, now)]
    rested = view.last_reported is None or has_passed(MAIL_INTERVAL_BATCHES * alert.batch_s, view.last_reported, now)
    urgent = any(change.to in (FIRING, NOTED) and change.severity == CRITICAL for change, _ in causes)
    gathered = any(has_passed(alert.batch_s, noted, now) for _, noted in causes)
    due = gathered and (rested or urgent)
    remind = tuple(
        one
        for one in view.incidents.values()
        if _wants_reminder(one, view, alert, now + early_s) and (one.severity == CRITICAL or not hushed)
    )
    if not due and not (remind and rested):
        return Plan(drop=tuple(drop.values()))
    return Plan(tuple(change for change, _ in ready) if due else (), remind, tuple(drop.values()))


def repeats(view: View, now: float) -> tuple[Repeat, ...]:
    """What comes and goes on this board."""
    keys = dict.fromkeys((one.rule, one.need) for one in view.begun)
    found = {key: _series(key, view, now) for key in keys}
    return tuple(Repeat(*key, len(of), of[0].time) for key, of in found.items() if len(of) >= FLAPPING_MIN)


def _series(key: Key, view: View, now: float) -> list[Beginning]:
    """The newest beginnings of a rule that follow each other within FLAPPING_S, oldest first."""
    found: list[Beginning] = []
    for one in reversed([one for one in view.begun if (one.rule, one.need) == key]):
        if has_passed(FLAPPING_S, one.noted, found[-1].noted if found else now):
            break
        found.append(one)
    return found[::-1]


def is_held(incident: Incident, view: View) -> bool:
    """True while messages report another, more serious rule with the same cause."""
    return _rule_is_held(incident.rule, incident.need, view)


def has_passed(span_s: float, since: float, now: float) -> bool:
    """True after span_s; also if `since` is in the future, because the clock was set back."""
    return not 0 <= now - since < span_s


def _is_damped(change: Transition, view: View, alert: Alert, now: float) -> bool:
    """True for a change of what comes and goes, after a message said so.

    It is reported when it has been quiet for a while: twice the usual time from one beginning to the next, at most
    QUIET_MAX_S. In any case it is reported FLAPPING_S after the last message, and with every message about something
    else.
    """
    series = _series((change.rule, change.need), view, now)
    enough = ENDINGS_MIN if change.to == OK else FLAPPING_MIN
    if sum(one.is_reported for one in series) < enough or view.last_reported is None:
        return False
    usual_s = (series[-1].noted - series[0].noted) / (len(series) - 1)
    quiet_s = max(MAIL_INTERVAL_BATCHES * alert.batch_s, min(2 * usual_s, QUIET_MAX_S))
    newest = max(noted for one, noted in view.unreported if (one.rule, one.need) == (change.rule, change.need))
    return not has_passed(quiet_s, newest, now) and not has_passed(FLAPPING_S, view.last_reported, now)


def _is_moot(change: Transition, view: View) -> bool:
    """True if the rule is muted, or if this is the end of an incident whose beginning was never reported."""
    if (change.rule, change.need) in view.silenced:
        return True
    if change.to == OK and change.incident_id in view.confirmed:
        return True  # the end of the refusal is reported
    incident = view.incidents.get(change.incident_id or 0)
    began_unreported = any(
        other.incident_id == change.incident_id and other.to == FIRING for other, _ in view.unreported
    )
    return change.to == OK and incident is not None and incident.last_reported is None and not began_unreported


def refusal_confirmed(change: Transition, view: View, now: float) -> Incident | None:
    """The alert about a refused need, if a message reported it and this is the kernel's line about that very need.

    None for the first such line in FLAPPING_S: that it has happened is news, and what a refused start did to its shell.
    """
    if change.rule != KERNEL_FAILURE or change.to == OK:
        return None
    lately = (one for one in view.begun if not has_passed(FLAPPING_S, one.noted, now))
    if not any(one.rule == KERNEL_FAILURE and one.is_reported for one in lately):
        return None
    refused = (one for one in view.incidents.values() if one.rule == REFUSED and one.closed is None)
    return next((one for one in refused if one.last_reported is not None and names_need(change.text, one.need)), None)


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
    """True if it was never reported because it was muted, or if the time for a reminder has come.

    The first one comes after repeat_after_s, the next when it has lasted for twice as long, and so on, up to a day.
    Of a warning there is one a day.
    """
    if incident.closed is not None or incident.state != FIRING or (incident.rule, incident.need) in view.silenced:
        return False
    if is_held(incident, view) or any(t.incident_id == incident.id for t, _ in view.unreported):
        return False
    if incident.last_reported is None:
        return True
    if incident.id in view.acknowledged:
        return False
    lasted_s = incident.last_reported - incident.opened
    pause_s = max(alert.repeat_after_s, min(lasted_s, DAY_S) if incident.severity == CRITICAL else DAY_S)
    return alert.repeat_after_s > 0 and now >= incident.last_reported + pause_s
