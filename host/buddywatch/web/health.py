"""Whether the collector works, by its pulse and by what the store says. Pure, but for the pulse's pipe."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise

from buddywatch.text.escape import brief_duration, one_line

STILL_S = 30.0  # a loop that did not turn for so long hangs; as collect's own sign of life has it
MINUTE_S = 60.0
_PIECE = 65536


class Pulse:
    """A line a second from the collector's loop: "" or why the store takes nothing. ended: called at the end."""

    def __init__(self, descriptor: int, ended: Callable[[], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._descriptor = descriptor
        self._ended = ended
        self._clock = clock
        self._rest = b""
        self._beats: deque[float] = deque([clock()], maxlen=1000)
        self.problem = ""  # why the store takes nothing

    def read(self) -> None:
        """Take what the collector has written. Call it when the descriptor is readable."""
        data = os.read(self._descriptor, _PIECE)
        if not data:
            self._ended()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            self.problem = lines[-1].decode("utf-8", "replace")
            self._beats.append(self._clock())

    @property
    def age_s(self) -> float:
        """Since the loop turned."""
        return self._clock() - self._beats[-1]

    @property
    def longest_s(self) -> float:
        """The longest time between two turns in the last minute, the present one included."""
        now = self._clock()
        recent = [beat for beat in self._beats if now - beat <= MINUTE_S]
        return max([now - self._beats[-1], *(b - a for a, b in pairwise(recent))])


def problems(pulse: Pulse | None, has_collector: bool, channels: Sequence[tuple[str, float, str]]) -> list[str]:
    """What is wrong; nothing where all is well. channels: (name, how long it has failed in seconds, why)."""
    found = []
    if pulse is not None and pulse.age_s > STILL_S:
        found.append(f"the collector's loop has stood still for {brief_duration(pulse.age_s)}")
    if pulse is not None and pulse.problem:
        found.append(f"the store takes nothing: {one_line(pulse.problem)}")
    if pulse is None and not has_collector:
        found.append("no collector runs")
    for name, failing_s, why in channels:
        found.append(f"{name} has failed for {brief_duration(failing_s)}: {one_line(why)}")
    return found
