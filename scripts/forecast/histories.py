"""Histories with a known end: from the model of an allocator, and from recorded boards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from buddyd import watermark

from scripts.forecast.workloads import CLASSES, Board

PERIOD_S = 60.0  # between two snapshots; also assumed for recorded traces
WEEK = 10_080  # snapshots
ORDER = 4  # a program of 61440 bytes needs a block of 64 kB
MODEL_MARKS = (90, 112)  # min and low of the XPort Pro, in pages
TRACE_MARKS = (70, 87)  # those of the boards on which the traces were recorded


@dataclass(frozen=True)
class Sample:
    """One snapshot, in pages. margin: of the need."""

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
    board = Board(f"{kind} {seed}")
    return _history(kind, f"{kind} {seed}", CLASSES[kind](board), MODEL_MARKS, "old")


def recorded(path: Path) -> History:
    """A trace as in tests/fixtures/traces."""
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    first = rows[0].index("order0")
    end = next(i for i in range(first, len(rows[0]) + 1) if rows[0][i : i + 1] != [f"order{i - first}"])
    blocks = ([int(text) for text in row[first:end]] for row in rows[1:])
    return _history("recorded", path.stem, blocks, TRACE_MARKS, "new" if "daemons-c" in path.stem else "old")


def _history(kind: str, name: str, blocks: Iterator[list[int]], marks: tuple[int, int], rule: str) -> History:
    samples: list[Sample] = []
    for nr_free in blocks:
        zone = (nr_free, *marks, 0)
        verdict, margin = watermark.judge([zone], ORDER, rule, watermark.EXEC_PAGES)
        largest = max([order for order, count in enumerate(nr_free) if count], default=-1)
        samples.append(Sample(margin, watermark.free_pages(nr_free), 1 << largest if largest >= 0 else 0))
        if verdict == watermark.REFUSED:
            return History(kind, name, samples, len(samples) - 1)
        if len(samples) == WEEK:
            break
    return History(kind, name, samples, None)
