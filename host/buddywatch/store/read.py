"""Reads what boards sent: boots, snapshots, events, gaps, console text, links."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from buddywatch.model.batch import StoredEvent, VectorRow
from buddywatch.model.links import LinkHealth, LinkState, UnheardLink
from buddywatch.model.samples import ENDING, Boot, BootEnd, ConsoleLine, Event, Gap, Losses, Snapshot, milliseconds
from buddywatch.protocol.layout import Layout, layout_of
from buddywatch.store.journal import END_SEQ, Row
from buddywatch.store.rows import ALWAYS, RowStore, Span

LINK_UP, LINK_DOWN, LINK_NEVER = "up", "down", "never"

BOOT = "id, board, boot_id, facts, started_ms, cause"
EVENT = "coalesce(b.boot_id, ''), e.seq, e.time_ms, e.uptime_ms, e.kind, e.number, e.pid, e.comm, e.text"
_HEALTH = "damaged_lines, dropped_bytes, reasked_frames, last_error"
_TIME_MAX_MS = 253_402_128_000_000  # 9999-12-30: datetime can show it in every time zone
_EVENTS_AT_ONCE = 500

# The names in `boots`, found by jumping through the index: a board may have thousands of boots.
SEEN_BOARDS = """
    WITH RECURSIVE seen (board) AS (SELECT min(board) FROM boots UNION ALL
        SELECT (SELECT min(board) FROM boots WHERE board > seen.board) FROM seen WHERE board IS NOT NULL)"""


class ReadStore(RowStore):
    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._layouts: dict[int, tuple[str, Layout]] = {}  # boots.id -> (boot id, layout)

    def _forget(self) -> None:
        super()._forget()
        self._layouts.clear()

    def boards(self) -> list[str]:
        """The names of all boards ever seen, sorted."""
        linked = {name for (name,) in self._rows("SELECT DISTINCT board FROM links")}
        return sorted(
            linked.union(
                name for (name,) in self._rows(f"{SEEN_BOARDS} SELECT board FROM seen WHERE board IS NOT NULL")
            )
        )

    def links(self, board: str) -> list[LinkState]:
        """The board's links: those that are up first, then the most recently changed ones."""
        sql = f"SELECT url, up, since_ms, {_HEALTH} FROM links WHERE board = ? ORDER BY up DESC, since_ms DESC, url"
        rows = self._rows(sql, (board,))
        return [LinkState(url, bool(up), seconds(since_ms), LinkHealth(*health)) for url, up, since_ms, *health in rows]

    def links_of_all(self) -> dict[str, list[LinkState]]:
        """links() of every board that has any."""
        sql = f"SELECT board, url, up, since_ms, {_HEALTH} FROM links ORDER BY board, up DESC, since_ms DESC, url"
        found: dict[str, list[LinkState]] = {}
        for board, url, up, since_ms, *health in self._rows(sql):
            found.setdefault(board, []).append(LinkState(url, bool(up), seconds(since_ms), LinkHealth(*health)))
        return found

    def link(self, board: str) -> str:
        """LINK_UP if any of the board's links is up, LINK_NEVER if it never had one."""
        states = self.links(board)
        return LINK_NEVER if not states else LINK_UP if states[0].up else LINK_DOWN

    def unheard_links(self) -> list[UnheardLink]:
        """Links over which no board was heard since the collector started, by URL."""
        rows = self._rows("SELECT url, up, last_error FROM unheard_links ORDER BY url")
        return [UnheardLink(url, bool(up), last_error) for url, up, last_error in rows]

    def boots(self, board: str) -> list[Boot]:
        """The board's boots, in the order in which the collector met them."""
        rows = self._rows(f"SELECT {BOOT} FROM boots WHERE board = ? ORDER BY id", (board,))
        return [self._boot(row) for row in rows]

    def latest_boot(self, board: str) -> Boot | None:
        row = self._row(f"SELECT {BOOT} FROM boots WHERE board = ? ORDER BY id DESC LIMIT 1", (board,))
        return None if row is None else self._boot(row)

    def _known_boot(self, board: str, boot_id: str) -> Boot | None:
        row = self._row(f"SELECT {BOOT} FROM boots WHERE board = ? AND boot_id = ?", (board, boot_id))
        return None if row is None else self._boot(row)

    def has_boot(self, board: str, boot_id: str) -> bool:
        """True if this boot is stored under this board."""
        return self._row("SELECT 1 FROM boots WHERE board = ? AND boot_id = ?", (board, boot_id)) is not None

    def latest(self, board: str) -> Snapshot | None:
        key = self._newest_key(board)
        row = None if key is None else self.newest_row(key)
        found = None if key is None or row is None else next(self._readable(key, [row]), None)
        return found or next(iter(self.recent(board, 1)), None)  # a boot may have none, or none that can be read

    def recent(self, board: str, count: int) -> list[Snapshot]:
        """The last `count` snapshots, oldest first."""
        # Boot by boot: one query over all boots would sort the board's whole history.
        found: list[Snapshot] = []
        key = self._newest_key(board)
        while key is not None and len(found) < count:
            found += islice(self._readable(key, self.rows_before(key)), count - len(found))
            key = self._boot_before(board, key)
        return found[::-1]

    def snapshot_count(self, board: str) -> int:
        """How many snapshots of a board are stored."""
        packed = "SELECT total(samples) FROM chunks WHERE boot = b.id AND body IS NOT NULL"
        count = f"total((SELECT total(samples) FROM journal WHERE boot = b.id) + ({packed}))"
        return int((self._row(f"SELECT {count} FROM boots b WHERE board = ?", (board,)) or (0,))[0])

    def snapshots(self, board: str, since: float | None = None, until: float | None = None) -> Iterator[Snapshot]:
        """Snapshots with since <= time < until, in the order in which the board made them, one at a time."""
        span = span_of(since, until)
        for (key,) in list(self._rows("SELECT id FROM boots WHERE board = ? ORDER BY id", (board,))):
            yield from self._readable(key, self.rows_after(key, span=span))

    def events(self, board: str, since: float | None = None, until: float | None = None) -> Iterator[Event]:
        """Events with since <= time < until, oldest first; each once, even where the board sent it again."""
        sql = f"""SELECT {EVENT}, e.id FROM events e LEFT JOIN boots b ON b.id = e.boot
            WHERE e.board = ? AND e.time_ms >= ? AND e.time_ms < ? AND (e.time_ms, e.id) > (?, ?) AND NOT e.copy
            ORDER BY e.time_ms, e.id LIMIT {_EVENTS_AT_ONCE}"""
        span, after = span_of(since, until), (-END_SEQ, 0)
        # Not one long query: while it is open, SQLite cannot take over what is in the log, and the log grows.
        while rows := list(self._rows(sql, (board, max(span.since_ms, after[0]), span.until_ms, *after))):
            yield from (event_of(row[:-1]) for row in rows)
            after = rows[-1][2], rows[-1][-1]

    def stored_events(self, board: str) -> Iterator[StoredEvent]:
        """All events in the order in which they were stored, copies among them."""
        sql = f"""SELECT {EVENT}, e.copy, e.id FROM events e LEFT JOIN boots b ON b.id = e.boot
            WHERE e.board = ? AND e.id > ? ORDER BY e.id LIMIT {_EVENTS_AT_ONCE}"""
        after = 0
        while rows := list(self._rows(sql, (board, after))):
            yield from (StoredEvent(event_of(row[:-2]), bool(row[-2])) for row in rows)
            after = rows[-1][-1]

    def newest_events(
        self,
        board: str,
        count: int,
        since: float = 0.0,
        kinds: Iterable[str] | None = None,
        until: float | None = None,
    ) -> list[Event]:
        """The last `count` events with since <= time < until, of these kinds if given, oldest first; each once."""
        sql = f"""SELECT {EVENT}, e.id FROM events e LEFT JOIN boots b ON b.id = e.boot
            WHERE e.board = ? {{}} AND e.time_ms >= ? AND e.time_ms < ? AND e.copy = 0
            ORDER BY e.time_ms DESC, e.id DESC LIMIT ?"""
        last = (*span_of(since, until), count)
        if kinds is None:
            rows = list(self._rows(sql.format(""), (board, *last)))
        else:  # one query per kind, each of which reads at most `count` rows
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
        """The gap that begins at this frame."""
        sql = """SELECT b.boot_id, g.first, g.last, g.reason, g.time_ms FROM boots b JOIN gaps g ON g.boot = b.id
            WHERE b.board = ? AND b.boot_id = ? AND g.first = ?"""
        row = self._row(sql, (board, boot_id, first))
        return None if row is None else _gap(row)

    def endings(self, board: str) -> list[BootEnd]:
        """The board's boots that are ENDING, oldest first."""
        sql = """SELECT b.boot_id, e.last, e.successor, e.since_ms FROM endings e JOIN boots b ON b.id = e.boot
            WHERE b.board = ? ORDER BY b.id"""
        rows = self._rows(sql, (board,))
        return [BootEnd(boot_id, ENDING, last, after, seconds(since_ms)) for boot_id, last, after, since_ms in rows]

    def boards_ending(self) -> set[str]:
        """Boards with a boot that is ENDING."""
        return {name for (name,) in self._rows("SELECT b.board FROM endings e JOIN boots b ON b.id = e.boot")}

    def losses(self, board: str) -> Losses:
        """The frames lost in all boots; frames overwritten before the first contact do not count."""
        sql = """SELECT l.frames, b.boot_id, l.first FROM losses l JOIN boots b ON b.id = l.boot WHERE l.board = ?"""
        frames, boot_id, first = self._row(sql, (board,)) or (0, "", 0)
        return Losses(frames, self.gap(board, boot_id, first) if frames else None)

    def console(self, board: str, count: int = 100) -> list[ConsoleLine]:
        """The newest `count` lines, oldest first."""
        sql = "SELECT time_ms, text FROM console WHERE board = ? ORDER BY id DESC LIMIT ?"
        return [ConsoleLine(seconds(time_ms), text) for time_ms, text in self._rows(sql, (board, count))][::-1]

    def console_since(self, board: str, since: float) -> Iterator[ConsoleLine]:
        """All lines that came at this time or later, oldest first."""
        sql = f"""SELECT time_ms, text, id FROM console WHERE board = ? AND id > ? AND time_ms >= ?
            ORDER BY id LIMIT {_EVENTS_AT_ONCE}"""
        after = 0
        while rows := list(self._rows(sql, (board, after, milliseconds(since)))):  # not one long query, as in events()
            yield from (ConsoleLine(seconds(time_ms), text) for time_ms, text, _ in rows)
            after = rows[-1][2]

    def _newest_key(self, board: str) -> int | None:
        """The boots.id of the board's newest boot."""
        return self._boot_before(board, END_SEQ)

    def _boot_before(self, board: str, key: int) -> int | None:
        """The boots.id of the board's newest boot below `key`."""
        row = self._row("SELECT max(id) FROM boots WHERE board = ? AND id < ?", (board, key))
        return None if row is None else row[0]

    def _layout(self, key: int) -> tuple[str, Layout] | None:
        """The boot id and layout of boots.id `key`; None if its facts cannot be read."""
        if key not in self._layouts:
            row = self._row(f"SELECT {BOOT} FROM boots WHERE id = ?", (key,))
            if row is None:  # another process has put boots into another order, see boot_order.py
                return None
            self._know_layout(key, row[1], self._boot(row))
        return self._layouts.get(key)

    def _know_layout(self, key: int, board: str, boot: Boot) -> None:
        """Keep the layout of a boot, for _layout(), if its facts can be read."""
        try:
            self._layouts[key] = (boot.boot_id, layout_of(boot.facts))
        except ValueError as error:
            self._report_boot(key, board, boot.boot_id, str(error))

    def _boot(self, row: tuple[Any, ...]) -> Boot:
        """A boot. If its facts are unreadable they are left empty, and then its snapshots are unreadable too."""
        key, board, boot_id, text, started_ms, cause = row
        try:
            facts = json.loads(text)
            if not isinstance(facts, dict) or not all(isinstance(value, str) for value in facts.values()):
                raise ValueError("expected a JSON object of texts")
        except (ValueError, RecursionError) as error:
            self._report_boot(key, board, boot_id, str(error))
            facts = {}
        return Boot(boot_id, facts, seconds(started_ms), cause)

    def _report_boot(self, key: int, board: str, boot_id: str, why: str) -> None:
        row = f"boot {boot_id} of board {board} (row {key} of boots)"
        self._report_damage(row, f"facts: {why}", "the board's next hello repairs it, if it is still in that boot")

    def vectors(self, board: str, since: float | None = None, until: float | None = None) -> Iterator[VectorRow]:
        """The same as the numbers of the wire, for whoever needs no Snapshot of each; layout() says what they mean."""
        span = span_of(since, until)
        for key, boot_id in list(self._rows("SELECT id, boot_id FROM boots WHERE board = ? ORDER BY id", (board,))):
            for row in self.rows_after(key, span=span) if self._layout(key) else ():
                if self.is_readable(key, row):
                    yield VectorRow(boot_id, *row)

    def _readable(self, key: int, rows: Iterable[Row]) -> Iterator[Snapshot]:
        """The snapshots of the readable rows of a boot."""
        if self._layout(key) is None:
            return iter(())
        return (snapshot for row in rows if (snapshot := self._snapshot(key, row)) is not None)

    def is_readable(self, key: int, row: Row) -> bool:
        """Whether _snapshot() gives one of this row, of a boot with readable facts."""
        if row[3] is not None and self._layouts[key][1].surely_fits(row[3]):
            return True
        return self._snapshot(key, row) is not None  # it reports why

    def _snapshot(self, key: int, row: Row) -> Snapshot | None:
        """A row's snapshot; None if it cannot be read."""
        first_seq, seq, time_ms, vector = row
        of_boot = self._layout(key)
        if of_boot is None or vector is None:
            return None
        boot_id, layout = of_boot
        try:
            return layout.snapshot(boot_id, first_seq, seq, vector, seconds(time_ms))
        except ValueError as error:
            (board,) = self._row("SELECT board FROM boots WHERE id = ?", (key,)) or ("",)
            remedy = self._removal("journal", f"boot = {key} AND first_seq <= {seq} AND seq >= {seq}")
            self._report_damage(f"snapshot {seq} of boot {boot_id} of board {board}", str(error), remedy)
            return None


def seconds(time_ms: float) -> float:
    """A stored time, moved to the nearest one that a calendar can show."""
    return max(0, min(time_ms, _TIME_MAX_MS)) / 1000


def event_of(row: tuple[Any, ...]) -> Event:
    return Event(row[0], row[1], seconds(row[2]), *row[3:])


def _gap(row: tuple[Any, ...]) -> Gap:
    boot_id, first, last, reason, time_ms = row
    return Gap(boot_id, first, last, reason, seconds(time_ms))


def span_of(since: float | None, until: float | None) -> Span:
    return Span(milliseconds(since or 0), ALWAYS.until_ms if until is None else milliseconds(until))
