"""A simulated board with jobs of known guilt: the kernel's allocator, jobs by the clock, an agent that polls.

Each job takes a block of 16 pages and gives back the last one, as programs of 15 pages do where the kernel trims. A
guilty one writes a file of one page while it runs, which takes just that page and stays for a while: the block is torn.
What the agent would send is made of it: maps, starts and ends; what starts and ends between two polls it does not see.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from buddywatch.model.memory_map import Births, MappedProgram, MemoryMap
from buddywatch.verdict.room import Point

from scripts.forecast.allocator import BuddyAllocator

BOOT_ID = "0000b001"
POLL_S, MAP_S = 5.0, 600
PAGES, JOB_PAGES, ORDER = 1370, 15, 4
HOUR_S = 3600


@dataclass(frozen=True)
class Job:
    """A job of cron. guilt: the share of its runs that leave a file behind."""

    name: str
    period_s: int
    phase_s: int
    run_s: tuple[int, int]
    guilt: float


@dataclass
class _Process:
    pid: int
    name: str
    started_s: int
    ends_s: float
    run: tuple[int, int]
    is_seen: bool = False


class JobBoard:
    """Plays jobs for a time; then points, seen and failures are what the host would have."""

    def __init__(self, jobs: list[Job], seed: str) -> None:
        self._chance = random.Random(seed)
        self._jobs = jobs
        self._allocator = BuddyAllocator(PAGES)
        self._resident = _Process(23, "buddyd", 1, 1e9, self._take(33), True)
        self._processes: list[_Process] = []
        self._files: list[tuple[float, tuple[int, int]]] = []  # (when it is deleted, its page)
        self._pid = self._created = 100
        self._ended: list[int] = []
        self.points: list[Point] = []
        self.seen: list[MemoryMap | Births] = []
        self.failures: dict[str, int] = {}

    def _take(self, pages: int) -> tuple[int, int]:
        run = self._allocator.take(pages)
        assert run is not None
        return run

    def play(self, seconds: int) -> None:
        next_poll_s = 100 + self._chance.random() * POLL_S
        for second in range(100, 100 + seconds):
            self._pass(second)
            for job in self._jobs:
                if (second - job.phase_s) % job.period_s == 0:
                    self._start(job, second)
            if next_poll_s < second + 1:
                self._poll(next_poll_s)
                next_poll_s += POLL_S

    def _pass(self, second: int) -> None:
        """Jobs and files whose time has come end."""
        for process in [one for one in self._processes if one.ends_s <= second]:
            self._processes.remove(process)
            self._allocator.give_back(process.run)
            if process.is_seen:
                self._ended.append(process.pid)
        for file in [one for one in self._files if one[0] <= second]:
            self._files.remove(file)
            self._allocator.give_back(file[1])

    def _start(self, job: Job, second: int) -> None:
        self._pid, self._created = self._pid + 1, self._created + 1
        run = self._allocator.take(JOB_PAGES)
        if run is None:
            self.failures[job.name] = self.failures.get(job.name, 0) + 1
            return
        ends_s = second + self._chance.uniform(*job.run_s)
        self._processes.append(_Process(self._pid, job.name, second, ends_s, run))
        page = self._allocator.take(1) if self._chance.random() < job.guilt else None
        if page is not None:
            self._files.append((second + self._chance.uniform(2 * HOUR_S, 4 * HOUR_S), page))

    def _poll(self, at_s: float) -> None:
        counts = self._allocator.nr_free
        room = sum(count << order for order, count in enumerate(counts) if order >= ORDER)
        self.points.append(Point(at_s, room, self._created))
        new = [one for one in self._processes if not one.is_seen]
        for one in new:
            one.is_seen = True
        uptime_ms = round(at_s * 1000)
        if new or self._ended:
            born = tuple(_mapped(one) for one in new)
            ended = tuple((pid, at_s) for pid in self._ended)  # the agent tells the poll that noticed it
            self.seen.append(Births(BOOT_ID, at_s, uptime_ms, born, ended))
            self._ended = []
        if int(at_s) % MAP_S < POLL_S:
            running = [self._resident, *self._processes]
            self.seen.append(MemoryMap(BOOT_ID, at_s, uptime_ms, tuple(map(_mapped, running)), True))


def _mapped(process: _Process) -> MappedProgram:
    return MappedProgram(process.pid, process.name, process.started_s, (process.run,))
