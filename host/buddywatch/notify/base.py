"""The common parts of all channels: their error, their time limit, their interface."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from buddywatch.model.alerts import Message


class NotifyError(Exception):
    """A message could not be sent. The text is one line: who refused it, with what reply, what to do.

    permanent: the same message would fail again unless somebody changes something (a 5xx reply, a bad certificate,
    a command that does not exist). dialogue: what was said, line by line, without secrets; () where nothing was.
    of_message: the channel works so far; it is this message, or its recipients, that was not accepted.
    """

    def __init__(
        self, message: str, permanent: bool = False, dialogue: Sequence[str] = (), of_message: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.dialogue = tuple(dialogue)
        self.of_message = of_message


@dataclass(frozen=True)
class Parcel:
    """A message on its way. created: when it was made, seconds since 1970. recipients: only these, () for all."""

    message: Message
    created: float
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True)
class Delivery:
    """Who did not get a message that was sent, with the server's reply: `later` may be tried again, `refused` not.

    accepted: who got it, where that is known.
    """

    accepted: tuple[str, ...] = ()
    later: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """One line for the user, "" if all got it."""
        both = {**self.refused, **self.later}
        listed = "; ".join(f"{recipient}: {reply}" for recipient, reply in both.items())
        return f"refused by the server, others were sent: {listed}" if both else ""


class Deadline:
    """The time limit of one attempt as a whole, counted from `with`.

    The timeout of a socket starts again with every byte that arrives: a server that sent one byte now and then held
    smtplib's timeout of 1 s for 13 s (measured). So the limit comes from outside: code that may block registers, with
    cut_by(), a function that ends it; this is called when the time is over, or by cancel().
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._cuts: list[Callable[[], None]] = []
        self._reason: str | None = None
        self._timer = threading.Timer(seconds, self._cut, [f"took longer than {seconds:g} s"])
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._timer.cancel()

    @property
    def reason(self) -> str | None:
        """Why the attempt was cut short, in words that end a sentence; None while it may go on."""
        return self._reason

    def cancel(self) -> None:
        """Cut the attempt short now; from any thread."""
        self._cut("was interrupted")

    @contextmanager
    def cut_by(self, cut: Callable[[], None]) -> Iterator[None]:
        """Inside the `with`, `cut` ends what blocks. It is called at once if the time is over, and must not block."""
        with self._lock:
            self._cuts.append(cut)
            if self._reason is not None:
                cut()
        try:
            yield
        finally:
            with self._lock:
                self._cuts.remove(cut)

    def _cut(self, reason: str) -> None:
        with self._lock:
            if self._reason is None:
                self._reason = reason
                for cut in self._cuts:
                    cut()


class Channel(Protocol):
    """A channel. timeout_s: how long one attempt may take."""

    @property
    def timeout_s(self) -> float: ...

    def send(self, parcel: Parcel, deadline: Deadline) -> Delivery:
        """Send the message before the deadline, to some recipients at least. NotifyError: to none."""
