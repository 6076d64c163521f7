"""The news about alerts: when one begins and when it ends.

`tight` is open wherever `refused` is, for the same need and with the same words. It is news only where `refused` is not
open, as in messages (alerts/dispatch.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from buddywatch.model.alerts import CLEARING, FIRING, NOTED, OK, PENDING, REFUSED, TIGHT, Transition

_OPEN = (FIRING, CLEARING)


def alert_news(changes: Sequence[Transition], phase: Callable[[str, str | None], str]) -> list[str]:
    """A line for each change of one board that is news. phase: of a rule and a need, after all the changes."""
    lines: list[str] = []
    phases: dict[tuple[str, str | None], str] = {}  # after the change at hand, as far as later changes show it
    for number in reversed(range(len(changes))):
        change, frame = changes[number], _same_frame(changes, number)
        refused = phases.get((REFUSED, change.need)) or phase(REFUSED, change.need)
        tight = phases.get((TIGHT, change.need)) or phase(TIGHT, change.need)
        if change.rule != TIGHT or not (refused in _OPEN or _ends(REFUSED, change.need, frame)):
            outlasted = change.rule == REFUSED and tight in _OPEN and not _ends(TIGHT, change.need, frame)
            lines += _lines(change, outlasted)
        phases[change.rule, change.need] = change.from_
    return lines[::-1]


def begins(change: Transition) -> bool:
    """True if an alert begins with this change."""
    return change.to == FIRING and change.from_ in (OK, PENDING)


def _same_frame(changes: Sequence[Transition], number: int) -> list[Transition]:
    of = changes[number]
    return [other for other in changes if (other.boot_id, other.seq) == (of.boot_id, of.seq)]


def _ends(rule: str, need: str | None, changes: Sequence[Transition]) -> bool:
    return any((change.rule, change.need, change.to) == (rule, need, OK) for change in changes)


def _lines(change: Transition, is_tight: bool) -> list[str]:
    if begins(change) or change.to == NOTED:
        return [f"{change.board}: {change.severity}, {change.rule}: {change.text}"]
    if change.to == OK and change.from_ in _OPEN:
        about = "" if change.need is None else f": {change.need}"
        return [f"{change.board}: over, {change.rule}{about}{', still tight' if is_tight else ''}"]
    return []
