"""What comes of one board over all its links, made ready to be stored: tracked, and kept until the store has it."""

from __future__ import annotations

from buddywatch.links.connection import Connection
from buddywatch.model.samples import Boot, ConsoleLine, Event, Gap, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.console_text import kernel_message
from buddywatch.protocol.frame import Frame, GapReport, Hello
from buddywatch.protocol.refetch import Requests, request_line

PENDING_MAX = 20_000  # items that wait for a store which takes nothing: about a day at 5 s
CONSOLE_MAX = 2_000

Item = Boot | Snapshot | Event | Gap


class Intake:
    """One per board. pending and console are what the store has not taken yet, in the order it must take it."""

    def __init__(self, board: str, tracker: BoardTracker) -> None:
        self.board = board
        self.tracker = tracker
        self.pending: list[Item] = []
        self.console: list[ConsoleLine] = []
        self._requests: Requests[Connection] = Requests(Connection.count_reasked)
        self._told: str | None = None  # the tracker's problem that was news

    @property
    def is_overfull(self) -> bool:
        """Whether more waits than is good. What is given up now, the board is asked for again."""
        return len(self.pending) > PENDING_MAX

    def take(self, item: Hello | Frame | GapReport, arrival: float, live: bool) -> list[Item]:
        """What follows from it, which also waits for the store from now on."""
        values = self.tracker.take(item, arrival, live)
        self.pending += values
        return values

    def news(self) -> str | None:
        """Why the board's hello cannot be used, once."""
        problem = self.tracker.problem
        if problem == self._told:
            return None
        self._told = problem
        return problem and f"{self.board}: {problem}"

    def take_console(self, text: str, arrival: float) -> None:
        """A line that is no frame. A kernel failure in it counts, even if the board's agent cannot read the log."""
        if len(self.console) < CONSOLE_MAX:
            self.console.append(ConsoleLine(arrival, text))
        message = kernel_message(text)
        boot = self.tracker.boot
        if message is not None and boot is not None:
            found, stamp_cs, line = message
            uptime_ms = None if stamp_cs is None else stamp_cs * 10
            time = arrival if uptime_ms is None else min(arrival, boot.started + uptime_ms / 1000)
            self.pending.append(Event(boot.boot_id, None, time, uptime_ms, *found, line))

    def ask(self, connections: list[Connection], monotonic_s: float) -> None:
        """Ask for what is missing, over one of the connections that reach the board; the best come first."""
        boot = self.tracker.boot
        able = [c for c in connections if c.can_ask and boot is not None and c.boot_id == boot.boot_id]
        asked = self._requests.poll(self.tracker, able, monotonic_s)
        if asked is not None:
            connection, request = asked
            connection.expect(request.first)
            connection.say(request_line(request), monotonic_s)

    def taken(self) -> None:
        """The store has it all."""
        self.pending.clear()
        self.console.clear()
