"""The health of a part of the collector that runs in its own thread."""

from __future__ import annotations

from dataclasses import dataclass

RUNNING, RESTARTING, STOPPED = "running", "restarting", "stopped"


@dataclass(frozen=True)
class PartHealth:
    """state: RESTARTING between an unexpected end and the next start; STOPPED: the collector stopped it, or has itself
    ended. since: when this state began. restarts: since the collector started. last_error: why the part ended last
    time, None if it never did; last_error_at: when that was.
    """

    name: str
    state: str
    since: float
    restarts: int = 0
    last_error: str | None = None
    last_error_at: float | None = None
