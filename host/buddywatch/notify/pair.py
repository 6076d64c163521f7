"""A channel of one of two collectors that hear the same boards: what the other one reports is not sent again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from buddywatch.notify.base import Channel, Deadline, Delivery, Parcel
from buddywatch.text.escape import one_line


@dataclass(frozen=True)
class PairChannel:
    """is_left: whether the other collector reports what the message says.

    ask_s: the longest that this takes. report: called with a line for the user.
    """

    channel: Channel
    is_left: Callable[[Parcel], bool]
    ask_s: float
    report: Callable[[str], None]

    @property
    def timeout_s(self) -> float:
        return self.channel.timeout_s + self.ask_s

    def send(self, parcel: Parcel, deadline: Deadline) -> Delivery:
        if self.is_left(parcel):
            self.report(f"left to the other collector: {one_line(parcel.message.subject, 120)}")
            return Delivery()
        return self.channel.send(parcel, deadline)
