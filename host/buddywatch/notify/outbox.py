"""Sends the messages of one channel in its own thread, until each is sent.

A message is a row in the store before it is sent, and is marked as sent afterwards. If the collector is killed in
between, the message is sent twice, which is better than never.

A channel has one back-off: while it does not work, nothing is tried but its oldest message, and as soon as that is
sent, all that is due follows, oldest first. A message that fails for a reason of its own waits alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from buddywatch.model.alerts import WAITING, ChannelHealth, OutboxRow
from buddywatch.notify.base import Channel, Deadline, Delivery, NotifyError, Parcel
from buddywatch.notify.merged import merged
from buddywatch.notify.undelivered import RefusedRecipients, tell_of_channel, tell_of_recipients
from buddywatch.store.database import BUSY_S
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import one_line

RETRY_S = (60, 120, 300, 900, 1800, 3600)  # after the first, second ... failure; the last one is repeated
PERMANENT_RETRY_S = 3600  # the user may correct the password, or the address, in the meantime
PERMANENT_LIMIT_S = 86400  # a message of this age is given up, and shown as failed
MERGE_AFTER_S = 3 * 3600  # messages that could not be sent for so long go out as one
FAILED_IN_A_ROW = 2  # messages refused one after the other: then it is the channel that does not work
IDLE_S = 60.0  # between checks of the outbox without a reason: another process may have died with a claimed message


def retry_s(failures: int) -> int:
    """The pause after so many failures in a row."""
    return RETRY_S[min(failures, len(RETRY_S)) - 1]


def _mend_times(store: Store, channel: str, now: float) -> None:
    """If something seems to wait longer than the longest retry, the clock was set back: it is due now."""
    due, health, horizon = store.next_message_due(channel), store.channel(channel), now + RETRY_S[-1]
    with store.batch():
        if health.next_try > horizon:
            store.set_channel(channel, replace(health, next_try=now))
        if due is not None and due > horizon:
            for row in store.messages([WAITING]):
                if row.channel == channel and row.next_try > horizon:
                    store.message_delayed(row.id, row.last_error or "", now, recipients=row.recipients)


@dataclass(frozen=True)
class _Outcome:
    """write: stores what happened. is_common: the next message may fail in the same way."""

    write: Callable[[Store], None]
    is_sent: bool = False
    error: NotifyError | None = None
    is_common: bool = False


class OutboxWorker:
    """name: the channel's, as in the outbox. others: the other channels, which report that this one does not work.

    report: called with one line for the user. busy_s: as for Store.open(). hold_s: how long each message waits first.
    """

    def __init__(
        self,
        db_path: Path,
        name: str,
        channel: Channel,
        others: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        report: Callable[[str], None] = lambda line: None,
        busy_s: float = BUSY_S,
        hold_s: float = 0.0,
    ) -> None:
        self._db_path = db_path
        self._busy_s = busy_s
        self._hold_s = hold_s
        self._name = name
        self._channel = channel
        self._others = tuple(others)
        self._clock = clock
        self._report = report
        self._store: Store | None = None
        self._store_error = ""  # the last one reported, so that it is not repeated at every round
        self._unwritten: list[Callable[[Store], None]] = []  # outcomes that are not stored yet
        self._lock = threading.Lock()
        self._deadline: Deadline | None = None  # of the attempt that runs
        self._stopping = threading.Event()
        self._news = threading.Event()

    def run(self) -> None:
        """Send messages until stop(). After an error it may be called again, and continues."""
        try:
            self._write(self._opened())
            self._opened().release_own(self._name)  # claimed when the error came
        except StoreError as error:
            self._complain(error)
        try:
            while not self._stopping.is_set():
                self._news.clear()
                self._news.wait(self._round())
        finally:
            self.close()

    def wake(self) -> None:
        """There is a new message: try it at once."""
        self._news.set()

    def stop(self) -> None:
        """Make run() end after the current attempt."""
        self._stopping.set()
        self._news.set()

    def cut_short(self) -> None:
        """After stop(): abort the current attempt; its message waits for the next start."""
        with self._lock:
            if self._deadline is not None:
                self._deadline.cancel()

    def run_once(self, now: float) -> int:
        """Send what is due, oldest first, until the channel fails. Returns how many attempts were made. StoreError; no
        message is lost then.
        """
        store = self._opened()
        self._write(store)
        store.release_abandoned()
        _mend_times(store, self._name, now)
        tried, failed = 0, 0
        if store.channel(self._name).next_try > now:
            return 0
        due = now - self._hold_s
        store.ask_recipients_first(self._name, due)
        while not self._stopping.is_set() and (rows := store.claim_messages(due, self._name, now - MERGE_AFTER_S)):
            tried += 1
            outcome = self._attempt(rows)
            self._unwritten.append(outcome.write)
            self._write(store)
            failed = 0 if outcome.is_sent else failed + outcome.is_common
            error = outcome.error
            if error is not None and (not error.of_message or failed >= FAILED_IN_A_ROW):
                self._unwritten.append(self._channel_failed(error))
                self._write(store)
                break
        return tried

    def close(self) -> None:
        """Close the store; for the thread that called run_once()."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _round(self) -> float:
        """One pass; returns the seconds until the next."""
        try:
            self.run_once(self._clock())
            due = self._opened().next_message_due(self._name)
            not_before = self._opened().channel(self._name).next_try
        except StoreError as error:
            self._complain(error)
            return IDLE_S
        self._store_error = ""
        wait_s = IDLE_S if due is None else max(due + self._hold_s, not_before) - self._clock()
        return min(wait_s, IDLE_S) if wait_s > 0 else IDLE_S  # what is still overdue belongs to another process

    def _complain(self, error: StoreError) -> None:
        if str(error) != self._store_error:
            self._store_error = str(error)
            self._report_line(f"messages cannot be sent: {error}")

    def _report_line(self, line: str) -> None:
        with suppress(Exception):  # a closed terminal must not stop mail
            self._report(line)

    def _opened(self) -> Store:
        if self._store is None:
            self._store = Store.open(self._db_path, self._busy_s)
        return self._store

    def _write(self, store: Store) -> None:
        while self._unwritten:
            self._unwritten[0](store)
            del self._unwritten[0]

    def _attempt(self, rows: list[OutboxRow]) -> _Outcome:
        """Try one message, or several in one."""
        damaged = next((row for row in rows if row.message is None), None)
        if damaged is not None:
            rest = [row for row in rows if row is not damaged]
            return self._set_aside([damaged], f"the stored message is damaged ({one_line(damaged.damage)})", rest)
        try:
            delivery = self._send(self._parcel(rows))
        except NotifyError as error:
            return self._failure(rows, error)
        except (OSError, MemoryError, RuntimeError) as error:  # temporary, such as no memory, or no new thread
            return self._failure(rows, NotifyError(f"{type(error).__name__}: {one_line(str(error))}"))
        except Exception as error:  # the next try would fail in the same way
            return self._set_aside(rows, f"a defect of buddywatch: {type(error).__name__}: {one_line(str(error))}")
        if delivery.note:
            self._report_line(f"{self._about(rows)}: {delivery.note}")
        return _Outcome(self._success(rows, delivery), is_sent=True)

    def _parcel(self, rows: list[OutboxRow]) -> Parcel:
        letters = [(row.created, row.message) for row in rows if row.message is not None]
        if len(letters) == 1:
            return Parcel(letters[0][1], letters[0][0], rows[0].recipients)
        return Parcel(merged(letters), self._clock())

    def _send(self, parcel: Parcel) -> Delivery:
        with Deadline(self._channel.timeout_s) as deadline:
            with self._lock:
                self._deadline = deadline
                if self._stopping.is_set():  # stop() may have come before the deadline was set
                    deadline.cancel()
            try:
                return self._channel.send(parcel, deadline)
            finally:
                with self._lock:
                    self._deadline = None

    def _about(self, rows: list[OutboxRow]) -> str:
        return f"message {', '.join(str(row.id) for row in rows)} ({self._name})"

    def _success(self, rows: list[OutboxRow], delivery: Delivery) -> Callable[[Store], None]:
        sent = self._clock()

        def write(store: Store) -> None:
            with store.batch():
                store.channel_works(self._name, sent)
                store.recipients_work(self._name, delivery.accepted, sent)
                for row in rows:
                    if delivery.later:
                        again = sent + retry_s(row.attempts)
                        store.message_delayed(row.id, delivery.note, again, True, list(delivery.later))
                    else:
                        store.message_sent(row.id, sent)
                if delivery.refused:
                    refused = RefusedRecipients(self._name, delivery.refused, delivery.accepted)
                    tell_of_recipients(store, refused, self._others, sent)

        return write

    def _failure(self, rows: list[OutboxRow], error: NotifyError) -> _Outcome:
        text, now = str(error), self._clock()
        is_over = error.permanent and now - rows[0].created >= PERMANENT_LIMIT_S
        if is_over and not self._stopping.is_set():
            return replace(self._set_aside(rows, text), error=error)
        self._report_line(f"{self._about(rows)} not sent yet: {text}")
        failures = rows[0].attempts if error.of_message else 1
        again = now if self._stopping.is_set() else now + (PERMANENT_RETRY_S if error.permanent else retry_s(failures))
        alone = error.of_message and (error.permanent or bool(rows[0].recipients))

        def write(store: Store) -> None:
            with store.batch():
                for row in rows:
                    next_try = again if error.of_message else now  # else its channel has the pause
                    store.message_delayed(row.id, text, next_try, alone, row.recipients)

        return _Outcome(write, error=error, is_common=not alone)

    def _channel_failed(self, error: NotifyError) -> Callable[[Store], None]:
        """The channel does not work: nothing more is tried before the end of its pause."""
        now = self._clock()

        def write(store: Store) -> None:
            before = store.channel(self._name)
            failures = before.failures + 1
            pause_s = 0 if self._stopping.is_set() else PERMANENT_RETRY_S if error.permanent else retry_s(failures)
            since = before.since if before.failures else now
            health = ChannelHealth(failures, since, now + pause_s, str(error), before.reported)
            with store.batch():
                if error.permanent:
                    store.give_up_before(self._name, now - PERMANENT_LIMIT_S, str(error))
                store.make_due(self._name, now)  # the oldest is tried first
                store.set_channel(self._name, tell_of_channel(store, self._name, health, error, self._others, now))

        return write

    def _set_aside(self, rows: list[OutboxRow], text: str, rest: Sequence[OutboxRow] = ()) -> _Outcome:
        """Give rows up. rest: claimed with them, and due again."""
        self._report_line(f"{self._about(rows)} given up: {text}")
        now = self._clock()

        def write(store: Store) -> None:
            with store.batch():
                for row in rows:
                    store.message_failed(row.id, text)
                for row in rest:
                    store.message_delayed(row.id, row.last_error or "", now)

        return _Outcome(write)
