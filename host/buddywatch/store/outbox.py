"""Messages to send: a process claims a row, sends it, or tries again later. Rows are never deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from buddywatch.model.alerts import FAILED, SENDING, SENT, WAITING, ChannelHealth, Incident, Message, OutboxRow
from buddywatch.model.samples import milliseconds
from buddywatch.store.database import Database
from buddywatch.store.process_owner import is_alive, this_process
from buddywatch.store.read import seconds

# Text as bytes: for text that is not UTF-8, Python's sqlite3 fails the whole query, not only that row.
_ROW = """id, CAST(channel AS BLOB), created_ms, CAST(board AS BLOB), CAST(subject AS BLOB), CAST(body AS BLOB),
    CAST(message_id AS BLOB), CAST(refs AS BLOB), CAST(payload AS BLOB), state, attempts, next_try_ms,
    CAST(last_error AS BLOB), sent_ms, CAST(recipients AS BLOB)"""

MADE_READ = 500


class OutboxStore(Database):
    def add_message(
        self, channels: Iterable[str], board: str, message: Message, now: float, recipients: Sequence[str] = ()
    ) -> None:
        """Add a row for each channel, due at once. recipients: as in OutboxRow."""
        now_ms = milliseconds(now)
        content = (message.subject, message.body, message.message_id, json.dumps(message.references))
        for channel in channels:
            values = (channel, now_ms, board, *content, json.dumps(message.payload), WAITING, now_ms)
            sql = """INSERT INTO outbox (channel, created_ms, board, subject, body, message_id, refs, payload, state,
                next_try_ms, recipients, attempts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"""
            self._run(sql, (*values, _listed(recipients)))

    def claim_messages(self, now: float, channel: str, merge_before: float) -> list[OutboxRow]:
        """Claim what the channel has to send next: the oldest due message, which is then SENDING. [] if none is due.

        Messages made before merge_before are claimed together, so that one message reports them; not those for some
        recipients only. An unreadable one is claimed as well; its `damage` says why it is unreadable.
        """
        due = f"""SELECT id, created_ms < ? AND recipients = '' AND alone = 0 FROM outbox
            WHERE channel = ? AND state = '{WAITING}' AND next_try_ms <= ? ORDER BY id"""
        with self.batch():
            found = list(self._rows(due, (milliseconds(merge_before), channel, milliseconds(now))))
            old = [row_id for row_id, may_merge in found if may_merge]
            chosen = old if found and found[0][1] and len(old) > 1 else [row_id for row_id, _ in found[:1]]
            for row_id in chosen:
                claim = f"UPDATE outbox SET state = '{SENDING}', attempts = attempts + 1, owner = ? WHERE id = ?"
                self._run(claim, (this_process(), row_id))
            rows = [self.message(row_id) for row_id in chosen]
        return [row for row in rows if row is not None]

    def made_since(self, time: float) -> list[float]:
        """When messages were made since then, each once; of the newest MADE_READ rows."""
        sql = "SELECT DISTINCT created_ms, message_id FROM (SELECT * FROM outbox ORDER BY id DESC LIMIT ?)"
        made = [seconds(created_ms) for created_ms, _ in self._rows(sql, (MADE_READ,))]
        return sorted(one for one in made if one >= time)

    def backlog(self) -> tuple[int, float | None]:
        """How many messages are not delivered yet, and when the oldest of them was made."""
        sql = f"SELECT count(*), min(created_ms) FROM outbox WHERE state IN ('{WAITING}', '{SENDING}')"
        count, oldest_ms = self._row(sql) or (0, None)
        return count, None if oldest_ms is None else seconds(oldest_ms)

    def message(self, row_id: int) -> OutboxRow | None:
        row = self._row(f"SELECT {_ROW} FROM outbox WHERE id = ?", (row_id,))
        return None if row is None else _outbox_row(row)

    def messages(self, states: Iterable[str] = (WAITING, SENDING, SENT, FAILED)) -> list[OutboxRow]:
        """The messages in these states, oldest first."""
        wanted = list(states)
        sql = f"SELECT {_ROW} FROM outbox WHERE state IN ({','.join('?' * len(wanted))}) ORDER BY id"
        return [_outbox_row(row) for row in self._rows(sql, wanted)]

    def newest_made(self, channel: str) -> float | None:
        """When the channel's newest message was made; None: never."""
        row = self._row("SELECT max(created_ms) FROM outbox WHERE channel = ?", (channel,))
        return None if row is None or row[0] is None else seconds(row[0])

    def digest_made(self) -> float | None:
        """When the newest digest was made; None: never."""
        row = self._row("SELECT max(made_ms) FROM digests")
        return None if row is None or row[0] is None else seconds(row[0])

    def note_digest(self, now: float) -> None:
        """A digest is made now, or counted from now on."""
        self._run("DELETE FROM digests")
        self._run("INSERT INTO digests VALUES (?)", (milliseconds(now),))

    def messages_about(self, incident: Incident) -> list[OutboxRow]:
        """The messages that report an incident, oldest first. Reads all messages since it was opened."""
        sql = f"""SELECT {_ROW} FROM outbox WHERE board IN (?, '') AND created_ms >= ? AND json_valid(payload)
            AND EXISTS (SELECT 1 FROM json_each(payload, '$.incidents') WHERE json_extract(value, '$.id') = ?)
            ORDER BY id"""
        values = (incident.board, milliseconds(incident.opened), incident.id)
        return [_outbox_row(row) for row in self._rows(sql, values)]

    def message_sent(self, row_id: int, now: float) -> None:
        sql = f"UPDATE outbox SET state = '{SENT}', sent_ms = ?, last_error = NULL, owner = NULL WHERE id = ?"
        self._run(sql, (milliseconds(now), row_id))

    def message_delayed(
        self, row_id: int, error: str, next_try: float, alone: bool = False, recipients: Sequence[str] = ()
    ) -> None:
        """The attempt failed; try again later. alone: for a reason of its own. recipients: only for these."""
        sql = f"""UPDATE outbox SET state = '{WAITING}', last_error = ?, next_try_ms = ?, alone = ?, recipients = ?,
            owner = NULL WHERE id = ?"""
        self._run(sql, (error, milliseconds(next_try), alone, _listed(recipients), row_id))

    def message_failed(self, row_id: int, error: str) -> None:
        """Give the message up. Its row stays."""
        self._run(f"UPDATE outbox SET state = '{FAILED}', last_error = ?, owner = NULL WHERE id = ?", (error, row_id))

    def give_up_before(self, channel: str, created: float, error: str) -> None:
        """Give up the channel's waiting messages that were made before."""
        sql = f"UPDATE outbox SET state = '{FAILED}', last_error = ? WHERE channel = ? AND state = '{WAITING}'"
        self._run(f"{sql} AND created_ms <= ?", (error, channel, milliseconds(created)))

    def channel_works(self, channel: str, now: float) -> None:
        """The channel took a message: its other messages are due at once, except those that wait for their own sake."""
        self._run("DELETE FROM channels WHERE name = ?", (channel,))
        self.make_due(channel, now)

    def make_due(self, channel: str, now: float) -> None:
        """Let the channel's messages wait no longer, except those that wait for their own sake."""
        sql = f"UPDATE outbox SET next_try_ms = ?1 WHERE channel = ?2 AND state = '{WAITING}' AND next_try_ms > ?1"
        self._run(f"{sql} AND alone = 0", (milliseconds(now), channel))

    def ask_recipients_first(self, channel: str, now: float) -> None:
        """If a whole message is due: so is, before it, the oldest of those that wait for some recipients only.

        Else these would get the newer one first. This attempt does not lengthen the pause before the next.
        """
        waiting = f"FROM outbox WHERE channel = ?2 AND state = '{WAITING}'"
        sql = f"""UPDATE outbox SET next_try_ms = ?1, attempts = attempts - 1 WHERE next_try_ms > ?1
            AND id IN (SELECT min(id) {waiting} AND recipients != '' GROUP BY recipients)
            AND EXISTS (SELECT 1 {waiting} AND recipients = '' AND next_try_ms <= ?1)"""
        self._run(sql, (milliseconds(now), channel))

    def recipients_work(self, channel: str, recipients: Iterable[str], now: float) -> None:
        """These took a message: what waits for them is due at once."""
        sql = f"""UPDATE outbox SET next_try_ms = ?1 WHERE channel = ?2 AND state = '{WAITING}' AND next_try_ms > ?1
            AND json_valid(recipients) AND EXISTS (SELECT 1 FROM json_each(recipients) WHERE value = ?3)"""
        for recipient in recipients:
            self._run(sql, (milliseconds(now), channel, recipient))

    def set_channel(self, name: str, health: ChannelHealth) -> None:
        times = (milliseconds(health.since), milliseconds(health.next_try))
        reported_ms = None if health.reported is None else milliseconds(health.reported)
        values = (name, health.failures, *times, health.last_error, reported_ms)
        self._run("INSERT OR REPLACE INTO channels VALUES (?, ?, ?, ?, ?, ?)", values)

    def channel(self, name: str) -> ChannelHealth:
        row = self._row("SELECT * FROM channels WHERE name = ?", (name,))
        if row is None:
            return ChannelHealth()
        _, failures, since_ms, next_try_ms, last_error, reported_ms = row
        reported = None if reported_ms is None else seconds(reported_ms)
        return ChannelHealth(failures, seconds(since_ms), seconds(next_try_ms), last_error, reported)

    def release_abandoned(self) -> int:
        """Put messages back to waiting whose sending process died; they may arrive twice. Returns how many."""
        return self._release(lambda owner: not is_alive(owner))

    def release_own(self, channel: str) -> int:
        """The same for a channel's messages that this process claimed. Only call it while it sends none of them."""
        return self._release(lambda owner: owner == this_process(), channel)

    def _release(self, is_over: Callable[[str | None], bool], channel: str | None = None) -> int:
        rows = self._rows(f"SELECT id, CAST(owner AS BLOB), channel FROM outbox WHERE state = '{SENDING}'")
        over = [(row_id, owner) for row_id, owner, of in rows if is_over(_text(owner)) and channel in (None, of)]
        # Another process may have released it meanwhile, and a third one may have claimed it.
        sql = f"""UPDATE outbox SET state = '{WAITING}', owner = NULL
            WHERE id = ? AND state = '{SENDING}' AND CAST(owner AS BLOB) IS ?"""
        return sum(self._run(sql, pair).rowcount for pair in over)

    def next_message_due(self, channel: str) -> float | None:
        """When the channel's next waiting message is due; None if none waits."""
        sql = f"SELECT min(next_try_ms) FROM outbox WHERE channel = ? AND state = '{WAITING}'"
        row = self._row(sql, (channel,))
        return None if row is None or row[0] is None else seconds(row[0])


def _outbox_row(row: tuple[Any, ...]) -> OutboxRow:
    row_id, channel, created_ms, board, *content, state, attempts, next_try_ms, last_error, sent_ms, some = row
    recipients: tuple[str, ...] = ()
    try:
        message, damage = _message(*content), ""
        recipients = _texts(some, "recipients") if some else ()
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
        recipients=recipients,
    )


def _message(subject: bytes, body: bytes, message_id: bytes, refs: bytes, payload: bytes) -> Message:
    references, fields = _texts(refs, "refs"), json.loads(payload.decode())
    if not isinstance(fields, dict):
        raise ValueError("payload: expected an object")
    return Message(subject.decode(), body.decode(), fields, message_id.decode(), references)


def _texts(stored: bytes, column: str) -> tuple[str, ...]:
    texts = json.loads(stored.decode())
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{column}: expected a list of texts")
    return tuple(texts)


def _listed(recipients: Sequence[str]) -> str:
    return json.dumps(recipients) if recipients else ""


def _text(stored: bytes | None) -> str | None:
    return None if stored is None else stored.decode("utf-8", "replace")
