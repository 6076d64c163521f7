"""What the rooms of the host hand to each other: plain values, no behaviour beyond arithmetic on themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

# Why frames are missing for good. Only the first three are a loss that a person is told of by mail.
OVERWRITTEN = "overwritten"  # the board's ring had to give them up before the host asked
REBOOT = "reboot"  # still missing when the board (or the agent) started anew
UNDECODABLE = "undecodable"  # received, but the frames before them that they build on are lost
BEFORE_CONTACT = "before-contact"  # overwritten before this collector saw the boot for the first time
LOSSES = (OVERWRITTEN, REBOOT, UNDECODABLE)


@dataclass(frozen=True)
class Zone:
    """One memory zone in one snapshot. Marks and reserve are pages, None where the board has no zoneinfo."""

    node: int
    name: str
    nr_free: tuple[int, ...]  # free blocks by order
    min_pages: int | None = None
    low_pages: int | None = None
    high_pages: int | None = None
    reserve_pages: int | None = None  # lowmem_reserve towards ZONE_NORMAL


@dataclass(frozen=True)
class Snapshot:
    """One poll of a board. seq is the number of its last frame, first_seq of its first (they differ on large machines)."""

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


@dataclass(frozen=True)
class Event:
    """Something that the agent saw: a kernel line that matters (kinds of buddyd.kernlog) or news of its own sources."""

    boot_id: str
    seq: int | None  # None: read on the console, not sent by the agent
    time: float
    uptime_ms: int | None
    kind: str
    number: int | None  # bytes for kind "alloc", order for "page" and "oom", errno for "load"
    pid: int | None
    comm: str | None
    text: str  # the kernel's own line


@dataclass(frozen=True)
class Gap:
    """Frames first..last of a boot that will never come."""

    boot_id: str
    first: int
    last: int
    reason: str
    time: float  # when the host knew


@dataclass(frozen=True)
class ConsoleLine:
    """Text on the line that is no frame: the board's console log."""

    time: float
    text: str


@dataclass(frozen=True)
class Boot:
    """One life of the agent. facts are the hello's, as sent; see PROTOCOL.md for the keys."""

    boot_id: str
    facts: dict[str, str] = field(hash=False)
    started: float  # estimated time of uptime 0
    cause: str  # "first", "agent-restart" or "reboot"
