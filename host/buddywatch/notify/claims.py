"""What a message claims, in one sentence for each thing that happened: the words of its subject."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.model.alerts import (
    CRITICAL,
    FIRING,
    KERNEL_FAILURE,
    NOTED,
    OK,
    REFUSED,
    SILENT,
    TIGHT,
    WARNING,
    Incident,
    MessageFacts,
    Transition,
    rule_rank,
)
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, Event
from buddywatch.model.verdicts import OOM_KILLER, NeedState
from buddywatch.text.escape import counted, one_line, rough_duration

_GRAVITY = (CRITICAL, WARNING, OK)
_COMM_LIMIT = 40  # the kernel gives a process 15 characters


@dataclass(frozen=True)
class Claim:
    """One thing that a message tells. severity: CRITICAL, WARNING or OK; since, until: seconds since 1970."""

    severity: str
    rule: str
    need: str | None
    sentence: str
    since: float
    until: float | None
    late: bool
    uptime_ms: int | None

    @property
    def is_bad(self) -> bool:
        return self.severity != OK


def claims_of(facts: MessageFacts) -> list[Claim]:
    """The claims of a message, gravest first; of a reminder, those of the incidents that are still open."""
    incidents = {incident.id: incident for incident in facts.incidents}
    # Of an incident that began and ended since the last message only the end is told: a subject must say what is now.
    told = {
        change.incident_id or -change.id: change for change in facts.transitions if change.to in (FIRING, OK, NOTED)
    }
    claims = [_of_transition(change, incidents.get(key), facts) for key, change in told.items()]
    if not claims:
        claims = [_of_reminder(incident, facts) for incident in facts.incidents if incident.closed is None]
    return sorted(claims, key=lambda claim: (_GRAVITY.index(claim.severity), rule_rank(claim.rule), claim.since))


def need_named(facts: MessageFacts, name: str | None) -> NeedState | None:
    """The need's state in the newest snapshot judged; None where there is none."""
    needs = facts.state.needs if facts.state else ()
    return next((need for need in needs if need.name == name), None)


def failures_of(facts: MessageFacts) -> list[Event]:
    """The kernel's lines that say that an allocation failed, the one that says most about the request first."""
    named = [event for event in facts.kernel_lines if event.kind in KERNEL_FAILURE_KINDS]
    return sorted(named, key=lambda event: KERNEL_FAILURE_KINDS.index(event.kind))


def _of_transition(change: Transition, incident: Incident | None, facts: MessageFacts) -> Claim:
    since, until = change.time, None
    if change.to == OK:
        since, until = (incident.opened if incident else change.time), change.time
        sentence = _recovery(change.rule, change.need, change.text) + (_after(until - since) if incident else "")
    else:
        sentence = _trouble(change.rule, change.need, change.text, _event_of(change, facts), facts)
    severity = OK if change.to == OK else _severity(change.severity)
    return Claim(severity, change.rule, change.need, sentence, since, until, change.late, change.uptime_ms)


def _of_reminder(incident: Incident, facts: MessageFacts) -> Claim:
    failures = failures_of(facts)
    sentence = _trouble(incident.rule, incident.need, incident.text, failures[0] if failures else None, facts)
    sentence += f", for {rough_duration(facts.time - incident.opened)} now"
    severity = _severity(incident.severity)
    return Claim(severity, incident.rule, incident.need, sentence, incident.opened, None, False, None)


def _severity(severity: str) -> str:
    return CRITICAL if severity == CRITICAL else WARNING


def _after(seconds: float) -> str:
    return f" after {rough_duration(seconds)}"


def _trouble(rule: str, need_name: str | None, text: str, event: Event | None, facts: MessageFacts) -> str:
    need = need_named(facts, need_name)
    if rule == REFUSED and need is not None and need.consequence == OOM_KILLER:
        return f"{need.name} ({need.bytes} bytes) would make the kernel kill a process"
    if rule == REFUSED:
        return f"the kernel will refuse {_with_bytes(need, need_name)}"
    if rule == TIGHT:
        return f"{_with_bytes(need, need_name)} is close to being refused"
    if rule == KERNEL_FAILURE and event is not None:
        return _failure(event)
    return one_line(text)


def _recovery(rule: str, need_name: str | None, text: str) -> str:
    if rule == REFUSED:
        return f"{need_name} passes again"
    if rule == TIGHT:
        return f"{need_name} has room to spare again"
    if rule == KERNEL_FAILURE:
        return "no allocation fails any more"
    if rule == SILENT:
        return "data comes again"
    return one_line(text)


def _with_bytes(need: NeedState | None, name: str | None) -> str:
    return f"{need.name} ({need.bytes} bytes)" if need is not None else str(name)


def _event_of(change: Transition, facts: MessageFacts) -> Event | None:
    """The kernel line that caused the change, else the plainest one of the message."""
    failures = failures_of(facts)
    exact = [event for event in failures if event.seq is not None and event.seq == change.seq]
    return next(iter(exact + failures), None)


def _failure(event: Event) -> str:
    whom = one_line(event.comm, _COMM_LIMIT) if event.comm else "a process"
    pid = f" (pid {event.pid})" if event.pid is not None else ""
    if event.kind == "alloc":
        return f"the kernel refused {event.number} bytes to {whom}{pid}"
    if event.kind == "page":
        return f"the kernel refused {_block(event)} to {whom}{pid}"
    if event.kind == "oom":
        return f"the kernel looks for a process to kill, as {whom}{pid} asked for {_block(event)}"
    if event.kind == "kill":
        return f"the kernel killed {whom}{pid} for want of memory"
    return f"the kernel has no memory for its own lists, asked by {whom}{pid}"


def _block(event: Event) -> str:
    pages = 1 << event.number if event.number is not None and event.number < 32 else None
    return "a block" if pages is None else f"a block of {counted(pages, 'page')}"
