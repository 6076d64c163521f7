"""When each board was last heard, by a clock that nobody sets.

CLOCK_BOOTTIME is the same for all processes of one boot of this machine (clock_gettime(2)), so that `status` knows the
age of data even where the wall clock was set since.
"""

from __future__ import annotations

import time

from buddywatch.store.database import Database

_HOST_BOOT = "/proc/sys/kernel/random/boot_id"


def boottime_s() -> float:
    """Seconds since this machine was started, suspend included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def host_boot() -> str:
    """Which boot of this machine it is; "" where that cannot be read."""
    try:
        with open(_HOST_BOOT, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return ""


class HeardStore(Database):
    def set_heard(self, board: str, boottime_s: float) -> None:
        """The board was heard at this time of this machine's boot."""
        self._run("INSERT OR REPLACE INTO heard VALUES (?, ?, ?)", (board, round(boottime_s * 1000), host_boot()))

    def heard_ago_s(self, board: str) -> float | None:
        """How long ago the board was heard; None: not in this boot of this machine."""
        row = self._row("SELECT boottime_ms, host_boot FROM heard WHERE board = ?", (board,))
        if row is None or not row[1] or row[1] != host_boot():
            return None
        return max(0.0, boottime_s() - int(row[0]) / 1000)
