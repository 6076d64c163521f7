"""What is pushed, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

Labels = tuple[tuple[str, str], ...]


class Series(NamedTuple):
    """name: as Prometheus has it, with its unit at the end (prometheus.io/docs/practices/naming)."""

    name: str
    labels: Labels


class Sample(NamedTuple):
    series: Series
    value: int | float
    time_ms: int


class Frames(NamedTuple):
    """Frames first..last of a boot. key: boots.id."""

    key: int
    first: int
    last: int


@dataclass(frozen=True)
class Item:
    """Samples that are pushed, or set aside, together, and what the cursor notes then.

    what: for people. frames: which the samples stand for. event_id, transition_id: the last one that they tell of.
    """

    what: str
    samples: Sequence[Sample]
    frames: Frames | None = None
    event_id: int = 0
    transition_id: int = 0
