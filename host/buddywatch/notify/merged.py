"""Several messages that could not be sent for hours, as one. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buddywatch.model.alerts import CRITICAL, OK, WARNING, Message
from buddywatch.notify.paper import wrapped
from buddywatch.text.escape import local_time, one_line

LISTED = 30  # a mail is read on a phone
_GRAVITY = (CRITICAL, WARNING, OK)
_SUBJECT_LIMIT = 200
_LINE_LIMIT = 120


def merged(letters: Sequence[tuple[float, Message]]) -> Message:
    """letters: (when it was made, the message), oldest first; at least two."""
    gravest = min((message for _, message in letters), key=_gravity)
    first, last = letters[0][0], letters[-1][0]
    headline = f"{len(letters)} messages, delayed since {local_time(first)}; gravest: {_title(gravest)}"
    lines = [
        *wrapped(headline, ""),
        "",
        "They could not be sent in time. What they said, oldest first:",
        "",
    ]
    shown = letters if len(letters) <= LISTED else sorted(letters, key=lambda letter: _gravity(letter[1]))[:LISTED]
    for created, message in sorted(shown, key=lambda letter: letter[0]):
        lines += wrapped(f"{local_time(created)}  {one_line(_title(message), _LINE_LIMIT)}", "  ", "      ")
    if len(letters) > LISTED:
        lines += ["", f"and {len(letters) - LISTED} less grave ones, up to {local_time(last)}."]
    lines += ["", "`buddywatch status` shows what is open now, `buddywatch alerts` what happened."]
    body = "\n".join(lines) + "\n"
    references = tuple(dict.fromkeys(one for _, message in letters for one in message.references))
    newest = letters[-1][1]
    subject = one_line(f"[buddywatch] LATE: {headline}", _SUBJECT_LIMIT)
    return Message(subject, body, _payload(letters, gravest, body), newest.message_id, references)


def _title(message: Message) -> str:
    return message.subject.removeprefix("[buddywatch] ")


def _gravity(message: Message) -> int:
    severity = message.payload.get("severity")
    return _GRAVITY.index(severity) if severity in _GRAVITY else len(_GRAVITY)


def _payload(letters: Sequence[tuple[float, Message]], gravest: Message, body: str) -> dict[str, Any]:
    """The newest message's, with what all of them reported, and the gravest severity."""
    payloads = [message.payload for _, message in letters]
    boards = {str(payload.get("board", "")) for payload in payloads}
    gathered = {
        key: [one for payload in payloads for one in payload.get(key, ())] for key in ("claims", "transitions", "gaps")
    }
    return {
        **payloads[-1],
        **gathered,
        "board": boards.pop() if len(boards) == 1 else "",
        "severity": gravest.payload.get("severity"),
        "what": gravest.payload.get("what"),
        "text": body,
    }
