"""How long to wait before a lost link is tried again. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_S = 1.0
MOST_S = 60.0
JITTER = 0.2  # part of the delay: many links that fell together shall not come back together


class Backoff:
    """1 s, then twice as long after each failure, up to 60 s; give or take a fifth. chance: uniform in 0..1."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._delay_s = FIRST_S

    def next_delay_s(self) -> float:
        """It failed: how long to wait."""
        delay_s = self._delay_s
        self._delay_s = min(2 * delay_s, MOST_S)
        return delay_s * (1 - JITTER + 2 * JITTER * self._chance())

    def reset(self) -> None:
        """It works."""
        self._delay_s = FIRST_S
