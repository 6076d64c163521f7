"""A channel of a spare collector: what the first collector reports is not sent a second time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from buddywatch.notify.base import Channel, Deadline, Delivery, Parcel
from buddywatch.text.escape import one_line


@dataclass(frozen=True)
class SpareChannel:
    """is_left: whether the first collector reports what a message about this board, made then, says.

    ask_s: the longest that this takes. report: called with a line for the user.
    """

    channel: Channel
    is_left: Callable[[str, float], bool]
    ask_s: float
    report: Callable[[str], None]

    @property
    def timeout_s(self) -> float:
        return self.channel.timeout_s + self.ask_s

    def send(self, parcel: Parcel, deadline: Deadline) -> Delivery:
        if self.is_left(str(parcel.message.payload.get("board", "")), parcel.created):
            self.report(f"left to the first collector: {one_line(parcel.message.subject, 120)}")
            return Delivery()
        return self.channel.send(parcel, deadline)
