"""What boards sent, as it is asked for: boots, snapshots, events, gaps, console text, links."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from buddywatch.model.links import LinkHealth, LinkState
from buddywatch.model.samples import LOSSES, Boot, ConsoleLine, Event, Gap, Snapshot
from buddywatch.protocol.layout import Layout
from buddywatch.store.database import Database

LINK_UP, LINK_DOWN, LINK_NEVER = "up", "down", "never"

_BOOT = "boot_id, facts, started_ms, cause"
EVENT = "coalesce(b.boot_id, ''), e.seq, e.time_ms, e.uptime_ms, e.kind, e.number, e.pid, e.comm, e.text"
SNAPSHOT = "s.boot, s.first_seq, s.seq, s.vector, s.time_ms"
_HEALTH = "damaged_lines, dropped_bytes, reasked_frames, last_error"
_INT64_MAX = 2**63 - 1

# The names in `boots`: from one to the next by the index, as a board may have thousands of boots.
_BOARDS = """
    WITH RECURSIVE seen (board) AS (SELECT min(board) FROM boots UNION ALL
        SELECT (SELECT min(board) FROM boots WHERE board > seen.board) FROM seen WHERE board IS NOT NULL)
    SELECT board FROM seen WHERE board IS NOT NULL"""


class ReadStore(Database):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._layouts: dict[int, tuple[str, Layout]] = {}  # boots.id -> (boot id, layout)

    def _forget(self) -> None:
        self._layouts.clear()

    def boards(self) -> list[str]:
        """Names of all boards that were ever seen, sorted."""
        linked = {name for (name,) in self._rows("SELECT DISTINCT board FROM links")}
        return sorted(linked.union(name for (name,) in self._rows(_BOARDS)))

    def links(self, board: str) -> list[LinkState]:
        """Those that are up first, then by how recently they changed."""
        sql = f"SELECT url, up, since_ms, {_HEALTH} FROM links WHERE board = ? ORDER BY up DESC, since_ms DESC, url"
        rows = self._rows(sql, (board,))
        return [LinkState(url, bool(up), since_ms / 1000, LinkHealth(*health)) for url, up, since_ms, *health in rows]

    def link(self, board: str) -> str:
        """LINK_UP while any of the board's links is, LINK_NEVER for a board that had none."""
        states = self.links(board)
        return LINK_NEVER if not states else LINK_UP if states[0].up else LINK_DOWN

    def boots(self, board: str) -> list[Boot]:
        """In the order in which the collector met them."""
        return [boot_of(row) for row in self._rows(f"SELECT {_BOOT} FROM boots WHERE board = ? ORDER BY id", (board,))]

    def latest_boot(self, board: str) -> Boot | None:
        row = self._row(f"SELECT {_BOOT} FROM boots WHERE board = ? ORDER BY id DESC LIMIT 1", (board,))
        return None if row is None else boot_of(row)

    def latest(self, board: str) -> Snapshot | None:
        return next(iter(self.recent(board, 1)), None)

    def recent(self, board: str, count: int) -> list[Snapshot]:
        """The last `count` snapshots, oldest first."""
        # Boot by boot: one query over all boots would sort everything that is stored of the board.
        sql = f"SELECT {SNAPSHOT} FROM snapshots s WHERE s.boot = ? ORDER BY s.seq DESC LIMIT ?"
        found: list[Snapshot] = []
        key = self._newest_key(board)
        while key is not None and len(found) < count:
            found += [self._snapshot(row) for row in self._rows(sql, (key, count - len(found)))]
            key = self._boot_before(board, key)
        return found[::-1]

    def snapshots(self, board: str, since: float | None = None, until: float | None = None) -> Iterator[Snapshot]:
        """Snapshots with since <= time < until, in the order in which the board made them, one at a time."""
        span = _span(since, until)
        sql = (
            f"SELECT {SNAPSHOT} FROM snapshots s WHERE boot = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms, seq"
        )
        for (key,) in list(self._rows("SELECT id FROM boots WHERE board = ? ORDER BY id", (board,))):
            for row in self._rows(sql, (key, *span)):
                yield self._snapshot(row)

    def events(self, board: str, since: float | None = None, until: float | None = None) -> Iterator[Event]:
        """Events with since <= time < until, oldest first, each once however often it was told."""
        sql = f"""SELECT {EVENT} FROM events e LEFT JOIN boots b ON b.id = e.boot
            WHERE e.board = ? AND e.time_ms >= ? AND e.time_ms < ? AND NOT e.copy ORDER BY e.time_ms, e.id"""
        for row in self._rows(sql, (board, *_span(since, until))):
            yield event_of(row)

    def newest_events(
        self, board: str, count: int, since: float = 0.0, kinds: Iterable[str] | None = None
    ) -> list[Event]:
        """The last `count` events since then, of these kinds if any are named, oldest first; each once."""
        sql = f"""SELECT {EVENT}, e.id FROM events e LEFT JOIN boots b ON b.id = e.boot
            WHERE e.board = ? {{}} AND e.time_ms >= ? AND e.copy = 0 ORDER BY e.time_ms DESC, e.id DESC LIMIT ?"""
        last = (milliseconds(since), count)
        if kinds is None:
            rows = list(self._rows(sql.format(""), (board, *last)))
        else:  # a query for each kind, which reads no more than `count` rows
            of_kind = sql.format("AND e.kind = ?")
            rows = [row for kind in kinds for row in self._rows(of_kind, (board, kind, *last))]
        rows.sort(key=lambda row: (row[2], row[-1]))
        return [event_of(row[:-1]) for row in rows[-count:]]

    def gaps(self, board: str) -> list[Gap]:
        """All gaps, in the order of the board's frames."""
        sql = """SELECT b.boot_id, g.first, g.last, g.reason, g.time_ms FROM boots b JOIN gaps g ON g.boot = b.id
            WHERE b.board = ? ORDER BY b.id, g.first"""
        return [_gap(row) for row in self._rows(sql, (board,))]

    def gap(self, board: str, boot_id: str, first: int) -> Gap | None:
        """The gap that begins with this frame."""
        sql = """SELECT b.boot_id, g.first, g.last, g.reason, g.time_ms FROM boots b JOIN gaps g ON g.boot = b.id
            WHERE b.board = ? AND b.boot_id = ? AND g.first = ?"""
        row = self._row(sql, (board, boot_id, first))
        return None if row is None else _gap(row)

    def lost_snapshots(self, board: str) -> int:
        """Frames lost for good, of all boots; what was gone before the first contact does not count."""
        return sum(gap.last - gap.first + 1 for gap in self.gaps(board) if gap.reason in LOSSES)

    def console(self, board: str, count: int = 100) -> list[ConsoleLine]:
        """The newest `count` lines, oldest first."""
        sql = "SELECT time_ms, text FROM console WHERE board = ? ORDER BY id DESC LIMIT ?"
        return [ConsoleLine(time_ms / 1000, text) for time_ms, text in self._rows(sql, (board, count))][::-1]

    def console_since(self, board: str, since: float) -> Iterator[ConsoleLine]:
        """All lines that came at this time or later, oldest first."""
        sql = "SELECT time_ms, text FROM console WHERE board = ? AND time_ms >= ? ORDER BY id"
        for time_ms, text in self._rows(sql, (board, milliseconds(since))):
            yield ConsoleLine(time_ms / 1000, text)

    def _newest_key(self, board: str) -> int | None:
        """The boots.id of the board's newest boot."""
        return self._boot_before(board, _INT64_MAX)

    def _boot_before(self, board: str, key: int) -> int | None:
        """The boots.id of the board's newest boot below `key`."""
        row = self._row("SELECT max(id) FROM boots WHERE board = ? AND id < ?", (board, key))
        return None if row is None else row[0]

    def _layout(self, key: int) -> tuple[str, Layout]:
        """The boot id and layout of boots.id `key`."""
        if key not in self._layouts:
            row = self._row("SELECT boot_id, facts FROM boots WHERE id = ?", (key,))
            assert row is not None  # the schema's foreign keys see to it
            self._layouts[key] = (row[0], Layout(json.loads(row[1])))
        return self._layouts[key]

    def _snapshot(self, row: tuple[Any, ...]) -> Snapshot:
        key, first_seq, seq, vector, time_ms = row
        boot_id, layout = self._layout(key)
        return layout.snapshot(boot_id, first_seq, seq, json.loads(vector), time_ms / 1000)


def milliseconds(time: float) -> int:
    return round(time * 1000)


def boot_of(row: tuple[Any, ...]) -> Boot:
    boot_id, facts, started_ms, cause = row
    return Boot(boot_id, json.loads(facts), started_ms / 1000, cause)


def event_of(row: tuple[Any, ...]) -> Event:
    return Event(row[0], row[1], row[2] / 1000, *row[3:])


def _gap(row: tuple[Any, ...]) -> Gap:
    boot_id, first, last, reason, time_ms = row
    return Gap(boot_id, first, last, reason, time_ms / 1000)


def _span(since: float | None, until: float | None) -> tuple[int, int]:
    return milliseconds(since or 0), _INT64_MAX if until is None else milliseconds(until)
