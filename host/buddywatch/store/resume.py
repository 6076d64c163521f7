"""Which frames of a board are there: for a collector that starts again, and for rules that judge them in sequence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

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

_UNJUDGED = f"""
    SELECT s.first_seq AS first, s.seq AS last, {SNAPSHOT} FROM snapshots s WHERE s.boot = ?1 AND s.seq > ?2
    UNION ALL SELECT seq, seq, NULL, NULL, NULL, NULL, NULL FROM events WHERE boot = ?1 AND seq > ?2
    UNION ALL SELECT first, last, NULL, NULL, NULL, NULL, NULL FROM gaps WHERE boot = ?1 AND last > ?2
    ORDER BY 2"""


@dataclass(frozen=True)
class Judged:
    """How far the rules are with a board: frame seq of the boot with this key. Ended: a later boot has begun."""

    boot: int
    seq: int
    ended: bool


@dataclass(frozen=True)
class Piece:
    """Frames first..last, which hold this snapshot or, for None, are an event's or a gap's."""

    first: int
    last: int
    snapshot: Snapshot | None


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

    def judged(self, board: str) -> Judged | None:
        """How far the rules are; at the start of the first boot when they have judged nothing; None without a boot."""
        row = self._row("SELECT boot, seq FROM judged WHERE board = ?", (board,))
        if row is None:
            row = self._row("SELECT min(id), 0 FROM boots WHERE board = ? HAVING count(*)", (board,))
            if row is None:
                return None
        return Judged(row[0], row[1], self._next_boot(board, row[0]) is not None)

    def set_judged(self, board: str, at: Judged) -> None:
        self._run("INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", (board, at.boot, at.seq))

    def next_boot(self, board: str, at: Judged) -> Judged | None:
        """The start of the boot after; None if there is none yet."""
        key = self._next_boot(board, at.boot)
        return None if key is None else Judged(key, 0, self._next_boot(board, key) is not None)

    def unjudged(self, at: Judged) -> Iterator[Piece]:
        """What came of the boot behind `at`, in sequence, one at a time; where a piece does not follow, is a hole."""
        for first, last, *row in self._rows(_UNJUDGED, (at.boot, at.seq)):
            yield Piece(first, last, None if row[0] is None else self._snapshot(tuple(row)))

    def facts(self, key: int) -> dict[str, str]:
        """The hello's facts of the boot with this key."""
        row = self._row("SELECT facts FROM boots WHERE id = ?", (key,))
        return {} if row is None else dict(json.loads(row[0]))

    def _next_boot(self, board: str, key: int) -> int | None:
        row = self._row("SELECT min(id) FROM boots WHERE board = ? AND id > ?", (board, key))
        return None if row is None else row[0]
