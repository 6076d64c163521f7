"""Reports through the other channels that one does not work, or that a recipient is refused; once a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from buddywatch.model.alerts import WARNING, ChannelHealth
from buddywatch.notify.base import NotifyError
from buddywatch.notify.message import compose_notice
from buddywatch.store.store import Store
from buddywatch.text.escape import local_time

REPORT_AFTER_S = 3600  # of failures that may end by themselves
AGAIN_S = 86400
_RULE = "undelivered"


@dataclass(frozen=True)
class RefusedRecipients:
    """replies: the server's, by address. accepted: those who get the channel's messages."""

    channel: str
    replies: Mapping[str, str]
    accepted: Sequence[str]


def tell_of_channel(
    store: Store, name: str, health: ChannelHealth, error: NotifyError, others: Sequence[str], now: float
) -> ChannelHealth:
    """Add a message to the other channels if it is time. Returns the health to store."""
    is_due = error.permanent or now - health.since >= REPORT_AFTER_S
    if not others or not is_due or not _is_news(health, now):
        return health
    what = f"{name} cannot be sent since {local_time(health.since)}"
    message = compose_notice(_RULE, WARNING, what, [str(error), "What waits is sent as soon as it works again."], now)
    store.add_message(others, "", message, now)
    return replace(health, reported=now)


def tell_of_recipients(store: Store, refused: RefusedRecipients, others: Sequence[str], now: float) -> None:
    """Tell the other recipients and channels about the refused ones; each of these once a day."""
    for address, reply in refused.replies.items():
        key = f"{refused.channel} to {address}"
        health = store.channel(key)
        if not _is_news(health, now):
            continue
        what = f"{address} gets no mail: the mail server refuses it"
        remedy = "Correct `to` in the configuration, or ask the server's administrator."
        message = compose_notice(_RULE, WARNING, what, [f"The server's answer: {reply}", remedy], now)
        store.add_message(others, "", message, now)
        if refused.accepted:
            store.add_message([refused.channel], "", message, now, refused.accepted)
        store.set_channel(key, ChannelHealth(health.failures + 1, health.since or now, 0.0, reply, now))


def _is_news(health: ChannelHealth, now: float) -> bool:
    return health.reported is None or not 0 <= now - health.reported < AGAIN_S
