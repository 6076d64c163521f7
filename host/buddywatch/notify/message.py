"""A message from the facts: subject, text and payload. Pure; the time zone is this host's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from buddyd import watermark

from buddywatch.model.alerts import (
    CRITICAL,
    KERNEL_FAILURE,
    OK,
    REBOOTED,
    REFUSED,
    REFUSED_WITHIN,
    SILENT,
    TIGHT,
    WARNING,
    Incident,
    Message,
    Transition,
    without_covered,
)
from buddywatch.model.memory_map import Rescue
from buddywatch.model.message_facts import MessageFacts
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, Gap, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.notify import why
from buddywatch.notify.advice import advice_paragraphs, leads_on, lower_reserve_lines
from buddywatch.notify.course import course_lines
from buddywatch.notify.paper import Section, first_of, page, wrapped
from buddywatch.notify.statements import Statement, failures_of, need_named, statements_of
from buddywatch.text.escape import counted, escaped, local_clock, local_time, one_line, rough_duration
from buddywatch.text.forecast_words import forecast_words
from buddywatch.text.gap_words import gap_reason

PAYLOAD_SCHEMA = 1
WORDS = {CRITICAL: "CRIT", WARNING: "WARN", OK: "OK"}
_REQUESTS = 3  # explained in full; more would bury the rest of the message
_ALSO_LINES, _MUTE_LINES, _MORE_ADVICE, _KERNEL_LINES = 6, 2, 2, 4
SUBJECT_LIMIT = 200
_NOTICE_LIMIT = 1000  # of a paragraph, which may quote a server


def compose(facts: MessageFacts) -> Message:
    """The message about facts; the caller adds message_id and references. Needs at least one statement."""
    statements = statements_of(facts)
    if not statements:
        raise ValueError("facts without a transition to report and without an open incident")
    headline = _headline(statements, facts)
    body = "\n".join(_body(headline, statements, facts)) + "\n"
    return Message(f"[buddywatch] {headline}", body, _payload(statements, body, facts))


def compose_test(now: float) -> Message:
    """The message of `test-alert`: the same form, without an alert."""
    text = "This is a test: buddywatch can reach you this way. No board is in trouble because of it."
    return _notice("TEST: messages arrive here", "messages arrive here", "test", "test", [text], now)


def compose_notice(rule: str, severity: str, what: str, paragraphs: Sequence[str], now: float) -> Message:
    """A message that is about buddywatch itself."""
    return _notice(f"{WORDS[severity]} {what}", what, rule, severity, [what + ".", *paragraphs], now)


def _notice(title: str, what: str, rule: str, severity: str, paragraphs: Sequence[str], now: float) -> Message:
    lines = [line for text in paragraphs for line in [*wrapped(one_line(text, _NOTICE_LIMIT), ""), ""]]
    body = "\n".join([*lines, f"Sent at {local_time(now)}."]) + "\n"
    statement = Statement(severity, rule, None, what, now, None, False, None)
    payload = _payload([statement], body, MessageFacts("", now, (), (), None, (), {}))
    return Message(one_line(f"[buddywatch] {title}", SUBJECT_LIMIT), body, payload)


def _headline(statements: list[Statement], facts: MessageFacts) -> str:
    worst, more = statements[0], [one for one in statements[1:] if not _is_of_reboot(one, statements)]
    again = next((one for one in more if one.rule == REFUSED and not one.is_bad), None)
    after = f"; {_again(again)}" if worst.rule == REBOOTED and again is not None else ""
    more = [one for one in more if not after or one.rule != REFUSED or one.is_bad]
    tail = after + (f" (+{len(more)} more)" if more else "")
    lasting = len(_unmentioned(statements, facts))
    if lasting and not worst.is_bad:
        tail += f" ({lasting} still open)"  # "OK" must not be read as "everything is OK"
    text = f"{WORDS[worst.severity]} {facts.board}: {worst.sentence}"
    return one_line(text, SUBJECT_LIMIT - len(tail)) + tail


def _is_of_reboot(statement: Statement, statements: Sequence[Statement]) -> bool:
    """True for the end of an alert that each reboot ends."""
    is_over = not statement.is_bad and statement.rule in (KERNEL_FAILURE, TIGHT, REFUSED_WITHIN, SILENT)
    return is_over and any(one.rule == REBOOTED for one in statements)


def _again(statement: Statement) -> str:
    """ "rm can start again" without how long it could not."""
    return statement.sentence.partition(": ")[2] or statement.sentence


def _body(headline: str, statements: list[Statement], facts: MessageFacts) -> list[str]:
    """The most important first: what and since when, what to do, what will come, the kernel's words, the numbers."""
    requests = _requests(statements, facts)
    newest = facts.recent[-1] if facts.recent else None
    advice = advice_paragraphs(statements, facts, _lacks_memory(requests, facts))
    others = [one for one in statements[1:] if not _is_of_reboot(one, statements)]
    also = [line for statement in others for line in _statement_lines(statement)]
    gaps = [line for gap in facts.gaps for line in _gap_lines(gap)]
    sections = [
        Section("", [*wrapped(headline, ""), *_identity(statements[0], facts)]),
        Section("First", [*(advice[0] if advice else []), *lower_reserve_lines(statements, facts)], 2),
        Section("Forecast", _forecast_lines(facts), 1),
        Section("Since yesterday", [line for text in facts.yesterday for line in wrapped(text, "  - ", "    ")], 6),
        Section("Also", first_of(also, _ALSO_LINES, "lines")),
        Section("Kernel messages", _kernel_lines(facts), 3),
        Section("Still open on this board", first_of(_still_open(statements, facts), _ALSO_LINES, "lines"), 4),
        Section("Comes and goes", _repeat_lines(facts), 5),
        Section("Lost snapshots", first_of(gaps, _ALSO_LINES, "lines"), 8),
    ]
    if newest is not None and facts.state is not None:
        title = "The request, and what the kernel answers"
        sections += [Section(title, _explanation(one, newest, facts.state), 7 + at) for at, one in enumerate(requests)]
        sections.append(Section("Memory", why.totals_lines(facts.state), 11))
        table = why.snapshot_lines(facts.recent, facts.facts, facts.state, requests[0] if requests else None)
        sections.append(Section(f"The last snapshots, up to {local_time(newest.time)}", table, 13))
    more = [line for lines in advice[1 : 1 + _MORE_ADVICE] for line in lines]
    sections.append(Section("Also to do", more, 12))
    sections.append(Section("", leads_on(statements, facts)))
    sections.append(Section("Mute (it is still recorded)", _silence(statements, facts)[:_MUTE_LINES], 1))
    number = next((incident.id for incident in facts.incidents), 0)
    return page(sections, f"More: `buddywatch alerts --explain {number}`.")


def _identity(worst: Statement, facts: MessageFacts) -> list[str]:
    """Since when, and which board with which kernel."""
    lines = _when(worst)
    if worst.rule == SILENT and worst.is_bad:
        lines += wrapped(facts.link, "Link    ", " " * 8) if facts.link else []
        lines += wrapped(facts.ring, "Ring    ", " " * 8) if facts.ring else []
    board = facts.facts
    words = [one_line(f"{facts.board}: Linux {board.get('kernel', 'of unknown release')}")]
    if board.get("machine"):
        words.append(f"on {one_line(board['machine'])}")
    mmu = {"1": ", no MMU", "0": ", with MMU"}.get(board.get("nommu", ""), "")
    page_bytes = facts.state.page_bytes if facts.state else None
    pages = f", pages of {page_bytes} bytes" if page_bytes else ""
    return lines + wrapped(" ".join(words) + mmu + pages, "Board   ", " " * 8)


def _when(worst: Statement) -> list[str]:
    uptime = f", {rough_duration(worst.uptime_ms / 1000)} after its boot" if worst.uptime_ms is not None else ""
    if worst.until is not None:
        same_day = local_time(worst.since)[:10] == local_time(worst.until)[:10]
        span = f"{local_time(worst.since)} to {(local_clock if same_day else local_time)(worst.until)}"
        lines = wrapped(f"{span} ({rough_duration(worst.until - worst.since)})", "Lasted  ", " " * 8)
    else:
        lines = wrapped(local_time(worst.since) + uptime, "Since   ", " " * 8)
    if worst.late:
        lines += wrapped(
            f"happened at {local_time(worst.until or worst.since)}, received only now", "Delayed ", " " * 8
        )
    return lines


def _statement_lines(statement: Statement) -> list[str]:
    when = local_time(statement.until or statement.since) + (", received only now" if statement.late else "")
    return wrapped(f"{WORDS[statement.severity]} {statement.sentence} (at {when})", "  - ", "    ")


def _forecast_lines(facts: MessageFacts) -> list[str]:
    """What each need that can still be granted is heading for."""
    needs = facts.state.needs if facts.state else ()
    lines = []
    for need in needs:
        forecast = facts.forecasts.get(need.name)
        if forecast is not None and forecast.in_s is not None and need.verdict != watermark.REFUSED:
            lines += wrapped(f"{one_line(need.name)}: {forecast_words(forecast)}", "  - ", "    ")
    lines += wrapped(facts.reboot, "  - ", "    ") if lines and facts.reboot else []
    now = {need.name: need.margin_pages for need in needs}
    return lines + [line for course in facts.courses for line in course_lines(course, now.get(course.need))]


def _still_open(statements: list[Statement], facts: MessageFacts) -> list[str]:
    lines = []
    for incident in _unmentioned(statements, facts):
        word = WORDS.get(incident.severity, "")
        text = f"{word} {one_line(incident.text)} (since {local_time(incident.opened)})"
        lines += wrapped(text, "  - ", "    ")
    return lines


def _unmentioned(statements: list[Statement], facts: MessageFacts) -> list[Incident]:
    """Open incidents that no statement mentions; a refused need is one line, without the warnings before it."""
    reported = {(one.rule, one.need) for one in statements}
    shown = without_covered(facts.incidents)
    return [one for one in shown if one.closed is None and (one.rule, one.need) not in reported]


def _requests(statements: list[Statement], facts: MessageFacts) -> list[why.Asked]:
    """The requests to explain: the needs of the statements, and what the kernel's messages say was asked for."""
    if facts.state is None or not facts.recent:
        return []
    requests: dict[int, why.Asked] = {}
    for statement in statements:
        need = need_named(facts, statement.need) if statement.rule in (REFUSED, TIGHT, REFUSED_WITHIN) else None
        if need is not None:
            requests.setdefault(need.bytes, why.asked_by(need, facts.recent[-1], facts.state))
    if any(statement.rule == KERNEL_FAILURE and statement.is_bad for statement in statements):
        for event in failures_of(facts):
            if event.kind == "alloc" and event.number:
                named = next((need for need in facts.state.needs if need.bytes == event.number), None)
                asked = why.asked_by(named, facts.recent[-1], facts.state) if named else None
                requests.setdefault(event.number, asked or why.Asked(event.comm or "a process", event.number))
    return list(requests.values())[:_REQUESTS]


def _explanation(request: why.Asked, newest: Snapshot, state: BoardState) -> list[str]:
    size = why.request_lines(request, state.page_bytes) if state.page_bytes else []
    return size + why.answer_lines(request, newest, state)


def _lacks_memory(requests: list[why.Asked], facts: MessageFacts) -> bool:
    if facts.state is None or not facts.recent:
        return False
    return any(why.lacks_memory(request, facts.recent[-1], facts.state) for request in requests)


def _repeat_lines(facts: MessageFacts) -> list[str]:
    """That the next message about it waits."""
    names = dict.fromkeys(one.need or one.rule for one in facts.repeats)
    return [
        line
        for name in names
        for line in wrapped(
            f"{name}: the next message comes when it has been quiet for a while, or in 4 h.", "  - ", "    "
        )
    ]


def _silence(statements: list[Statement], facts: MessageFacts) -> list[str]:
    lasts = any(statement.is_bad for statement in statements) or any(
        incident.closed is None for incident in facts.incidents
    )
    return [why.INDENT + escaped(command) for command in facts.silence_commands] if lasts else []


def _kernel_lines(facts: MessageFacts) -> list[str]:
    """The first of the kernel's lines and the newest, never wrapped: a wrapped line cannot be searched for."""
    failures = [event for event in facts.kernel_lines if event.kind in KERNEL_FAILURE_KINDS]
    lines = failures or facts.kernel_lines
    shown = lines if len(lines) <= _KERNEL_LINES else [lines[0], *lines[1 - _KERNEL_LINES :]]
    return [f"{why.INDENT}{local_clock(event.time)}  {escaped(event.text)}" for event in shown]


def _gap_lines(gap: Gap) -> list[str]:
    count = counted(gap.last - gap.first + 1, "frame")
    text = f"frames {gap.first} to {gap.last} ({count}) of boot {gap.boot_id}: {gap_reason(gap)}"
    return wrapped(text, "  - ", "    ")


def _payload(statements: list[Statement], body: str, facts: MessageFacts) -> dict[str, Any]:
    """All facts in a form that fits JSON. Times are seconds since 1970."""
    return {
        "schema": PAYLOAD_SCHEMA,
        "board": facts.board,
        "boards": [facts.board] if facts.board else [],
        "time": facts.time,
        "severity": statements[0].severity,
        "what": statements[0].sentence,
        "claims": [asdict(statement) for statement in statements],
        "transitions": [transition_json(change) for change in facts.transitions],
        "incidents": [incident_json(incident) for incident in facts.incidents],
        "state": asdict(facts.state) if facts.state is not None else None,
        "snapshots": [asdict(snapshot) for snapshot in facts.recent],
        "kernel_lines": [asdict(event) for event in facts.kernel_lines],
        "gaps": [asdict(gap) for gap in facts.gaps],
        "courses": {course.need: course.points for course in facts.courses},
        "forecasts": {need: asdict(forecast) for need, forecast in facts.forecasts.items()},
        "rescues": [rescue_json(rescue) for rescue in facts.rescues],
        "facts": dict(facts.facts),
        "silence_commands": list(facts.silence_commands),
        "text": body,
    }


def rescue_json(rescue: Rescue) -> dict[str, Any]:
    """Programs whose ends together let the need succeed, for certain."""
    programs = [
        {"pid": one.pid, "name": one.name, "bytes": one.pages * rescue.page_bytes, "started_s": one.started_s}
        for one in rescue.programs
    ]
    return {"need": rescue.need, "map_time": rescue.map_time, "programs": programs}


def transition_json(change: Transition) -> dict[str, Any]:
    """A transition with the key `from`, which is a keyword only in Python."""
    values = asdict(change)
    values["from"] = values.pop("from_")
    return values


def incident_json(incident: Incident) -> dict[str, Any]:
    values = asdict(incident)
    for internal in ("message_id", "last_reported"):
        del values[internal]
    return values
