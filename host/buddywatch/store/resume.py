"""Which frames of a board are stored, for a collector that starts again.

A boot may have millions of rows, too many to read at a start. The table `stored_ranges` lists ranges of frames that
are stored; only frames outside of these ranges are looked up among the rows. Every FOLD_ROWS rows the table is brought
up to date, so there is little to look up.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from buddywatch.model.samples import Boot, ResumeState, Snapshot
from buddywatch.store.write import DataStore

FOLD_ROWS = 1000  # of a board
_END_SEQ = 2**63 - 1

_Range = tuple[int, int]  # first and last frame, both included

# The frames between ?2 and ?3 that a boot's snapshots and events hold; adjacent ranges are joined.
_RANGES_BETWEEN = """
    WITH pieces AS (
        SELECT first_seq AS first, seq AS last FROM journal WHERE boot = ?1 AND seq > ?2 AND seq < ?3
        UNION ALL SELECT seq, seq FROM events WHERE boot = ?1 AND seq > ?2 AND seq < ?3),
    starts AS (SELECT *, first > 1 + max(last) OVER (ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        AS after_hole FROM pieces),
    numbered AS (SELECT *, sum(coalesce(after_hole, 0)) OVER (ORDER BY first) AS number FROM starts)
    SELECT min(first), max(last) FROM numbered GROUP BY number ORDER BY 1"""


class FrameStore(DataStore):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._unfolded: dict[str, int] = {}  # by board: rows written since its ranges were brought up to date

    def resume(self, board: str) -> ResumeState | None:
        """What the tracker must know about a board; None if it was never seen or its newest boot cannot be read."""
        boot = self.latest_boot(board)
        if boot is None:
            return None
        state = self._resume_boot(board, boot)
        if state is None:
            return None
        endings = []
        for end in self.endings(board):
            ended = None if end.boot_id == boot.boot_id else self._known_boot(board, end.boot_id)
            of_ended = None if ended is None else self._resume_boot(board, ended)
            if of_ended is not None:
                endings.append((end, of_ended))
        return replace(state, earlier=self._highest(board, boot), endings=tuple(endings))

    def _resume_boot(self, board: str, boot: Boot) -> ResumeState | None:
        """What is stored of one boot; None if its facts cannot be read."""
        key = self._known_key(board, boot.boot_id)
        if self._layout(key) is None:
            return None
        ranges, edges = self._usable(key, self._stored_ranges(key))
        firsts = [self._end_snapshot(key, first, last, "ASC")[1] for first, last in ranges]
        return ResumeState(
            boot=boot,
            stored=tuple(ranges),
            lost=tuple(self._rows("SELECT first, last FROM gaps WHERE boot = ? ORDER BY first", (key,))),
            edges=tuple(edges),
            firsts=tuple(first for first in firsts if first is not None),
        )

    def fold_ranges(self, board: str, rows: int) -> None:
        """Count the board's written rows; every FOLD_ROWS of them, bring `stored_ranges` up to date."""
        self._unfolded[board] = self._unfolded.get(board, 0) + rows
        if self._unfolded[board] < FOLD_ROWS:
            return
        self._unfolded[board] = 0
        key = self._newest_key(board)
        if key is not None:
            self._fold(key)

    def _fold(self, key: int) -> None:
        before, now = set(self._folded_ranges(key)), set(self._stored_ranges(key))
        for first, _ in before - now:
            self._run("DELETE FROM stored_ranges WHERE boot = ? AND first = ?", (key, first))
        for first, last in now - before:
            self._run("INSERT INTO stored_ranges VALUES (?, ?, ?)", (key, first, last))

    def _folded_ranges(self, key: int) -> list[_Range]:
        return list(self._rows("SELECT first, last FROM stored_ranges WHERE boot = ? ORDER BY first", (key,)))

    def _stored_ranges(self, key: int) -> list[_Range]:
        """The frames that a boot's snapshots and events hold, as ranges that are not adjacent."""
        found: list[_Range] = []
        behind = 0
        for folded in [*self._folded_ranges(key), (_END_SEQ, _END_SEQ)]:
            found += self._rows(_RANGES_BETWEEN, (key, behind, folded[0]))
            found.append(folded)
            behind = folded[1]
        found.pop()
        return _joined(found)

    def _usable(self, key: int, ranges: list[_Range]) -> tuple[list[_Range], list[Snapshot]]:
        """Each range, cut before unreadable snapshots at its end, and the last snapshot of each range that has one.

        Later frames build on that snapshot. Frames that are cut off are requested from the board again.
        """
        usable, edges = [], []
        for first, last in ranges:
            damaged_from, edge = self._end_snapshot(key, first, last, "DESC")
            if first < damaged_from:
                usable.append((first, min(last, damaged_from - 1)))
                edges += [edge] if edge is not None else []
        return usable, edges

    def _end_snapshot(self, key: int, first: int, last: int, order: str) -> tuple[int, Snapshot | None]:
        """The last (DESC) or first (ASC) readable snapshot of a range, and the first frame of those skipped."""
        passed = last + 1
        rows = self.rows_before(key, last + 1) if order == "DESC" else self.rows_after(key, first - 1)
        for row in rows:
            first_frame, frame, *_ = row
            if not first <= frame <= last:
                break
            snapshot = self._snapshot(key, row)
            if snapshot is not None:
                return passed, snapshot
            passed = min(passed, first_frame)
        return passed, None

    def _highest(self, board: str, newest: Boot) -> dict[str, int]:
        highest = "coalesce((SELECT max({}) FROM {} WHERE boot = b.id), 0)"
        places = (("seq", "journal"), ("last_seq", "chunks"), ("seq", "events"))
        of_boot = ", ".join(highest.format(column, table) for column, table in places)
        sql = f"SELECT boot_id, max({of_boot}) FROM boots b WHERE board = ? AND boot_id <> ?"
        return dict(self._rows(sql, (board, newest.boot_id)))


def _joined(ranges: list[_Range]) -> list[_Range]:
    """Ranges in ascending order, with adjacent ones joined."""
    joined: list[_Range] = []
    for first, last in ranges:
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined
