"""How long to wait before a link is opened again. Pure."""

from __future__ import annotations

FIRST_S = 1.0
LONGEST_S = 60.0
STEADY_S = 30.0  # a connection that lasted this long resets the wait
JITTER = 0.25  # each wait is shortened at random by up to this share, so that many links do not retry together


class Backoff:
    """One per link: 1 s, 2 s, 4 s and so on up to 60 s, until a connection lasts STEADY_S."""

    def __init__(self) -> None:
        self._wait_s = FIRST_S

    def next_wait_s(self, lasted_s: float, chance: float) -> float:
        """Seconds until the next try. lasted_s: how long the link was up, 0 if never. chance: random, from 0 to 1."""
        if lasted_s >= STEADY_S:
            self._wait_s = FIRST_S
        wait_s = self._wait_s
        self._wait_s = min(2 * wait_s, LONGEST_S)
        return wait_s * (1 - JITTER * chance)
