"""A stored moment of a board, explained in the words of `explain FILE`: its state is written as a kernel prints it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from buddywatch.config.sections import Config
from buddywatch.explain.board_state import explain_state
from buddywatch.explain.case import Explanation
from buddywatch.explain.report import report_parts
from buddywatch.model.memory_map import Rescue
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, Boot, Event, Snapshot
from buddywatch.store.memory_maps import rescues_at
from buddywatch.store.store import Store
from buddywatch.text.document import Bullets, Heading, Part, text_lines
from buddywatch.text.escape import escaped, local_time
from buddywatch.text.forecast_words import current_forecasts, reboot_words
from buddywatch.text.map_words import rescue_words
from buddywatch.verdict.judge import board_state, page_bytes_of

EVENTS_BEFORE_S = 120.0  # kernel messages that belong to the state: an older failure met another one
NEAR_S = 10.0  # a state of memory that is farther from a failure says little about it
_EVENTS_MAX = 20
_NOT_KNOWN_S = 86_400.0  # a state that is older says little about now


@dataclass(frozen=True)
class Explained:
    """A moment of a board: its snapshot, and what that meant. rescues: whose end would have let a refused need succeed.
    reboot: the last safe reboot window, in words; "" for a moment of the past, or if nothing points to a refusal."""

    snapshot: Snapshot
    explanation: Explanation
    rescues: tuple[Rescue, ...] = ()
    reboot: str = ""

    def parts(self, full: bool = False) -> tuple[Part, ...]:
        """As report_parts() has them, without its hint to other options."""
        found = self.all_parts(full)
        return tuple(found if full else found[:-1])

    def all_parts(self, full: bool = False) -> list[Part]:
        """With what only the board's own data knows, behind the first lines."""
        found = report_parts(self.explanation, full)
        helps = [rescue_words(rescue) + "." for rescue in self.rescues]
        helps += [f"{self.reboot[0].upper()}{self.reboot[1:]}."] if self.reboot else []
        if not helps:
            return found
        at = next((at for at, part in enumerate(found) if isinstance(part, Heading)), len(found))
        return [*found[:at], Heading("On this board"), Bullets(tuple(helps)), *found[at:]]


def explanation(store: Store, config: Config, board: str, at: float | None) -> Explained | None:
    """The newest state before `at` (None: of all), with the kernel's failures shortly before it; None without any."""
    snapshot = newest_before(store, board, at)
    if snapshot is None:
        return None
    boot = next((boot for boot in store.boots(board) if boot.boot_id == snapshot.boot_id), None)
    facts = boot.facts if boot else {}
    named = config.name_of(board, facts)
    page_bytes = config.board(named).page_bytes or page_bytes_of(facts)
    since = snapshot.time - EVENTS_BEFORE_S
    events = [
        one for one in store.newest_events(board, _EVENTS_MAX, since, KERNEL_FAILURE_KINDS, at) if _is_of(one, boot)
    ]
    then = _state_of_failure(store, board, snapshot, events)
    needs = config.needs_of(named)
    found = explain_state(snapshot, facts, page_bytes, needs, events, then)
    state = board_state(snapshot, facts, needs, config.board(named).rule, page_bytes)
    ends = rescues_at(store, board, snapshot, state, needs, at)
    reboot = ""
    if at is None:
        forecasts = current_forecasts(store.forecasts(board), snapshot)
        reboot = reboot_words(config.windows_of(named), forecasts, snapshot.time, time.time())
    return Explained(snapshot, found, ends, reboot)


def lines(found: Explained, board: str, full: bool = False) -> list[str]:
    """The explanation as text, with the moment that it is about."""
    head = f"{escaped(board)} at {local_time(found.snapshot.time)}, as it was stored"
    return [head, "", *text_lines(found.parts(full))]


def newest_before(store: Store, board: str, at: float | None) -> Snapshot | None:
    """The board's newest snapshot before that time."""
    if at is None:
        return store.latest(board)
    found = None
    for span_s in (600.0, _NOT_KNOWN_S, at):
        for snapshot in store.snapshots(board, at - span_s, at):
            found = snapshot if found is None or snapshot.time >= found.time else found
        if found is not None:
            return found
    return None


def _state_of_failure(store: Store, board: str, newest: Snapshot, events: Sequence[Event]) -> Snapshot | None:
    """What was stored nearest to the last failure, which `newest` may say nothing about; None if that is `newest`."""
    if not events:
        return None
    failed = events[-1].time
    near = [one for one in store.snapshots(board, failed - NEAR_S, newest.time) if one.boot_id == newest.boot_id]
    found = min([newest, *near], key=lambda one: abs(one.time - failed))
    return None if found.time == newest.time or abs(found.time - failed) > NEAR_S else found


def _is_of(event: Event, boot: Boot | None) -> bool:
    return boot is not None and event.boot_id in ("", boot.boot_id)
