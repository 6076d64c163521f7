"""The newest of every board, for whoever shows them all: a few queries, however many boards there are.

What lies on a damaged page is asked for board by board, so that it costs only its own board.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from buddywatch.model.batch import Segment
from buddywatch.model.forecasts import MarginRecord, NeedForecast
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.protocol.segment import decode_last
from buddywatch.store.database import StoreDamaged
from buddywatch.store.read import BOOT, SEEN_BOARDS, seconds
from buddywatch.store.store import Store

_BOARD, _BOOT_COLUMNS = 1, len(BOOT.split(","))
_OF_BOOT = ", ".join(f"b.{name.strip()}" for name in BOOT.split(","))
# Of each board its newest boot, and of that the newest row of the journal, if no chunk has newer ones.
_NEWEST = f"""{SEEN_BOARDS} SELECT {_OF_BOOT}, j.first_seq, j.seq, j.time_ms, j.samples, j.body
    FROM seen JOIN boots b ON b.id = (SELECT max(id) FROM boots WHERE board = seen.board)
    LEFT JOIN journal j ON j.boot = b.id AND j.seq = (SELECT max(seq) FROM journal WHERE boot = b.id)
        AND j.seq > coalesce((SELECT max(last_seq) FROM chunks WHERE boot = b.id), 0)"""

_Row = tuple[Any, ...]
_Of = TypeVar("_Of")


class Newest(NamedTuple):
    """boot: the newest. snapshot: the newest of any boot."""

    boot: Boot | None = None
    snapshot: Snapshot | None = None


class NewestReader:
    """It keeps what it read, and decodes again what changed since."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[_Row, Newest]] = {}

    def of_all(self) -> dict[str, Newest]:
        """By board; those without a boot are left out."""
        try:
            rows = list(self._store._rows(_NEWEST))
        except StoreDamaged as error:
            return self._one_by_one(error)
        known, self._known = self._known, {}
        for row in rows:
            kept = known.get(row[_BOARD])
            is_same = kept is not None and kept[0] == row and row[-1] is not None
            self._known[row[_BOARD]] = kept if kept is not None and is_same else (row, self._read(row))
        return {board: newest for board, (_, newest) in self._known.items()}

    def forecasts(self, boards: Iterable[str]) -> Mapping[str, list[NeedForecast]]:
        """The newest forecast of each need, of any boot."""
        return self._gathered(self._store.forecasts_of_all, self._store.forecasts, boards)

    def margins(self, boards: Iterable[str]) -> Mapping[str, list[MarginRecord]]:
        """The newest record of each need, of any boot."""
        return self._gathered(self._store.margins_of_all, self._store.margins, boards)

    def _gathered(
        self, of_all: Callable[[], dict[str, _Of]], of_one: Callable[[str], _Of], boards: Iterable[str]
    ) -> dict[str, _Of]:
        try:
            return of_all()
        except StoreDamaged as error:
            self._store.damage.notice(str(error))
        return {board: found for board in boards if (found := self._unless_damaged(of_one, board)) is not None}

    def _one_by_one(self, error: StoreDamaged) -> dict[str, Newest]:
        self._store.damage.notice(str(error))

        def read(board: str) -> Newest:
            return Newest(self._store.latest_boot(board), self._store.latest(board))

        found = {board: self._unless_damaged(read, board) for board in self._store.boards()}
        return {board: newest or Newest() for board, newest in found.items()}

    @staticmethod
    def _unless_damaged(read: Callable[[str], _Of], board: str) -> _Of | None:
        try:
            return read(board)
        except StoreDamaged:
            return None

    def _read(self, row: _Row) -> Newest:
        boot, segment = self._store._boot(row[:_BOOT_COLUMNS]), row[_BOOT_COLUMNS:]
        self._store._know_layout(row[0], row[_BOARD], boot)
        snapshot = None if segment[-1] is None else self._snapshot(row[0], Segment(*segment))
        return Newest(boot, snapshot or self._store.latest(row[_BOARD]))

    def _snapshot(self, key: int, found: Segment) -> Snapshot | None:
        """The last one of a segment; None if latest() must look for it."""
        of_boot = self._store._layout(key)
        try:
            row = None if of_boot is None else decode_last(found)
            if of_boot is None or row is None:
                return None
            boot_id, layout = of_boot
            return layout.snapshot(boot_id, row.first_seq, row.seq, row.vector, seconds(row.time_ms))
        except ValueError:  # it is damaged, and latest() reports it
            return None
