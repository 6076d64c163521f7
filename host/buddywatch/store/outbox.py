"""Messages to send: a process claims a row, sends it, or tries again later. Rows are never deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from buddywatch.model.alerts import FAILED, SENDING, SENT, WAITING, Message, OutboxRow
from buddywatch.store.database import Database
from buddywatch.store.process_owner import is_alive, this_process
from buddywatch.store.read import milliseconds, seconds

# Text as bytes: for text that is not UTF-8, Python's sqlite3 fails the whole query, not only that row.
_ROW = """id, CAST(channel AS BLOB), created_ms, CAST(board AS BLOB), CAST(subject AS BLOB), CAST(body AS BLOB),
    CAST(message_id AS BLOB), CAST(refs AS BLOB), CAST(payload AS BLOB), state, attempts, next_try_ms,
    CAST(last_error AS BLOB), sent_ms"""
_CLAIM_TRIES = 3  # another process may claim it first; the next round comes soon


class OutboxStore(Database):
    def add_message(self, channels: Iterable[str], board: str, message: Message, now: float) -> None:
        """Add a row for each channel, due at once."""
        now_ms = milliseconds(now)
        content = (message.subject, message.body, message.message_id, json.dumps(message.references))
        for channel in channels:
            values = (channel, now_ms, board, *content, json.dumps(message.payload), WAITING, now_ms)
            sql = "INSERT INTO outbox VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, NULL, NULL, NULL)"
            self._run(sql, values)

    def claim_message(self, now: float, channels: Iterable[str]) -> OutboxRow | None:
        """Claim the due message of these channels that has waited longest; it is then SENDING. None if none is due.

        An unreadable one is claimed as well; its `damage` says why it is unreadable.
        """
        marks = list(channels)
        due = f"""SELECT id FROM outbox WHERE state = '{WAITING}' AND next_try_ms <= ?
            AND channel IN ({",".join("?" * len(marks))}) ORDER BY next_try_ms, id LIMIT 1"""
        for _ in range(_CLAIM_TRIES):
            row = self._row(due, (milliseconds(now), *marks))
            if row is None:
                return None
            claim = f"""UPDATE outbox SET state = '{SENDING}', attempts = attempts + 1, owner = ?
                WHERE id = ? AND state = '{WAITING}'"""
            if self._run(claim, (this_process(), row[0])).rowcount == 1:
                return self.message(row[0])
        return None

    def message(self, row_id: int) -> OutboxRow | None:
        row = self._row(f"SELECT {_ROW} FROM outbox WHERE id = ?", (row_id,))
        return None if row is None else _outbox_row(row)

    def messages(self, states: Iterable[str] = (WAITING, SENDING, SENT, FAILED)) -> list[OutboxRow]:
        """The messages in these states, oldest first."""
        wanted = list(states)
        sql = f"SELECT {_ROW} FROM outbox WHERE state IN ({','.join('?' * len(wanted))}) ORDER BY id"
        return [_outbox_row(row) for row in self._rows(sql, wanted)]

    def message_sent(self, row_id: int, now: float) -> None:
        sql = f"UPDATE outbox SET state = '{SENT}', sent_ms = ?, last_error = NULL, owner = NULL WHERE id = ?"
        self._run(sql, (milliseconds(now), row_id))

    def message_delayed(self, row_id: int, error: str, next_try: float) -> None:
        """The attempt failed; try again later."""
        sql = f"UPDATE outbox SET state = '{WAITING}', last_error = ?, next_try_ms = ?, owner = NULL WHERE id = ?"
        self._run(sql, (error, milliseconds(next_try), row_id))

    def message_failed(self, row_id: int, error: str) -> None:
        """Give the message up. Its row stays."""
        self._run(f"UPDATE outbox SET state = '{FAILED}', last_error = ?, owner = NULL WHERE id = ?", (error, row_id))

    def release_abandoned(self) -> int:
        """Put messages back to waiting whose sending process died; they may arrive twice. Returns how many."""
        return self._release(lambda owner: not is_alive(owner))

    def release_own(self) -> int:
        """The same for messages that this process claimed. Only call it while this process sends none."""
        return self._release(lambda owner: owner == this_process())

    def _release(self, is_over: Callable[[str | None], bool]) -> int:
        rows = self._rows(f"SELECT id, CAST(owner AS BLOB) FROM outbox WHERE state = '{SENDING}'")
        over = [(row_id, owner) for row_id, owner in rows if is_over(_text(owner))]
        # Another process may have released it meanwhile, and a third one may have claimed it.
        sql = f"""UPDATE outbox SET state = '{WAITING}', owner = NULL
            WHERE id = ? AND state = '{SENDING}' AND CAST(owner AS BLOB) IS ?"""
        return sum(self._run(sql, pair).rowcount for pair in over)

    def next_message_due(self) -> float | None:
        """When the next waiting message is due; None if none waits."""
        row = self._row(f"SELECT min(next_try_ms) FROM outbox WHERE state = '{WAITING}'")
        return None if row is None or row[0] is None else seconds(row[0])


def _outbox_row(row: tuple[Any, ...]) -> OutboxRow:
    row_id, channel, created_ms, board, *content, state, attempts, next_try_ms, last_error, sent_ms = row
    try:
        message, damage = _message(*content), ""
    except (ValueError, TypeError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        message, damage = None, f"{type(error).__name__}: {error}"
    return OutboxRow(
        id=row_id,
        channel=_text(channel) or "",
        created=seconds(created_ms),
        board=_text(board) or "",
        message=message,
        state=state,
        attempts=attempts,
        next_try=seconds(next_try_ms),
        last_error=_text(last_error),
        sent_at=None if sent_ms is None else seconds(sent_ms),
        damage=damage,
    )


def _message(subject: bytes, body: bytes, message_id: bytes, refs: bytes, payload: bytes) -> Message:
    references, fields = json.loads(refs.decode()), json.loads(payload.decode())
    if not isinstance(references, list) or not all(isinstance(reference, str) for reference in references):
        raise ValueError("refs: expected a list of texts")
    if not isinstance(fields, dict):
        raise ValueError("payload: expected an object")
    return Message(subject.decode(), body.decode(), fields, message_id.decode(), tuple(references))


def _text(stored: bytes | None) -> str | None:
    return None if stored is None else stored.decode("utf-8", "replace")
