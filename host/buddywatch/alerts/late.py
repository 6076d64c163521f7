"""Snapshots that come after newer ones were judged: a need that was refused in them is reported once, as delayed. Pure.

They change no state of a rule, since the present is known already. They may come in many small answers, so what they
show is gathered until none came for a while.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from buddywatch.alerts import signals
from buddywatch.model.samples import Snapshot
from buddywatch.model.verdicts import NeedState
from buddywatch.text.escape import counted, rough_duration

GATHER_S = 10.0  # without a late snapshot


@dataclass(frozen=True)
class Refusal:
    """A need that was refused in `count` late snapshots, from first to last."""

    need: NeedState
    first: Snapshot
    last: Snapshot
    count: int

    @property
    def text(self) -> str:
        span = rough_duration(self.last.time - self.first.time)
        return (
            f"{self.need.name}: a request of {self.need.bytes} contiguous bytes would have failed in "
            f"{counted(self.count, 'snapshot')} within {span}, which came late"
        )


class LateSnapshots:
    """due_s: when take_refusals() should be called, by the steady clock; infinity without a reason."""

    def __init__(self) -> None:
        self.due_s = math.inf
        self._found: dict[str, Refusal] = {}

    def take(self, snapshot: Snapshot, needs: Iterable[NeedState], monotonic_s: float) -> None:
        """A late snapshot came."""
        for need in needs:
            if signals.refused_level(need) != signals.BAD:
                continue
            before = self._found.get(need.name, Refusal(need, snapshot, snapshot, 0))
            first = min(before.first, snapshot, key=lambda shot: shot.time)
            last = max(before.last, snapshot, key=lambda shot: shot.time)
            self._found[need.name] = Refusal(need, first, last, before.count + 1)
        if self._found:
            self.due_s = monotonic_s + GATHER_S

    def take_refusals(self) -> list[Refusal]:
        """What was gathered since the last call."""
        found, self._found, self.due_s = list(self._found.values()), {}, math.inf
        return found
