"""Reads what can be read of a damaged SQLite file: all rows of a table but those whose pages are damaged.

A table is read in the order of its keys. At a damaged page the reader looks for the next key that can be read, in steps
that double, and reads back from there to the damage. Of a row whose long values lie on a damaged page the other values
are read one by one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_MOST = 2**63 - 1
_ROWID = ("rowid",)

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Table:
    """key: the columns by which its rows are in order; ("rowid",) for most."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Hole:
    """Rows may be missing behind `before` and before `after`. None: from the beginning, to the end."""

    before: Row | None
    after: Row | None


@dataclass
class Damage:
    """What could not be read of a table. partial: rows that lack values, with the names of these."""

    holes: list[Hole] = field(default_factory=list)
    partial: list[tuple[Row, list[str]]] = field(default_factory=list)


def tables_of(connection: sqlite3.Connection) -> list[Table]:
    """All tables of the file. sqlite3.DatabaseError if its schema cannot be read."""
    sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    return [_table(connection, *row) for row in connection.execute(sql).fetchall()]


def _table(connection: sqlite3.Connection, name: str, sql: str) -> Table:
    found = connection.execute(f"PRAGMA table_info({name})").fetchall()
    keyed = sorted((row[5], row[1]) for row in found if row[5])
    key = tuple(column for _, column in keyed) if "WITHOUT ROWID" in sql.upper() else _ROWID
    return Table(name, tuple(row[1] for row in found), key)


class Salvage:
    """The rows of one table. `damage` is complete when all were taken.

    prefixes: values for all columns of the key but the last, which has whole numbers. Damage then costs no more than
    the rows on damaged pages. Without them, of a key with several columns: what lies between the first and the last
    damaged page, too.
    """

    def __init__(self, connection: sqlite3.Connection, table: Table, prefixes: Sequence[Row] | None = None) -> None:
        self.damage = Damage()
        self._connection, self._table = connection, table
        self._prefixes: Sequence[Row] | None = [()] if table.key == _ROWID else prefixes

    def rows(self) -> Iterator[Row]:
        """Each with a value for each column; None for those that cannot be read."""
        if self._prefixes is None:
            yield from self._from_both_ends()
            return
        for prefix in self._prefixes:
            yield from self._with(prefix)

    def _with(self, prefix: Row) -> Iterator[Row]:
        """All rows with this prefix, in ascending order up to the first damage."""
        at = -_MOST
        before: Row | None = None
        while True:
            one_way = _OneWay(self, prefix, at, _MOST, "ASC")
            yield from one_way
            at, before = one_way.last, one_way.row or before
            if one_way.is_whole:
                return
            partial = self._next_by_values(prefix, at)
            if partial is not None:
                at, before = partial[0], partial[1]
                yield before
                continue
            beyond = self._beyond(prefix, at)
            back = _OneWay(self, prefix, at, beyond, "DESC")
            yield from back
            self.damage.holes.append(Hole(before, back.row))
            if beyond == _MOST:
                return
            at, before = beyond - 1, back.row or before

    def _beyond(self, prefix: Row, at: int) -> int:
        """A key behind the damaged page, from which rows can be read again; _MOST if there is none."""
        step = 1
        while at + step < _MOST:
            row = self._first(f"{self._where(prefix)} > ?", (*prefix, at + step))
            if row is not None:
                return row[0] if row else _MOST
            step *= 2
        return _MOST

    def _first(self, where: str, values: Row) -> Row | None:
        """Key and values of the first row; () if there is none, None if it cannot be read."""
        try:
            sql = f"SELECT {self._selected} FROM {self._table.name} WHERE {where} ORDER BY {self._last} LIMIT 1"
            return self._connection.execute(sql, values).fetchone() or ()
        except sqlite3.DatabaseError:
            return None

    def _next_by_values(self, prefix: Row, at: int) -> tuple[int, Row] | None:
        """The next row, of which some values cannot be read; None if nothing of it can."""
        where = f"{self._where(prefix)} > ?"
        sql = f"SELECT {self._last} FROM {self._table.name} WHERE {where} ORDER BY {self._last} LIMIT 1"
        try:
            found = self._connection.execute(sql, (*prefix, at)).fetchone()
        except sqlite3.DatabaseError:
            return None
        if found is None or found[0] <= at:
            return None
        values, missing = [], []
        for column in self._table.columns:
            sql = f"SELECT {column} FROM {self._table.name} WHERE {self._where(prefix)} = ?"
            try:
                values.append(self._connection.execute(sql, (*prefix, found[0])).fetchone()[0])
            except (sqlite3.DatabaseError, TypeError):
                values.append(None)
                missing.append(column)
        self.damage.partial.append((tuple(values), missing))
        return found[0], tuple(values)

    def _from_both_ends(self) -> Iterator[Row]:
        ends: list[Row | None] = []
        for order in ("ASC", "DESC"):
            key = ", ".join(f"{column} {order}" for column in self._table.key)
            last: Row | None = None
            try:
                for last in self._connection.execute(
                    f"SELECT {', '.join(self._table.columns)} FROM {self._table.name} ORDER BY {key}"
                ):
                    yield last
                return
            except sqlite3.DatabaseError:
                ends.append(last)
        self.damage.holes.append(Hole(*ends))

    @property
    def _last(self) -> str:
        """The column of the key that has whole numbers."""
        return self._table.key[-1]

    @property
    def _selected(self) -> str:
        return ", ".join((self._last, *self._table.columns))

    def _where(self, prefix: Row) -> str:
        """A condition for the prefix, which the operator for the last column follows."""
        return "".join(f"{column} = ? AND " for column in self._table.key[: len(prefix)]) + self._last


class _OneWay:
    """The rows with above < key < below, up to the damage. last, row: the last key that was read, and its row."""

    def __init__(self, of: Salvage, prefix: Row, above: int, below: int, order: str) -> None:
        self.last = above if order == "ASC" else below
        self.row: Row | None = None
        self.is_whole = False
        self._of, self._sign = of, 1 if order == "ASC" else -1
        sql = f"SELECT {of._selected} FROM {of._table.name} WHERE {of._where(prefix)} > ? AND {of._last} < ?"
        self._sql, self._values = f"{sql} ORDER BY {of._last} {order}", (*prefix, above, below)

    def __iter__(self) -> Iterator[Row]:
        try:
            for key, *values in self._of._connection.execute(self._sql, self._values):
                if type(key) is not int or (key - self.last) * self._sign <= 0:
                    return  # a damaged page that looks like a sound one
                self.last, self.row = key, tuple(values)
                yield self.row
            self.is_whole = True
        except sqlite3.DatabaseError:
            return
