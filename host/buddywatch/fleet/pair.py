"""What the engine says of the other one of two collectors that hear the same boards."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from buddywatch.fleet import queries
from buddywatch.fleet.engine import Engine
from buddywatch.links.base import LinkError

SLACK_S = 10.0  # by so much two collectors may disagree about the time of the newest snapshot


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
        now_s = self._engine.now()
        return max((value for _, value in self._engine.values(queries.first_seen(self._site), now_s)), default=None)

    def is_first_aware(self, board: str, made: float, own: Mapping[str, float]) -> bool:
        """True if the first collector knew of a message of the spare about this board ("" for all) what the spare did.

        made: when the message was made. own: when the newest snapshot of each board was made, as the spare has it. If
        the engine does not say, the first one may be gone.
        """
        try:
            seen = self.first_seen()
            if seen is None or seen < made:
                return False
            asked = self._engine.values(queries.first_heard(self._site), self._engine.now())
        except LinkError:
            return False
        heard = {labels.get("board", ""): value for labels, value in asked}
        boards = [board] if board else list(own)
        return all(heard.get(one, 0.0) >= min(made, own.get(one, made)) - SLACK_S for one in boards)
