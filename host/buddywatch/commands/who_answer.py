"""What `who` says, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from buddywatch.model.samples import Boot
from buddywatch.verdict.culprits import Findings, Record
from buddywatch.verdict.losses import Loss


@dataclass(frozen=True)
class WhoAnswer:
    """since, until: seconds since 1970. need: what room is counted for, a request of that order. sees_programs: False
    if the board sends neither maps nor starts. boots: by id."""

    board: str
    since: float
    until: float
    need: str
    page_bytes: int
    order: int
    findings: Findings
    sees_programs: bool
    boots: Mapping[str, Boot]

    @property
    def block_bytes(self) -> int:
        return self.page_bytes << self.order

    def starts_per_hour(self, starts: int) -> float:
        return starts * 3600 / self.findings.watched_s if self.findings.watched_s else 0.0

    def bytes_of(self, pages: float | None) -> float | None:
        return None if pages is None else pages * self.page_bytes

    def lost_in_all_bytes(self, record: Record) -> float | None:
        return None if record.lost_pages is None else record.lost_in_all_pages * self.page_bytes

    def time_of(self, loss: Loss, uptime_s: float) -> float | None:
        """Seconds since 1970 for an uptime of the loss' boot."""
        boot = self.boots.get(loss.boot_id)
        return None if boot is None else boot.started + uptime_s
