"""How a part of the collector fares that runs in a thread of its own."""

from __future__ import annotations

from dataclasses import dataclass

RUNNING, RESTARTING, STOPPED = "running", "restarting", "stopped"


@dataclass(frozen=True)
class PartHealth:
    """state: RESTARTING between an end that nobody asked for and the next start; STOPPED: the collector ended it, or
    has ended itself. since: when this state began. restarts: since the collector was started. last_error: why it ended
    the last time, None if it never did; last_error_at: when that was.
    """

    name: str
    state: str
    since: float
    restarts: int = 0
    last_error: str | None = None
    last_error_at: float | None = None
