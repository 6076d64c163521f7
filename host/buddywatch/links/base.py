"""What all links have in common: how the collector uses a connection to a board."""

from __future__ import annotations

import math
from typing import Protocol

NEVER = math.inf


class LinkError(Exception):
    """A link cannot be opened; one line that says why and what to do."""


class LinkDown(Exception):
    """A link that was being opened, or was open, is gone.

    ended: for good, so that opening it again makes no sense. rest_s: how long it must be left alone at least, where
    opening it costs the board something.
    """

    def __init__(self, reason: str, ended: bool = False, rest_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ended = ended
        self.rest_s = rest_s


class Link(Protocol):
    """A stream of bytes to and from a board. Nothing here ever waits.

    start() opens it, which may go on in the background until `up`. From then on read() is called whenever fileno() is
    readable, whenever it is writable while `wants_write`, at `wake_s`, and several times a second while it is not up (a
    connection that is never answered has no other way to fail). fileno() may change while the link is not up. After
    LinkDown the link is closed, and may be started again unless the error says `ended`.
    """

    url: str
    flows_unasked: bool  # frames come without a request, as on a serial line
    takes_requests: bool  # something at the other end may answer
    has_human_side: bool  # an agent at the other end answers a person

    @property
    def wake_s(self) -> float:
        """When to call read() at the latest while the link is up, by the steady clock; NEVER: when something comes."""

    @property
    def up(self) -> bool: ...

    @property
    def wants_write(self) -> bool: ...

    def fileno(self) -> int | None:
        """What to wait for; None: closed, or a file that can be read at any time."""

    def start(self) -> None:
        """LinkError: it cannot be opened now."""

    def read(self) -> bytes:
        """What has come; b"": nothing yet. LinkDown."""

    def write(self, data: bytes) -> int:
        """How much of data was taken, 0 while there is no room or the link is not up. LinkDown."""

    def close(self) -> None:
        """May be called at any time, and twice."""


def why(error: OSError) -> str:
    """The reason of an OSError, as a part of a sentence."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]
