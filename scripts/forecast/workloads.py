"""What boards do all day, as sequences of requests to a buddy allocator: one generator for each class of history.

A step is the time between two snapshots. Each class has boards that fail and boards that do not; which one it is comes
out of its numbers, that are drawn from a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

PAGES = 1370  # 5480 kB, what the emulated board has for everything but the kernel
PROGRAMS = (4, 6, 10, 15, 26)  # pages of text, data, heap and stack in one piece: 16 to 104 kB

Run = tuple[int, int]


class Memory(Protocol):
    """Of the model (allocator.py), or of the emulated board (emulated.py)."""

    def take(self, pages: int) -> Run | None: ...
    def give_back(self, run: Run) -> None: ...
    @property
    def nr_free(self) -> Sequence[int]: ...


class Board:
    """One board at work: what it holds, and until which step."""

    def __init__(self, seed: str, memory: Memory, resident_pages: int = 600) -> None:
        self.random = random.Random(seed)
        self.memory = memory
        self.step = 0
        self.files: list[Run] = []
        self._held: list[tuple[int, Run]] = []  # (step at which it ends, run)
        for _ in range(resident_pages // 20):
            self.memory.take(20)

    def run(self, pages: int, steps: float) -> bool:
        """Start a program that lives for so many steps; False: it was refused."""
        run = self.memory.take(pages)
        if run is not None:
            self._held.append((self.step + round(steps), run))
        return run is not None

    def write(self, count: int) -> None:
        """Write files of one page each."""
        for _ in range(count):
            run = self.memory.take(1)
            if run is not None:
                self.files.append(run)

    def delete(self, count: int) -> None:
        """Delete so many files, chosen at random."""
        for _ in range(min(count, len(self.files))):
            at = self.random.randrange(len(self.files))
            self.files[at], self.files[-1] = self.files[-1], self.files[at]
            self.memory.give_back(self.files.pop())

    def end_step(self) -> list[int]:
        """Programs whose time has come end; the block counts that a snapshot shows."""
        self.step += 1
        kept = []
        for end, run in self._held:
            if end <= self.step:
                self.memory.give_back(run)
            else:
                kept.append((end, run))
        self._held = kept
        return list(self.memory.nr_free)


History = Callable[[Board], Iterator[list[int]]]


def _jobs(board: Board, most: int) -> None:
    """Short programs: they end within the step, but while they run, others get the places beside them."""
    for _ in range(board.random.randint(0, most)):
        board.run(board.random.choice(PROGRAMS), 0)


def cron(board: Board) -> Iterator[list[int]]:
    """Short programs, now and then one that stays a while, files that come and go, and more that come than go."""
    rate, leak = board.random.uniform(0.5, 4), board.random.choice((0, 0, 0.02, 0.05, 0.1, 0.3, 0.6))
    while True:
        board.write(_count(board, rate + leak))
        _jobs(board, 3)
        if board.random.random() < 0.1:
            board.run(board.random.choice(PROGRAMS), board.random.uniform(1, 12))
        board.delete(_count(board, rate))
        yield board.end_step()


def daemons(board: Board) -> Iterator[list[int]]:
    """Many programs with lives of exponential length beside files."""
    rate, mean = board.random.uniform(0.2, 2), board.random.uniform(3, 40)
    start = board.random.uniform(0.02, 0.4)
    leak = board.random.choice((0, 0, 0.02, 0.08, 0.2))
    while True:
        if board.random.random() < start:
            board.run(board.random.choice(PROGRAMS), board.random.expovariate(1 / mean))
        board.write(_count(board, rate + leak))
        board.delete(_count(board, rate))
        _jobs(board, 2)
        yield board.end_step()


def sawtooth(board: Board) -> Iterator[list[int]]:
    """A log that grows and is cut at a limit; what stays behind may grow from tooth to tooth."""
    limit = board.random.uniform(80, 500)
    rate = board.random.uniform(0.5, 6)
    left_behind = board.random.choice((0, 0, 0, 0.01, 0.03, 0.08))
    kept = 0.0
    while True:
        board.write(_count(board, rate))
        _jobs(board, 2)
        if len(board.files) > limit + kept:
            kept += limit * left_behind
            board.delete(int(len(board.files) - kept))
        yield board.end_step()


def staircase(board: Board) -> Iterator[list[int]]:
    """A program that stays for good is started every so often; some of these boards stop at a number of them."""
    every, most = board.random.randint(40, 300), board.random.choice((2, 4, 8, 1000, 1000))
    pages = board.random.choice((6, 10, 15, 26))
    started = 0
    while True:
        board.write(_count(board, 1))
        board.delete(_count(board, 1))
        _jobs(board, 2)
        if board.step % every == every - 1 and started < most:
            started += board.run(pages, 10**9)
        yield board.end_step()


def regime(board: Board) -> Iterator[list[int]]:
    """A job that leaks is started, or stopped, in the middle of the run."""
    at, leak = board.random.randint(400, 1600), board.random.uniform(0.1, 0.6)
    before, after = board.random.choice(((0, leak), (leak, 0), (leak / 8, leak), (leak, leak / 8)))
    while True:
        board.write(_count(board, 1 + (before if board.step < at else after)))
        board.delete(_count(board, 1))
        _jobs(board, 3)
        yield board.end_step()


def recovery(board: Board) -> Iterator[list[int]]:
    """A leak that somebody cleans up, once or again and again."""
    leak, every = board.random.uniform(0.1, 0.5), board.random.randint(500, 1500)
    share = board.random.choice((0.5, 0.8, 1.0))
    while True:
        board.write(_count(board, 1 + leak))
        board.delete(_count(board, 1))
        _jobs(board, 3)
        if board.step % every == every - 1:
            board.delete(int(share * len(board.files)))
        yield board.end_step()


def resident(board: Board) -> Iterator[list[int]]:
    """Nothing is started after boot: a shell with builtins, small files."""
    while True:
        board.write(_count(board, 0.3))
        board.delete(_count(board, 0.3))
        yield board.end_step()


def slow(board: Board) -> Iterator[list[int]]:
    """A leak of a page every few hundred steps."""
    leak = board.random.uniform(0.01, 0.06)
    while True:
        board.write(_count(board, 0.5 + leak))
        board.delete(_count(board, 0.5))
        _jobs(board, 1)
        yield board.end_step()


CLASSES: dict[str, History] = {
    "cron": cron, "daemons": daemons, "saw-tooth": sawtooth, "staircase": staircase, "regime": regime,
    "recovery": recovery, "resident": resident, "slow": slow,
}  # fmt: skip


def _count(board: Board, mean: float) -> int:
    """A whole number whose mean is `mean`."""
    whole = int(mean)
    return whole + (board.random.random() < mean - whole)
