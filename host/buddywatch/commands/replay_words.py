"""A replay's result as text and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from buddywatch.text.escape import counted, escaped, local_day_time, one_line
from buddywatch.text.units import format_duration

if TYPE_CHECKING:
    from buddywatch.model.verdicts import BoardState
    from buddywatch.replay.simulation import Change, Sent, Simulation

UNREADABLE_SHOWN = 10


def lines(simulation: Simulation, unreadable: Sequence[str], in_full: bool) -> Iterator[str]:
    """A line for each message, with what it reports below it."""
    for sent in simulation.sent:
        yield f"{local_day_time(sent.time)}  {escaped(sent.board)}: {one_line(sent.message.subject)}"
        if in_full:
            yield from (f"    {escaped(line)}".rstrip() for line in sent.message.body.splitlines())
            yield ""
        else:
            yield from (
                f"    {line}" for change in simulation.changes if change.sent is sent for line in _about(change)
            )
    unsent = sum(change.sent is None for change in simulation.changes)
    about = f"{counted(len(simulation.sent), 'message')} would have been sent"
    yield f"-- {about}; {counted(unsent, 'change')} of a rule without a message (--json lists them)"
    for board, state in simulation.unjudged.items():
        text = f"-- {escaped(board)}: no verdict about a need is possible: {_why_unjudged(state)}"
        yield from textwrap.wrap(text, 92, subsequent_indent="  ", break_on_hyphens=False)
    yield from unreadable_lines(unreadable)


def _why_unjudged(state: BoardState) -> str:
    """What the recording does not say, and which option does."""
    if state.page_bytes is None:
        return "the page size is not known; give --page-kb"
    if state.rule is None:
        return "the kernel is not known; give --kernel"
    return "the marks are not known; give --min-kb"


def unreadable_lines(unreadable: Sequence[str]) -> Iterator[str]:
    if unreadable:
        yield f"-- {counted(len(unreadable), 'line')} could not be used:"
        yield from (f"    {one_line(line)}" for line in unreadable[:UNREADABLE_SHOWN])
        if len(unreadable) > UNREADABLE_SHOWN:
            yield f"    and {len(unreadable) - UNREADABLE_SHOWN} more"


def _about(change: Change) -> list[str]:
    t = change.transition
    uptime = "" if t.uptime_ms is None else f", up {format_duration(t.uptime_ms / 1000)}"
    text = f"{local_day_time(t.time)}{uptime}: {t.severity}, {t.rule}, {t.from_} to {t.to}: {one_line(t.text)}"
    return textwrap.wrap(text, 92, subsequent_indent="  ", break_on_hyphens=False)


def timeline_json(simulation: Simulation) -> dict[str, Any]:
    return {
        "timeline": [_change_json(change) for change in simulation.changes],
        "messages": [_sent_json(sent) for sent in simulation.sent],
    }


def _change_json(change: Change) -> dict[str, Any]:
    t, sent = change.transition, change.sent
    return {
        "time": t.time,
        "uptime_s": None if t.uptime_ms is None else t.uptime_ms / 1000,
        "board": t.board,
        "rule": t.rule,
        "need": t.need,
        "from": t.from_,
        "to": t.to,
        "severity": t.severity,
        "message": sent is not None,
        "sent_at": None if sent is None else sent.time,
        "text": t.text,
    }


def _sent_json(sent: Sent) -> dict[str, Any]:
    message = sent.message
    return {"time": sent.time, "board": sent.board, "subject": message.subject, "body": message.body}
