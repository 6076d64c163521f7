"""The collector: one loop that reads links, gives the items to the boards, and gives the boards' rows to the writer.

Nothing in it waits, and a turn touches only what is ready: links by epoll, timers by a heap. Other threads write to the
store, plan messages and send them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from buddywatch.collect.board import Board, Now
from buddywatch.collect.boards import Boards, origin
from buddywatch.collect.console_server import Control
from buddywatch.collect.holding import Holding
from buddywatch.collect.link_health import LinkHealths
from buddywatch.collect.link_table import LinkTable
from buddywatch.collect.orders import Orders
from buddywatch.collect.orphans import Orphans
from buddywatch.collect.presenter import Presenter
from buddywatch.collect.twin_news import split_words
from buddywatch.collect.twins import Twins
from buddywatch.collect.wall_clock import WallClock
from buddywatch.collect.writer import Writer
from buddywatch.links.connection import Connection
from buddywatch.links.guarded import GuardedLink
from buddywatch.links.listen import Listener
from buddywatch.model.batch import LinkChange, MovedBoot, StoredHealth
from buddywatch.protocol.console_text import kernel_message
from buddywatch.protocol.frame import Frame, Hello, together
from buddywatch.protocol.line_stream import Item, Text
from buddywatch.store.heard import boottime_s
from buddywatch.text.escape import rough_duration

TURN_S = 0.25  # the longest sleep of the loop
FLUSH_TURN_S = 0.01  # while a reader waits until everything is written
# A turn costs about as much as a snapshot, so with many links several snapshots must share a turn: with 100 links and
# more a turn begins every 50 ms, with two links every millisecond.
PAUSE_PER_LINK_S, PAUSE_MAX_S = 0.0005, 0.05
SAVE_S = 1.0  # one batch a second, for all boards together
END_S = 5.0  # how long the last batch may take


class Collector:
    """connections: one per link; for boards that dial in, admit(link, its board) makes more.

    control: the console server. turned: called about once a second while the loop turns. write_every_s: see Holding.
    """

    def __init__(
        self,
        boards: Boards,
        writer: Writer,
        connections: Iterable[Connection],
        presenter: Presenter,
        admit: Callable[[Listener, str | None], list[Connection]],
        control: Control,
        turned: Callable[[float], None] = lambda monotonic_s: None,
        write_every_s: float | None = None,
    ) -> None:
        self._boards = boards
        self._writer = writer
        self._links = LinkTable(connections)
        self._presenter = presenter
        self._admit = admit
        self._control = control
        self._turned = turned
        self._orphans = Orphans()
        self._wall_clock = WallClock(time.time(), boottime_s())
        self._twins: Twins[Connection] = Twins(boards.is_free)
        self._healths = LinkHealths()
        self._orders = Orders(control, boards, writer, self._links, self._save_all)
        self._stopping = False
        self._save_at_s = 0.0
        self._holding = Holding(write_every_s, time.monotonic())
        self._frames = 0  # that came since all rows were given to the writer
        self._store_error: str | None = None  # the last one reported

    def stop(self) -> None:
        """End after this turn. May be called by a signal handler."""
        self._stopping = True

    @property
    def connections(self) -> list[Connection]:
        return list(self._links)

    def run(self, seconds: float | None = None) -> None:
        """Collect until stopped, until the given time is over, or until every link has ended (recordings do)."""
        end_s = None if seconds is None else time.monotonic() + seconds
        while not self._stopping and not self._links.all_ended:
            now_s = time.monotonic()
            if end_s is not None and now_s >= end_s:
                break
            self._turn(TURN_S if end_s is None else min(TURN_S, end_s - now_s))
        self._finish()

    def _turn(self, timeout_s: float) -> None:
        for connection in self._links.due(time.monotonic()):
            self._guarded(self._tend, connection)
        self._links.watch(self._control.descriptors())
        ready = self._links.wait(FLUSH_TURN_S if self._orders.is_flushing else timeout_s, time.monotonic())
        for connection in ready:
            self._guarded(self._receive, connection)
        if ready and not self._stopping:
            time.sleep(min(PAUSE_MAX_S, PAUSE_PER_LINK_S * len(self._links)))
        at = _now()
        self._look_at_clock(at)
        for connection in self._control.serve(self._links, at.monotonic_s):
            self._links.sync(connection, at.monotonic_s)
        for name in self._boards.tick(at):
            self._ask(name, at)
        self._orders.serve(at)
        if at.monotonic_s >= self._save_at_s:
            self._save_at_s = at.monotonic_s + SAVE_S
            self._turned(at.monotonic_s)
            self._save(at)

    def _guarded(self, action: Callable[[Connection], None], connection: Connection) -> None:
        """Isolate errors of one link from the others: it is closed, reported, and opened again later."""
        try:
            action(connection)
        except Exception as error:
            at = _now()
            connection.fail(f"{type(error).__name__}: {error}{origin(error)}", at.monotonic_s)
            self._settle_link(connection, at)

    def _tend(self, connection: Connection) -> None:
        at = _now()
        connection.tend(at.monotonic_s)
        if connection.is_started and not connection.is_up:
            self._receive(connection)  # an unanswered connection can only fail while it is read
        elif connection.is_up and at.monotonic_s >= connection.link.wake_s:
            self._receive(connection)
        self._settle_link(connection, at)

    def _receive(self, connection: Connection) -> None:
        at = _now()
        items = connection.receive(at.monotonic_s)
        is_routine = connection.is_routine
        if not is_routine:
            self._serve_link(connection, at)
        asking = {self._sort(connection, run, at): None for run in together(items)}
        if not is_routine and isinstance(connection.link, GuardedLink) and not connection.is_started:
            self._orphans.drop(connection)  # after reconnecting, another board may be at the other end
        if not is_routine or connection.is_puzzling or connection.news:
            self._settle_link(connection, at)
        for name in asking:
            if name is not None:
                self._ask(name, at)

    def _serve_link(self, connection: Connection, at: Now) -> None:
        if connection.wants_write:
            connection.flush(at.monotonic_s)
        if isinstance(connection.link, Listener):
            for caller in self._admit(connection.link, connection.board):
                self._links.add(caller)

    def _settle_link(self, connection: Connection, at: Now) -> None:
        """Report news and update the tables after any use of a connection."""
        while connection.news:
            self._presenter.report(connection.news.pop(0))
        self._links.sync(connection, at.monotonic_s)
        if connection.ended and connection.board is not None and not connection.is_recording:
            self._boards.do(connection.board, lambda board: board.put_clock_right(at), at)
        if connection.ended and connection.is_call:
            self._links.remove(connection)
            self._orphans.drop(connection)
            self._twins.forget(connection)

    def _sort(self, connection: Connection, run: list[Item], at: Now) -> str | None:
        """Give items to their board, or keep them until the board is known. Returns its name if it is to be asked.

        run: one item, or several frames of one boot.
        """
        name = self._name(connection, run[-1], at)
        if name is None:
            for item in run:
                self._orphans.add(connection, item, at.time)
            return None
        if len(self._orphans):
            for orphan, arrived in self._orphans.take(connection):
                self._take(connection, name, [orphan], arrived, at)
        return name if self._take(connection, name, run, at.time, at) else None

    def _name(self, connection: Connection, item: Item, at: Now) -> str | None:
        """The stored name of the board that sent an item; None while it is not known."""
        called, name = connection.called, connection.board
        if called is None or name is None or isinstance(item, Text) or connection.recorded_time is not None:
            return name
        name = self._twins.name_of(
            called, connection, item.boot_id, lambda: self._boards.stored_name(called, item.boot_id, connection.url)
        )
        if isinstance(item, Frame):
            split = self._twins.heard(called, connection, item.boot_id, item.seq, at.monotonic_s)
            if split is not None:
                self._presenter.report(split_words(called, split))
                moved = MovedBoot(name, split.later_boot_id, split.later_link.url, split.name)
                self._boards.move_boot(moved, at, boottime_s())
                split.later_link.board = split.name
                self._settle_link(split.later_link, at)
                name = split.name if split.later_boot_id == item.boot_id else name
        connection.board = name
        return name

    def _take(self, connection: Connection, name: str, run: list[Item], arrival: float, at: Now) -> bool:
        """Give items to their board. Returns whether the board is to be asked for something."""
        recorded, first = connection.recorded_time, run[0]
        if self._boards.hear_again(name):
            self._links.report(connection)
        arrival = arrival if recorded is None else recorded.now
        if isinstance(first, Text):
            self._take_text(connection, name, first.text, arrival, at)
            return True
        if isinstance(first, Hello):
            self._control.heard_hello(connection)
        frames = [item for item in run if isinstance(item, Frame)] if isinstance(first, Frame) else []
        self._frames += len(frames)

        def take(board: Board) -> bool:
            if frames:
                values = board.take_frames(frames, arrival, recorded is None, at)
            else:
                values = board.take(first, arrival, recorded is None, at, connection.open_s(at.monotonic_s))
            connection.is_puzzling = board.tracker.wants_hello
            board.can_ask_again = connection.link.takes_requests or recorded is not None
            if recorded is not None:
                recorded.saw(values)
            return board.has_to_ask

        return bool(self._boards.do(name, take, at))

    def _take_text(self, connection: Connection, name: str, text: str, arrival: float, at: Now) -> None:
        # Unrequested text on a line is the board's log; answers over a network belong to a console session.
        is_answer = self._control.has_client(connection) and not connection.link.flows_unasked
        if not is_answer or kernel_message(text) is not None:
            self._boards.do(name, lambda board: board.take_console(text, arrival, at), at)
        self._control.forward(connection, text, at.monotonic_s)

    def _ask(self, name: str, at: Now) -> None:
        asked = self._boards.do(name, lambda board: board.ask(self._links.reaching(name), at), at)
        if asked is not None:
            self._settle_link(asked, at)

    def _save_all(self, at: Now) -> None:
        """Hold nothing back."""
        self._holding.want()
        self._save(at)

    def _save(self, at: Now) -> None:
        """Give the next batch to the writer, once it has written the one before."""
        for name, why in self._writer.refused():
            self._boards.refuse(name, why, at)
        is_due = self._holding.is_due(at.monotonic_s, self._frames, len(self._links), self._control.is_followed)
        self._boards.gather(boottime_s(), is_due or not self._writer.is_idle)
        if is_due:
            self._frames = 0
        if self._writer.is_idle:
            batch = self._boards.take_batch()
            batch.links = [
                LinkChange(board, url, is_up, at.time)
                for board, url, is_up in self._links.changes()
                if not self._boards.is_removed(board)
            ]
            batch.healths = self._healths.changed(self._links, bool(batch.links), at.monotonic_s)
            for health in batch.healths:
                self._take_health(health, at)
            batch.unheard = self._healths.unheard(self._links)
            batch.urls = self._links.urls() if batch.links else None
            self._writer.offer(batch)
        else:
            self._boards.drop_largest(at)
        self._report_store_error()
        self._presenter.show(self._writer.error)

    def _take_health(self, of: StoredHealth, at: Now) -> None:
        self._boards.do(of.board, lambda board: board.rules.take_health(of.url, of.health, at.time), at)

    def _look_at_clock(self, at: Now) -> None:
        step_s = self._wall_clock.step_s(at.time, boottime_s())
        if step_s is not None:
            way = "forwards" if step_s > 0 else "back"
            self._presenter.report(
                f"the clock of this machine was set {way} by {rough_duration(abs(step_s))}; "
                "the times of all data since the collector started are corrected"
            )
            self._boards.restart_clocks(step_s, at)

    def _report_store_error(self) -> None:
        error, before = self._writer.error, self._store_error
        if error == before:
            return
        self._store_error = error
        if error is None:
            self._presenter.report("the database can be written again; nothing was lost")
        else:
            self._presenter.report(f"{error} (until then new data stays in memory, or in the boards' rings)")

    def _finish(self) -> None:
        """Store the last rows; after a recording, also judge what waits, since nothing more will come."""
        at = _now()
        for connection in self._links:
            connection.close()
            self._links.sync(connection, at.monotonic_s)
        self._boards.close_ended(at)
        if all(connection.is_recording for connection in self._links):
            self._boards.settle(at)
        deadline_s = at.monotonic_s + END_S
        for _ in range(2):  # the batch being written, and the rows since
            if not self._writer.finish(max(0.0, deadline_s - time.monotonic())):
                break
            self._save_all(_now())
        else:
            self._writer.finish(max(0.0, deadline_s - time.monotonic()))
        self._report_store_error()
        self._links.close()


def _now() -> Now:
    return Now(time.time(), time.monotonic())
