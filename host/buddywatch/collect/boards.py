"""All boards that the collector holds in memory. They are isolated: an error in one does not stop the others.

A board is read from the store when it is heard for the first time; after that the store is only written to. A board
that raises an exception is set aside, reported once, and read from the store again a minute later.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Set
from pathlib import Path
from typing import TypeVar

from buddywatch.alerts.evaluate import BoardRules
from buddywatch.alerts.past_margins import with_past_margins
from buddywatch.collect.alert_news import alert_news, begins
from buddywatch.collect.board import Board, Now
from buddywatch.collect.timers import Timers
from buddywatch.config.sections import Config
from buddywatch.model.alerts import OK, Transition, without_covered
from buddywatch.model.batch import Batch, MovedBoot, Removal
from buddywatch.model.samples import ResumeState
from buddywatch.protocol.board_names import board_name, other_names
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import local_day_time

ASIDE_S = 60.0  # how long a board that raised an exception is set aside
REOPEN_S = 1.0  # between checks whether the rows of a board are stored, so that it can be read again
UNLINKED = "no link leads to this board any more"
ROWS_MAX = 200_000  # rows of all boards together that wait for the store: about 100 MB

Result = TypeVar("Result")


class Boards:
    """pending: rows that wait for the store.

    store: only read. report: called with a line of news. is_writing(board): True while rows of the board are on their
    way to the store, so that the stored ones are incomplete.
    """

    def __init__(
        self,
        store: Store,
        config: Config,
        report: Callable[[str], None],
        is_writing: Callable[[str], bool],
    ) -> None:
        self.pending = Batch()
        self._store = store
        self._config = config
        self._report = report
        self._is_writing = is_writing
        self._incident_ids = itertools.count(store.next_incident_id())
        self._boards: dict[str, Board] = {}
        self._aside_until_s: dict[str, float] = {}
        self._complaints: dict[str, str] = {}  # board -> last report of why it was set aside
        self._touched: set[str] = set()  # boards that have rows
        self._urgent: set[str] = set()  # those of them whose rows cannot wait
        self._announced: set[int] = set()  # open incidents that the user knows of from this collector
        self._timers: Timers[str] = Timers()
        self._removed: set[str] = set()  # boards that a user removed, until they are heard again

    def is_free(self, name: str, called: str) -> bool:
        """True if a board that reports the name `called` may be stored as `name`: no other board has that name."""
        if any(board.name == name for board in self._config.boards):
            return False
        opened = self._boards.get(name)
        try:
            boot = self._store.latest_boot(name) if opened is None else opened.tracker.boot
        except StoreError:
            return False
        return boot is None or board_name(boot.facts) == called

    def stored_name(self, called: str, boot_id: str, url: str) -> str:
        """The name under which a board that reports `called` was stored, found by its boot or else by its link."""
        try:
            others = itertools.takewhile(self._store.latest_boot, other_names(called))
            names = [name for name in others if self.is_free(name, called)]
            for name in (*names, called):
                if self._store.has_boot(name, boot_id):
                    return name
            return next((name for name in names if url in {link.url for link in self._store.links(name)}), called)
        except StoreError:
            return called  # the board itself cannot be read either, which is reported

    def move_boot(self, moved: MovedBoot, at: Now, boottime_s: float) -> None:
        """A boot belongs to another board. Both boards are read again after the store has moved the boot."""
        self.gather(boottime_s)
        self.pending.moves.append(moved)
        for name in (moved.board, moved.to):
            self.pending.of(name)
            self._boards.pop(name, None)
            self._timers.set(name, at.monotonic_s + REOPEN_S)

    def remove(self, removal: Removal) -> None:
        """Have a board's rows removed with the next batch. The board comes back when it is heard again."""
        self.pending.removals.append(removal)
        if removal.before is None:
            self._close(removal.board)
            self._aside_until_s.pop(removal.board, None)
            self._removed.add(removal.board)

    def removed(self) -> None:
        """The writer has removed rows."""
        self._store.read_anew()

    def is_removed(self, name: str) -> bool:
        """True for a board that a user removed, and that was not heard since."""
        return name in self._removed

    def hear_again(self, name: str) -> bool:
        """A board is heard. True if it was removed before, and comes back now."""
        if name not in self._removed or self._is_on_its_way(name):
            return False
        self._removed.discard(name)
        return True

    def _is_on_its_way(self, name: str) -> bool:
        """True while the store does not show yet what was decided about the board's rows."""
        return self._is_writing(name) or self.pending.holds(name)

    def open_expected(self, names: Iterable[str], at: Now) -> None:
        """Open boards that must be reported if they stay silent."""
        for name in names:
            self.do(name, lambda board: None, at)

    def close_unlinked(self, urls: Set[str], at: Now) -> None:
        """Close the alerts of boards to which no link leads any more, as nothing would end them. urls: of all links."""
        named = {board.name for board in self._config.boards}
        for name in self._store.boards_with_open_incidents():
            before = {link.url for link in self._store.links(name)}
            if name in named or not before or before & urls:
                continue
            self.do(name, lambda board: board.rules.give_up(UNLINKED, at.time), at)
            self._report(f"{name}: its alerts are closed: {UNLINKED}")

    def do(self, name: str, action: Callable[[Board], Result], at: Now) -> Result | None:
        """Call action(board). None if the board is set aside, or if the action failed."""
        try:
            board = self._boards.get(name) or self._open(name, at)
            if board is None:
                return None
            result = action(board)
            self._touched.add(name)
            if not board.can_wait:
                self._urgent.add(name)
            if not (board.is_routine and name in self._timers):
                self._timers.set(name, board.due_s())
            return result
        except StoreError as error:
            self._set_aside(name, str(error), at)
        except Exception as error:  # an error in one board must not stop the others
            self._set_aside(name, f"{type(error).__name__}: {error}{origin(error)}", at)
        return None

    def tick(self, at: Now) -> list[str]:
        """Run what is due by time. Returns the boards that may have requests."""
        due = list(self._timers.due(at.monotonic_s))
        for name in due:
            self.do(name, lambda board: board.rules.tick(at.time, at.monotonic_s), at)
            if name not in self._boards:
                self._timers.set(name, max(self._aside_until_s.get(name, 0.0), at.monotonic_s + REOPEN_S))
        return due

    def settle(self, at: Now) -> None:
        """No more data will come: judge what waits behind holes."""
        for name in list(self._boards):
            self.do(name, lambda board: board.rules.settle(at.time), at)

    def close_ended(self, at: Now) -> None:
        """The collector ends: give up the missing frames of ended boots."""
        for name in list(self._boards):
            self.do(name, lambda board: board.close_ended(at), at)

    def restart_clocks(self, step_s: float, at: Now) -> None:
        """This machine's clock was set by step_s: correct the boards' times."""
        for name in list(self._boards):
            self.do(name, lambda board: board.restart_clock(step_s), at)

    def gather(self, boottime_s: float, all_rows: bool = True) -> None:
        """Move the boards' rows into `pending`, and report the news among them. all_rows: those that can wait, too."""
        for name in self._touched if all_rows else self._urgent:
            board = self._boards.get(name)
            if board is None:
                continue
            rows = board.take_rows(boottime_s)
            if rows.judged is not None or len(rows):
                self._report_changes([noted.transition for noted in rows.transitions], board.rules)
                self.pending.add(name, rows)
            news = board.news()
            if news:
                self._report(news)
        self._touched = set() if all_rows else self._touched - self._urgent
        self._urgent = set()

    def take_batch(self) -> Batch:
        """Take all rows that wait for the store."""
        batch, self.pending = self.pending, Batch()
        return batch

    def drop_largest(self, at: Now) -> None:
        """If too many rows wait, drop the board with the most. It is read from the store and asked for them again."""
        while len(self.pending) > ROWS_MAX:
            name = max(self.pending.boards, key=lambda board: len(self.pending.boards[board]))
            count = len(self.pending.boards[name])
            self._forget(name, at.monotonic_s + ASIDE_S)
            self._report(
                f"{name}: {count} rows waited for the database too long and were dropped; the board is asked again"
            )

    def refuse(self, name: str, why: str, at: Now) -> None:
        """The store refused this board's rows for good: set the board aside."""
        self._set_aside(name, why, at)

    def _open(self, name: str, at: Now) -> Board | None:
        """Read the board from the store. None while it is set aside, or while some of its rows are not stored yet."""
        if at.monotonic_s < self._aside_until_s.get(name, 0.0) or name in self._removed or self._is_on_its_way(name):
            return None
        state = self._store.resume(name)
        tracker = self._tracker(name, state)
        history = with_past_margins(self._store, self._config, name, self._store.rules_history(name))
        new_id = self._incident_ids.__next__
        rules = BoardRules(name, self._config, history, new_id, at.time, at.monotonic_s)
        board = Board(name, tracker, rules, history.endings, at)
        self._report_open(name)
        self._boards[name] = board
        self._aside_until_s.pop(name, None)
        return board

    def _tracker(self, name: str, state: ResumeState | None) -> BoardTracker:
        try:
            return BoardTracker() if state is None else BoardTracker.resume(state)
        except ValueError as error:
            self._report(
                f"{name}: its stored boot cannot be continued ({error}); all frames that the board holds are requested"
            )
            return BoardTracker()

    def _set_aside(self, name: str, why: str, at: Now) -> None:
        self._forget(name, at.monotonic_s + ASIDE_S)
        if self._complaints.get(name) != why:
            self._complaints[name] = why
            again = f"it is tried again every {ASIDE_S:.0f} s, the other boards go on"
            self._report(f"{name}: cannot be followed: {why}; {again}")

    def _forget(self, name: str, until_s: float) -> None:
        self._close(name)
        self._timers.set(name, until_s)
        self._aside_until_s[name] = until_s

    def _close(self, name: str) -> None:
        """Drop all that is in memory of a board."""
        self._boards.pop(name, None)
        self.pending.drop(name)
        self._touched.discard(name)
        self._urgent.discard(name)
        self._timers.set(name, math.inf)

    def _report_open(self, name: str) -> None:
        """Report alerts that were open before this collector started: once, however often the board is read again."""
        for incident in without_covered(self._store.incidents(name, open_only=True)):
            if incident.id not in self._announced:
                self._announced.add(incident.id)
                since = local_day_time(incident.opened)
                self._report(f"{name}: still open since {since}: {incident.severity}, {incident.rule}: {incident.text}")

    def _report_changes(self, changes: list[Transition], rules: BoardRules) -> None:
        for line in alert_news(changes, rules.phase):
            self._report(line)
        for change in changes:
            if change.incident_id is not None and begins(change):
                self._announced.add(change.incident_id)
            elif change.incident_id is not None and change.to == OK:
                self._announced.discard(change.incident_id)


def origin(error: Exception) -> str:
    """The place in our code where the error was raised, as the end of a line of news."""
    import traceback  # reads source text: most runs need it never

    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
