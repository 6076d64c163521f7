"""What the board does in the experiments: programs that come and go, and files of one page. Lines for its shell. Pure.

A step starts a program, writes one or two files while it runs, and ends it, or lets it live for some steps more. The
files are emptied after 20 to 400 steps. Nothing else is started: emptying (`: >FILE`) and `kill` are the shell's own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

PROGRAMS = ("40k", "60k", "60k", "100k")
LIVES_ON = 0.3  # of the programs
LIVES_STEPS, KEEPS_STEPS = (1, 10), (20, 400)
FILES_MAX = 900
PROBE_STEPS = 10  # between two starts where the programs of the load stay
LOGS = 8  # of 64 kB


@dataclass(frozen=True)
class Habits:
    """What a measure changes in the workload. programs: those of PROGRAMS that are replaced by others.

    is_apart: files are written while no program runs, so that none lives on. has_new_names: no name is used twice.
    removal: the command with which a file goes, "": it is emptied. is_resident: the programs run already, only each
    PROBE_STEPS one of 60 kB is started. has_logs: what is written goes into LOGS files that have their size already.
    """

    programs: dict[str, str] = field(default_factory=dict, hash=False)
    is_apart: bool = False
    has_new_names: bool = False
    removal: str = ""
    is_resident: bool = False
    has_logs: bool = False


class Workload:
    """One seed's. Each step is a list of lines: the board needs a moment between two, in which a program gets its
    memory."""

    def __init__(self, seed: int, habits: Habits) -> None:
        self._chance = random.Random(seed)
        self._habits = habits
        self._step = 0
        self._running: list[tuple[int, str]] = []  # (step in which it ends, variable with its pid)
        self._files: list[tuple[int, str]] = []  # (step in which it goes, name)
        self._spare: list[str] = []
        self._names = 0

    def steps(self) -> Iterator[list[str]]:
        while True:
            self._step += 1
            yield self._lines()

    def _lines(self) -> list[str]:
        chosen = self._chance.choice(PROGRAMS)
        program = self._habits.programs.get(chosen, chosen)
        lives_on = self._chance.random() < LIVES_ON and not self._habits.is_apart
        ends = self._step + (self._chance.randint(*LIVES_STEPS) if lives_on else 0)
        files = "; ".join(self._write() for _ in range(self._chance.randint(1, 2)))
        if self._habits.is_resident:
            return self._without_starts(files)
        variable = f"P{self._step % 32}"
        self._running.append((ends, variable))
        start = f"start-{program} x & {variable}=$!"
        over = "; ".join([*self._ended(), *self._over()]) or ":"
        if self._habits.is_apart:
            return [start, over, files]
        return [start, f"{files}; {over}"]

    def _without_starts(self, files: str) -> list[str]:
        written = "; ".join([files, *self._over()])
        return [written] if self._step % PROBE_STEPS else [written, "start-60k x & P0=$!", "kill $P0; wait $P0"]

    def _write(self) -> str:
        if self._habits.has_logs:
            self._names += 1
            return f"echo y 1<>/tmp/log{self._names % LOGS}"  # without O_TRUNC
        if self._spare and not self._habits.has_new_names:
            name = self._spare.pop(0)
        else:
            self._names += 1
            name = f"/tmp/{self._names}"
        self._files.append((self._step + self._chance.randint(*KEEPS_STEPS), name))
        return f"echo y >{name}"

    def _ended(self) -> list[str]:
        over = [variable for ends, variable in self._running if ends <= self._step]
        self._running = [one for one in self._running if one[0] > self._step]
        return [f"kill ${variable}; wait ${variable}" for variable in over]

    def _over(self) -> list[str]:
        over = [name for goes, name in self._files if goes <= self._step]
        self._files = [one for one in self._files if one[0] > self._step]
        self._spare += over
        return [f"{self._habits.removal} {name}" if self._habits.removal else f": >{name}" for name in over]
