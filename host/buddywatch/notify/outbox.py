"""Sends the messages of the outbox, in its own thread with its own connection to the store.

A message is claimed before it is sent, so that no two processes send it; the outcome is written afterwards. After a
power failure between the two it is sent again, with the same Message-ID. Rows are never deleted. A row that cannot be
read, or that makes our code fail, is marked as failed; the others are sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from buddywatch.model.alerts import WAITING, Message, OutboxRow
from buddywatch.notify.base import Channel, Deadline, NotifyError
from buddywatch.store.database import BUSY_S
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import one_line

RETRY_S = (60, 120, 300, 900, 1800, 3600)  # after the first, second ... failure; the last one is repeated
PERMANENT_RETRY_S = 3600  # the user may correct the password, or the address, in the meantime
PERMANENT_LIMIT_S = 86400  # a message of this age is given up, and shown as failed
IDLE_S = 60.0  # between checks of the outbox without a reason: another process may have died with a claimed message


def next_try(row: OutboxRow, permanent: bool, now: float) -> float | None:
    """When to try a message again after a failure; None: it is given up."""
    if not permanent:
        return now + RETRY_S[min(row.attempts, len(RETRY_S)) - 1]
    return now + PERMANENT_RETRY_S if now - row.created < PERMANENT_LIMIT_S else None


def _mend_times(store: Store, now: float) -> None:
    """True if a message seems to wait longer than the longest retry: then the clock was set back."""
    due, horizon = store.next_message_due(), now + RETRY_S[-1]
    if due is None or due <= horizon:
        return
    with store.batch():
        for row in store.messages([WAITING]):
            if row.next_try > horizon:
                store.message_delayed(row.id, row.last_error or "", now)


class OutboxWorker:
    """report: called with one line for the user. busy_s: as for Store.open()."""

    def __init__(
        self,
        db_path: Path,
        channels: Mapping[str, Channel],
        clock: Callable[[], float] = time.time,
        report: Callable[[str], None] = lambda line: None,
        busy_s: float = BUSY_S,
    ) -> None:
        self._db_path = db_path
        self._busy_s = busy_s
        self._channels = channels
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
            self._opened().release_own()  # claimed when the error came
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
        """Try every message that is due; returns how many were tried. StoreError; no message is lost then.

        One message of each channel in turn: a channel that hangs delays the others no longer than its time limit.
        """
        store = self._opened()
        self._write(store)
        store.release_abandoned()
        _mend_times(store, now)
        tried, busy = 0, list(self._channels)
        while busy:
            for name in list(busy):
                row = None if self._stopping.is_set() else store.claim_message(now, [name])
                if row is None:
                    busy.remove(name)
                    continue
                tried += 1
                self._unwritten.append(self._outcome(row, self._channels[name]))
                self._write(store)
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
            due = self._opened().next_message_due()
        except StoreError as error:
            self._complain(error)
            return IDLE_S
        self._store_error = ""
        wait_s = IDLE_S if due is None else due - self._clock()
        # Messages that are still overdue belong to another process, or to a channel that was removed.
        return min(wait_s, IDLE_S) if wait_s > 0 else IDLE_S

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

    def _outcome(self, row: OutboxRow, channel: Channel) -> Callable[[Store], None]:
        """Try one message; returns the function that stores the outcome."""
        if row.message is None:
            return self._set_aside(row, f"the stored message is damaged ({one_line(row.damage)})")
        try:
            note = self._attempt(row, row.message, channel)
        except NotifyError as error:
            return self._failure(row, error)
        except (OSError, MemoryError, RuntimeError) as error:  # temporary, such as no memory, or no new thread
            return self._failure(row, NotifyError(f"{type(error).__name__}: {one_line(str(error))}"))
        except Exception as error:  # the next try would fail in the same way
            return self._set_aside(row, f"a defect of buddywatch: {type(error).__name__}: {one_line(str(error))}")
        if note:
            self._report_line(f"message {row.id} ({row.channel}): {note}")
        sent = self._clock()
        return lambda store: store.message_sent(row.id, sent)

    def _attempt(self, row: OutboxRow, message: Message, channel: Channel) -> str:
        with Deadline(channel.timeout_s) as deadline:
            with self._lock:
                self._deadline = deadline
                if self._stopping.is_set():  # stop() may have come before the deadline was set
                    deadline.cancel()
            try:
                return channel.send(message, row.created, deadline)
            finally:
                with self._lock:
                    self._deadline = None

    def _failure(self, row: OutboxRow, error: NotifyError) -> Callable[[Store], None]:
        text, now = str(error), self._clock()
        again = now if self._stopping.is_set() else next_try(row, error.permanent, now)
        if again is None:
            return self._set_aside(row, text)
        self._report_line(f"message {row.id} ({row.channel}) not sent yet: {text}")
        return lambda store: store.message_delayed(row.id, text, again)

    def _set_aside(self, row: OutboxRow, text: str) -> Callable[[Store], None]:
        self._report_line(f"message {row.id} ({row.channel}) given up: {text}")
        return lambda store: store.message_failed(row.id, text)
