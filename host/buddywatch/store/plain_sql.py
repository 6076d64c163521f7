"""Plain SQL on what is stored, read-only, with a view `snapshots` of one row for each snapshot, packed or not."""

from __future__ import annotations

import json
import marshal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from buddywatch.model.batch import VectorRow
from buddywatch.protocol import segment
from buddywatch.protocol.layout import Layout
from buddywatch.store import chunk_format
from buddywatch.store.database import explained
from buddywatch.store.store import Store
from buddywatch.verdict.judge import serving_zones

ORDERS = 11  # columns order_0 to order_10; boards with other orders have them in `zones`
_NUMBERS = ("first_seq", "seq", "time_ms", "uptime_ms", "processes", "free_pages", "reclaimable_pages", "slab_pages")
_MARKS = ("min_pages", "low_pages", "high_pages", "reserve_pages")
COLUMNS = (*_NUMBERS, "zone", *_MARKS, *(f"order_{order}" for order in range(ORDERS)), "zones")

_ROWS_AT_ONCE = 256
_SPOOL_BYTES = 16 << 20  # of an answer; what is longer waits on the disk

_REFUSED = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT)
# PRAGMAs that take the name of a table and only tell about it.
_ASKED_OF = ("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list")
_VIEW = """CREATE TEMP VIEW snapshots AS
    SELECT b.board, b.boot_id, {columns} FROM main.boots b JOIN main.chunks c ON c.boot = b.id,
        json_each(buddywatch_rows(b.facts, c.body)) r WHERE c.body IS NOT NULL
    UNION ALL SELECT b.board, b.boot_id, {columns} FROM main.boots b JOIN main.journal j ON j.boot = b.id,
        json_each(buddywatch_segment(b.facts, j.body)) r"""


class PlainSql:
    """Statements that only read. Errors of SQL are a ValueError of one line."""

    def __init__(self, store: Store) -> None:
        self._path = store.path
        self._connection = store._connection
        self._layouts: dict[str, Layout | None] = {}
        for name, decode in (("buddywatch_rows", chunk_format.decode), ("buddywatch_segment", segment.decode)):
            self._connection.create_function(name, 2, partial(self._unpacked, decode), deterministic=True)
        columns = ", ".join(f"json_extract(r.value, '$[{at}]') AS {name}" for at, name in enumerate(COLUMNS))
        self._connection.execute(_VIEW.format(columns=columns))
        self._connection.execute("PRAGMA query_only = ON")
        self._connection.set_authorizer(_may_read)

    def run(self, statement: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """(names of the columns, rows)."""
        try:
            cursor = self._connection.execute(_utf8(statement))
        except sqlite3.Warning as error:  # two statements, before Python 3.12
            raise ValueError(str(error)) from None
        except sqlite3.Error as error:
            raise self._error(error) from None
        return _distinct([name for name, *_ in cursor.description or ()]), self._rows(cursor)

    @staticmethod
    def is_complete(text: str) -> bool:
        return sqlite3.complete_statement(_utf8(text))

    def _rows(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        """All rows are taken at once: while a query is open, as behind a pager, the log of the collector grows."""
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            try:
                while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                    marshal.dump(rows, spool)
            except sqlite3.Error as error:
                raise self._error(error) from None
            end = spool.tell()
            spool.seek(0)
            while spool.tell() < end:
                yield from marshal.load(spool)

    def _error(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_AUTH or str(error) == "not authorized":
            return ValueError("not allowed here: only statements that read are")
        if code in (
            sqlite3.SQLITE_ERROR,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_MISMATCH,
            sqlite3.SQLITE_MISUSE,
            sqlite3.SQLITE_AUTH,
        ):
            return ValueError(str(error))
        return explained(error, self._path) if isinstance(error, sqlite3.DatabaseError) else ValueError(str(error))

    def _unpacked(self, decode: Callable[[str, bytes], list[VectorRow]], facts: str, body: bytes) -> str:
        layout = self._layout(facts)
        try:
            rows = decode("", body) if layout is not None else []
        except ValueError:  # damaged; `db check` reports it
            rows = []
        found = [] if layout is None else [self._numbers(layout, *row[1:4], list(row.vector)) for row in rows]
        return json.dumps([numbers for numbers in found if numbers is not None])

    def _layout(self, facts: str) -> Layout | None:
        if facts not in self._layouts:
            try:
                self._layouts[facts] = Layout(json.loads(facts))
            except (ValueError, TypeError, RecursionError):
                self._layouts[facts] = None
        return self._layouts[facts]

    @staticmethod
    def _numbers(layout: Layout, first_seq: int, seq: int, time_ms: int, vector: list[int]) -> list[Any] | None:
        """A row of the view; None if the vector does not fit its boot."""
        try:
            shot = layout.snapshot("", first_seq, seq, vector, time_ms / 1000)
        except ValueError:
            return None
        serving = serving_zones(shot)
        zone = serving[0] if serving else shot.zones[0]
        orders = (*zone.nr_free[:ORDERS], *(None,) * (ORDERS - len(zone.nr_free)))
        zones = [{"node": of.node, "zone": of.name, "nr_free": of.nr_free} for of in shot.zones]
        marks = (zone.min_pages, zone.low_pages, zone.high_pages, zone.reserve_pages)
        numbers = (shot.processes, shot.free_pages, shot.reclaimable_pages, shot.slab_pages)
        return [first_seq, seq, time_ms, shot.uptime_ms, *numbers, zone.name, *marks, *orders, zones]


def _may_read(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """What the read-only connection would let through: ATTACH and VACUUM INTO make files, a PRAGMA may change much."""
    if action == sqlite3.SQLITE_PRAGMA and second is not None and first not in _ASKED_OF:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_DENY if action in _REFUSED else sqlite3.SQLITE_OK


def _utf8(text: str) -> str:
    """Bytes that are no text, as a terminal may give them, become question marks."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _distinct(names: list[str]) -> list[str]:
    """A name that comes again gets a number."""
    found: list[str] = []
    for name in names:
        new, number = name, 2
        while new in found:
            new, number = f"{name}_{number}", number + 1
        found.append(new)
    return found
