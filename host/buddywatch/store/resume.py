"""Which frames of a board are there, for a collector that starts again."""

from __future__ import annotations

from buddywatch.model.samples import Boot, ResumeState, Snapshot
from buddywatch.store.read import SNAPSHOT
from buddywatch.store.write import DataStore

# Frames first..last of a boot that hold snapshots and events, touching ranges joined; their first and last snapshot.
_STORED_RANGES = """
    WITH pieces AS (
        SELECT first_seq AS first, seq AS last, seq AS snapshot FROM snapshots WHERE boot = ?1
        UNION ALL SELECT seq, seq, NULL FROM events WHERE boot = ?1 AND seq IS NOT NULL),
    starts AS (SELECT *, first > 1 + max(last) OVER (ORDER BY first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        AS after_hole FROM pieces),
    numbered AS (SELECT *, sum(coalesce(after_hole, 0)) OVER (ORDER BY first) AS number FROM starts)
    SELECT min(first), max(last), min(snapshot), max(snapshot) FROM numbered GROUP BY number ORDER BY 1"""


class FrameStore(DataStore):
    def resume(self, board: str) -> ResumeState | None:
        """What the tracker must know of a board; None for one never seen."""
        boot = self.latest_boot(board)
        if boot is None:
            return None
        key = self._known_key(board, boot.boot_id)
        ranges = list(self._rows(_STORED_RANGES, (key,)))
        return ResumeState(
            boot=boot,
            stored=tuple((first, last) for first, last, _, _ in ranges),
            lost=tuple(self._rows("SELECT first, last FROM gaps WHERE boot = ? ORDER BY first", (key,))),
            edges=tuple(self._snapshot_at(key, newest) for _, _, _, newest in ranges if newest is not None),
            earlier=self._highest(board, boot),
            firsts=tuple(self._snapshot_at(key, oldest) for _, _, oldest, _ in ranges if oldest is not None),
        )

    def _snapshot_at(self, boot: int, seq: int) -> Snapshot:
        row = self._row(f"SELECT {SNAPSHOT} FROM snapshots s WHERE boot = ? AND seq = ?", (boot, seq))
        assert row is not None
        return self._snapshot(row)

    def _highest(self, board: str, newest: Boot) -> dict[str, int]:
        sql = """SELECT boot_id, max(coalesce((SELECT max(seq) FROM snapshots WHERE boot = b.id), 0),
            coalesce((SELECT max(seq) FROM events WHERE boot = b.id), 0))
            FROM boots b WHERE board = ? AND boot_id <> ?"""
        return dict(self._rows(sql, (board, newest.boot_id)))
