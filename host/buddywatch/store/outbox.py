"""Messages on their way: rows that are claimed, sent, tried again, and never deleted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from buddywatch.model.alerts import FAILED, SENDING, SENT, WAITING, Message, OutboxRow
from buddywatch.store.database import Database
from buddywatch.store.read import milliseconds

_ROW = """id, channel, created_ms, board, subject, body, message_id, refs, payload, state, attempts, next_try_ms,
    last_error, sent_ms"""
_CLAIM_TRIES = 3  # another process may be quicker; the next round comes soon


class OutboxStore(Database):
    def add_message(self, channels: Iterable[str], board: str, message: Message, now: float) -> None:
        """A row for each channel, due at once."""
        now_ms = milliseconds(now)
        content = (message.subject, message.body, message.message_id, json.dumps(message.references))
        for channel in channels:
            values = (channel, now_ms, board, *content, json.dumps(message.payload), WAITING, now_ms)
            sql = "INSERT INTO outbox VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, NULL, NULL, NULL)"
            self._run(sql, values)

    def claim_message(self, now: float, channels: Iterable[str]) -> OutboxRow | None:
        """The due message of these channels that waits longest, now SENDING and this process's; None: none is due."""
        marks = list(channels)
        due = f"""SELECT id FROM outbox WHERE state = '{WAITING}' AND next_try_ms <= ?
            AND channel IN ({",".join("?" * len(marks))}) ORDER BY next_try_ms, id LIMIT 1"""
        for _ in range(_CLAIM_TRIES):
            row = self._row(due, (milliseconds(now), *marks))
            if row is None:
                return None
            claim = f"""UPDATE outbox SET state = '{SENDING}', attempts = attempts + 1, owner = ?
                WHERE id = ? AND state = '{WAITING}'"""
            if self._run(claim, (_process(os.getpid()), row[0])).rowcount == 1:
                return self.message(row[0])
        return None

    def message(self, row_id: int) -> OutboxRow | None:
        row = self._row(f"SELECT {_ROW} FROM outbox WHERE id = ?", (row_id,))
        return None if row is None else _outbox_row(row)

    def messages(self, states: Iterable[str] = (WAITING, SENDING, SENT, FAILED)) -> list[OutboxRow]:
        """Those in one of the states, oldest first."""
        wanted = list(states)
        sql = f"SELECT {_ROW} FROM outbox WHERE state IN ({','.join('?' * len(wanted))}) ORDER BY id"
        return [_outbox_row(row) for row in self._rows(sql, wanted)]

    def message_sent(self, row_id: int, now: float) -> None:
        sql = f"UPDATE outbox SET state = '{SENT}', sent_ms = ?, last_error = NULL, owner = NULL WHERE id = ?"
        self._run(sql, (milliseconds(now), row_id))

    def message_delayed(self, row_id: int, error: str, next_try: float) -> None:
        """It could not be sent this time."""
        sql = f"UPDATE outbox SET state = '{WAITING}', last_error = ?, next_try_ms = ?, owner = NULL WHERE id = ?"
        self._run(sql, (error, milliseconds(next_try), row_id))

    def message_failed(self, row_id: int, error: str) -> None:
        """It is given up. The row stays."""
        self._run(f"UPDATE outbox SET state = '{FAILED}', last_error = ?, owner = NULL WHERE id = ?", (error, row_id))

    def release_abandoned(self) -> int:
        """Messages whose sender ended in the middle wait again, and may so arrive twice. How many they were."""
        sql = f"SELECT id, owner FROM outbox WHERE state = '{SENDING}'"
        abandoned = [(row_id, owner) for row_id, owner in self._rows(sql) if not _lives(owner)]
        sql = f"UPDATE outbox SET state = '{WAITING}', owner = NULL WHERE id = ? AND state = '{SENDING}' AND owner = ?"
        return sum(self._run(sql, pair).rowcount for pair in abandoned)

    def next_message_due(self) -> float | None:
        """When the next waiting message is to be tried; None if none waits."""
        row = self._row(f"SELECT min(next_try_ms) FROM outbox WHERE state = '{WAITING}'")
        return None if row is None or row[0] is None else row[0] / 1000


def _outbox_row(row: tuple[Any, ...]) -> OutboxRow:
    row_id, channel, created_ms, board, subject, body, message_id, refs, payload, *rest = row
    message = Message(subject, body, json.loads(payload), message_id, tuple(json.loads(refs)))
    state, attempts, next_try_ms, last_error, sent_ms = rest
    sent_at = None if sent_ms is None else sent_ms / 1000
    return OutboxRow(
        row_id, channel, created_ms / 1000, board, message, state, attempts, next_try_ms / 1000, last_error, sent_at
    )


def _process(pid: int) -> str:
    """A process by its number and start time (field 22 of /proc/PID/stat, proc(5)): numbers are used again.

    Where there is no /proc the number alone has to do.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return f"{pid}/{file.read().rpartition(b')')[2].split()[19].decode()}"
    except (OSError, IndexError):
        return str(pid)


def _lives(owner: str) -> bool:
    pid = int(owner.partition("/")[0])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's, but it is there
    return _process(pid) == owner
