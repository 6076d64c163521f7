"""The values that the host's rooms pass to each other: plain data, no behaviour beyond arithmetic on themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter

# Why frames are lost. Only LOSSES are reported by mail.
OVERWRITTEN = "overwritten"  # the board's ring was full and dropped them before the host asked
REBOOT = "reboot"  # still missing when the board (or the agent) restarted
UNDECODABLE = "undecodable"  # received, but the frames before them that they build on are lost
BEFORE_CONTACT = "before-contact"  # overwritten before this collector saw the boot for the first time
NOT_HELD = "not-held"  # polls that were not made, on a board without an agent that would keep them (hush://)
DAMAGED = "damaged"  # stored once, but on a part of the disk that could not be read any more
LOSSES = (OVERWRITTEN, REBOOT, UNDECODABLE, NOT_HELD)

# Kinds of Event that report a failed allocation, the one with most details about the request first.
# `more` counts failures for whose lines the board's ring had no room.
KERNEL_FAILURE_KINDS = ("alloc", "vma", "page", "oom", "kill", "more")

# The kind of Event that reports a command done by the agent: comm is who gave it, text the command; number is its exit
# code when it has failed, None when it begins.
ACT = "act"

# Kinds of Event that say that something happened.
EVENT_KINDS = (*KERNEL_FAILURE_KINDS, "load", "source", ACT, "unknown")

# States of a BootEnd.
ENDING, CLOSED, GOES_ON = "ending", "closed", "goes-on"

VOLATILE_FACTS = frozenset({"oldest", "next", "key", "up", "dropped", "heap_used", "heap_total", "poll_us"})


# Not frozen, as all others here are: there is one for each poll of each board, and it is made in a third of the time.
@dataclass(slots=True, unsafe_hash=True)
class Zone:
    """One memory zone in one snapshot. Marks and reserve are in pages, None if the board has no zoneinfo."""

    node: int
    name: str
    nr_free: tuple[int, ...]  # free blocks by order
    min_pages: int | None = None
    low_pages: int | None = None
    high_pages: int | None = None
    reserve_pages: int | None = None  # lowmem_reserve towards ZONE_NORMAL
    beside_pages: int = 0  # counted as free beside nr_free by an SMP kernel, see buddyd.watermark


def milliseconds(time: float) -> int:
    """A time as it is stored."""
    return round(time * 1000)


# A zone's name, its free blocks by order, its marks: min, low, reserve, and its beside_pages.
MarkedBlocks = tuple[str, Sequence[int], int | None, int | None, int | None, int]


@dataclass(slots=True, eq=False)
class Snapshot:
    """One poll of a board. seq is the number of its last frame, first_seq of its first (large machines: several).

    As it came over the wire it is a protocol.layout.WireSnapshot.
    """

    boot_id: str
    first_seq: int
    seq: int
    time: float  # seconds since 1970, assigned by the host
    uptime_ms: int
    zones: tuple[Zone, ...]
    processes: int | None = None  # created since boot
    free_pages: int | None = None  # MemFree
    reclaimable_pages: int | None = None
    slab_pages: int | None = None
    file_pages: int | None = None  # files in memory

    @property
    def blocks(self) -> Sequence[object]:
        """What is free and what is demanded: a verdict depends on nothing else of the snapshot."""
        return self.zones

    @property
    def marked_blocks(self) -> list[MarkedBlocks]:
        """The zones as plain values."""
        return [
            (zone.name, zone.nr_free, zone.min_pages, zone.low_pages, zone.reserve_pages, zone.beside_pages)
            for zone in self.zones
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((self.boot_id, self.seq, self.time))


_values = attrgetter(*(column.name for column in fields(Snapshot)))


@dataclass(frozen=True)
class Event:
    """Something that the agent saw: a kernel line about memory (kinds of buddyd.kernlog) or news of its own sources."""

    boot_id: str
    seq: int | None  # None: read on the console, not sent by the agent
    time: float
    uptime_ms: int | None
    kind: str
    number: int | None  # bytes for kind "alloc", order for "page", "oom", errno for "load", how many for "more"
    pid: int | None
    comm: str | None
    text: str  # the kernel's own line


@dataclass(frozen=True)
class Gap:
    """Frames first..last of a boot, which are lost."""

    boot_id: str
    first: int
    last: int
    reason: str
    time: float  # when the host noticed


@dataclass(frozen=True)
class Losses:
    """The sum of a board's gaps whose reason is one of LOSSES. newest: the gap noticed last, None if there is none."""

    frames: int = 0
    newest: Gap | None = None


@dataclass(frozen=True)
class Retime:
    """Corrects a boot's times: for uptimes in this range, ends included, time = started (s since 1970) + uptime."""

    boot_id: str
    from_uptime_ms: int
    to_uptime_ms: int
    started: float


@dataclass(frozen=True)
class Piece:
    """Frames first..last, which hold this snapshot; if it is None, they belong to an event or a gap."""

    first: int
    last: int
    snapshot: Snapshot | None


@dataclass(frozen=True)
class ConsoleLine:
    """Text on the line that is not a frame: the board's console log."""

    time: float
    text: str


@dataclass(frozen=True)
class Boot:
    """One life of the agent. facts are the hello's, as sent; see PROTOCOL.md for the keys.

    A boot comes again, with the same id, start and cause, when a later hello adds or changes a fact. Facts that change
    all the time (VOLATILE_FACTS) stay as they were at the first contact: `oldest` and `next` then say which frames
    existed before the collector met the boot.
    """

    boot_id: str
    facts: dict[str, str] = field(hash=False)
    started: float  # estimated time of uptime 0
    cause: str  # "first", "agent-restart" or "reboot"


@dataclass(frozen=True)
class BootEnd:
    """Another boot of the board, the successor, was heard, so this one is over.

    state: ENDING while a slower link may still bring its last frames; CLOSED when what was missing has been given up;
    GOES_ON if it turned out to be still running. last: the highest frame that is known to have been made. time: when
    the host noticed, seconds since 1970.
    """

    boot_id: str
    state: str
    last: int
    successor: str
    time: float


@dataclass(frozen=True)
class ResumeState:
    """What a collector that starts again must know about a board: read from the stored rows of its newest boot.

    Ranges are (first, last), both included, in ascending order, not overlapping. An example: snapshots 4 (frames 4..5)
    and 7, an event 6, a gap 1..3 and a snapshot 12 give stored=((4, 7), (12, 12)), lost=((1, 3),) and as edges the
    snapshots 7 and 12. Frames 8..11 are then still missing and will be asked for.
    """

    boot: Boot  # the newest by arrival (the one added last)
    stored: tuple[tuple[int, int], ...]  # snapshots (first_seq..seq) and events, touching ranges joined
    lost: tuple[tuple[int, int], ...]  # frames in stored gaps, whatever their reason
    edges: tuple[Snapshot, ...]  # the last snapshot of each range in `stored`; a range of events only has none
    earlier: dict[str, int] = field(default_factory=dict, hash=False)  # boot id -> highest frame stored, older boots
    # The first snapshot of each range in `stored`: with it, frames received later get times between those of their
    # neighbours, even if the clock was corrected between two edges.
    firsts: tuple[Snapshot, ...] = ()
    # Boots that are ENDING, oldest first, with what is stored of each.
    endings: tuple[tuple[BootEnd, ResumeState], ...] = ()
