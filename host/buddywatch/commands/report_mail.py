"""Sends a report by mail: through the outbox, as every message, so that it is sent once, and again if that fails."""

from __future__ import annotations

import time

from buddywatch.commands import CommandError
from buddywatch.config.sections import Config
from buddywatch.model.alerts import SENDING, SENT, Message, OutboxRow
from buddywatch.notify.base import NotifyError
from buddywatch.notify.channels import MAIL, REPORT, MailChannel, channels_of
from buddywatch.notify.outbox import OutboxWorker
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, one_line

_LOOK_S = 0.2
_MORE_S = 5.0  # beyond the time limit of a mail, for the collector to note how it ended


def mail_channel(config: Config) -> tuple[str, MailChannel]:
    """The channel that reports take, with its name. CommandError: there is none."""
    channels = channels_of(config)
    name = REPORT if REPORT in channels else MAIL
    channel = channels.get(name)
    if not isinstance(channel, MailChannel):
        raise CommandError("--mail: the configuration has no [mail]; `buddywatch init` makes one")
    config.check_files()
    return name, channel


def send(config: Config, message: Message) -> str:
    """Put the message into the outbox, and send it; who got it. NotifyError: not yet, or not to all."""
    name, channel = mail_channel(config)
    with Store.open(config.collector.db) as store:
        now = time.time()
        with store.batch():
            store.add_message([name], "", message, now)
        (row_id,) = [row.id for row in store.messages() if _is(row, message)]
        worker = OutboxWorker(config.collector.db, name, channel)
        try:
            worker.run_once(now)
        finally:
            worker.close()
        row = _settled(store, row_id, channel.timeout_s + _MORE_S)
    if row.state == SENT:
        return escaped(f"report sent to {', '.join(channel.mail.to)}")
    why = one_line(row.last_error or "the mail server does not work")
    raise NotifyError(f"not sent yet: {why}; it waits in the outbox, and a running `buddywatch collect` tries again")


def _is(row: OutboxRow, message: Message) -> bool:
    return row.message is not None and row.message.message_id == message.message_id


def _settled(store: Store, row_id: int, wait_s: float) -> OutboxRow:
    """The message, after nobody sends it any more: a running collector may have taken it first."""
    until = time.monotonic() + wait_s
    while True:
        row = store.message(row_id)
        assert row is not None  # messages are never deleted
        if row.state != SENDING or time.monotonic() >= until:
            return row
        time.sleep(_LOOK_S)
