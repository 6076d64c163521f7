"""What the rules must know about a board when a collector starts: their states, and what is not judged yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import merge
from itertools import islice, takewhile
from operator import attrgetter
from typing import Any

from buddywatch.model.alerts import KERNEL_FAILURE, RulesHistory
from buddywatch.model.batch import MovedBoot
from buddywatch.model.forecasts import MarginRecord
from buddywatch.model.memory_map import MAP_KINDS
from buddywatch.model.samples import Boot, Event, Piece, Snapshot, milliseconds
from buddywatch.store.alerts import AlertStore
from buddywatch.store.forecasts import ForecastStore
from buddywatch.store.journal import END_SEQ
from buddywatch.store.pack import PackStore
from buddywatch.store.read import BOOT, EVENT, event_of

KERNEL_EVENTS_MAX = 4096  # of the newest boot of the kernel
UNRECORDED_MAX = 1000  # snapshots that a start reads for the forecasts: less than 0.1 s of CPU

_OTHER_FRAMES = """
    SELECT seq AS first, seq AS last FROM events WHERE boot = ?1 AND seq > ?2
    UNION ALL SELECT first, last FROM gaps WHERE boot = ?1 AND last > ?2 ORDER BY 2"""


class RulesStore(PackStore, AlertStore, ForecastStore):
    def rules_history(self, board: str) -> RulesHistory:
        """The history of a board; empty for a board that was never seen."""
        boots = list(self._rows(f"SELECT {BOOT}, kernel FROM boots WHERE board = ? ORDER BY id", (board,)))
        if not boots:
            return RulesHistory(self.rule_states(board))
        judged_key, judged_seq = self._row("SELECT boot, seq FROM judged WHERE board = ?", (board,)) or (boots[0][0], 0)
        open_boots = [row for row in boots if row[0] >= judged_key]
        judged = {**self._passed(board), judged_key: judged_seq}
        kernel = boots[-1][-1]
        newest = self.latest(board)
        endings = self.endings(board)
        followers = {end.successor for end in endings}
        margins, unrecorded = self._margins(board, boots, judged_key, judged_seq)
        return RulesHistory(
            states=self.rule_states(board),
            boots=tuple(
                (self._boot(row[:-1]), tuple(self._unjudged(row[0], judged.get(row[0], 0)))) for row in open_boots
            ),
            judged={row[2]: judged[row[0]] for row in open_boots if row[0] in judged},
            earlier=tuple(row[2] for row in boots if row[0] < judged_key),
            kernel_boots=tuple(self._boot(row[:-1]) for row in boots if row[-1] == kernel),
            kernel_events=tuple(self._kernel_events(kernel)),
            heard=None if newest is None else newest.time,
            failing_since=self._failing_since(board),
            endings=tuple(endings),
            followers=tuple(self._boot(row[:-1]) for row in boots if row[2] in followers),
            margins=margins,
            unrecorded=unrecorded,
        )

    def _margins(
        self, board: str, boots: list[tuple[Any, ...]], judged_key: int, judged_seq: int
    ) -> tuple[tuple[MarginRecord, ...], tuple[tuple[Boot, tuple[Snapshot, ...]], ...]]:
        """The recorded margins of the kernel boot that is being judged, and the snapshots judged since."""
        kernel = next(row[-1] for row in boots if row[0] == judged_key)
        keys = {row[2]: row[0] for row in boots if row[-1] == kernel and row[0] <= judged_key}
        records = tuple(record for record in self.margins(board) if record.boot_id in keys)
        after = min([(keys[record.boot_id], record.seq) for record in records], default=(-END_SEQ, 0))
        found: list[tuple[Boot, tuple[Snapshot, ...]]] = []
        room = UNRECORDED_MAX
        for row in reversed(boots):
            key = row[0]
            if row[2] in keys and key >= after[0] and room:
                first = after[1] + 1 if key == after[0] else 0
                before = judged_seq + 1 if key == judged_key else END_SEQ
                newest = self._newest(key, first, before, room)
                found.append((self._boot(row[:-1]), tuple(reversed(newest))))
                room -= len(newest)
        return records, tuple(reversed(found))

    def _newest(self, key: int, first: int, before: int, count: int) -> list[Snapshot]:
        """Up to `count` snapshots of a boot from frame `first` on, the newest first."""
        rows = takewhile(lambda row: row[1] >= first, self.rows_before(key, before))
        return list(islice(self._readable(key, rows), count))

    def boards_heard_since(self, time: float) -> set[str]:
        """Boards with a snapshot made at this time or later."""
        sql = """SELECT DISTINCT board FROM boots b WHERE
            (SELECT time_ms FROM journal WHERE boot = b.id ORDER BY seq DESC LIMIT 1) >= ?1 OR
            (SELECT last_ms FROM chunks WHERE boot = b.id ORDER BY last_seq DESC LIMIT 1) >= ?1"""
        return {name for (name,) in self._rows(sql, (milliseconds(time),))}

    def judged(self, board: str, boot_id: str) -> int:
        """The last frame of this boot that the rules have judged; 0 if they are in another boot, or nowhere."""
        row = self._row("SELECT seq FROM judged WHERE board = ? AND boot = ?", (board, self._key(board, boot_id)))
        return 0 if row is None else int(row[0])

    def set_judged(self, judged: Mapping[str, tuple[str, int]]) -> None:
        """Note for each board that the rules have judged it up to this frame of this boot."""
        rows = [(board, self._known_key(board, boot_id), seq) for board, (boot_id, seq) in judged.items()]
        self._run_many("INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", rows)
        if self._row("SELECT 1 FROM passed LIMIT 1") is not None:  # it has very few rows, and mostly none
            # Earlier boots are never judged again.
            sql = "DELETE FROM passed WHERE boot <= ? AND (SELECT board FROM boots WHERE id = passed.boot) = ?"
            self._run_many(sql, [(key, board) for board, key, _ in rows])

    def set_passed(self, board: str, boot_id: str, seq: int) -> None:
        """Note that the rules have judged this boot up to this frame and then moved on to another boot."""
        self._run("INSERT OR REPLACE INTO passed VALUES (?, ?)", (self._known_key(board, boot_id), seq))

    def _passed(self, board: str) -> dict[int, int]:
        """By boots.id."""
        return dict(
            self._rows("SELECT p.boot, p.seq FROM passed p JOIN boots b ON b.id = p.boot WHERE board = ?", (board,))
        )

    def move_boot(self, moved: MovedBoot) -> None:
        """Move a boot, its events and its link to another board. Alerts that it caused stay where they are."""
        key = self._key(moved.board, moved.boot_id)
        if key is None or self._key(moved.to, moved.boot_id) is not None:
            return
        cause = "first" if self.latest_boot(moved.to) is None else "reboot"
        self._run("UPDATE boots SET board = ?, kernel = id, cause = ? WHERE id = ?", (moved.to, cause, key))
        self._run("UPDATE events SET board = ?, kernel = ? WHERE boot = ?", (moved.to, key, key))
        for board in (moved.board, moved.to):
            self.sum_losses(board)
            self.forget_margins(board)
        self._run("DELETE FROM links WHERE board = ? AND url = ?", (moved.board, moved.url))
        of_board = "SELECT id FROM boots WHERE board = ?"  # the boot that seemed to have ended goes on
        ended = f"DELETE FROM endings WHERE boot = ? OR (successor = ? AND boot IN ({of_board}))"
        self._run(ended, (key, moved.boot_id, moved.board))
        self._run("DELETE FROM passed WHERE boot = ?", (key,))
        self._forget()
        if self._run("DELETE FROM judged WHERE board = ? AND boot = ?", (moved.board, key)).rowcount:
            left = self.latest_boot(moved.board)
            if left is not None:
                ranges = self._stored_ranges(self._known_key(moved.board, left.boot_id))
                self.set_judged({moved.board: (left.boot_id, ranges[-1][1] if ranges else 0)})

    def next_incident_id(self) -> int:
        """The number for a new incident. Only one process writes incidents."""
        row = self._row("SELECT coalesce(max(id), 0) + 1 FROM incidents")
        assert row is not None
        return int(row[0])

    def _unjudged(self, key: int, seq: int) -> Iterable[Piece]:
        """The boot's pieces after frame seq."""
        shots = (Piece(row[0], row[1], self._snapshot(key, row)) for row in self.rows_after(key, seq))
        others = (Piece(first, last, None) for first, last in self._rows(_OTHER_FRAMES, (key, seq)))
        return merge(shots, others, key=attrgetter("last"))

    def _failing_since(self, board: str) -> float | None:
        state = self.rule_states(board).get((KERNEL_FAILURE, None))
        incident = self.incident(state.incident_id) if state and state.incident_id else None
        return incident.opened if incident else None

    def _kernel_events(self, kernel: int) -> list[Event]:
        sql = f"""SELECT {EVENT} FROM events e LEFT JOIN boots b ON b.id = e.boot
            WHERE e.kernel = ? AND e.copy = 0 AND e.kind NOT IN (?, ?) ORDER BY e.id DESC LIMIT ?"""
        return [event_of(row) for row in self._rows(sql, (kernel, *MAP_KINDS, KERNEL_EVENTS_MAX))][::-1]
