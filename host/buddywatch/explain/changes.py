"""The changes from one state to the next: before and after a compaction, a reboot, a day. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from buddywatch.explain.holders import USE_WORDS, holders
from buddywatch.explain.page_sizes import judge_bytes
from buddywatch.explain.request import Request
from buddywatch.explain.state_words import total_words
from buddywatch.kernel_text.state import State
from buddywatch.text.document import plain
from buddywatch.text.units import format_bytes

_EVENTS = (
    ("compaction", re.compile(r"compact_memory")),
    ("drop_caches", re.compile(r"drop_caches")),
    ("reboot", re.compile(r"Linux version \d|\breboot")),
)
_MOST_SIZES, _MOST_USES = 6, 4
MOST_COMPARED = 100  # states; a log may have many thousands, and a reader wants the newest


@dataclass(frozen=True)
class Change:
    """From one state to the next of the same zones. event: what the text has between them, None if nothing known.

    free: what is free before and after, in words. uses: (use, kB before, kB after) of those that changed most.
    grew, shrank: (order, count before, count after), all zones together. needs: (name, verdict before, after) of the
    requests whose answer changed.
    """

    before: State
    after: State
    event: str | None
    free: tuple[str, str]
    uses: tuple[tuple[str, int, int], ...]
    grew: tuple[tuple[int, int, int], ...]
    shrank: tuple[tuple[int, int, int], ...]
    needs: tuple[tuple[str, str | None, str | None], ...]


def changes(states: Sequence[State], requests: Sequence[tuple[str, int]], text: str) -> list[Change]:
    """Of each two states in a row that came from /proc, the newest of them. requests: (name, bytes), those of needs and
    of failures."""
    read = [state for state in states if state.source != "dump"][-MOST_COMPARED:]
    pairs = [(before, after) for before, after in pairwise(read) if _zones(before) == _zones(after)]
    return [_change(before, after, requests, text[before.offset : after.offset]) for before, after in pairs]


def _zones(state: State) -> list[tuple[int, str]]:
    return [(zone.node, zone.name) for zone in state.zones]


def _change(before: State, after: State, requests: Sequence[tuple[str, int]], between: str) -> Change:
    event = next((name for name, pattern in _EVENTS if pattern.search(between)), None)
    was, now = _counts(before), _counts(after)
    orders = range(max(len(was), len(now)))
    pairs = [(order, _at(was, order), _at(now, order)) for order in orders]
    answers = [(name, _verdict(before, size), _verdict(after, size)) for name, size in requests]
    return Change(
        before,
        after,
        event,
        (total_words(before), total_words(after)),
        _uses(before, after),
        tuple(pair for pair in pairs if pair[2] > pair[1]),
        tuple(pair for pair in pairs if pair[2] < pair[1]),
        tuple(answer for answer in answers if answer[1] != answer[2]),
    )


def _uses(before: State, after: State) -> tuple[tuple[str, int, int], ...]:
    """The uses of memory that changed most, the largest change first."""
    was, now = ({holder.use: holder.kb for holder in holders(state)} for state in (before, after))
    both = set(before.usage) & set(after.usage)
    pairs = [(use, was.get(use, 0), now.get(use, 0)) for use in both if was.get(use, 0) != now.get(use, 0)]
    return tuple(sorted(pairs, key=lambda pair: (-abs(pair[2] - pair[1]), pair[0]))[:_MOST_USES])


def _counts(state: State) -> list[int]:
    longest = max((len(zone.nr_free) for zone in state.zones), default=0)
    return [sum(_at(zone.nr_free, order) for zone in state.zones) for order in range(longest)]


def _at(counts: Sequence[int], order: int) -> int:
    return counts[order] if order < len(counts) else 0


def _verdict(state: State, size_bytes: int) -> str | None:
    return judge_bytes(state, size_bytes, Request(0))[1].verdict


def change_words(change: Change) -> str:
    """What grew, what shrank, and which request changed its answer."""
    before, after = change.before, change.after
    event = {
        "compaction": ", after compaction",
        "drop_caches": ", after caches were dropped",
        "reboot": ", after a reboot",
    }.get(change.event or "", "")
    was, now = change.free
    text = f"Line {before.line} to line {after.line}{event}: free {was}, then {now}."
    for verb, more in (("More for", True), ("Less for", False)):
        uses = [f"{USE_WORDS[use]} ({old} to {new} kB)" for use, old, new in change.uses if (new > old) is more]
        text += f" {verb} {', '.join(uses)}." if uses else ""
    for verb, sizes in (("Grew", change.grew), ("Shrank", change.shrank)):
        if sizes:
            listed = ", ".join(f"{_block(after, order)} {old} to {new}" for order, old, new in sizes[-_MOST_SIZES:])
            text += f" {verb}: {listed}{' and smaller ones' if len(sizes) > _MOST_SIZES else ''}."
    for name, old, new in change.needs:
        text += f" {plain(name, 40)}: {_answer(old)} before, {_answer(new)} after."
    return text


def _block(state: State, order: int) -> str:
    return f"blocks of {format_bytes(state.page_bytes << order)}" if state.page_bytes else f"order {order}"


def _answer(verdict: str | None) -> str:
    return {"ok": "succeeds", "tight": "succeeds at the second try", "refused": "FAILS"}.get(verdict or "", "unknown")
