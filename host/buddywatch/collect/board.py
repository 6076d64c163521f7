"""One board in memory: its tracker, its rules, and rows that are not stored yet."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from buddyd import wire_host

from buddywatch.alerts.evaluate import BoardRules, Item
from buddywatch.alerts.signals import interval_s
from buddywatch.collect.endings import Endings
from buddywatch.links.connection import Connection
from buddywatch.model.alerts import FIRING, REFUSED, Transition
from buddywatch.model.batch import BoardRows
from buddywatch.model.samples import BootEnd, ConsoleLine, Event, Retime, Snapshot, milliseconds
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.boots import wire_id
from buddywatch.protocol.console_text import kernel_message
from buddywatch.protocol.frame import Frame, GapReport, Hello
from buddywatch.protocol.layout import WireSnapshot
from buddywatch.protocol.refetch import Requests, request_line
from buddywatch.protocol.segment import SegmentWriter

CONSOLE_MAX = 2_000  # lines that wait for the store


class Now(NamedTuple):
    """One moment by both clocks. time: seconds since 1970. monotonic_s: a clock that cannot be set."""

    time: float
    monotonic_s: float


class Board:
    """name: the board's. Items are judged at once; their rows wait until take_rows()."""

    def __init__(
        self, name: str, tracker: BoardTracker, rules: BoardRules, endings: Iterable[BootEnd], at: Now
    ) -> None:
        """endings: the board's boots that were ENDING when an earlier collector stopped."""
        self.name = name
        self.tracker = tracker
        self.rules = rules
        self._endings = Endings(endings, at.time, at.monotonic_s)
        self._requests: Requests[Connection] = Requests(Connection.count_reasked)
        self._console: list[ConsoleLine] = []
        self._retimes: list[Retime] = []
        self._segments: dict[str, SegmentWriter] = {}  # snapshots that are not stored yet, by boot id
        self.can_ask_again = True  # the link takes requests
        self.is_routine = False  # frames came last, and left nothing to do: due_s() is not earlier than before
        self._has_ring = True  # the board still holds what it has sent
        self._newest = ("", 0)  # boot and frame number of the newest snapshot
        self._is_heard = False  # heard since the rows were taken
        self._boot_id = "" if tracker.boot is None else tracker.boot.boot_id  # the present one for the rules
        self._reported: str | None = None  # the tracker's problem that was reported last
        self._wants_map = False  # a need turned refused: ask which program holds which memory now

    def take(
        self, item: Hello | Frame | GapReport, arrival: float, live: bool, at: Now, open_s: float = math.inf
    ) -> list[Item]:
        """Process an item: returns what follows from it; the rows wait for the store. arrival: when it was made, if not
        live. open_s: how long its link has been open.
        """
        self.is_routine = False
        if isinstance(item, Hello) and "ring" in item.facts:
            self._has_ring = item.facts["ring"] != "0"
        return self._took(self.tracker.take(item, arrival, live, arrival - open_s), live, at)

    def take_frames(self, frames: list[Frame], arrival: float, live: bool, at: Now) -> list[Item]:
        """The same for frames of one boot that arrived together."""
        values = self._took(self.tracker.take_together(frames, arrival, live), live, at)
        self.is_routine = not (self.has_to_ask or self.rules.is_waiting)
        return values

    def _took(self, values: list[Item], live: bool, at: Now) -> list[Item]:
        if self.tracker.is_clock_ahead:
            self.restart_clock(0.0)
        boot = self.tracker.boot
        if live and boot is not None:
            self._hear(boot.boot_id, values)
        if boot is not None and boot.boot_id != self._boot_id:
            self._boot_id = boot.boot_id
            self.rules.go_on(boot)
        self._keep(values, at)
        return values

    def close_ended(self, at: Now) -> None:
        """The collector ends: close the boots that are ENDING, since no link will bring more of them."""
        self._close(self._endings, at)
        self.rules.end()

    def _close(self, boot_ids: Iterable[str], at: Now) -> None:
        for boot_id in boot_ids:
            self._keep(self.tracker.close(boot_id, at.time), at)
            self._endings.forget(boot_id)  # also if damaged rows kept the tracker from learning of this boot

    def _keep(self, values: list[Item], at: Now) -> None:
        if values:
            self._endings.take(values, at.monotonic_s)
            self.rules.take(values, at.time, at.monotonic_s)
            self._keep_bodies()

    def _keep_bodies(self) -> None:
        """Keep of the snapshots what is stored: a few bytes each."""
        rows = self.rules.rows
        for shot in rows.snapshots:
            assert isinstance(shot, WireSnapshot)  # of the tracker
            writer = self._segments.get(shot.boot_id)
            if writer is None:
                writer = self._segments[shot.boot_id] = SegmentWriter(shot.interval_cs)
            writer.add(shot.first_seq, shot.seq, milliseconds(shot.time), shot.vector, shot.body)
        rows.snapshots.clear()

    @property
    def _interval_s(self) -> float:
        return interval_s(self.tracker.facts) or 0.0

    def _hear(self, boot_id: str, values: list[Item]) -> None:
        """Note that the board was heard, if a snapshot is newer than all before and so was not fetched late."""
        for value in values:
            if isinstance(value, Snapshot) and value.boot_id == boot_id:
                newest_id, newest = self._newest
                if newest_id != boot_id or value.seq > newest:
                    self._newest, self._is_heard = (boot_id, value.seq), True

    def restart_clock(self, step_s: float) -> None:
        """This machine's clock was set by step_s: correct the times assigned since the collector started."""
        self._retimes += self.tracker.restart_clock(step_s)

    def put_clock_right(self, at: Now) -> None:
        """A link has ended. If it brought hours of data in a moment, correct times that are ahead of the clock."""
        if self.tracker.is_ahead_of(at.time):
            self.restart_clock(0.0)

    def take_console(self, text: str, arrival: float, at: Now) -> None:
        """Store a line that is not a frame. A kernel failure in it counts even if the agent cannot read the log."""
        if len(self._console) < CONSOLE_MAX:
            self._console.append(ConsoleLine(arrival, text))
        message = kernel_message(text)
        boot = self.tracker.boot
        if message is not None and boot is not None:
            found, stamp_cs, line = message
            uptime_ms = None if stamp_cs is None else stamp_cs * 10
            time = arrival if uptime_ms is None else min(arrival, boot.started + uptime_ms / 1000)
            self.rules.take([Event(boot.boot_id, None, time, uptime_ms, *found, line)], at.time, at.monotonic_s)

    def take_rows(self, boottime_s: float) -> BoardRows:
        """The rows to store since the last call. boottime_s: the time by CLOCK_BOOTTIME."""
        rows = self.rules.take_rows()
        self._wants_map = self._wants_map or any(_needs_a_map(noted.transition) for noted in rows.transitions)
        rows.segments = {boot_id: writer.take() for boot_id, writer in self._segments.items()}
        self._segments.clear()
        rows.heard_boottime_s = boottime_s if self._is_heard else None
        self._is_heard = False
        rows.console, self._console = self._console, []
        rows.retimes, self._retimes = self._retimes, []
        return rows

    @property
    def can_wait(self) -> bool:
        """True if its rows may be stored later: nobody waits for them, and the board can send them again."""
        return self.can_ask_again and self._has_ring and self.rules.rows.can_wait and not self._retimes

    @property
    def has_to_ask(self) -> bool:
        """True if ask() has something to do."""
        return bool(self._endings) or self._wants_map or self._requests.is_open or self.tracker.is_incomplete

    def ask(self, connections: list[Connection], at: Now) -> Connection | None:
        """Request missing frames over one of the board's connections (best first). Returns the one used, or None.

        Frames that no connection can bring any more are given up.
        """
        if self._endings:
            carried = {connection.boot_id for connection in connections} | {self.tracker.boxed}
            self._close(self._endings.over(carried, self._interval_s, at.monotonic_s), at)
        boot = self.tracker.boot
        able = [c for c in connections if c.can_ask and boot is not None and c.boot_id == wire_id(boot.boot_id)]
        used = self._ask_map(able, at)
        asked = self._requests.poll(self.tracker, able, at.monotonic_s)
        if asked is None:
            return used
        connection, request = asked
        connection.expect(request.first)
        connection.say(request_line(request), at.monotonic_s)
        return connection

    def _ask_map(self, able: list[Connection], at: Now) -> Connection | None:
        """The map comes as events, which are fetched like all others. Only agents without an MMU make one."""
        if not (self._wants_map and able):
            return None
        self._wants_map = False
        able[0].say(wire_host.ask_map() + b"\n", at.monotonic_s)
        return able[0]

    def due_s(self) -> float:
        """When tick() must be called, by the steady clock, if no item comes before."""
        request_s = math.inf if self._requests.due is None else self._requests.due
        ending_s = self._endings.due_s(self._interval_s) if self._endings else math.inf
        return min(self.rules.due_s(), ending_s, request_s)

    def news(self) -> str | None:
        """Why the board's hello cannot be used, once."""
        problem = self.tracker.problem
        kind = problem and re.sub(r"\d+", "", problem)  # an uptime that grows makes no new problem
        if kind == self._reported:
            return None
        self._reported = kind
        return problem and f"{self.name}: {problem}"


def _needs_a_map(change: Transition) -> bool:
    return change.rule == REFUSED and change.to == FIRING
