"""How fast this machine is while something else is measured: two fixed pieces of work, in CPU time.

A figure in seconds of processor means little on a machine that others use, or on a slow one: there the same work takes
more of them. A figure in steps of this loop, or in rows of this table, can be compared.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

STEPS = 50_000
ROWS = 1000
_VECTOR = "[104132,406,200,60,180,90,112,135,0,2,8,3,12,0,1,0,1,0,1,0]"


@dataclass(frozen=True)
class Pace:
    """loop_ns: of one step of a Python loop that adds a number. row_us: of one snapshot's row into SQLite, 1,000 in a
    transaction. Both of processor time."""

    loop_ns: float
    row_us: float

    def text(self) -> str:
        return f"a step of a loop {self.loop_ns:.0f} ns, a row into SQLite {self.row_us:.1f} us of CPU"


class PaceMeter:
    """Takes samples while something else runs, as they are taken by the same processors."""

    def __init__(self, folder: Path) -> None:
        self._loops: list[float] = []
        self._rows: list[float] = []
        self._db = sqlite3.connect(folder / "pace.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("CREATE TABLE s (board INTEGER, seq INTEGER, time_ms INTEGER, vector TEXT)")

    def sample(self) -> None:
        """Measure both once: some 10 ms."""
        self._loops.append(loop_ns())
        self._rows.append(self._row_us())

    def pace(self) -> Pace:
        """The median of the samples."""
        return Pace(statistics.median(self._loops), statistics.median(self._rows))

    def close(self) -> None:
        self._db.close()

    def _row_us(self) -> float:
        began_s = time.thread_time()
        self._db.execute("BEGIN")
        rows = ((board, 7, 1_700_000_000_000, _VECTOR) for board in range(ROWS))
        self._db.executemany("INSERT INTO s VALUES (?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")
        return (time.thread_time() - began_s) * 1e6 / ROWS


def loop_ns() -> float:
    """The processor time of a step of a Python loop."""
    began_s, total = time.thread_time(), 0
    for number in range(STEPS):
        total += number & 3
    return (time.thread_time() - began_s) * 1e9 / STEPS
