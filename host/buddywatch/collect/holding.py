"""When the rows that can wait are given to the writer. No I/O.

Each write takes some pages of the disk, however little it holds: with one board at 1 Hz a write a second makes several
kB of each snapshot, which is much for a flash card. What is held back the board still has, so that nothing is lost.
"""

from __future__ import annotations

import math

QUICK_S = 300.0  # after the start, when things are set up, every second; with many boards more rarely:
QUICK_BOARDS = 100  # boards that are written in a second then, as the rows of each take a page
EVERY_S = 120.0
FRAMES_MAX = 20_000  # so many are written at once


class Holding:
    """every_s: the time between two writes; None: every second at first, then EVERY_S."""

    def __init__(self, every_s: float | None, monotonic_s: float) -> None:
        self._every_s = every_s
        self._quick_until_s = monotonic_s + QUICK_S
        self._written_s = -math.inf
        self._is_wanted = False

    def want(self) -> None:
        """Somebody waits for what is held back."""
        self._is_wanted = True

    def is_due(self, monotonic_s: float, frames: int, boards: int, is_followed: bool) -> bool:
        """Whether to write everything now. frames: received since that was done. It counts as done then.

        is_followed: somebody looks at what is written.
        """
        is_due = monotonic_s - self._written_s >= self._pause_s(monotonic_s, boards)
        if not (is_due or is_followed or self._is_wanted or frames >= FRAMES_MAX):
            return False
        self._is_wanted = False
        self._written_s = monotonic_s
        return True

    def _pause_s(self, monotonic_s: float, boards: int) -> float:
        if self._every_s is not None:
            return self._every_s
        return boards // QUICK_BOARDS if monotonic_s < self._quick_until_s else EVERY_S
