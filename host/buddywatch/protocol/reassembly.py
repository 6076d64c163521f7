"""The frames of one boot, in any order: which are there, which can be decoded, which will never come. No I/O.

A delta frame builds on the snapshot before it, up to the key frame that began the group. So a decoder walks along the
numbers: a chain holds the last snapshot and the number it needs next, and waits there when that frame is missing. A key
frame starts a chain of its own, wherever it is. Frames that no chain has reached are held. Every number ends in exactly
one value: a Snapshot, an Event or a Gap.
"""

from __future__ import annotations

from collections.abc import Sequence

from buddyd import wire, wire_host, wire_read

from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, REBOOT, UNDECODABLE, Event, Gap, Snapshot
from buddywatch.protocol.board_clock import BoardClock
from buddywatch.protocol.bounds import UPTIME_MAX_CS, WHOLE_MAX
from buddywatch.protocol.changes import apply_whole
from buddywatch.protocol.frame import Frame
from buddywatch.protocol.layout import Layout, WireSnapshot
from buddywatch.protocol.ranges import Ranges

HELD_MAX = 20_000  # frames that wait for one before them; what is dropped beyond is asked for again
_WHOLE = (wire.KEY, wire.DELTA)  # snapshots of one frame
HOLES_MAX = 16_384  # a ring with more holes than this would take 16,384 key frames: 1 MB, on boards of 8 MB

Decoded = Snapshot | Event | Gap
Spans = Sequence[tuple[int, int]]  # (first, last), both included


class _Chain:
    """A decoder that has reached some frame. vector None: it has nothing to build on until the next key frame."""

    __slots__ = ("column", "first", "vector")

    def __init__(self, vector: list[int] | None = None) -> None:
        self.vector = vector
        self.first = 0  # first frame of the snapshot that is not complete yet, 0: none
        self.column = 0  # where that goes on


class BootFrames:
    """contact: frames below this number existed before the collector met the boot: their loss is no news. 0: none.

    why_not_held: the reason of those that the board cannot send any more.
    """

    def __init__(
        self, boot_id: str, layout: Layout, clock: BoardClock, contact: int = 0, why_not_held: str = OVERWRITTEN
    ) -> None:
        self.boot_id = boot_id
        self.end = 0  # the highest number that is known to have been given to a frame
        self.holes_seen = 0  # times that a frame came, or a hello, and others before it were missing
        self.known = Ranges()  # frames that are there, or given up
        self._layout = layout
        self._clock = clock
        self._contact = contact
        self._why_not_held = why_not_held
        self._held: dict[int, tuple[bytes, bytes]] = {}  # number -> kind and body; each is in `known`
        self._events: dict[int, None] = {}  # numbers of events that no chain has passed yet
        self._chains = {1: _Chain()}  # by the number that each needs next; none of these is in `known`
        self._urgent = 1  # from here on frames are needed first: the newest group
        self._out: list[Decoded] = []
        self._now = 0.0
        self._arrived = 0  # the number of a frame that has just come, live

    def resume(self, stored: Spans, lost: Spans, edges: Sequence[Snapshot]) -> None:
        """Go on behind what is stored; see model.ResumeState."""
        self.begin(0.0)
        for first, last in (*stored, *lost):
            self.known.add(first, last)
        self.end = self.known.highest
        chains = [(last + 1, _Chain()) for _, last in lost]
        by_range = iter(edges)
        edge = next(by_range, None)
        for first, last in stored:
            only_events = first
            if edge is not None and edge.seq <= last:
                only_events = edge.seq + 1
                chains.append((only_events, _Chain(self._layout.vector(edge))))
                edge = next(by_range, None)
            self._events.update(dict.fromkeys(range(only_events, last + 1)))
        for number, chain in [*self._chains.items(), *chains]:
            self._chains.pop(number, None)
            self._follow(number, chain)

    def expect(self, last: int) -> None:
        """Frames up to this number are known to have been made."""
        self.end = max(self.end, last)

    def hello(self, oldest: int, following: int, key: int, now: float) -> list[Decoded]:
        """What the board says of its ring: the oldest frame it holds, the next it will make, the newest key frame."""
        self.begin(now)
        self.holes_seen += following - 1 > self.end
        self.expect(following - 1)
        self._urgent = max(self._urgent, key)
        self._give_up_overwritten(1, oldest - 1)
        return self._out

    def overwritten(self, first: int, last: int) -> None:
        """The board says that first..last are overwritten. After begin()."""
        self._give_up_overwritten(max(first, 1), min(last, self.end))

    def close(self, now: float) -> list[Decoded]:
        """The boot is over: what is missing will never come."""
        self.begin(now)
        self._give_up(1, self.end, REBOOT)
        for number, chain in self._chains.items():
            self._break(chain, number)
        return self._out

    def begin(self, arrival: float) -> list[Decoded]:
        """Items have arrived, which are given to take() and overwritten() one by one. What follows from them is in the
        returned list.
        """
        out = self._out = list[Decoded]()
        self._now = arrival
        self._arrived = 0
        return out

    def take(self, frame: Frame, live: bool) -> bool:
        """Take a verified frame. Returns whether it is new. live: it came when it was made, or as soon as it could, so
        that its arrival tells the time.
        """
        _, seq, kind, body = frame
        is_next = seq == self.end + 1
        if not is_next and (seq in self.known or seq < 1):
            return False
        self._arrived = seq if live else 0
        self.holes_seen += seq > self.end + 1
        self.known.add(seq, seq)
        self.end = max(self.end, seq)
        chain = self._chains.pop(seq, None)
        if is_next and chain is not None and kind in _WHOLE and (chain.vector is not None or kind == wire.KEY):
            # The ordinary case: nothing is held, and no chain goes on behind it.
            self._urgent = seq if kind == wire.KEY else self._urgent
            if chain.first:
                self._decode(seq, kind, body, chain)
            else:
                self._decode_whole(seq, kind, body, chain)
            self._chains[seq + 1] = chain
            return True
        self._take_apart(seq, kind, body, chain)
        return True

    def _take_apart(self, seq: int, kind: bytes, body: bytes, chain: _Chain | None) -> None:
        """A frame that is not simply the next one."""
        if kind == wire.EVENT:
            self._out.append(self._event(seq, body))
            self._events[seq] = None
        else:
            self._hold(seq, kind, body)
        if chain is not None:
            self._follow(seq, chain)
        if seq in self._held and kind in wire.STARTS_GROUP:
            self._follow(seq, _Chain())  # no chain has come to it, but one can begin here
        self._keep_bounds()

    @property
    def is_complete(self) -> bool:
        """True if no frame is missing."""
        return self.known.reaches(self.end)

    def ask(self, limit: int) -> tuple[int, int] | None:
        """(first, count) of the missing frames that are needed first; None if all are there, or given up.

        The newest group comes first, so that the present is known at once; then the oldest hole.
        """
        for start in (self._urgent, 1):
            first, last = self.known.first_missing(start)
            if first <= self.end:
                last = self.end if last is None else min(last, self.end)
                return first, min(last - first + 1, limit)
        return None

    def missing(self, first: int, last: int) -> int:
        """How many of first..last may still come."""
        return sum(b - a + 1 for a, b in self.known.missing(first, min(last, self.end)))

    def _hold(self, seq: int, kind: bytes, body: bytes) -> None:
        self._held[seq] = (kind, body)
        if kind in wire.STARTS_GROUP:
            self._urgent = max(self._urgent, seq)

    def _follow(self, seq: int, chain: _Chain) -> None:
        """Walk along the numbers from seq as far as there are frames."""
        while True:
            frame = self._held.pop(seq, None)
            if frame is not None:
                self._decode(seq, *frame, chain)
            elif seq in self._events:
                del self._events[seq]
                self._break(chain, seq)
            else:
                break
            seq += 1
        if seq in self.known:
            self._break(chain, seq)  # another chain goes on from here
        else:
            self._chains[seq] = chain

    def _decode_whole(self, seq: int, kind: bytes, body: bytes, chain: _Chain) -> None:
        """As _decode(), for a snapshot of one frame that follows a whole one, or needs none before it."""
        if kind == wire.KEY or chain.vector is None:
            vector = [0] * self._layout.width
        else:
            vector = chain.vector.copy()  # the snapshot before keeps its own
            vector[0] += self._layout.interval_cs
        try:
            apply_whole(body, vector)
            snapshot = self._snapshot(seq, seq, vector)
            snapshot.body = body if kind == wire.DELTA else None
            self._out.append(snapshot)
            chain.vector = vector
        except ValueError:
            self._lose(seq, seq, UNDECODABLE)
            chain.vector = None

    def _decode(self, seq: int, kind: bytes, body: bytes, chain: _Chain) -> None:
        if kind in wire.STARTS_SNAPSHOT:
            self._break(chain, seq)
            if kind in wire.STARTS_GROUP:
                chain.vector = [0] * self._layout.width
            elif chain.vector is None:
                self._lose(seq, seq, UNDECODABLE)
                return
            else:
                chain.vector = chain.vector.copy()  # the snapshot before keeps its own
                chain.vector[0] += self._layout.interval_cs
            chain.first, chain.column = seq, 0
        elif chain.vector is None or not chain.first:
            self._lose(seq, seq, UNDECODABLE)
            return
        try:
            if kind in _WHOLE:
                apply_whole(body, chain.vector)
            else:
                chain.column = wire_read.apply_changes(body, chain.vector, chain.column)
            if kind in wire.ENDS_SNAPSHOT:
                snapshot = self._snapshot(chain.first, seq, chain.vector)
                snapshot.body = body if kind == wire.DELTA else None
                self._out.append(snapshot)
                chain.first = 0
        except ValueError:
            self._break(chain, seq + 1)

    def _snapshot(self, first: int, seq: int, vector: list[int]) -> WireSnapshot:
        if not 0 <= vector[0] <= UPTIME_MAX_CS:
            raise ValueError("a number too large to be one")
        uptime_s = vector[0] / 100
        snapshot = self._layout.snapshot(self.boot_id, first, seq, vector, 0.0)
        if seq == self._arrived:
            self._clock.observe(uptime_s, self._now)
        snapshot.time = self._clock.assign(uptime_s)
        return snapshot

    def _event(self, seq: int, body: bytes) -> Event:
        try:
            uptime_cs, kind, number, pid, comm, text = wire_host.parse_event(body)
            if not 0 <= uptime_cs <= UPTIME_MAX_CS or max(abs(number or 0), abs(pid or 0)) >= WHOLE_MAX:
                raise ValueError("a number too large to be one")
        except ValueError:
            text = body.decode("ascii", "replace")
            return Event(self.boot_id, seq, self._now, None, "unknown", None, None, None, text)
        time = self._clock.wall(uptime_cs / 100)
        return Event(self.boot_id, seq, time, uptime_cs * 10, kind, number, pid, comm, text)

    def _break(self, chain: _Chain, end: int) -> None:
        """A snapshot of which frames chain.first..end - 1 were decoded will not be complete."""
        if chain.first:
            self._lose(chain.first, end - 1, UNDECODABLE)
            chain.vector, chain.first = None, 0

    def _lose(self, first: int, last: int, reason: str) -> None:
        if self._out:
            before = self._out[-1]
            if isinstance(before, Gap) and before.reason == reason and before.last == first - 1:
                first = before.first
                self._out.pop()
        self._out.append(Gap(self.boot_id, first, last, reason, self._now))

    def _give_up_overwritten(self, first: int, last: int) -> None:
        self._give_up(first, min(last, self._contact - 1), BEFORE_CONTACT)
        self._give_up(max(first, self._contact), last, self._why_not_held)

    def _give_up(self, first: int, last: int, reason: str) -> None:
        for start, end in self.known.missing(first, last):
            chain = self._chains.pop(start, None)
            if chain is not None:
                self._break(chain, start)
            self.known.add(start, end)
            self._lose(start, end, reason)
            self._follow(end + 1, _Chain())

    def _keep_bounds(self) -> None:
        while len(self._held) > HELD_MAX:
            seq = next(iter(self._held))
            del self._held[seq]
            self.known.remove(seq)
        while len(self._events) > HELD_MAX:
            seq = next(iter(self._events))
            del self._events[seq]
            self._follow(seq + 1, _Chain())  # no chain will pass it
        while len(self.known) > HOLES_MAX:
            first, last = self.known.first_missing(1)
            self._give_up_overwritten(first, last or first)
