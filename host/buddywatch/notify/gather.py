"""Reads all facts for one message from the store, and makes the message."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace

from buddyd import watermark

from buddywatch.config.sections import Config, Need
from buddywatch.model.alerts import KERNEL_FAILURE, LOST, SENDING, WAITING, Message, Occasion, without_covered
from buddywatch.model.message_facts import Course, MessageFacts
from buddywatch.model.samples import KERNEL_FAILURE_KINDS, LOSSES, Event, Gap, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.notify.digest import DAY_S, BoardDay, compose_digest
from buddywatch.notify.message import compose
from buddywatch.notify.message_id import new_message_id
from buddywatch.notify.together import compose_together
from buddywatch.notify.yesterday import since_yesterday
from buddywatch.store.memory_maps import rescues_now
from buddywatch.store.store import Store
from buddywatch.text.forecast_words import current_forecasts, reboot_words
from buddywatch.text.silence_words import link_verdict, ring_verdict
from buddywatch.verdict.judge import board_state
from buddywatch.verdict.margin_course import course_of

SNAPSHOTS_SHOWN = 5
KERNEL_LINES_SHOWN = 5
UNDELIVERED_S = 600.0  # a message that waits for so long is worth a line in the digest
REFERENCES_OF_MANY = 10  # earlier messages that one about many boards is a reply to
_KERNEL_KINDS = (*KERNEL_FAILURE_KINDS, "load")
_KERNEL_LINES_BEFORE_S = 60  # the kernel says why just before something fires


class MessageMaker:
    """in_words: turns the facts into subject, text and payload."""

    def __init__(self, store: Store, config: Config, in_words: Callable[[MessageFacts], Message] = compose) -> None:
        self._store = store
        self._config = config
        self._in_words = in_words

    def make(self, occasions: Sequence[Occasion]) -> Message:
        """The message about these boards, ready to be sent."""
        facts = [self._facts(occasion) for occasion in occasions]
        message = self._in_words(facts[0]) if len(facts) == 1 else compose_together(facts)
        references = [one for occasion in occasions for one in occasion.references[-1:]]
        references = list(occasions[0].references) if len(occasions) == 1 else references[-REFERENCES_OF_MANY:]
        return replace(
            message, message_id=new_message_id(self._config.mail), references=tuple(dict.fromkeys(references))
        )

    def _facts(self, occasion: Occasion) -> MessageFacts:
        board = occasion.board
        boot = self._store.latest_boot(board)
        recent = self._store.recent(board, SNAPSHOTS_SHOWN)
        facts = boot.facts if boot else {}
        named = self._config.name_of(board, facts)
        settings, needs = self._config.board(named), self._config.needs_of(named)
        state = None
        if recent:
            state = board_state(recent[-1], facts, needs, settings.rule, settings.page_bytes)
        forecasts = current_forecasts(self._store.forecasts(board), recent[-1] if recent else None)
        at = recent[-1].time if recent else occasion.time
        return MessageFacts(
            board=board,
            time=occasion.time,
            transitions=occasion.transitions,
            incidents=occasion.incidents,
            state=state,
            recent=tuple(recent),
            facts=facts,
            kernel_lines=self._kernel_lines(occasion),
            gaps=self._gaps(occasion),
            silence_commands=tuple(
                dict.fromkeys(_silence_command(board, one.need or one.rule) for one in occasion.incidents)
            ),
            own_advice={rule.name: rule.do for rule in self._config.rules_of(named) if rule.do},
            programs=tuple(need.name for need in needs if need.is_program),
            forecasts=forecasts,
            reboot=reboot_words(self._config.windows_of(named), forecasts, at, occasion.time),
            repeats=occasion.repeats,
            links=tuple(link.url for link in self._store.links(board)),
            courses=self._courses(board, boot.boot_id if boot else ""),
            held_since=occasion.held_since,
            yesterday=since_yesterday(self._store, board, recent[-1], state, settings, facts)
            if recent and state
            else (),
            link=link_verdict(self._store.links(board), occasion.time),
            ring=ring_verdict(facts, max(0.0, occasion.time - recent[-1].time)) if recent else "",
            rescues=rescues_now(self._store, board, recent[-1], state, needs) if recent and state else (),
            lower_reserves=_lower_reserves(recent[-1], state, facts, needs) if recent and state else (),
        )

    def digest(self, now: float) -> Message:
        """The digest of the last day, ready to be sent."""
        days = [self._day(board, now) for board in self._store.boards()]
        undelivered = [row for row in self._store.messages((WAITING, SENDING)) if row.created < now - UNDELIVERED_S]
        return replace(compose_digest(days, undelivered, now), message_id=new_message_id(self._config.mail))

    def _day(self, board: str, now: float) -> BoardDay:
        boot, newest = self._store.latest_boot(board), self._store.latest(board)
        facts = boot.facts if boot else {}
        named = self._config.name_of(board, facts)
        settings, needs = self._config.board(named), self._config.needs_of(named)
        incidents = without_covered(self._store.incidents_since(board, now - DAY_S))  # a refused need is one line
        gaps = [gap for gap in self._store.gaps(board) if gap.time > now - DAY_S and gap.reason in LOSSES]
        return BoardDay(
            board,
            board_state(newest, facts, needs, settings.rule, settings.page_bytes) if newest else None,
            current_forecasts(self._store.forecasts(board), newest),
            tuple(incidents),
            sum(gap.last - gap.first + 1 for gap in gaps),
            tuple(link.url for link in self._store.links(board) if not link.up),
            None if newest is None else max(0.0, now - newest.time),
        )

    def _courses(self, board: str, boot_id: str) -> tuple[Course, ...]:
        records = [record for record in self._store.margins(board) if record.boot_id == boot_id]
        return tuple(course for course in map(course_of, records) if course is not None)

    def _kernel_lines(self, occasion: Occasion) -> tuple[Event, ...]:
        """The kernel's lines of the transitions, and its newest since shortly before the oldest incident."""
        board, opened = occasion.board, min((incident.opened for incident in occasion.incidents), default=0.0)
        since = opened - _KERNEL_LINES_BEFORE_S
        lines = self._store.newest_events(board, KERNEL_LINES_SHOWN, since, _KERNEL_KINDS)
        for change in occasion.transitions:
            if change.rule == KERNEL_FAILURE:
                same_time = self._store.events(board, change.time, change.time + 0.001)  # times are whole milliseconds
                lines += [e for e in same_time if e.boot_id == change.boot_id and e.kind in _KERNEL_KINDS]
        return tuple(sorted(dict.fromkeys(lines), key=lambda event: (event.time, event.seq or 0)))

    def _gaps(self, occasion: Occasion) -> tuple[Gap, ...]:
        lost = [change for change in occasion.transitions if change.rule == LOST]
        found = [self._store.gap(occasion.board, change.boot_id or "", change.seq or 0) for change in lost]
        return tuple(gap for gap in found if gap is not None)


def _lower_reserves(
    snapshot: Snapshot, state: BoardState, facts: dict[str, str], needs: Sequence[Need]
) -> tuple[str, ...]:
    """What explains failures is loaded only while a need is refused."""
    refused = {need.name for need in state.needs if need.verdict == watermark.REFUSED}
    if not refused:
        return ()
    from buddywatch.explain.board_state import lower_reserves

    of_refused = [need for need in needs if need.name in refused]
    return tuple(remedy.text for remedy in lower_reserves(snapshot, facts, state.page_bytes, of_refused))


def _silence_command(board: str, about: str) -> str:
    """about: a need, all of whose alerts are meant, or a rule."""
    return f"buddywatch silence {shlex.quote(board)} {about} --for 2h"
