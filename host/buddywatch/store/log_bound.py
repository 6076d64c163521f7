"""Keeps the write-ahead log short while other programs read.

SQLite begins the log anew only at a moment in which nobody reads it. With many readers that overlap, such a moment may
never come by itself (sqlite.org/wal.html, 6: checkpoint starvation). So a log that is too long is taken over with
TRUNCATE: that waits until each reader of now has ended, while new ones already read the file and not the log. A reader
that stays longer than that is the only one that makes the log grow: it is told, and tried again less and less often.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from buddywatch.store.database import LOG_BYTES, Database

RESTART_BYTES = 2 * LOG_BYTES  # far more than a log that SQLite takes over by itself gets
MANY_BYTES = 64 << 20
WAIT_MS = 200  # for readers; the writer stands still meanwhile
PAUSE_S, PAUSE_MAX_S = 1.0, 60.0  # between two attempts


class LogBoundStore(Database):
    _pause_s = PAUSE_S
    _not_before_s = 0.0

    def bound_log(self) -> None:
        """Take over a log that has become long, and say once if another program hinders that."""
        size = 0
        with suppress(OSError):
            size = os.path.getsize(f"{self.path}-wal")
        if size <= RESTART_BYTES or time.monotonic() < self._not_before_s:
            return
        if self._restart_log():
            self._pause_s = PAUSE_S
            return
        self._not_before_s = time.monotonic() + self._pause_s
        self._pause_s = min(PAUSE_MAX_S, 2 * self._pause_s)
        if size > MANY_BYTES:
            self.damage.notice(
                f"{self.path}-wal: more than {MANY_BYTES >> 20} MB, since another program has been reading the "
                "database for long (a shell with BEGIN, a query behind a pager): end it, and the log shrinks again"
            )

    def _restart_log(self) -> bool:
        """Whether nobody was in the way. The log shrinks with it, to nothing."""
        (patience_ms,) = self._row("PRAGMA busy_timeout") or (0,)
        self._run(f"PRAGMA busy_timeout = {WAIT_MS}")
        try:
            is_hindered, _, _ = self._row("PRAGMA wal_checkpoint(TRUNCATE)") or (1, 0, 0)
        finally:
            self._run(f"PRAGMA busy_timeout = {patience_ms}")
        return not is_hindered
