"""The lives of a board's agent: when a hello is complete, and whether two lives share a boot of the kernel. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from buddyd import wire

from buddywatch.model.samples import (
    CLOSED,
    ENDING,
    GOES_ON,
    NOT_HELD,
    OVERWRITTEN,
    VOLATILE_FACTS,
    Boot,
    BootEnd,
    ResumeState,
)
from buddywatch.protocol.board_clock import BoardClock
from buddywatch.protocol.bounds import FACTS_MAX, FRAMES_MAX, UPTIME_MAX_CS, whole_number
from buddywatch.protocol.frame import Frame, GapReport
from buddywatch.protocol.layout import Layout, whole
from buddywatch.protocol.reassembly import BootFrames, Decoded

# What layout, start and cause of a boot come from: it is taken from the first hello, and not changed by a later one.
SETTLED_FACTS = frozenset({"v", "cols", "zones", "interval_cs", "kboot"})
NEEDED_FACTS = SETTLED_FACTS | {"up", "oldest", "next"}
CLOCK_ERROR_S = 30.0  # what is known of a board's time is at least as good
BOX_FRAMES_MAX = 1024  # two groups of a ring, events included
SAME_START_S = 60.0  # estimates of when a kernel started that differ by less are of one start;
SAME_START_SHARE = 0.01  # and by this share of the time that passed, for clocks that are slow or fast


class KnownBoot:
    """A life whose hello is complete."""

    def __init__(self, boot: Boot, clock: BoardClock) -> None:
        """ValueError (one line): the facts do not fit together."""
        oldest, following = whole(boot.facts, "oldest"), whole(boot.facts, "next")
        self.boot = boot
        self.clock = clock
        why_not_held = NOT_HELD if boot.facts.get("ring") == "0" else OVERWRITTEN
        contact = following if oldest > 1 else 0
        self.frames = BootFrames(boot.boot_id, Layout(boot.facts), clock, contact, why_not_held)
        self.heard = False  # by this collector, since it was started
        self.end: BootEnd | None = None  # another boot has begun
        self.order = 0  # of two boots, the later one was met later
        self.left_at = 0  # the highest frame when another boot took its place

    @classmethod
    def resume(cls, state: ResumeState) -> KnownBoot:
        """The boot of a stored state; ValueError (one line): the stored values do not fit together."""
        times = sorted({(snapshot.uptime_ms / 1000, snapshot.time) for snapshot in (*state.edges, *state.firsts)})
        knots = [(0.0, state.boot.started), *times]
        known = cls(state.boot, BoardClock(*knots[-1], before=knots[:-1]))
        known.frames.resume(state.stored, state.lost, state.edges)
        return known

    @classmethod
    def resume_ended(cls, end: BootEnd, state: ResumeState) -> KnownBoot:
        """A boot that is over, while frames of it may still come; ValueError as above."""
        known = cls.resume(state)
        known.frames.expect(end.last)
        known.end, known.left_at = end, known.frames.end
        return known

    def begin_end(self, successor: str, now: float) -> list[BootEnd]:
        """The successor takes its place."""
        self.left_at = self.frames.end
        self.end = BootEnd(self.boot.boot_id, ENDING, self.frames.end, successor, now)
        return [self.end]

    def go_on(self, now: float) -> list[BootEnd]:
        """It is the present boot after all."""
        end, self.end = self.end, None
        return [] if end is None else [replace(end, state=GOES_ON, time=now)]

    def close(self, now: float) -> list[Decoded | BootEnd]:
        """It is over, and what is missing of it will not come any more."""
        end = self.end or BootEnd(self.boot.boot_id, CLOSED, self.frames.end, "", now)
        self.end = replace(end, state=CLOSED, last=self.frames.end, time=now)
        return [*self.frames.close(now), self.end]

    def after_end(self, now: float) -> list[Decoded | BootEnd]:
        """What follows from what a slower link has just brought of it; nothing if it is not over."""
        if self.end is None:
            return []
        if self.end.state == CLOSED:
            return [*self.frames.close(now)]
        if self.frames.end == self.end.last:
            return []
        self.end = replace(self.end, last=self.frames.end, time=now)
        return [self.end]

    def learn(self, facts: Mapping[str, str]) -> bool:
        """Take in a later hello line; whether it changed the boot's facts."""
        changed = {key: value for key, value in facts.items() if not _is_settled(key)}
        if not changed.items() - self.boot.facts.items():
            return False
        self.boot = replace(self.boot, facts={**self.boot.facts, **changed})
        return True

    def is_followed(self, facts: Mapping[str, str], not_before: float) -> bool:
        """Whether a hello line, which was made not before that time, is of a later boot that has the same id.

        A link that lags behind brings old numbers too, but none from before it was opened.
        """
        up_cs = whole_number(facts.get("up", ""), UPTIME_MAX_CS)
        following = whole_number(facts.get("next", ""), FRAMES_MAX)
        if up_cs is None or following is None or following > self.frames.end:
            return False
        return self.clock.wall(up_cs / 100) < not_before - CLOCK_ERROR_S

    def following_id(self) -> str:
        """What such a boot is stored as."""
        wire, _, number = self.boot.boot_id.partition("+")
        return f"{wire}+{int(number or 1) + 1}"

    def same_kernel(self, facts: Mapping[str, str], up_s: float, now: float) -> bool:
        """Whether a new life with these facts, up_s after its kernel's start, is in the same boot of the kernel."""
        last_s = self.clock.edge_s
        if up_s < last_s - 1:
            return False
        mine, other = self.boot.facts["kboot"], facts["kboot"]
        if "-" not in (mine, other):
            return mine == other
        passed_s = now - self.clock.wall(last_s)
        return abs(up_s - last_s - passed_s) <= SAME_START_S + SAME_START_SHARE * abs(passed_s)


def wire_id(boot_id: str) -> str:
    """The id under which a boot is spoken of on the wire: a board without entropy may give one to several boots."""
    return boot_id.partition("+")[0]


class Life:
    """One boot. Until its hello is complete, what came of it waits. boot_id: as it is stored; see wire_id()."""

    def __init__(self, boot_id: str) -> None:
        self.boot_id = boot_id
        self.facts: dict[str, str] = {}  # the newest of each
        self.problem: str | None = None  # what was not taken of its hellos, in one line
        self.waiting: list[tuple[Frame | GapReport, float, bool]] = []  # with arrival and live
        self.known: KnownBoot | None = None

    def learn(self, facts: Mapping[str, str]) -> dict[str, str]:
        """Take in a hello line; what of it was taken: a boot has only so many facts."""
        taken = {}
        for key, value in facts.items():
            if key in self.facts or len(self.facts) < FACTS_MAX:
                self.facts[key] = taken[key] = value
            else:
                self.problem = f"hello with more than {FACTS_MAX} facts: the others are ignored"
        return taken

    def is_complete(self) -> bool:
        """Whether all lines of the hello that are needed have come; ValueError (one line): they cannot be used."""
        facts = self.facts
        if not facts.keys() >= NEEDED_FACTS:
            return False
        version = whole(facts, "v")
        if version != wire.VERSION:
            raise ValueError(f"hello of protocol version {version}, expected {wire.VERSION}: update the older side")
        # a hello that lacks a zone is not complete; one that tells of more zones than it has facts never will be
        return all(f"z{i}" in facts for i in range(min(whole(facts, "zones"), len(facts))))


def numbers(facts: Mapping[str, str]) -> dict[str, int]:
    """What a hello line says of uptime and ring; ValueError (one line): one of its numbers is none."""
    return {key: whole(facts, key) for key in ("up", "oldest", "next", "key") if key in facts}


def black_box(facts: Mapping[str, str]) -> tuple[str, int, int] | None:
    """What the fact `blackbox` says that the board holds of an earlier boot: (boot id, first frame, how many)."""
    boot_id, *rest = facts.get("blackbox", "-").split("/")
    first, following = (whole_number(text, FRAMES_MAX) for text in (*rest[:2], "", "")[:2])
    if not first or not following or following <= first:
        return None
    return boot_id, first, min(following - first, BOX_FRAMES_MAX)


def _is_settled(key: str) -> bool:
    return key in SETTLED_FACTS or key in VOLATILE_FACTS or (key[:1] == "z" and key[1:].isdecimal())
