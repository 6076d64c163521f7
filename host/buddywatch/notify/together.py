"""One message about many boards: what they have in common first, then each board by name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from buddywatch.model.alerts import LOST, OK, REBOOTED, SILENT, Message, rule_rank
from buddywatch.model.message_facts import MessageFacts
from buddywatch.notify.advice import advice_texts, advice_together
from buddywatch.notify.common import common_to_all
from buddywatch.notify.message import PAYLOAD_SCHEMA, SUBJECT_LIMIT, WORDS, incident_json, rescue_json, transition_json
from buddywatch.notify.paper import Section, page, wrapped
from buddywatch.notify.statements import GRAVITY, Statement, statements_of
from buddywatch.text.escape import counted, escaped, local_time, one_line, rough_duration

NAMES_SHOWN = 60  # more boards than that are counted


@dataclass(frozen=True)
class _Group:
    """The same statement about several boards."""

    statement: Statement
    boards: tuple[MessageFacts, ...]
    since: tuple[float, ...]
    until: tuple[float, ...]  # () while it lasts
    is_reminder: bool


def compose_together(all_facts: Sequence[MessageFacts]) -> Message:
    """The message about these boards; the caller adds message_id and references."""
    groups = _groups(all_facts)
    first, rest = groups[0], len(groups) - 1
    tail = f" (+{rest} more)" if rest else ""
    headline = one_line(f"{WORDS[first.statement.severity]} {_words(first)}", SUBJECT_LIMIT - len(tail)) + tail
    held = [facts.held_since for facts in all_facts if facts.held_since is not None]
    why_late = [f"This was held since {local_time(one)}: see per_hour in [alert]." for one in held[:1]]
    more = "`buddywatch status` shows each board, `buddywatch alerts` all that happened."
    sections = [
        Section("", [*wrapped(headline, ""), *_identity(first)]),
        Section("First", wrapped(_advice(first), "  - ", "    ")),
        *[Section("", _lines(group, first), number) for number, group in enumerate(groups) if number],
        Section("", [line for text in why_late for line in wrapped(text, "")]),
        Section("", wrapped(more, ""), len(groups)),
    ]
    body = "\n".join(page(sections, f"and more. {more}")) + "\n"
    return Message(f"[buddywatch] {headline}", body, _payload(groups, all_facts, body))


def _groups(all_facts: Sequence[MessageFacts]) -> list[_Group]:
    """Gravest first."""
    found: dict[tuple[str, str | None, str, bool], list[tuple[Statement, MessageFacts]]] = {}
    for facts in all_facts:
        for one in statements_of(facts):
            found.setdefault((one.rule, one.need, one.severity, one.until is None), []).append((one, facts))
    groups = [
        _Group(
            members[0][0],
            tuple({facts.board: facts for _, facts in members}.values()),
            tuple(one.since for one, _ in members),
            tuple(one.until for one, _ in members if one.until is not None),
            not any(facts.transitions for _, facts in members),
        )
        for members in found.values()
    ]
    return sorted(groups, key=_by_gravity)


def _by_gravity(group: _Group) -> tuple[int, int, int]:
    return GRAVITY.index(group.statement.severity), rule_rank(group.statement.rule), -len(group.boards)


def _by_number(name: str) -> list[tuple[int, str]]:
    """roof-2 comes before roof-10."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _words(group: _Group) -> str:
    """The group in one sentence."""
    statement, count = group.statement, len(group.boards)
    if count == 1:
        return f"{group.boards[0].board}: {statement.sentence}"
    if statement.rule == LOST:
        return f"{count} boards: frames were lost"
    if statement.rule == REBOOTED and statement.is_bad:
        return f"{count} boards rebooted"
    if statement.rule != SILENT:  # each was bad for a time of its own
        what = statement.sentence if statement.is_bad else statement.sentence.rpartition(": ")[2]
        return f"{count} boards: {what}"
    if statement.severity == OK:
        return f"{count} boards send data again"
    common = common_to_all([facts.links for facts in group.boards])
    shared = f"; common to all: {one_line(common)}" if common else ""
    if group.is_reminder:
        longest = rough_duration(group.boards[0].time - min(group.since))
        return f"{count} boards are silent, the first for {longest}{shared}"
    span_s = max(group.since) - min(group.since)
    when = f"within {rough_duration(span_s)}" if span_s >= 1 else "at once"
    return f"{count} boards went silent {when}" + ("; over now" if statement.until is not None else "") + shared


def _identity(group: _Group) -> list[str]:
    """When, and which boards, under the headline."""
    word, time = _when(group)
    title = "Boards  " if len(group.boards) > 1 else "Board   "
    return [f"{word.capitalize():8}{time}", *wrapped(_names(group), title, " " * 8)]


def _lines(group: _Group, first: _Group) -> list[str]:
    """What else happened."""
    text = f"{WORDS[group.statement.severity]} {_words(group)} ({' '.join(_when(group))})"
    names = _names(group)
    who = "the same boards" if names == _names(first) else names
    return wrapped(text, "- ", "  ") + (wrapped(who, "  ", "  ") if len(group.boards) > 1 else [])


def _names(group: _Group) -> str:
    names = [escaped(name) for name in sorted((facts.board for facts in group.boards), key=_by_number)]
    more = f" and {counted(len(names) - NAMES_SHOWN, 'board')} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _when(group: _Group) -> tuple[str, str]:
    """Since when it lasts, or when it was over."""
    if group.until:
        return "at", local_time(max(group.until))
    return "at" if group.statement.rule in (LOST, REBOOTED) else "since", local_time(min(group.since))


def _advice(group: _Group) -> str:
    """What to do first about it; of one board, what its own message would say."""
    if len(group.boards) > 1:
        return advice_together(group.statement, group.boards)
    return next(iter(advice_texts([group.statement], group.boards[0], lacks_memory=False)), "")


def _payload(groups: Sequence[_Group], all_facts: Sequence[MessageFacts], body: str) -> dict[str, Any]:
    """The keys of a message about one board; `boards` has the names, and `board` is empty."""
    claims = [{**asdict(one), "board": facts.board} for facts in all_facts for one in statements_of(facts)]
    return {
        "schema": PAYLOAD_SCHEMA,
        "board": "",
        "boards": [facts.board for facts in all_facts],
        "time": all_facts[0].time,
        "severity": groups[0].statement.severity,
        "what": _words(groups[0]),
        "claims": sorted(claims, key=lambda claim: GRAVITY.index(claim["severity"])),
        "transitions": [transition_json(change) for facts in all_facts for change in facts.transitions],
        "incidents": [incident_json(incident) for facts in all_facts for incident in facts.incidents],
        "state": None,
        "snapshots": [],
        "kernel_lines": [asdict(event) for facts in all_facts for event in facts.kernel_lines],
        "courses": {},
        "forecasts": {},
        "rescues": [rescue_json(rescue) for facts in all_facts for rescue in facts.rescues],
        "gaps": [asdict(gap) for facts in all_facts for gap in facts.gaps],
        "facts": {},
        "silence_commands": [command for facts in all_facts for command in facts.silence_commands],
        "text": body,
    }
