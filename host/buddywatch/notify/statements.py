"""One sentence for each thing that a message reports: the words of its subject."""

from __future__ import annotations

from dataclasses import dataclass, replace

from buddywatch.model.alerts import (
    CRITICAL,
    FIRING,
    KERNEL_FAILURE,
    LOST,
    NOTED,
    OK,
    REBOOTED,
    REFUSED,
    REFUSED_WITHIN,
    RULES,
    SILENT,
    TIGHT,
    WARNING,
    Incident,
    Repeat,
    Transition,
    names_need,
    rule_rank,
)
from buddywatch.model.message_facts import MessageFacts
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, Event, Gap
from buddywatch.model.verdicts import OOM_KILLER, NeedState
from buddywatch.notify.soon import more_times, soon_words
from buddywatch.text.escape import counted, one_line, rough_duration
from buddywatch.text.forecast_words import in_about
from buddywatch.text.gap_words import gap_reason
from buddywatch.text.units import format_bytes

GRAVITY = (CRITICAL, WARNING, OK)
_LOGINS = ("telnetd", "inetd", "xinetd", "utelnetd", "sshd", "dropbear")
_ONE_REQUEST_S = 1.0  # between the kernel's lines about one request
REPEATS, REPEATS_OF_NOTES = 2, 3  # so many times in a message: one sentence with the count
_COMM_LIMIT = 40  # the kernel gives a process 15 characters


@dataclass(frozen=True)
class Statement:
    """One thing that happened. severity: CRITICAL, WARNING or OK; since, until: seconds since 1970."""

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


def statements_of(facts: MessageFacts) -> list[Statement]:
    """The statements of a message, most serious first; in a reminder, one for each open incident."""
    incidents = {incident.id: incident for incident in facts.incidents}
    changes, statements = _without_repeats(facts)
    began = {change.incident_id for change in changes if change.to == FIRING}
    # Of each incident the newest state. One-time events meanwhile are reported as well: a killed program stays killed.
    states = {change.incident_id or -change.id: change for change in changes if change.to in (FIRING, OK)}
    noted = [change for change in changes if change.to == NOTED]
    for change in (*states.values(), *noted):
        incident = incidents.get(change.incident_id or 0)
        if change.to == OK and incident is not None and change.incident_id in began:
            statement = _of_passed(change, incident, facts)
        else:
            statement = _of_transition(change, incident, facts)
        event = _event_of(change, facts) if change.rule == KERNEL_FAILURE and change.to != OK else None
        about = f"{event.kind} {event.comm}" if event else f"{change.need} {statement.sentence}"
        _, earlier = statements.get(f"{change.rule} {about}", (False, statement))  # for each program only the newest
        is_kill = event is not None and event.kind == "kill"
        statements[f"{change.rule} {about}"] = is_kill, replace(statement, since=min(statement.since, earlier.since))
    if not statements:
        lasting = _lasting(facts)
        statements = {str(incident.id): (False, _of_reminder(incident, facts)) for incident in lasting}
    return [statement for _, statement in sorted(statements.values(), key=_by_gravity)]


def _lasting(facts: MessageFacts) -> list[Incident]:
    """The open incidents, without the kernel's own word on a need that is refused: the need says it."""
    lasting = [incident for incident in facts.incidents if incident.closed is None]
    needs = [incident.need for incident in lasting if incident.rule == REFUSED]
    return [
        one for one in lasting if one.rule != KERNEL_FAILURE or not any(names_need(one.text, need) for need in needs)
    ]


def _without_repeats(facts: MessageFacts) -> tuple[list[Transition], dict[str, tuple[bool, Statement]]]:
    """The changes to report one by one, and a statement for each alert that came and went several times."""
    rest, statements = list(facts.transitions), {}
    for rule, need in dict.fromkeys((change.rule, change.need) for change in facts.transitions):
        own = [change for change in facts.transitions if (change.rule, change.need) == (rule, need)]
        repeat = _repeat_of(own[0], facts)
        if rule != KERNEL_FAILURE and (statement := _of_repeats(own, repeat, facts)) is not None:
            statements[f"{rule} {need}"] = False, statement
            rest = [change for change in rest if change not in own]
    return rest, statements


def _repeat_of(change: Transition, facts: MessageFacts) -> Repeat | None:
    return next((one for one in facts.repeats if (one.rule, one.need) == (change.rule, change.need)), None)


def _of_repeats(changes: list[Transition], repeat: Repeat | None, facts: MessageFacts) -> Statement | None:
    """One alert that began several times; None if it did not, or if only its end is to be reported."""
    begun, newest = [change for change in changes if change.to in (FIRING, NOTED)], changes[-1]
    count = max(len(begun), repeat.count if repeat and begun else 0)
    if count < (REPEATS_OF_NOTES if newest.to == NOTED else REPEATS):
        return None
    since = min(begun[0].time, repeat.since if repeat else begun[0].time)
    times = f"{count} times in {rough_duration(newest.time - since)}"
    if newest.rule == REBOOTED:
        sentence = f"the board rebooted {times}"
    elif newest.rule == LOST:
        sentence = f"frames were lost {times}"
    else:
        trouble = _past_trouble(newest.rule, newest.need, begun[-1].text, None, facts)
        sentence = f"{trouble}, {times}; {'over now' if newest.to == OK else 'not over yet'}"
    severity = min((_severity(change.severity) for change in begun), key=GRAVITY.index)
    until, late = newest.time if newest.to == OK else None, any(change.late for change in changes)
    return Statement(severity, newest.rule, newest.need, sentence, since, until, late, newest.uptime_ms)


def _by_gravity(entry: tuple[bool, Statement]) -> tuple[int, int, bool, float]:
    is_kill, statement = entry
    return GRAVITY.index(statement.severity), rule_rank(statement.rule), not is_kill, statement.since


def need_named(facts: MessageFacts, name: str | None) -> NeedState | None:
    """The need's state in the newest snapshot judged; None if there is none."""
    needs = facts.state.needs if facts.state else ()
    return next((need for need in needs if need.name == name), None)


def failures_of(facts: MessageFacts) -> list[Event]:
    """The kernel's lines about failed allocations, the one with most details about the request first."""
    named = [event for event in facts.kernel_lines if event.kind in KERNEL_FAILURE_KINDS]
    return sorted(named, key=lambda event: KERNEL_FAILURE_KINDS.index(event.kind))


def _of_transition(change: Transition, incident: Incident | None, facts: MessageFacts) -> Statement:
    since, until = change.time, None
    if change.to == OK:
        since, until = (incident.opened if incident else change.time), change.time
        after = f"resolved after {rough_duration(until - since)}: " if incident else ""
        repeat = _repeat_of(change, facts)
        if repeat is not None:
            after = f"resolved, after it came and went {repeat.count} times in {rough_duration(until - repeat.since)}: "
        sentence = after + _recovery(change.rule, change.need, change.text, facts)
    elif change.to == NOTED and change.rule == REFUSED:  # found in snapshots that came late
        since, until, sentence = (incident.opened if incident else change.time), change.time, one_line(change.text)
    elif change.rule == LOST and (gap := _gap_of(change, facts)) is not None:
        sentence = f"{counted(gap.last - gap.first + 1, 'frame')} lost: {gap_reason(gap)}"
    else:
        sentence = _trouble(change.rule, change.need, change.text, _event_of(change, facts), facts)
    severity = OK if change.to == OK else _severity(change.severity)
    return Statement(severity, change.rule, change.need, sentence, since, until, change.late, change.uptime_ms)


def _gap_of(change: Transition, facts: MessageFacts) -> Gap | None:
    return next((gap for gap in facts.gaps if (gap.boot_id, gap.first) == (change.boot_id, change.seq)), None)


def _of_passed(change: Transition, incident: Incident, facts: MessageFacts) -> Statement:
    """An incident that began and ended since the last message: as grave as it was, and over."""
    lasted = rough_duration(change.time - incident.opened)
    trouble = _past_trouble(incident.rule, incident.need, incident.text, _event_of(change, facts), facts)
    return Statement(
        _severity(incident.severity), incident.rule, incident.need, f"{trouble}; over after {lasted}",
        incident.opened, change.time, change.late, change.uptime_ms,
    )  # fmt: skip


def _of_reminder(incident: Incident, facts: MessageFacts) -> Statement:
    failures = failures_of(facts)
    sentence = _trouble(incident.rule, incident.need, incident.text, failures[0] if failures else None, facts)
    lasted = rough_duration(facts.time - incident.opened)
    sentence = f"no data for {lasted}" if incident.rule == SILENT else f"{sentence}, for {lasted} now"
    severity = _severity(incident.severity)
    return Statement(severity, incident.rule, incident.need, sentence, incident.opened, None, False, None)


def _severity(severity: str) -> str:
    return CRITICAL if severity == CRITICAL else WARNING


def _trouble(rule: str, need_name: str | None, text: str, event: Event | None, facts: MessageFacts) -> str:
    need, done = need_named(facts, need_name), _done(need_name, facts)
    if rule == REFUSED and need is not None and need.consequence == OOM_KILLER:
        return f"{need.name} will make the kernel kill a process{_block_needed(need, facts)}"
    if rule == REFUSED:
        return f"{need_name} can no longer {done}{_block_needed(need, facts)}"
    if rule == TIGHT:
        return f"{need_name} can only just {done}{_block_needed(need, facts)}"
    forecast = facts.forecasts.get(need_name or "")
    if rule == REFUSED_WITHIN and forecast is not None and forecast.in_s is not None:
        return soon_words(need_name or "", done, in_about(forecast), more_times(need, facts))
    if rule == KERNEL_FAILURE and event is not None:
        return _failure(_most_telling(event, facts)) + one_line(text.partition(event.text)[2] if event.text else "")
    if rule == REBOOTED:
        return "the board rebooted"
    return _named(rule, text)


def _past_trouble(rule: str, need_name: str | None, text: str, event: Event | None, facts: MessageFacts) -> str:
    """The same for what is over by now."""
    need, done = need_named(facts, need_name), _done(need_name, facts)
    if rule == REFUSED:
        return f"{need_name} could not {done}{_block_needed(need, facts)}"
    if rule == TIGHT:
        return f"{need_name} could only just {done}{_block_needed(need, facts)}"
    return _trouble(rule, need_name, text, event, facts)


def _recovery(rule: str, need_name: str | None, text: str, facts: MessageFacts) -> str:
    if rule == REFUSED:
        return f"{need_name} can {_done(need_name, facts)} again"
    if rule == TIGHT:
        return f"{need_name} has room to spare again"
    if rule == REFUSED_WITHIN:
        return f"nothing points to a refusal of {need_name} soon any more"
    if rule == KERNEL_FAILURE:
        return "no more failed allocations"
    if rule == SILENT:
        return "data arrives again"
    return _named(rule, text)


def _named(rule: str, text: str) -> str:
    """The text of an alert. An own rule has a name that says more to its owner than the numbers."""
    return one_line(text if rule in RULES else f"{rule}: {text}")


def _done(need_name: str | None, facts: MessageFacts) -> str:
    return "start" if need_name in facts.programs else "be allocated"


def _block_needed(need: NeedState | None, facts: MessageFacts) -> str:
    page_bytes = facts.state.page_bytes if facts.state else None
    if need is None or need.order is None or page_bytes is None:
        return ""
    return f" (needs a {format_bytes(page_bytes << need.order)} block)"


def _event_of(change: Transition, facts: MessageFacts) -> Event | None:
    """The kernel line that caused the change; for changes other than news, the most detailed line."""
    failures = failures_of(facts)
    frame = (change.boot_id, change.seq)
    exact = [event for event in failures if event.seq is not None and (event.boot_id, event.seq) == frame]
    exact += [event for event in failures if event.text and change.text.startswith(f"kernel: {event.text}")]
    return next(iter(exact if change.to == NOTED else exact + failures), None)


def _most_telling(event: Event, facts: MessageFacts) -> Event:
    """Of the lines about one request the one that says most: mmap's has bytes and the process, the allocator's not."""
    same = [
        other
        for other in failures_of(facts)
        if other.kind == "alloc" and other.comm == event.comm and abs(other.time - event.time) <= _ONE_REQUEST_S
    ]
    nearest = min(same, key=lambda other: abs((other.seq or 0) - (event.seq or 0)), default=event)
    return nearest if event.kind == "page" else event


def _failure(event: Event) -> str:
    whom = one_line(event.comm, _COMM_LIMIT) if event.comm else "a process"
    pid = f" (pid {event.pid})" if event.pid is not None else ""
    if event.kind == "alloc":
        return f"the kernel refused {event.number} bytes to {whom}{pid}"
    if event.kind == "page":
        return f"the kernel refused {_block(event)} to {whom}{pid}"
    if event.kind == "oom":
        return f"the kernel is about to kill a process, because {whom}{pid} asked for {_block(event)}"
    if event.kind == "kill":
        return f"the kernel killed {whom}{pid} to free memory{_without(event.comm or '')}"
    if event.kind == "more":
        return f"the kernel refused {counted(event.number or 0, 'more request')}, the newest of {whom}{pid}"
    return f"the kernel has no memory for its own records of {whom}{pid}"


def _without(program: str) -> str:
    """What no longer works on the board without this program, unless something starts it again."""
    if program == "buddyd":
        return ": the agent, without which this board is not watched"
    return ": nobody can log in without it" if program in _LOGINS else ""


def _block(event: Event) -> str:
    pages = 1 << event.number if event.number is not None and event.number < 32 else None
    return "a block" if pages is None else f"a block of {counted(pages, 'page')}"
