"""The engine of `collect` in simulated time: the same rules, the same planning, the same words.

One database of its own holds what rules and messages read. Snapshots are kept there only as far as messages show them.
Time goes from one item to the next, and stops in between wherever a rule or the planning has something to do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.alerts.evaluate import BoardRules, Item
from buddywatch.config.sections import Config
from buddywatch.model.alerts import Message, Occasion, Route, RulesHistory, Transition
from buddywatch.model.batch import Batch, BoardRows
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.notify.gather import SNAPSHOTS_SHOWN, MessageMaker
from buddywatch.notify.yesterday import NEAR_S
from buddywatch.store.store import Store
from buddywatch.verdict.judge import board_state

PLAN_EVERY_S = 1.0  # while a change waits for its message, as in collect
PAUSE_GROWTH = 1.1
REMIND_EVERY_S = 60.0  # while an alert is open
ROWS_KEPT = 5_000  # snapshots of a board in memory
_CHANNEL = "mail"


@dataclass
class Change:
    """A change of a rule's state. sent: the message that reported it, None if none did."""

    transition: Transition
    noted: float
    sent: Sent | None = None


@dataclass(frozen=True)
class Sent:
    """A message, and when it would have been sent. Without changes it is a reminder."""

    time: float
    board: str
    message: Message
    changes: int


class Simulation:
    """changes and sent: so far, oldest first. unjudged: at the end, the boards without verdicts about their needs."""

    def __init__(self, store: Store, config: Config) -> None:
        """store: an empty one, which the simulation owns."""
        self.changes: list[Change] = []
        self.sent: list[Sent] = []
        self.unjudged: dict[str, BoardState] = {}
        self._store = store
        self._config = config
        self._maker = MessageMaker(store, config)
        self._dispatcher = Dispatcher(store, config, (Route(_CHANNEL),), self._make)
        self._ids = itertools.count(1)
        self._rules: dict[str, BoardRules] = {}
        self._waiting: dict[tuple[object, ...], Change] = {}  # changes without a message yet
        self._now = -math.inf
        self._rules_due = math.inf  # no rule has anything to do before
        self._plan_due = math.inf
        self._pause_s = PLAN_EVERY_S

    def take(self, board: str, items: Iterable[Item], time: float) -> None:
        """What a board sent at that time, seconds since 1970; time never falls."""
        if time >= self._rules_due or time >= self._plan_due:
            self._advance(time)
        elif time > self._now:
            self._now = time
        rules = self._rules.get(board)
        if rules is None:
            rules = self._rules[board] = BoardRules(
                board, self._config, RulesHistory({}), self._ids.__next__, time, time
            )
        rules.take(items, time, time)
        due = rules.due_s()
        self._rules_due = min(self._rules_due, due)
        if rules.rows.transitions or len(rules.rows.snapshots) > ROWS_KEPT:
            self._keep(board, rules)

    def finish(self) -> None:
        """No more data will come: judge what waits behind holes, and send what would still be sent."""
        for board, rules in self._rules.items():
            rules.settle(self._now)
            self._keep(board, rules)
        self._rules_due = math.inf  # the end of a recording is not silence
        end = self._now + self._config.alert.batch_s + 1
        while self._plan_due <= end:
            self._plan(self._plan_due)
        for board in self._rules:
            state = self._state(board)
            if state is not None and any(need.verdict is None for need in state.needs):
                self.unjudged[board] = state

    def _state(self, board: str) -> BoardState | None:
        boot, newest = self._store.latest_boot(board), self._store.latest(board)
        if boot is None or newest is None:
            return None
        named = self._config.name_of(board, boot.facts)
        settings, needs = self._config.board(named), self._config.needs_of(named)
        return board_state(newest, boot.facts, needs, settings.rule, settings.page_bytes)

    def _advance(self, time: float) -> None:
        """Let time pass, with all that happens on the way."""
        while min(self._rules_due, self._plan_due) <= time:
            if self._plan_due <= self._rules_due:
                self._plan(self._plan_due)
            else:
                self._tick(self._rules_due)
        self._now = max(self._now, time)

    def _tick(self, now: float) -> None:
        self._now = max(self._now, now)
        for board, rules in self._rules.items():
            if rules.due_s() <= now:
                rules.tick(now, now)
                if rules.rows.transitions:
                    self._keep(board, rules)
        self._rules_due = min((rules.due_s() for rules in self._rules.values()), default=math.inf)

    def _plan(self, now: float) -> None:
        self._now = max(self._now, now)
        made = self._dispatcher.run(now)
        # What was looked at in vain is looked at less often: it may wait for an hour.
        self._pause_s = PLAN_EVERY_S if made else min(REMIND_EVERY_S, self._pause_s * PAUSE_GROWTH)
        if self._store.boards_to_report():
            self._plan_due = now + self._pause_s
        else:
            self._plan_due = now + REMIND_EVERY_S if self._store.boards_with_open_incidents() else math.inf

    def _keep(self, board: str, rules: BoardRules) -> None:
        """Move a board's rows to the database; of its snapshots, those that a message shows."""
        rows = rules.take_rows()
        rows.snapshots = _shown(rows.snapshots)
        for noted in rows.transitions:
            change = Change(noted.transition, noted.noted)
            self.changes.append(change)
            if noted.needs_message:
                self._waiting[_key(noted.transition)] = change
        if any(noted.needs_message for noted in rows.transitions):
            self._pause_s = PLAN_EVERY_S
            self._plan_due = min(self._plan_due, self._now + max(PLAN_EVERY_S, self._config.alert.batch_s))
        batch = Batch()
        batch.boards[board] = _storable(rows)
        self._store.write(batch)

    def _make(self, occasions: Sequence[Occasion]) -> Message:
        for occasion in occasions:  # a reminder comes without a change: what it shows may not be stored yet
            self._keep(occasion.board, self._rules[occasion.board])
        message = self._maker.make(occasions)
        transitions = [transition for occasion in occasions for transition in occasion.transitions]
        boards = ", ".join(occasion.board for occasion in occasions)
        sent = Sent(occasions[0].time, boards, message, len(transitions))
        self.sent.append(sent)
        for transition in transitions:
            change = self._waiting.pop(_key(transition), None)
            if change is not None:
                change.sent = sent
        return message


def _shown(snapshots: list[Snapshot]) -> list[Snapshot]:
    """Those that a message may show: the newest, and one now and then for what changed since yesterday."""
    newest = snapshots[-SNAPSHOTS_SHOWN:]
    seldom = {shot.time // NEAR_S: shot for shot in snapshots[:-SNAPSHOTS_SHOWN]}
    return [*seldom.values(), *newest]


def _storable(rows: BoardRows) -> BoardRows:
    """Without the position of the rules, which is only for a collector that starts again."""
    return replace(rows, judged=None, passed={})


def _key(transition: Transition) -> tuple[object, ...]:
    t = transition
    return t.board, t.rule, t.need, t.from_, t.to, round(t.time * 1000), t.seq, t.incident_id, t.text
