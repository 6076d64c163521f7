"""A message from the facts: subject, text and payload. Pure; the time zone is this host's."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from buddywatch.model.alerts import (
    CRITICAL,
    KERNEL_FAILURE,
    OK,
    REFUSED,
    TIGHT,
    WARNING,
    Incident,
    Message,
    MessageFacts,
    Transition,
)
from buddywatch.model.samples import Gap, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.notify import why
from buddywatch.notify.advice import advice_lines
from buddywatch.notify.claims import Claim, claims_of, failures_of, need_named
from buddywatch.text.escape import counted, escaped, local_clock, local_time, one_line, rough_duration, wrapped
from buddywatch.text.gap_words import gap_reason

PAYLOAD_SCHEMA = 1
_WORDS = {CRITICAL: "CRIT", WARNING: "WARN", OK: "OK"}
_REQUESTS = 3  # explained in full; more would bury the rest of the message
_SUBJECT_LIMIT = 200


def compose(facts: MessageFacts) -> Message:
    """The message that tells facts; message_id and references are left to the caller. Needs at least one claim."""
    claims = claims_of(facts)
    if not claims:
        raise ValueError("facts without a transition to tell and without an open incident")
    headline = _headline(claims, facts)
    body = "\n".join(_body(headline, claims, facts)) + "\n"
    return Message(f"[buddywatch] {headline}", body, _payload(claims, body, facts))


def compose_test(now: float) -> Message:
    """The message of `test-alert`: of the same shape, about nothing."""
    subject = "[buddywatch] TEST: messages arrive here"
    text = "This is a test: buddywatch can reach you this way. No board is in trouble because of it."
    body = "\n".join([*wrapped(text, ""), "", f"Sent at {local_time(now)}."]) + "\n"
    claim = Claim("test", "test", None, "messages arrive here", now, None, False, None)
    return Message(subject, body, _payload([claim], body, MessageFacts("", now, (), (), None, (), {})))


def _headline(claims: list[Claim], facts: MessageFacts) -> str:
    worst, tail = claims[0], f" (+{len(claims) - 1} more)" if len(claims) > 1 else ""
    lasting = len(_untold(claims, facts))
    if lasting and not worst.is_bad:
        tail += f" ({lasting} still open)"  # "OK" must not be read as "all is well"
    text = f"{_WORDS[worst.severity]} {facts.board}: {worst.sentence}"
    return one_line(text, _SUBJECT_LIMIT - len(tail)) + tail


def _body(headline: str, claims: list[Claim], facts: MessageFacts) -> list[str]:
    requests = _requests(claims, facts)
    request = requests[0] if requests else None
    newest = facts.recent[-1] if facts.recent else None
    lines = [*wrapped(headline, ""), "", *_identity(claims[0], facts)]
    lines += _section("Also", [line for claim in claims[1:] for line in _claim_lines(claim)])
    lines += _section("Still open on this board", _still_open(claims, facts))
    if newest is not None and facts.state is not None:
        for asked in requests:
            lines += _section("The request, and what the kernel would answer", _explanation(asked, newest, facts.state))
        lines += _section("Memory", why.totals_lines(facts.state))
    lines += _section("The kernel's own words", _kernel_lines(facts))
    if facts.state is not None and newest is not None:
        table = why.snapshot_lines(facts.recent, facts.facts, facts.state, request)
        lines += _section(f"The last snapshots, up to {local_time(newest.time)}", table)
    lines += _section("Lost snapshots", [line for gap in facts.gaps for line in _gap_lines(gap)])
    lines += _section("What to do", advice_lines(claims, facts, _lacks_memory(requests, facts)))
    return lines + _section("To hear no more of it for a while (it is recorded all the same)", _silence(claims, facts))


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _identity(worst: Claim, facts: MessageFacts) -> list[str]:
    """Which board with which kernel, and since when."""
    board = facts.facts
    words = [one_line(f"{facts.board}: Linux {board.get('kernel', 'of unknown release')}")]
    if board.get("machine"):
        words.append(f"on {one_line(board['machine'])}")
    mmu = {"1": ", no MMU", "0": ", with MMU"}.get(board.get("nommu", ""), "")
    page_bytes = facts.state.page_bytes if facts.state else None
    pages = f", pages of {page_bytes} bytes" if page_bytes else ""
    lines = wrapped(" ".join(words) + mmu + pages, "Board   ", " " * 8)
    uptime = f", {rough_duration(worst.uptime_ms / 1000)} after its boot" if worst.uptime_ms is not None else ""
    if worst.until is not None:
        span = f"{local_time(worst.since)} to {local_time(worst.until)}"
        lines += wrapped(f"{span} ({rough_duration(worst.until - worst.since)})", "Lasted  ", " " * 8)
    else:
        lines += wrapped(local_time(worst.since) + uptime, "Since   ", " " * 8)
    if worst.late:
        lines += wrapped(
            f"occurred at {local_time(worst.until or worst.since)}; known here only now", "Late    ", " " * 8
        )
    return lines


def _claim_lines(claim: Claim) -> list[str]:
    when = local_time(claim.until or claim.since) + (", known here only now" if claim.late else "")
    return wrapped(f"{_WORDS[claim.severity]} {claim.sentence} (occurred at {when})", "  - ", "    ")


def _still_open(claims: list[Claim], facts: MessageFacts) -> list[str]:
    lines = []
    for incident in _untold(claims, facts):
        word = _WORDS.get(incident.severity, "")
        text = f"{word} {one_line(incident.text)} (since {local_time(incident.opened)})"
        lines += wrapped(text, "  - ", "    ")
    return lines


def _untold(claims: list[Claim], facts: MessageFacts) -> list[Incident]:
    """Open incidents that are none of the claims."""
    told = {(claim.rule, claim.need) for claim in claims}
    return [one for one in facts.incidents if one.closed is None and (one.rule, one.need) not in told]


def _requests(claims: list[Claim], facts: MessageFacts) -> list[why.Asked]:
    """The requests to be explained: the needs that are told of, and what the kernel said was asked for."""
    if facts.state is None or not facts.recent:
        return []
    requests: dict[int, why.Asked] = {}
    for claim in claims:
        need = need_named(facts, claim.need) if claim.rule in (REFUSED, TIGHT) else None
        if need is not None:
            requests.setdefault(need.bytes, why.asked_by(need, facts.recent[-1], facts.state))
    if any(claim.rule == KERNEL_FAILURE and claim.is_bad for claim in claims):
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


def _silence(claims: list[Claim], facts: MessageFacts) -> list[str]:
    lasts = any(claim.is_bad for claim in claims) or any(incident.closed is None for incident in facts.incidents)
    return [why.INDENT + escaped(command) for command in facts.silence_commands] if lasts else []


def _kernel_lines(facts: MessageFacts) -> list[str]:
    """Verbatim, and so of any length: what can be searched for must not be broken."""
    return [f"{why.INDENT}{local_clock(event.time)}  {escaped(event.text)}" for event in facts.kernel_lines]


def _gap_lines(gap: Gap) -> list[str]:
    count = counted(gap.last - gap.first + 1, "frame")
    text = f"frames {gap.first} to {gap.last} ({count}) of boot {gap.boot_id}: {gap_reason(gap)}"
    return wrapped(text, "  - ", "    ")


def _payload(claims: list[Claim], body: str, facts: MessageFacts) -> dict[str, Any]:
    """Everything, as JSON takes it. Times are seconds since 1970."""
    return {
        "schema": PAYLOAD_SCHEMA,
        "board": facts.board,
        "time": facts.time,
        "severity": claims[0].severity,
        "what": claims[0].sentence,
        "claims": [asdict(claim) for claim in claims],
        "transitions": [_transition(change) for change in facts.transitions],
        "incidents": [_incident(incident) for incident in facts.incidents],
        "state": asdict(facts.state) if facts.state is not None else None,
        "snapshots": [asdict(snapshot) for snapshot in facts.recent],
        "kernel_lines": [asdict(event) for event in facts.kernel_lines],
        "gaps": [asdict(gap) for gap in facts.gaps],
        "facts": dict(facts.facts),
        "silence_commands": list(facts.silence_commands),
        "text": body,
    }


def _transition(change: Transition) -> dict[str, Any]:
    """`from` is a word of Python's, not of JSON's."""
    values = asdict(change)
    values["from"] = values.pop("from_")
    return values


def _incident(incident: Incident) -> dict[str, Any]:
    values = asdict(incident)
    for internal in ("message_id", "last_told"):
        del values[internal]
    return values
