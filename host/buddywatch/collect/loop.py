"""The collector: one loop that reads links, keeps what comes, asks for what is missing and lets the rules judge.

Nothing in it waits: links are non-blocking, mail is sent by a thread of its own. What the store does not take (a full
disk) stays in memory and is offered again; past a bound it is let go and asked of the boards anew.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.alerts.evaluate import Alerting
from buddywatch.collect.board import Intake
from buddywatch.collect.console_server import Control
from buddywatch.collect.link_health import LinkHealths
from buddywatch.links.connection import Connection
from buddywatch.links.guarded import GuardedLink
from buddywatch.links.listen import Listener
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.console_text import kernel_message
from buddywatch.protocol.frame import Hello
from buddywatch.protocol.line_stream import Item, Text
from buddywatch.store.store import Store, StoreError

TURN_S = 0.25  # how long the loop sleeps at most; also how long what came waits for its transaction
TICK_S = 1.0  # rules that look at the clock, messages, the screen
STORE_RETRY_S = 2.0
ORPHANS_MAX = 1024  # items of a link whose board has not told its name yet: frames, and a boot's worth of messages


class Presenter(Protocol):
    """What a person sees: lines of news, and now and then the state as it is stored, or why it cannot be."""

    def tell(self, line: str) -> None: ...

    def show(self, store: Store, problem: str | None) -> None: ...


class Collector:
    """connections: one per link; links that listen bring more, which admit(link, its board) makes.

    control: the door for people. wake_outbox: called when there are new messages.
    """

    def __init__(
        self,
        store: Store,
        alerting: Alerting,
        dispatcher: Dispatcher,
        connections: Iterable[Connection],
        presenter: Presenter,
        admit: Callable[[Listener, str | None], list[Connection]],
        control: Control,
        wake_outbox: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.connections = list(connections)
        self.store_error: str | None = None  # why the store took nothing the last time
        self._alerting = alerting
        self._dispatcher = dispatcher
        self._presenter = presenter
        self._admit = admit
        self._control = control
        self._wake_outbox = wake_outbox
        self._intakes: dict[str, Intake] = {}
        self._orphans: dict[Connection, list[tuple[Item, float]]] = {}  # with arrival; their board is not known yet
        self._links_up: set[tuple[str, str]] = set()  # (board, url), as the store has it
        self._link_healths = LinkHealths()
        self._stopping = False
        self._tick_at_s = 0.0
        self._save_at_s = 0.0

    def stop(self) -> None:
        """End after this turn. May be called by a signal handler."""
        self._stopping = True

    def run(self, seconds: float | None = None) -> None:
        """Collect until stopped, for so long at most, or until every link has ended (recordings do)."""
        end_s = None if seconds is None else time.monotonic() + seconds
        self.store.links_down(time.time())
        while not self._stopping and not all(connection.ended for connection in self.connections):
            now_s = time.monotonic()
            if end_s is not None and now_s >= end_s:
                break
            self._turn(TURN_S if end_s is None else min(TURN_S, end_s - now_s))
        self._finish()

    def _turn(self, timeout_s: float) -> None:
        monotonic_s = time.monotonic()
        for connection in self.connections:
            connection.tend(monotonic_s)
        for connection in self._wait(timeout_s):
            self._receive(connection, time.monotonic())
        monotonic_s = time.monotonic()
        self._control.serve(self.connections, monotonic_s)
        if monotonic_s >= self._save_at_s:
            self._save(monotonic_s)
        for intake in self._intakes.values():
            if not intake.is_overfull:
                intake.ask(self._connections_of(intake.board), monotonic_s)
        if monotonic_s >= self._tick_at_s:
            self._tick_at_s = monotonic_s + TICK_S
            self._tick(monotonic_s)
        self._tell_news()

    def _tell_news(self) -> None:
        for connection in self.connections:
            while connection.news:
                self._presenter.tell(connection.news.pop(0))
        for intake in self._intakes.values():
            news = intake.news()
            if news:
                self._presenter.tell(news)

    def _wait(self, timeout_s: float) -> list[Connection]:
        """The connections that have something, or room for what waits."""
        poller, watched = select.poll(), dict[int, Connection]()
        always: list[Connection] = []
        for door in self._control.descriptors():
            poller.register(door, select.POLLIN)
        for connection in self.connections:
            descriptor = connection.link.fileno() if connection.is_started else None
            if descriptor is not None:
                watched[descriptor] = connection
                poller.register(descriptor, select.POLLIN | (select.POLLOUT if connection.wants_write else 0))
            elif connection.is_started:
                always.append(connection)  # a file
        ready = poller.poll(0 if always else timeout_s * 1000)
        # Whether one that is not up yet fails, only reading tells.
        waiting = [connection for connection in watched.values() if not connection.is_up]
        served = (watched[descriptor] for descriptor, _ in ready if descriptor in watched)
        return list({*served, *always, *waiting})

    def _receive(self, connection: Connection, monotonic_s: float) -> None:
        arrival, items = time.time(), connection.receive(monotonic_s)
        if isinstance(connection.link, Listener):
            self.connections += self._admit(connection.link, connection.board)
        for item in items:
            orphans = self._orphans.setdefault(connection, [])
            orphans.append((item, arrival))  # the line of the hello that tells whose it is may be late
            if connection.board is None:
                del orphans[:-ORPHANS_MAX]
                continue
            del self._orphans[connection]
            for orphan, arrived in orphans:
                self._take(connection, connection.board, orphan, arrived, monotonic_s)
        if isinstance(connection.link, GuardedLink) and not connection.is_started:
            self._orphans.pop(connection, None)  # at the other end of the next one may be somebody else

    def _take(self, connection: Connection, board: str, item: Item, arrival: float, monotonic_s: float) -> None:
        intake, recorded = self._intake(board), connection.recorded_time
        if recorded is not None:
            arrival = recorded.now
        if isinstance(item, Text):
            # What a line says by itself is the board's log; what a person is answered over a network is not.
            is_answer = self._control.has_client(connection) and not connection.link.flows_unasked
            if not is_answer or kernel_message(item.text) is not None:
                intake.take_console(item.text, arrival)
            self._control.tell(connection, item.text, monotonic_s)
            return
        if isinstance(item, Hello):
            self._control.heard_hello(connection)
        values = intake.take(item, arrival, recorded is None)
        connection.is_puzzling = intake.tracker.wants_hello
        if recorded is not None:
            recorded.saw(values)

    def _intake(self, board: str) -> Intake:
        if board not in self._intakes:
            self._intakes[board] = Intake(board, self._resumed(board))
        return self._intakes[board]

    def _resumed(self, board: str) -> BoardTracker:
        state = self.store.resume(board)
        return BoardTracker() if state is None else BoardTracker.resume(state)

    def _connections_of(self, board: str) -> list[Connection]:
        """Those that reach the board, quick ones first."""
        found = [connection for connection in self.connections if connection.is_up and connection.board == board]
        return sorted(found, key=lambda connection: connection.url.startswith("serial:"))

    def _save(self, monotonic_s: float) -> None:
        """Offer the store what it has not taken yet."""
        now = time.time()
        try:
            for intake in self._intakes.values():
                if intake.pending or intake.console:
                    with self.store.batch():
                        self._alerting.feed(intake.board, intake.pending, now, monotonic_s)
                        for line in intake.console:
                            self.store.add_console(intake.board, line)
                    intake.taken()
            self._save_links(now)
            self._link_healths.save(self.store, self.connections, monotonic_s)
        except StoreError as error:
            self._save_at_s = monotonic_s + STORE_RETRY_S
            self._complain(str(error))
            self._let_go()
        else:
            self._save_at_s = monotonic_s + TURN_S
            if self.store_error is not None:
                self.store_error = None
                self._presenter.tell(f"{self.store.path}: takes data again; nothing was lost")

    def _complain(self, error: str) -> None:
        if error != self.store_error:
            self.store_error = error
            self._presenter.tell(f"{error} (what comes is kept in memory, or in the boards' rings, until then)")

    def _let_go(self) -> None:
        """Forget what has waited for too long: the tracker goes back to what is stored, and asks for the rest again."""
        for board, intake in list(self._intakes.items()):
            if intake.is_overfull:
                self._intakes[board] = Intake(board, self._resumed(board))

    def _save_links(self, now: float) -> None:
        up = {(c.board, c.url) for c in self.connections if c.is_up and c.board is not None}
        if up == self._links_up:
            return
        with self.store.batch():
            for board, url in up ^ self._links_up:
                self.store.link_state(board, url, (board, url) in up, now)
            for board in {board for board, _ in up}:
                self.store.forget_links(board, [connection.url for connection in self.connections])
        self._links_up = up

    def _tick(self, monotonic_s: float) -> None:
        now = time.time()
        try:
            self._alerting.tick(now, monotonic_s)
            if self._dispatcher.run(now):
                self._wake_outbox()
            self._presenter.show(self.store, self.store_error)
        except StoreError as error:
            self._complain(str(error))
        gone = [connection for connection in self.connections if connection.ended and connection.is_call]
        for connection in gone:
            self.connections.remove(connection)
            self._orphans.pop(connection, None)

    def _settle(self) -> None:
        try:
            self._alerting.settle(time.time())
        except StoreError as error:
            self._complain(str(error))

    def _finish(self) -> None:
        for connection in self.connections:
            connection.close()
        self._save(time.monotonic())
        if all(connection.is_recording for connection in self.connections):
            self._settle()  # nothing more will come: what waits behind a hole is judged as it is
        self._tick(time.monotonic())
