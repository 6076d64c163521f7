"""Decides when a new boot counts as a reboot: when the boot before it is closed.

Until then a slower link may bring frames which show that the earlier boot still runs. In that case the new boot is no
reboot: it is an older one that was heard late, or belongs to another board with the same name.
"""

from __future__ import annotations

from buddywatch.model.samples import CLOSED, ENDING, REBOOT, Boot, BootEnd

WAITING_MAX = 16  # boots that may become a reboot; the oldest is forgotten


class Reboots:
    """The reboots of one board."""

    def __init__(self) -> None:
        self._successors: dict[str, str] = {}  # boots that are ENDING -> the next boot
        self._waiting: dict[str, Boot] = {}

    def begin(self, boot: Boot) -> bool:
        """A new boot was heard. True if it is a reboot; if not yet, end() returns it later."""
        if boot.cause != REBOOT:
            return False
        if boot.boot_id not in self._successors.values():
            return True
        self._waiting[boot.boot_id] = boot
        if len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        return False

    def end(self, end: BootEnd) -> Boot | None:
        """The state of a boot's end changed. Returns the boot that now counts as a reboot, or None."""
        if end.state == ENDING:
            self._successors[end.boot_id] = end.successor
            return None
        self._successors.pop(end.boot_id, None)
        return self._waiting.pop(end.successor, None) if end.state == CLOSED else None

    def is_ending(self, boot_id: str) -> bool:
        """True if the boot may turn out to be still running."""
        return boot_id in self._successors
