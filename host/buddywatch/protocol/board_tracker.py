"""One board over all its links and lives: which boot it is in, what it has told, what is still missing. No I/O.

The board keeps no state for its hosts: the host finds the holes in the numbers and asks again. A new boot id is a new
life of the agent, in the same boot of the kernel ("agent-restart") or after a reboot. What was missing then cannot be
asked for any more, but a slower link may still bring it: it is lost when close() is called.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from buddywatch.model.samples import ENDING, Boot, BootEnd, ResumeState, Retime
from buddywatch.protocol.board_clock import TINY_S, BoardClock
from buddywatch.protocol.boots import KnownBoot, Life, black_box, numbers, wire_id
from buddywatch.protocol.frame import Frame, GapReport, Hello
from buddywatch.protocol.reassembly import Decoded

LIVES_MAX = 8  # boots of a board that may still speak: slow links lag behind
EARLIER_MAX = 256
KNOWN_IN_A_ROW_MAX = 32  # known frames on end: a slow link, or a later boot with the same id, which a hello shows
WAITING_MAX = 1024  # frames that wait for a complete hello; the others are asked for again

Stored = Boot | BootEnd | Decoded


class Request(NamedTuple):
    """So many frames of a boot, from the first on."""

    boot_id: str
    first: int
    frames: int


class BoardTracker:
    """problem: why the board's newest hello cannot be used, or not all of it, in one line, or None."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self._lives: dict[str, Life] = {}
        self._earlier: dict[str, int] = {}  # boot ids of lives long gone and their highest frame
        self._current: KnownBoot | None = None
        self._speaking: Life | None = None  # heard of last
        self._met = 0  # boots, so far
        self._in_doubt = False  # a boot that should be over makes frames, or one makes frames that are known
        self._known_in_a_row = 0  # frames of the current boot
        self._box: Request | None = None  # of an ended boot, what the board has of it in its black box

    @classmethod
    def resume(cls, state: ResumeState) -> BoardTracker:
        """Go on where an earlier collector stopped; ValueError (one line): the stored values do not fit together."""
        tracker = cls()
        tracker._earlier = dict(state.earlier)
        for end, ended in state.endings:
            tracker._resume_life(KnownBoot.resume_ended(end, ended))
        tracker._current = KnownBoot.resume(state)
        tracker._resume_life(tracker._current)
        return tracker

    def _resume_life(self, known: KnownBoot) -> None:
        life = Life(known.boot.boot_id)
        life.facts, life.known = dict(known.boot.facts), known
        self._lives[wire_id(life.boot_id)] = life
        self._met += 1
        known.order = self._met

    @property
    def boot(self) -> Boot | None:
        """The boot that the board is in, as far as is known."""
        return self._current.boot if self._current else None

    @property
    def facts(self) -> dict[str, str]:
        """The newest facts of that boot, those that change all the time included; empty if there is none."""
        return dict(self._lives[wire_id(self._current.boot.boot_id)].facts) if self._current else {}

    @property
    def wants_hello(self) -> bool:
        """Whether the board should be asked who it is: no whole hello yet, or doubtful frames."""
        if self._current is None or not self._current.heard or self._in_doubt:
            return True
        speaking = self._speaking
        return speaking is not None and speaking.known is None and speaking.boot_id not in self._earlier

    def take(
        self, item: Hello | Frame | GapReport, arrival: float, live: bool = True, not_before: float = -math.inf
    ) -> list[Stored]:
        """What follows from an item of a link's session, to be stored in this order.

        arrival: seconds since 1970. live: what is new arrives as it is made, so that arrival tells the time; False for
        a recording. Each frame of a boot comes out once, as part of a Snapshot, an Event or a Gap, whatever is lost,
        doubled or reordered on the way. A Boot comes before all else of it, and again when a fact of it changed.
        not_before: when the link was opened: a hello that came over it was made later.
        """
        if isinstance(item, Hello):
            return self._take_hello(item, arrival, live, not_before)
        return self.take_together([item], arrival, live)

    def take_together(self, items: Sequence[Frame | GapReport], arrival: float, live: bool = True) -> list[Stored]:
        """The same for items of one boot that arrived together."""
        boot_id = items[0].boot_id
        life = self._lives.get(boot_id)
        if life is not None and life.known is not None:
            return self._take_known(life.known, items, arrival, live)
        out: list[Stored] = []
        if life is None:
            out += self._make_room(arrival)
            life = self._lives[boot_id] = Life(boot_id)
        room = WAITING_MAX - len(life.waiting)
        life.waiting += [(item, arrival, live) for item in items[:room]]
        return out

    def close(self, boot_id: str, now: float) -> list[Stored]:
        """No link will bring more of a boot that is ENDING: what is missing of it is lost."""
        life = self._lives.get(wire_id(boot_id))
        if life is None or life.known is None or life.known.boot.boot_id != boot_id:
            return []
        known = life.known
        return [*known.close(now)] if known.end is not None and known.end.state == ENDING else []

    @property
    def is_clock_ahead(self) -> bool:
        """Whether times were given by a clock of the host that was fast: restart_clock(0.0) puts them right."""
        return self._current is not None and self._current.clock.is_ahead

    def is_ahead_of(self, now: float) -> bool:
        """Whether a time was given that is still to come: restart_clock(0.0) puts it right."""
        clock = None if self._current is None else self._current.clock
        return clock is not None and clock.wall(clock.edge_s) > now + TINY_S

    def restart_clock(self, step_s: float) -> list[Retime]:
        """The host's clock was set by step_s; what of the stored times is to be put right."""
        restarted: dict[int, tuple[float, float, float] | None] = {}  # boots of one kernel share a clock
        retimes = []
        for life in self._lives.values():
            known = life.known
            if known is None:
                continue
            clock = known.clock
            if id(clock) not in restarted:
                restarted[id(clock)] = clock.restart(step_s)
            right = restarted[id(clock)]
            if right is not None:
                from_s, to_s, started = right
                retimes.append(Retime(life.boot_id, round(from_s * 1000), round(to_s * 1000), started))
                if from_s == 0.0:
                    known.boot = replace(known.boot, started=started)
        return retimes

    @property
    def holes_seen(self) -> int:
        """How often frames came that left a new hole before them."""
        return self._current.frames.holes_seen if self._current else 0

    @property
    def is_incomplete(self) -> bool:
        """True if next_request() may give one."""
        return self._current is not None and not (self._current.frames.is_complete and self.boxed is None)

    @property
    def boxed(self) -> str | None:
        """The ended boot of which frames are missing that the board has in its black box."""
        return self._box.boot_id if self._box is not None and self.missing_of(self._box) else None

    def next_request(self, frames_max: int) -> Request | None:
        """What to ask the board for next; None if nothing is missing, or the board has not been heard yet."""
        if self._current is None or not self._current.heard:
            return None
        if self.boxed is not None:
            return self._box
        wanted = self._current.frames.ask(frames_max)
        return None if wanted is None else Request(wire_id(self._current.boot.boot_id), *wanted)

    def missing_of(self, request: Request) -> int:
        """How many frames of a request may still come."""
        life = self._lives.get(request.boot_id)
        if life is None or life.known is None or (life.known is not self._current and request is not self._box):
            return 0
        return life.known.frames.missing(request.first, request.first + request.frames - 1)

    def _take_hello(self, hello: Hello, arrival: float, live: bool, not_before: float) -> list[Stored]:
        out: list[Stored] = []
        life = self._lives.get(hello.boot_id)
        if life is None:
            out += self._make_room(arrival)
            life = self._lives[hello.boot_id] = Life(hello.boot_id)
        elif life.known is not None and life.known.is_followed(hello.facts, not_before):
            out += self._end(life.known, arrival)
            life = self._lives[hello.boot_id] = Life(life.known.following_id())
        self._speaking = life
        self._in_doubt, self._known_in_a_row = False, 0
        facts = life.learn(hello.facts)
        try:
            out += self._take_facts(life, facts, arrival, live)
            self._look_into_box(life)
            return out
        except ValueError as error:
            self.problem = str(error)
            return out

    def _take_facts(self, life: Life, facts: dict[str, str], arrival: float, live: bool) -> list[Stored]:
        """ValueError (one line): they cannot be used, and nothing has changed."""
        if life.known is None:
            return self._take_first_hello(life, arrival, live)
        told = numbers(facts)
        self.problem = life.problem
        boot = [life.known.boot] if life.known.learn(facts) else []
        return [*boot, *self._take_numbers(life.known, told, arrival, live)]

    def _look_into_box(self, life: Life) -> None:
        """A hello of the current boot tells of frames of the boot before: those that are missing can still come."""
        found = black_box(life.facts)
        if found is None or life.known is None or life.known is not self._current:
            return
        box = Request(*found)
        before = self._lives.get(box.boot_id)
        known = None if before is None else before.known
        if known is None or known.end is None or known.end.state != ENDING:
            return
        last = box.first + box.frames - 1
        known.frames.expect(last)
        known.left_at = max(known.left_at, last)
        self._box = box

    def _take_first_hello(self, life: Life, arrival: float, live: bool) -> list[Stored]:
        if not life.is_complete():
            return []
        told = numbers(life.facts)
        highest = self._earlier.get(life.boot_id, 0)
        if life.boot_id in self._earlier and told["next"] <= highest + 1:
            life.waiting.clear()  # of a recording, or of a slow link: all of it is stored
            return []
        known = self._begin_boot(life, told["up"] / 100, arrival)
        self.problem = life.problem
        if highest:
            known.frames.resume((), ((1, highest),), ())
        life.known = known
        self._met += 1
        known.order = self._met
        out: list[Stored] = [*self._switch(known, arrival, live), known.boot]
        known.heard = True
        for item, when, was_live in life.waiting:  # first, for the ring may have overwritten them since they came
            out += self._take_known(known, [item], when, was_live)
        life.waiting.clear()
        return out + self._take_numbers(known, told, arrival, live)

    def _begin_boot(self, life: Life, up_s: float, arrival: float) -> KnownBoot:
        cause, clock = "first", BoardClock(up_s, arrival)
        if self._current is not None:
            cause = "reboot"
            if self._current.same_kernel(life.facts, up_s, arrival):
                cause, clock = "agent-restart", self._current.clock
        return KnownBoot(Boot(life.boot_id, dict(life.facts), clock.wall(0.0), cause), clock)

    def _take_numbers(self, known: KnownBoot, told: dict[str, int], arrival: float, live: bool) -> list[Stored]:
        """What a hello says of uptime and ring."""
        known.heard = True
        if live and "up" in told and known.boot.boot_id != self.boxed:
            known.clock.observe(told["up"] / 100, arrival)
        following = told.get("next", 0)
        out: list[Stored] = []
        if known is not self._current and (following - 1 > known.left_at or known.order > self._current_order):
            # One link lags behind another: what was taken for a successor was older, and the boot has made more frames.
            out += self._switch(known, arrival, live)
        out += known.frames.hello(told.get("oldest", 1), following, told.get("key", 0), arrival)
        return [*out, *known.after_end(arrival)]

    def _switch(self, known: KnownBoot, now: float, live: bool) -> list[Stored]:
        """The board is in this boot. Of the one before, more may come where other links are live."""
        before, self._current = self._current, known
        out: list[Stored] = [*known.go_on(now)]
        if before is None or before.end is not None:
            return out
        if before.order > known.order:
            before.left_at = before.frames.end
            return out
        ended = before.begin_end(known.boot.boot_id, now)
        return [*out, *ended] if live else [*out, *ended, *before.close(now)]

    def _take_known(
        self, known: KnownBoot, items: Iterable[Frame | GapReport], arrival: float, live: bool
    ) -> list[Stored]:
        frames, out = known.frames, known.frames.begin(arrival)
        for item in items:
            if isinstance(item, GapReport):
                frames.overwritten(item.first, item.last)
            elif known is self._current:
                self._known_in_a_row = 0 if frames.take(item, live) else self._known_in_a_row + 1
                self._in_doubt = self._in_doubt or self._known_in_a_row >= KNOWN_IN_A_ROW_MAX
            else:
                self._in_doubt = self._in_doubt or item.seq > known.left_at
                frames.take(item, live and known.boot.boot_id != self.boxed)
        return [*out] if known.end is None else [*out, *known.after_end(arrival)]

    @property
    def _current_order(self) -> int:
        return self._current.order if self._current else 0

    def _make_room(self, now: float) -> list[Stored]:
        """Forget the oldest life where there are too many."""
        if len(self._lives) < LIVES_MAX:
            return []
        gone = next(life for life in self._lives.values() if life.known is None or life.known is not self._current)
        del self._lives[wire_id(gone.boot_id)]
        return [] if gone.known is None else self._end(gone.known, now)

    def _end(self, known: KnownBoot, now: float) -> list[Stored]:
        """Nothing more is expected of the boot."""
        self._earlier[known.boot.boot_id] = known.frames.end
        if len(self._earlier) > EARLIER_MAX:
            del self._earlier[next(iter(self._earlier))]
        return [*known.close(now)]
