"""The lives of programs on a board without an MMU, as far as its agent saw them. Plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Life:
    """One process from its start to its end, in seconds of the board's uptime. pages: the most that it was seen with.

    seen_s: when it was last known to run. ended_s: None if it was not seen to end.
    """

    boot_id: str
    pid: int
    name: str
    started_s: int
    seen_s: float
    ended_s: float | None
    pages: int
