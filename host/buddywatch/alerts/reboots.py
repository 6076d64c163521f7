"""When a boot counts as a reboot of the board: once the boot before it is over for good.

While a slower link may still bring frames of the boot before, it may also turn out that this one goes on: then the
other was an older boot, heard late, or that of another board with the same name.
"""

from __future__ import annotations

from buddywatch.model.samples import CLOSED, ENDING, REBOOT, Boot, BootEnd

WAITING_MAX = 16  # boots that are not told yet; the oldest is forgotten


class Reboots:
    """Of one board."""

    def __init__(self) -> None:
        self._successors: dict[str, str] = {}  # boots that are ENDING -> the boot after each
        self._waiting: dict[str, Boot] = {}

    def begin(self, boot: Boot) -> bool:
        """A new boot was heard. Whether it is a reboot already; otherwise end() tells when it is."""
        if boot.cause != REBOOT:
            return False
        if boot.boot_id not in self._successors.values():
            return True
        self._waiting[boot.boot_id] = boot
        if len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        return False

    def end(self, end: BootEnd) -> Boot | None:
        """How the end of a boot goes on. The boot that is now a reboot, if one is."""
        if end.state == ENDING:
            self._successors[end.boot_id] = end.successor
            return None
        self._successors.pop(end.boot_id, None)
        return self._waiting.pop(end.successor, None) if end.state == CLOSED else None

    def is_ending(self, boot_id: str) -> bool:
        """Whether it may still go on."""
        return boot_id in self._successors
