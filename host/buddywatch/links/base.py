"""The interface of all links: how the collector uses a connection to a board."""

from __future__ import annotations

import math
from typing import Protocol

NEVER = math.inf


class LinkError(Exception):
    """A link cannot be opened. One line: the reason and what to do."""


class LinkDown(Exception):
    """A link was lost, or could not be opened.

    ended: it will not be opened again. rest_s: the minimum time before the next try, for links whose opening costs the
    board memory.
    """

    def __init__(self, reason: str, ended: bool = False, rest_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ended = ended
        self.rest_s = rest_s


class Link(Protocol):
    """A stream of bytes to and from a board. No method ever blocks.

    start() begins to open it; `up` is True when that is done. From then on read() is called whenever fileno() is
    readable, whenever it is writable while `wants_write`, at `wake_s`, and several times a second while it is not up
    (an unanswered connection can only fail inside read()). fileno() may change while the link is not up. After
    LinkDown the link is closed; it may be started again unless the error has `ended`.
    """

    url: str
    flows_unasked: bool  # frames come without a request, as on a serial line
    takes_requests: bool  # the other end may answer
    has_human_side: bool  # the other end may be an agent that answers typed questions

    @property
    def wake_s(self) -> float:
        """When to call read() at the latest while the link is up, by the steady clock; NEVER: when something comes."""

    @property
    def up(self) -> bool: ...

    @property
    def wants_write(self) -> bool: ...

    def fileno(self) -> int | None:
        """The descriptor to wait for; None: closed, or a file, which can always be read."""

    def start(self) -> None:
        """Begin to open it. LinkError: impossible now."""

    def read(self) -> bytes:
        """Received bytes; b"": none yet. LinkDown."""

    def write(self, data: bytes) -> int:
        """How many bytes of data were accepted; 0 while there is no room or the link is not up. LinkDown."""

    def close(self) -> None:
        """May be called at any time, and repeatedly."""


def why(error: OSError) -> str:
    """The reason of an OSError, to be used inside a sentence."""
    text = error.strerror or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]
