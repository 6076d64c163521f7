"""What the engine says of the other one of two collectors that hear the same boards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from buddywatch.config.bridges import FIRST, SPARE
from buddywatch.fleet import queries
from buddywatch.fleet.engine import Engine
from buddywatch.links.base import LinkError

CLOCKS_S = 2.0  # by so much the clocks of the two machines may differ
SLACK_S = 10.0  # by so much two collectors may disagree about the time of the newest snapshot


class Absence(NamedTuple):
    """When the first collector pushed last, and when it came back. after_s: how long the spare waits for it."""

    since: float
    until: float
    after_s: float


class PairView:
    """site: of both collectors."""

    def __init__(self, engine: Engine, site: str | None) -> None:
        self._engine = engine
        self._site = site

    def uptimes(self, boards: Collection[str], since: float, until: float) -> dict[str, list[tuple[int, int]]]:
        """(uptime, time) of each snapshot that is there, in ms, by board; sorted."""
        found: dict[str, list[tuple[int, int]]] = {}
        for course in self._engine.samples(queries.uptimes(self._site, boards, until - since), until):
            points = [(round(1000 * value), round(1000 * time)) for time, value in course.points]
            found.setdefault(course.labels.get("board", ""), []).extend(points)
        return {board: sorted(points) for board, points in found.items()}

    def first_seen(self) -> float | None:
        return self._seen(FIRST)

    def is_first_aware(self, board: str, made: float, own: Mapping[str, float]) -> bool:
        """True if the first collector knew of a message of the spare about this board ("" for all) what the spare did.

        made: when the message was made. own: when the newest snapshot of each board was made, as the spare has it. If
        the engine does not say, the first one may be gone.
        """
        try:
            seen = self._seen(FIRST)
            if seen is None or seen < made:
                return False
            heard = self._heard(FIRST)
        except LinkError:
            return False
        boards = [board] if board else list(own)
        return all(heard.get(one, 0.0) >= min(made, own.get(one, made)) - SLACK_S for one in boards)

    def has_spare_reported(self, changes: Sequence[tuple[str, float]], absence: Absence) -> bool:
        """True if all these changes, of a board each at a time, fell into an absence of the first collector in which
        the spare had time to report them, and could."""
        late = absence.until - 2 * absence.after_s
        if not changes or not all(absence.since + CLOCKS_S < time < late for _, time in changes):
            return False
        try:
            seen = self._seen(SPARE)
            if seen is None or seen < absence.until - absence.after_s:
                return False
            heard = self._heard(SPARE)
        except LinkError:
            return False
        return all(heard.get(board, 0.0) >= time - SLACK_S for board, time in changes)

    def _seen(self, role: str) -> float | None:
        found = self._engine.values(queries.pair_seen(self._site, role), self._engine.now())
        return max((value for _, value in found), default=None)

    def _heard(self, role: str) -> dict[str, float]:
        found = self._engine.values(queries.pair_heard(self._site, role), self._engine.now())
        return {labels.get("board", ""): value for labels, value in found}
