"""Rows that cannot be read: each is left out, and reported once in a run of a program."""

from __future__ import annotations

import threading
from collections.abc import Callable

DAMAGE_MAX = 10  # unreadable rows that are listed in one run


class DamageReports:
    """Shared by all connections of a program, in any thread: several of them read the same rows.

    report: called with one line for the user.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._rows: set[tuple[str, str]] = set()  # (database, row) of those that were reported
        self._lock = threading.Lock()

    def add(self, path: str, row: str, why: str, remedy: str) -> None:
        """Report, the first time, that a row of the database cannot be read, and what to do about it."""
        with self._lock:
            if (path, row) in self._rows or len(self._rows) > DAMAGE_MAX:
                return
            self._rows.add((path, row))
            is_listed = len(self._rows) <= DAMAGE_MAX
        if is_listed:
            self._report(f"{path}: {row} cannot be read and is left out: {why}; {remedy}")
        else:
            self._report(f"{path}: more rows cannot be read and are left out; they are not listed")

    def notice(self, line: str) -> None:
        """Report a line, the first time."""
        with self._lock:
            is_new = ("", line) not in self._rows
            self._rows.add(("", line))
        if is_new:
            self._report(line)
