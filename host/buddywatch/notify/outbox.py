"""Takes messages out of the outbox and sends them, in a thread of its own with its own connection to the store.

A message is claimed before it is tried, so that no two processes send it, and its outcome is written after. Between
the two the power may fail: then it is sent again, under the same Message-ID. No row is ever deleted. A row that cannot
be read, or that makes us fail, is set aside as failed; the others go on.
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

RETRY_S = (60, 120, 300, 900, 1800, 3600)  # after the first, second ... failure; the last one from then on
PERMANENT_RETRY_S = 3600  # somebody may correct the password, or the address, in the meantime
PERMANENT_LIMIT_S = 86400  # of age; then it is given up, and shown as failed
IDLE_S = 60.0  # between looks at the outbox when nothing calls for one; another process may have died with a claim


def next_try(row: OutboxRow, permanent: bool, now: float) -> float | None:
    """When to try a message again after a failure; None: it is given up."""
    if not permanent:
        return now + RETRY_S[min(row.attempts, len(RETRY_S)) - 1]
    return now + PERMANENT_RETRY_S if now - row.created < PERMANENT_LIMIT_S else None


def _mend_times(store: Store, now: float) -> None:
    """No message waits longer than the longest retry: where one seems to, the clock was set back."""
    due, horizon = store.next_message_due(), now + RETRY_S[-1]
    if due is None or due <= horizon:
        return
    with store.batch():
        for row in store.messages([WAITING]):
            if row.next_try > horizon:
                store.message_delayed(row.id, row.last_error or "", now)


class OutboxWorker:
    """report: called with one line for whatever a person should see. busy_s: as for Store.open()."""

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
        self._store_error = ""  # reported last; said once, not at every round
        self._unwritten: list[Callable[[Store], None]] = []  # outcomes that the store would not take yet
        self._lock = threading.Lock()
        self._deadline: Deadline | None = None  # of the attempt that runs
        self._stopping = threading.Event()
        self._news = threading.Event()

    def run(self) -> None:
        """Send what comes until stop(). May be called again after it has ended by an error, and goes on from there."""
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
        """Let run() end after the attempt that it makes."""
        self._stopping.set()
        self._news.set()

    def cut_short(self) -> None:
        """After stop(): end the attempt that is made; its message waits for the next start."""
        with self._lock:
            if self._deadline is not None:
                self._deadline.cancel()

    def run_once(self, now: float) -> int:
        """Try every message that is due, and return how many were tried. Raises StoreError; nothing is lost by it.

        One message of each channel in turn: a channel that hangs holds up the others no longer than its time limit.
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
        """One pass; how many seconds may go by until the next."""
        try:
            self.run_once(self._clock())
            due = self._opened().next_message_due()
        except StoreError as error:
            self._complain(error)
            return IDLE_S
        self._store_error = ""
        wait_s = IDLE_S if due is None else due - self._clock()
        # What is overdue still is another process's, or for a channel that is configured no more.
        return min(wait_s, IDLE_S) if wait_s > 0 else IDLE_S

    def _complain(self, error: StoreError) -> None:
        if str(error) != self._store_error:
            self._store_error = str(error)
            self._report_line(f"messages cannot be sent: {error}")

    def _report_line(self, line: str) -> None:
        with suppress(Exception):  # a terminal that is gone must not stop mail
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
        """Try one message; what is to be written about it."""
        if row.message is None:
            return self._set_aside(row, f"the stored message is damaged ({one_line(row.damage)})")
        try:
            note = self._attempt(row, row.message, channel)
        except NotifyError as error:
            return self._failure(row, error)
        except (OSError, MemoryError, RuntimeError) as error:  # such as no memory, or no thread to be had, just now
            return self._failure(row, NotifyError(f"{type(error).__name__}: {one_line(str(error))}"))
        except Exception as error:  # would be the same at the next try
            return self._set_aside(row, f"a defect of buddywatch: {type(error).__name__}: {one_line(str(error))}")
        if note:
            self._report_line(f"message {row.id} ({row.channel}): {note}")
        sent = self._clock()
        return lambda store: store.message_sent(row.id, sent)

    def _attempt(self, row: OutboxRow, message: Message, channel: Channel) -> str:
        with Deadline(channel.timeout_s) as deadline:
            with self._lock:
                self._deadline = deadline
                if self._stopping.is_set():  # stop() may have looked for it already
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
