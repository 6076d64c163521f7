"""When each board was last heard, by a clock that cannot be set.

CLOCK_BOOTTIME is the same for all processes during one boot of this machine (clock_gettime(2)), so `status` knows the
age of data even if the wall clock was set meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from buddywatch.store.database import Database

_HOST_BOOT = "/proc/sys/kernel/random/boot_id"


def boottime_s() -> float:
    """Seconds since this machine booted, including suspend."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def host_boot() -> str:
    """The id of this machine's boot; "" if it cannot be read."""
    try:
        with open(_HOST_BOOT, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, UnicodeDecodeError):
        return ""


class HeardStore(Database):
    def set_heard(self, heard: Mapping[str, float]) -> None:
        """Note when boards were heard, each by CLOCK_BOOTTIME in seconds."""
        if heard:
            of_boot = host_boot()
            rows = [(board, round(boottime_s * 1000), of_boot) for board, boottime_s in heard.items()]
            self._run_many("INSERT OR REPLACE INTO heard VALUES (?, ?, ?)", rows)

    def heard_ago_s(self, board: str) -> float | None:
        """Seconds since the board was heard; None if it was not heard since this machine booted."""
        row = self._row("SELECT boottime_ms, host_boot FROM heard WHERE board = ?", (board,))
        return None if row is None else _ago_s(row[0], row[1], host_boot(), boottime_s())

    def heard_ago_s_of_all(self) -> dict[str, float]:
        """heard_ago_s() of every board that was heard since this machine booted."""
        of_boot, now_s = host_boot(), boottime_s()
        rows = self._rows("SELECT board, boottime_ms, host_boot FROM heard")
        ago_s = {board: _ago_s(boottime_ms, heard_in, of_boot, now_s) for board, boottime_ms, heard_in in rows}
        return {board: of_board for board, of_board in ago_s.items() if of_board is not None}


def _ago_s(boottime_ms: int, heard_in: str, of_boot: str, now_s: float) -> float | None:
    return max(0.0, now_s - boottime_ms / 1000) if heard_in and heard_in == of_boot else None
