"""When to ask a board, and over which of its links. No I/O.

One request is outstanding per board: its answer comes behind the live frames, over a line that may be slow. What brings
nothing is asked again, over another link if there is one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from buddyd import wire

from buddywatch.tracker import Request

PATIENCE_S = 2.0  # 32 frames at 9600 baud take half a second, and there may be a live backlog before them
PATIENCE_MAX_S = 30.0

Link = TypeVar("Link", bound=Hashable)


class Source(Protocol):
    """What a BoardTracker knows of its holes."""

    def next_request(self) -> Request | None: ...

    def missing_of(self, request: Request) -> int: ...


class Retry:
    """When to say something again that is not answered: after 2 s, then 4 s, up to every 30 s."""

    def __init__(self) -> None:
        self.due: float | None = None  # when it is time; None: nothing was said, or it is answered
        self._patience_s = PATIENCE_S

    def sent(self, now: float) -> None:
        """It was said; if nothing comes, the next time will be waited for twice as long."""
        self.due = now + self._patience_s
        self._patience_s = min(2 * self._patience_s, PATIENCE_MAX_S)

    def progress(self, now: float) -> None:
        """A part of the answer came."""
        self._patience_s = PATIENCE_S
        self.due = now + self._patience_s

    def done(self) -> None:
        """The answer is complete, or no longer needed."""
        self._patience_s = PATIENCE_S
        self.due = None

    def is_late(self, now: float) -> bool:
        """Whether it should be said again."""
        return self.due is not None and now >= self.due


class Requests(Generic[Link]):
    """The requests to one board."""

    def __init__(self) -> None:
        self._retry = Retry()
        self._request: Request | None = None  # the outstanding one
        self._missing = 0  # frames of it
        self._link: Link | None = None  # which one was sent over last

    @property
    def due(self) -> float | None:
        """When poll() must be called at the latest; None: not before something came of the board."""
        return self._retry.due

    def poll(self, source: Source, links: Sequence[Link], now: float) -> tuple[Link, Request] | None:
        """What to send now, if anything. To be called whenever something came of the board, and when it is due.

        links: over which the board can be asked just now, the best first. now: seconds of a steady clock.
        """
        if self._request is not None and self._link in links:
            missing = source.missing_of(self._request)
            if missing and missing < self._missing:
                self._retry.progress(now)
                self._missing = missing
            if missing and not self._retry.is_late(now):
                return None
            if not missing:
                self._retry.done()
        self._request = source.next_request() if links else None
        if self._request is None:
            self._retry.done()
            return None
        self._link = self._choose(links, now)
        self._missing = source.missing_of(self._request)
        self._retry.sent(now)
        return self._link, self._request

    def _choose(self, links: Sequence[Link], now: float) -> Link:
        """The link that answered last; after one that did not, the next."""
        if self._link not in links:
            return links[0]
        return links[(links.index(self._link) + self._retry.is_late(now)) % len(links)]


def request_line(request: Request) -> bytes:
    """The line that makes a request, newline included."""
    return bytes(wire.ask_frames(*request)) + b"\n"
