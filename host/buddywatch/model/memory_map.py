"""Which program held which pages of a board without an MMU, at one moment. Plain values."""

from __future__ import annotations

from dataclasses import dataclass

# The kinds of events that say who holds memory; nothing has happened when one comes.
MAP, BORN = "map", "born"
MAP_KINDS = (MAP, BORN)

Region = tuple[int, int]  # first page (its address divided by the page size), pages


@dataclass(frozen=True)
class MappedProgram:
    """A process with memory of its own. started_s: seconds of uptime. regions: in ascending order, not empty."""

    pid: int
    name: str
    started_s: int
    regions: tuple[Region, ...]

    @property
    def pages(self) -> int:
        return sum(pages for _, pages in self.regions)


@dataclass(frozen=True)
class MemoryMap:
    """programs: by pid. is_whole: False if a part of the map is missing or cannot be read."""

    boot_id: str
    time: float  # seconds since 1970
    uptime_ms: int
    programs: tuple[MappedProgram, ...]
    is_whole: bool


@dataclass(frozen=True)
class Births:
    """Programs that were started since the event before, and the ends of processes: (pid, seconds of uptime)."""

    boot_id: str
    time: float  # seconds since 1970
    uptime_ms: int
    programs: tuple[MappedProgram, ...]
    ended: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Rescue:
    """The need is refused, and succeeds for certain if these programs end: few of them, the most useful first.

    map_time: when it was seen which memory they hold, seconds since 1970.
    """

    need: str
    programs: tuple[MappedProgram, ...]
    page_bytes: int
    map_time: float
