"""Two collectors that hear the same boards: each frame is written once, by whichever comes first. No I/O of its own.

Both collectors read the same uptime from a frame, but give it a time of their own. So a frame whose uptime the engine
has at about its time is there already. The spare waits, so that it comes first only when the other does not come.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from buddywatch.bridge.samples import Frames, Item, Sample
from buddywatch.bridge.series import UPTIME
from buddywatch.config.bridges import SPARE, Pair

SLACK_S = 20.0  # two collectors disagree by less about the time of a frame: a slow line holds a ring for 17 s

Known = Mapping[str, Sequence[tuple[int, int]]]  # by board: (uptime in ms, time in ms), sorted


class Engine(Protocol):
    """What the engine says of the boards of a site. Each may raise."""

    def uptimes(self, boards: Collection[str], since: float, until: float) -> Known: ...
    def first_seen(self) -> float | None:
        """When the collector that is first has pushed last."""


class Sharing:
    """One of the two. now: when it started."""

    def __init__(self, pair: Pair, engine: Engine, now: float) -> None:
        self.role = pair.role
        self._after_s = pair.after_s
        self._engine = engine
        self._begun = now
        self._is_first_alive = False

    def look(self, now: float) -> bool:
        """Look for the first one, as the spare; True if it lives, so that events and alerts are its own."""
        if self.role == SPARE:
            seen = self._engine.first_seen()
            self._is_first_alive = seen is not None and seen >= now - self._after_s
        return self._is_first_alive

    def until(self, now: float) -> float:
        """What is newer is not pushed yet.

        When the first one comes back it says so, and waits until the spare has seen that and stepped back: else both
        would push the same at the same moment.
        """
        if self.role == SPARE:
            return now - self._after_s * (2 if self._is_first_alive else 1)
        return math.inf if abs(now - self._begun) >= self._after_s / 2 else -math.inf

    def without_known(self, items: Sequence[Item], is_own: Callable[[Frames], bool]) -> list[Item]:
        """The items, without samples where the engine has them. is_own: this collector has pushed it before."""
        stamps = {number: stamp for number, item in enumerate(items) if (stamp := _uptime_of(item)) is not None}
        if not stamps:
            return list(items)
        boards = {_board(stamp) for stamp in stamps.values()}
        times = [stamp.time_ms / 1000 for stamp in stamps.values()]
        known = self._engine.uptimes(boards, min(times) - SLACK_S, max(times) + SLACK_S)
        found = []
        for number, item in enumerate(items):
            stamp = stamps.get(number)
            is_there = stamp is not None and _is_known(stamp, known)
            mine = item.frames is not None and is_own(item.frames)
            found.append(replace(item, samples=()) if is_there and not mine else item)
        return found


def without_samples(items: Iterable[Item]) -> list[Item]:
    return [replace(item, samples=()) for item in items]


def _uptime_of(item: Item) -> Sample | None:
    return next((sample for sample in item.samples if sample.series.name == UPTIME), None)


def _board(sample: Sample) -> str:
    return dict(sample.series.labels)["board"]


def _is_known(stamp: Sample, known: Known) -> bool:
    of_board, uptime_ms = known.get(_board(stamp), ()), round(1000 * stamp.value)
    at = bisect_left(of_board, (uptime_ms, 0))
    while at < len(of_board) and of_board[at][0] == uptime_ms:
        if abs(of_board[at][1] - stamp.time_ms) <= 1000 * SLACK_S:
            return True
        at += 1
    return False
