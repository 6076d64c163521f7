"""How much a need can be served from, over time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from buddyd import watermark

from buddywatch.model.samples import Snapshot
from buddywatch.verdict.judge import serving_zones


@dataclass(frozen=True, slots=True)
class Point:
    """One poll. room_pages: in free blocks of the need's order or larger. created: processes since boot. file_pages:
    files in memory."""

    uptime_s: float
    room_pages: int
    created: int | None
    file_pages: int | None = None


def point_of(snapshot: Snapshot, order: int) -> Point:
    room = sum(watermark.pages_from(zone.nr_free, order) for zone in serving_zones(snapshot))
    return Point(snapshot.uptime_ms / 1000, room, snapshot.processes, snapshot.file_pages)
