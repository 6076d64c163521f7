"""What was pushed in the last moments. No I/O.

VictoriaMetrics writes what it has taken to its disk every 5 s (docs.victoriametrics.com, -inmemoryDataFlushInterval):
if it is killed, the last samples are gone although it has answered that it took them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from buddywatch.bridge.samples import Frames
from buddywatch.protocol.ranges import Ranges

UNSURE_S = 30.0


class Taken(NamedTuple):
    """A batch that the engine took. event_id, transition_id: where the cursor stood before it."""

    at_s: float
    frames: Sequence[Frames]
    event_id: int
    transition_id: int


class Recent:
    """Each frame is given back once only: on a line that breaks again and again the bridge still gets on."""

    def __init__(self) -> None:
        self._taken: deque[Taken] = deque()
        self._given_back: dict[int, Ranges] = {}
        self._event_id = self._transition_id = 0  # of what was given back

    def is_own(self, frames: Frames) -> bool:
        """True for what was given back: this bridge has pushed it, and the engine may have lost part of it."""
        return frames.first in self._given_back.get(frames.key, ())

    def add(self, taken: Taken) -> None:
        once = [one for one in taken.frames if not self.is_own(one)]
        event_id, transition_id = max(taken.event_id, self._event_id), max(taken.transition_id, self._transition_id)
        self._taken.append(taken._replace(frames=once, event_id=event_id, transition_id=transition_id))
        while self._taken[0].at_s < taken.at_s - UNSURE_S:
            self._taken.popleft()

    def give_back(self, monotonic_s: float, event_id: int, transition_id: int) -> Taken | None:
        """What may be lost, as one; None: nothing. event_id, transition_id: where the cursor stands."""
        lately = [taken for taken in self._taken if taken.at_s >= monotonic_s - UNSURE_S]
        self._taken.clear()
        if not lately:
            return None
        frames = [one for taken in lately for one in taken.frames]
        for one in frames:
            self._given_back.setdefault(one.key, Ranges()).add(one.first, one.last)
        self._event_id, self._transition_id = event_id, transition_id
        back_to = min(event_id, lately[0].event_id), min(transition_id, lately[0].transition_id)
        return Taken(monotonic_s, frames, *back_to)
