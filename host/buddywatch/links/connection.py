"""One link of the collector: opens it again when it is lost, decodes its bytes into items, sends requests."""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import replace

from buddyd import wire, wire_host

from buddywatch.links.backoff import Backoff
from buddywatch.links.base import NEVER, Link, LinkDown, LinkError
from buddywatch.links.file import FileLink
from buddywatch.links.guarded import GuardedLink, Unproven
from buddywatch.links.listen import Listener
from buddywatch.links.rare_news import RareNews
from buddywatch.links.recording import RecordedTime
from buddywatch.model.links import LinkHealth
from buddywatch.protocol.board_names import board_name
from buddywatch.protocol.frame import Frame, Hello, Piece
from buddywatch.protocol.line_stream import Item, LinkSession, Text
from buddywatch.protocol.refetch import Retry
from buddywatch.protocol.setback import Setback
from buddywatch.text.escape import one_line
from buddywatch.text.link_words import without_address

KEEPALIVE_S = 240.0  # shorter than the idle limit after which buddyd disconnects a client
KEEPALIVE = wire.ASK + b"\n"  # not a request, and nothing that a user of the same link would type
ANSWER_S = 20.0  # without a hello for so long, the user is informed
CALLER_S = 60.0  # without a hello for so long, a board that dialled in is disconnected
UP_POLL_S = 0.25  # between reads of a link that is being opened: only a read shows that it failed
OUTPUT_MAX = 4096  # bytes that may wait while the link accepts none
_SAID_MAX = 80  # characters of the other side's last line, in the news that it closed the connection


class Connection:
    """board: None until it is known. called: the name that the board goes by, which it may share with another board
    (collect/twins.py). news: lines for the user, each once. pieces: of commands' output.

    is_call: the board dialled in; when the connection ends, the board must dial again. unproven: the news of all
    callers of one listener that proved no secret in time; None: this connection's own.
    """

    def __init__(
        self, link: Link, board: str | None = None, is_call: bool = False, unproven: RareNews | None = None
    ) -> None:
        self.link = link
        self.url = link.url
        self.board = self.called = board
        self.is_call = is_call
        self._unproven = unproven or RareNews()
        self.is_started = self.is_up = self.was_ever_up = False
        self.ended = False  # nothing more will come: a recording at its end, a caller that hung up
        self.news: list[str] = []
        self.recorded_time: RecordedTime | None = None
        self._has_entered = False  # a caller that has named its board
        self.is_puzzling = False  # the board's tracker lacks a line of the hello
        self.is_routine = False  # the last read brought frames and changed nothing else
        self._is_named = board is not None
        self._session = LinkSession()
        self.pieces: deque[Piece] = self._session.pieces
        self._setback = Setback()
        self._backoff = Backoff()
        self._retry_at_s = 0.0
        self._hello = Retry()
        self._output = b""
        self._spoke_s = self._up_since_s = 0.0
        self._is_missed = False  # the user was informed that no agent answers
        self._said = ""  # the other side's last line, if no frame followed
        self.last_error = ""
        self._earlier = LinkHealth()  # what earlier sessions of this link counted
        self._reasked_frames = 0

    @property
    def boot_id(self) -> str | None:
        """The boot id of the agent that answers on it."""
        return self._session.boot_id if self.is_up else None

    def open_s(self, monotonic_s: float) -> float:
        """For how long it has been open."""
        return math.inf if self.is_recording else monotonic_s - self._up_since_s

    @property
    def wants_write(self) -> bool:
        return self.link.wants_write or bool(self._output)

    @property
    def can_ask(self) -> bool:
        """True if an agent may answer."""
        return self.is_up and self.link.takes_requests

    @property
    def is_recording(self) -> bool:
        """True for a recorded stream: its time of arrival says nothing about when it was made."""
        return self.recorded_time is not None

    def tend(self, monotonic_s: float) -> None:
        """Open it when it is time, ask for a hello, send keep-alives. Call it at the time that due_s() gives."""
        if self.ended:
            return
        if not self.is_started and monotonic_s >= self._retry_at_s:
            self._start(monotonic_s)
        if self._output:
            self.flush(monotonic_s)
        if self.can_ask:
            self._miss(monotonic_s)
        if not self.can_ask:
            return
        if not self._wants_hello:
            self._hello.done()
        elif self._hello.due is None or self._hello.is_late(monotonic_s):
            if self._session.has_unverified:
                self._hello.renew()  # an agent is there, but its frames could not be checked
            self._hello.sent(monotonic_s)
            self.say(wire_host.ask_hello() + b"\n", monotonic_s)
        if monotonic_s - self._spoke_s >= KEEPALIVE_S:
            self.say(self._sign_of_life(), monotonic_s)

    def _sign_of_life(self) -> bytes:
        """A request for no frame: it keeps the connection alive, and an agent with another boot id says so."""
        boot_id = self._session.boot_id
        return KEEPALIVE if boot_id is None else bytes(wire_host.ask_frames(boot_id, 1, 0)) + b"\n"

    def _miss(self, monotonic_s: float) -> None:
        if self.is_call and self._session.boot_id is None and monotonic_s - self._up_since_s >= CALLER_S:
            self._lost(LinkDown(f"{self.url}: no agent answered, so it was disconnected", ended=True), monotonic_s)
            return
        if self._session.boot_id is None and not self._is_missed and monotonic_s - self._up_since_s >= ANSWER_S:
            self._is_missed = True
            what = "connected, but no agent answers; check that buddyd runs, the cable, the baud rate"
            self.news.append(f"{self.url}: {what}")

    def due_s(self, monotonic_s: float) -> float:
        """When tend() has something to do, by the steady clock, if nothing happens before; NEVER at its end."""
        if self.ended:
            return NEVER
        if not self.is_started:
            return self._retry_at_s
        if not self.is_up:
            return monotonic_s + UP_POLL_S
        due_s = self.link.wake_s
        if not self.link.takes_requests:
            return due_s
        due_s = min(due_s, self._spoke_s + KEEPALIVE_S)
        if self._session.boot_id is None and not self._is_missed:
            due_s = min(due_s, self._up_since_s + (CALLER_S if self.is_call else ANSWER_S))
        if self._wants_hello:
            due_s = min(due_s, monotonic_s if self._hello.due is None else self._hello.due)
        return due_s

    @property
    def _wants_hello(self) -> bool:
        return self._session.wants_hello or self.is_puzzling or self._setback.is_doubtful or self.board is None

    def receive(self, monotonic_s: float) -> list[Item]:
        """Decoded items. When the link is lost, also those of the unfinished line; is_up is False then."""
        was_up, self.is_routine = self.is_up, False
        try:
            if self.recorded_time is not None and not self.recorded_time.is_measured:
                self.recorded_time.measure()
                return []
            items = self._session.feed(self.link.read())
            if not self.is_up:
                self._check_up(monotonic_s)
            if isinstance(self.link, Listener):
                self.news += self.link.news()
        except LinkDown as down:
            items = self._session.close()
            self._hear(items)
            self._lost(self._with_said(down), monotonic_s)
        else:
            self._hear(items)
        if was_up and self.is_up and all([type(item) is Frame for item in items]):
            self.is_routine = not (self.news or self._wants_hello or self.wants_write or self.link.wake_s != NEVER)
            return items
        return self._greet(items, monotonic_s)

    def _greet(self, items: list[Item], monotonic_s: float) -> list[Item]:
        """The items, after what hellos among them mean for the connection; those before one that is not believed."""
        late: list[Item] = []
        for number, item in enumerate(items):
            if isinstance(item, Hello):
                self._hello.progress(monotonic_s)
                if self._setback.take(item, monotonic_s):
                    late += self._session.start_anew(item)
                    self._up_since_s = monotonic_s  # what comes of it was made since
                if not self._is_named and "name" in item.facts and board_name(item.facts) != self.called:
                    self.board = self.called = board_name(item.facts)
                if not self._believes(monotonic_s):
                    return items[:number]
                if self.is_call and not self._has_entered:
                    self._has_entered = True
                    self.news.append(f"{self._caller()}: dialled in")
                self._backoff = Backoff()  # a board answered: after a loss, retry at once
        return items + late

    def _caller(self) -> str:
        """ "roof from 192.0.2.7:41234"; without the name before the hello."""
        address = self.url.partition("://")[2]
        return address if self.board is None else f"{self.board} from {address}"

    def _hear(self, items: list[Item]) -> None:
        if items:
            self._said = one_line(items[-1].text, _SAID_MAX) if isinstance(items[-1], Text) else ""

    def _with_said(self, down: LinkDown) -> LinkDown:
        """The loss, with what the other side said last: it may be the reason, such as "busy: 2 clients are connected".

        Not where text is the board's log, nor where the loss has a reason of its own.
        """
        if not self._said or not self.link.has_human_side or self.link.flows_unasked or isinstance(down, Unproven):
            return down
        return LinkDown(f"{down}; it said: {self._said}", down.ended, down.rest_s)

    def forget_board(self) -> None:
        """The board was removed from the store: its next hello names it again."""
        if not self._is_named:
            self.board = self.called = None

    def _believes(self, monotonic_s: float) -> bool:
        """True if the other side may have the name it reports; otherwise the link is closed."""
        if self.board is None or not isinstance(self.link, GuardedLink):
            return True
        objection = self.link.objection(self.called or self.board)
        if objection is None:
            return True
        self.forget_board()
        self._lost(LinkDown(f"{self.url}: {objection}", self.is_call, self.link.rest_s), monotonic_s)
        return False

    def say(self, data: bytes, monotonic_s: float) -> None:
        """Send a line, now or when the link accepts it. Lines that a lost link did not accept are dropped."""
        self._spoke_s = monotonic_s
        if len(self._output) + len(data) <= OUTPUT_MAX:
            self._output += data
        self.flush(monotonic_s)

    def flush(self, monotonic_s: float) -> None:
        try:
            self._output = self._output[self.link.write(self._output) :]
        except LinkDown as down:
            self._lost(down, monotonic_s)

    def expect(self, first: int) -> None:
        """Frames from this number on were asked for."""
        self._session.expect(first)

    @property
    def unfinished(self) -> str:
        """The unfinished line, such as a shell prompt; "" if it may become a frame."""
        return self._session.unfinished

    def count_reasked(self, frames: int) -> None:
        """So many frames were asked for over this link and did not come."""
        self._reasked_frames += frames

    def health(self) -> LinkHealth:
        """How well the link has carried data since the collector started."""
        session = self._session
        counted = self._earlier.with_more(session.damaged, session.dropped_bytes)
        return replace(counted, reasked_frames=self._reasked_frames, last_error=self.last_error)

    def fail(self, why: str, monotonic_s: float) -> None:
        """Close it because of a fault of our own; it is opened again later."""
        self._lost(LinkDown(f"{self.url}: {why}", self.is_call), monotonic_s)

    def close(self) -> None:
        self.link.close()
        self.is_started = self.is_up = False

    def _start(self, monotonic_s: float) -> None:
        try:
            self.link.start()
            if isinstance(self.link, FileLink) and self.link.is_recording:
                self.recorded_time = RecordedTime(self.link)
        except (LinkError, OSError) as error:
            self.close()
            self.ended = isinstance(self.link, FileLink)  # a missing file is a mistake; a device may still appear
            self._later(str(error), monotonic_s)
            return
        self.is_started, self.is_up = True, False
        self._earlier = self.health()
        self._session, self._setback = LinkSession(), Setback()
        self.pieces = self._session.pieces
        self._hello = Retry()
        self._output, self._said = b"", ""
        self._check_up(monotonic_s)

    def _check_up(self, monotonic_s: float) -> None:
        if not self.is_up and self.link.up:
            self.is_up = self.was_ever_up = True
            self._spoke_s = self._up_since_s = monotonic_s
            self._is_missed = False
            self.last_error = ""
            if not self.is_call:  # of a caller, the board is reported
                self.news.append(f"{self.url}: open")

    def _lost(self, down: LinkDown, monotonic_s: float) -> None:
        lasted_s = monotonic_s - self._up_since_s if self.is_up else 0.0
        reason = str(down)
        if self.is_call:
            reason = f"{self._caller()}: {without_address(self.url, reason)}"
        if isinstance(self.link, FileLink) and self.is_up and self._session.boot_id is None:
            reason += "; no hello is in it, so no frame of it can be checked, and none is stored"
        self.close()
        self.ended = down.ended
        if isinstance(down, Unproven):
            more = self._unproven.more(monotonic_s)
            if more is None:
                self.last_error = reason  # as if it had been reported
            else:
                reason += more
        self._later(reason, monotonic_s, lasted_s, down.rest_s)

    def _later(self, why: str, monotonic_s: float, lasted_s: float = 0.0, rest_s: float = 0.0) -> None:
        self._retry_at_s = monotonic_s + max(rest_s, self._backoff.next_wait_s(lasted_s, random.random()))
        if why != self.last_error:  # reported once, not at every try
            self.last_error = why
            self.news.append(why)
