"""When to ask a board, and over which of its links. No I/O.

One request is outstanding per board: its answer comes behind the live frames, over a line that may be slow. A request
without an answer is repeated, over another link if there is one. The waiting time and the size of a request follow from
the answers before, so they suit 9600 baud as well as a network.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from buddyd import wire_host

from buddywatch.protocol.board_tracker import Request

PATIENCE_S = 2.0  # until a link's speed is known: enough for 9600 baud and a hello before the answer
PATIENCE_MIN_S, PATIENCE_MAX_S = 0.5, 30.0
PATIENCE_ANSWERS = 4  # wait so many times as long as an answer took to begin
FRAMES_MIN, FRAMES_FIRST, FRAMES_MAX = 8, 32, 1024  # in one request; PROTOCOL.md allows no more
QUICK_S, SLOW_S = 1.0, 4.0  # an answer in this time makes requests larger, or smaller: a new hole may be more urgent

Link = TypeVar("Link", bound=Hashable)


class Source(Protocol):
    """What a BoardTracker knows of its holes."""

    @property
    def holes_seen(self) -> int: ...

    def next_request(self, frames_max: int) -> Request | None: ...

    def missing_of(self, request: Request) -> int: ...


class Retry:
    """When to repeat what was not answered: after 2 s, then 4 s, up to every 30 s.

    The first wait follows from how long earlier answers took to begin.
    """

    def __init__(self) -> None:
        self.due: float | None = None  # when to repeat; None: nothing was sent, or it was answered
        self._usual_s = PATIENCE_S
        self._patience_s = PATIENCE_S
        self._said: float | None = None  # when, if it was sent once and nothing has come yet

    def sent(self, now: float) -> None:
        """It was sent. If nothing comes, the wait after the next time is twice as long."""
        self._said = now if self.due is None else None  # an answer after the second may belong to the first
        self.due = now + self._patience_s
        self._patience_s = min(2 * self._patience_s, PATIENCE_MAX_S)

    def progress(self, now: float) -> None:
        """A part of the answer came."""
        if self._said is not None:
            patience_s = PATIENCE_ANSWERS * (now - self._said)
            self._usual_s += (min(max(patience_s, PATIENCE_MIN_S), PATIENCE_MAX_S) - self._usual_s) / 2
            self._said = None
        self.renew()
        self.due = now + self._usual_s

    def done(self) -> None:
        """The answer is complete, or no longer needed."""
        self.renew()
        self.due = None

    def renew(self) -> None:
        """What is sent next is sent for the first time."""
        self._patience_s = self._usual_s

    def is_late(self, now: float) -> bool:
        """Whether it should be sent again."""
        return self.due is not None and now >= self.due


class Requests(Generic[Link]):
    """The requests to one board."""

    def __init__(self, on_reask: Callable[[Link, int], None] = lambda link, frames: None) -> None:
        """on_reask(link, frames): called when a request is over and the link did not bring `frames` of it."""
        self._on_reask = on_reask
        self._retry = Retry()
        self._request: Request | None = None  # the outstanding one
        self._missing = 0  # frames of it
        self._sent = 0.0  # when it was sent
        self._frames_max = FRAMES_FIRST
        self._holes_seen = 0
        self._link: Link | None = None  # which one was sent over last

    @property
    def due(self) -> float | None:
        """When poll() must be called at the latest; None: not before the board sends something."""
        return self._retry.due

    @property
    def is_open(self) -> bool:
        """True while a request is outstanding: poll() must be called whenever the board has sent something."""
        return self._request is not None or self._retry.due is not None

    def poll(self, source: Source, links: Sequence[Link], now: float) -> tuple[Link, Request] | None:
        """What to send now, if anything. Call it whenever the board has sent something, and when it is due.

        links: over which the board can be asked now, the best first. now: seconds of a steady clock.
        """
        if self._request is not None and self._link in links and not self._is_over(self._request, source, now):
            return None
        self._count_unanswered(source)
        if source.holes_seen != self._holes_seen:  # a line that lost frames delivers again: it may be good now
            self._holes_seen = source.holes_seen
            self._retry.renew()
        self._request = source.next_request(self._frames_max) if links else None
        if self._request is None:
            self._retry.done()
            return None
        self._link = self._choose(links, now)
        self._missing = source.missing_of(self._request)
        self._sent = now
        self._retry.sent(now)
        return self._link, self._request

    def _count_unanswered(self, source: Source) -> None:
        """Report how many frames of a finished request are still missing: they will be requested again."""
        missing = 0 if self._request is None else source.missing_of(self._request)
        if missing and self._link is not None:
            self._on_reask(self._link, missing)

    def _is_over(self, request: Request, source: Source, now: float) -> bool:
        """Whether to stop waiting for the outstanding request: its answer is over, or it is late."""
        missing = source.missing_of(request)
        if missing < self._missing:
            self._retry.progress(now)
            self._missing = missing
        last = Request(request.boot_id, request.first + request.frames - 1, 1)
        if not source.missing_of(last):  # frames come in order: those missing before the last one were lost
            self._retry.done()
            self._size_by(request, now - self._sent)
            return True
        if self._retry.is_late(now):
            self._frames_max = max(self._frames_max // 2, FRAMES_MIN)
            return True
        return False

    def _size_by(self, request: Request, took_s: float) -> None:
        if took_s > SLOW_S:
            self._frames_max = max(self._frames_max // 2, FRAMES_MIN)
        elif took_s < QUICK_S and request.frames >= self._frames_max:
            self._frames_max = min(self._frames_max * 2, FRAMES_MAX)

    def _choose(self, links: Sequence[Link], now: float) -> Link:
        """The link that answered last; if it did not answer, the next one."""
        if self._link not in links:
            return links[0]
        return links[(links.index(self._link) + self._retry.is_late(now)) % len(links)]


def request_line(request: Request) -> bytes:
    """The line that makes a request, newline included."""
    return bytes(wire_host.ask_frames(*request)) + b"\n"
