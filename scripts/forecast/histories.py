"""Histories with a known end: from the model of an allocator, and from recorded boards."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from buddyd import watermark

from scripts.forecast.allocator import BuddyAllocator
from scripts.forecast.workloads import CLASSES, PAGES, Board

PERIOD_S = 60.0  # between two snapshots; also assumed for recorded traces
WEEK = 10_080  # snapshots
NEED_BYTES = 61440  # of a program, which is what `rm` takes on the emulated board


@dataclass(frozen=True)
class Facts:
    """What a verdict needs to know of a board. min_pages, low_pages: watermarks."""

    rule: str
    page_bytes: int
    min_pages: int
    low_pages: int

    @property
    def order(self) -> int:
        """Of the block that the need takes."""
        return int(watermark.order_for(NEED_BYTES, self.page_bytes))

    def verdict(self, nr_free: Sequence[int]) -> tuple[str, int]:
        """(verdict, margin in pages)"""
        zone = (nr_free, self.min_pages, self.low_pages, 0, 0)
        verdict, margin = watermark.judge([zone], self.order, self.rule, watermark.EXEC_PAGES)
        return str(verdict), int(margin)

    def line(self) -> str:
        """The first line of a recorded trace, for of_line()."""
        return "# " + " ".join(f"{name}={value}" for name, value in vars(self).items())

    @classmethod
    def of_line(cls, line: str) -> Facts | None:
        found = re.fullmatch(r"# rule=(\w+) page_bytes=(\d+) min_pages=(\d+) low_pages=(\d+)", line)
        return cls(found[1], *map(int, found.groups()[1:])) if found else None


MODEL = Facts("old", 4096, 90, 112)  # as the XPort Pro
GIVEN = {"old": Facts("old", 4096, 70, 87), "new": Facts("new", 4096, 70, 87)}
NEAR = 2  # snapshots: so far around it
RULE_OF = {"cron-a": "old", "daemons-c": "new", "resident-d": "old"}  # those traces do not say it themselves


@dataclass(frozen=True)
class Sample:
    """One snapshot, in pages. Each value reaches zero when, by itself, it refuses the need.

    margin: of the need. free: pages beyond the min mark and the need's block. largest: free block, beyond the need's.
    """

    margin: int
    free: int
    largest: int


@dataclass(frozen=True)
class History:
    """refused_at: the first snapshot in which the need is refused, where the samples end; None: never."""

    kind: str
    name: str
    samples: Sequence[Sample]
    refused_at: int | None


def modelled(kind: str, seed: int) -> History:
    """A board of a class of workloads: a week, or until it fails."""
    name = f"{kind} {seed}"
    return _history(kind, name, CLASSES[kind](Board(name, BuddyAllocator(PAGES))), MODEL)


def recorded(path: Path) -> History:
    """A trace as in tests/fixtures/traces, perhaps compressed."""
    trace = _trace(path)
    return _history("recorded", trace.name, trace.blocks, trace.facts, trace.refused_at)


def slowed(path: Path, times: int) -> History:
    """A trace that takes so many times as long: in place of each snapshot, some of those recorded around it."""
    trace = _trace(path)
    end = len(trace.blocks) if trace.refused_at is None else trace.refused_at
    chance = random.Random(trace.name)
    near = (at // times + chance.randint(-NEAR, NEAR) for at in range(times * end))
    blocks = [trace.blocks[min(max(at, 0), end - 1)] for at in near] + trace.blocks[end:]
    refused_at = None if trace.refused_at is None else times * end
    return _history("slowed", f"{trace.name} x{times}", blocks, trace.facts, refused_at)


@dataclass(frozen=True)
class _Trace:
    """refused_at: the number of the snapshot before which the kernel reported the first refusal."""

    name: str
    facts: Facts
    blocks: list[list[int]]
    refused_at: int | None


def _trace(path: Path) -> _Trace:
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines()
    name = path.name.removesuffix(".gz").removesuffix(".tsv")
    facts = Facts.of_line(lines[0])
    head, *rows = [line.split("\t") for line in lines if not line.startswith("#")]
    orders = [at for at, column in enumerate(head) if re.fullmatch(r"order\d+", column)]
    # In the three older traces other programs, larger than the need, were refused before it.
    refused = (at for at, row in enumerate(rows) if facts and row[head.index("event")])
    blocks = [[int(row[at]) for at in orders] for row in rows]
    return _Trace(name, facts or GIVEN[RULE_OF[name]], blocks, next(refused, None))


def _history(kind: str, name: str, blocks: Iterable[list[int]], facts: Facts, refused_at: int | None = None) -> History:
    samples: list[Sample] = []
    for nr_free in blocks:
        verdict, margin = facts.verdict(nr_free)
        need_pages = 1 << facts.order
        largest = max([1 << order for order, count in enumerate(nr_free) if count], default=0)
        free = watermark.free_pages(nr_free) - facts.min_pages - need_pages
        samples.append(Sample(margin, free, largest - need_pages + 1))
        if verdict == watermark.REFUSED or len(samples) - 1 == refused_at:
            return History(kind, name, samples, len(samples) - 1)
        if len(samples) == WEEK:
            break
    return History(kind, name, samples, None)
