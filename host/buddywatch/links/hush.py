"""hush://USER@HOST: a board without an agent, watched through a shell, over any link that leads to the shell.

The shell stays open, since each login starts programs on the board. For the collector this is a link with frames: the
link answers in place of an agent.
"""

from __future__ import annotations

import secrets
from time import monotonic

from buddyd import wire

from buddywatch.links.base import LinkDown
from buddywatch.links.hush_shell.board import HushBoard
from buddywatch.links.hush_shell.interview import MARKS_EVERY, Board, Question, Reading, Unfit, check, learn, poll
from buddywatch.links.hush_shell.shell import Answer, Shell
from buddywatch.links.login import REJECTED_REST_S, REST_S, LoginLink

ANSWER_S = 20.0  # a command and its answer at 9600 baud take half a second
TRIES = 3  # of a question, and of a poll
# Leaves a damaged command line, or an open quote, in which hush ignores Ctrl-C.
WAYS_OUT = (b"\x03\n", b'"\n\x03\n')
_NO_NAME = ("", "(none)", "localhost")


class HushLink:
    """login: the link to the shell. host: the name for a board that has none."""

    flows_unasked = True
    takes_requests = True
    has_human_side = False  # a shell would execute what is typed
    rest_s = REJECTED_REST_S  # after its board was not accepted

    def __init__(self, login: LoginLink, host: str, interval_s: int) -> None:
        self.url = login.url
        self._login = login
        self._host = host
        self._interval_s = interval_s
        self._life: HushBoard | None = None  # outlives the connection
        self._reset()

    def _reset(self) -> None:
        self._board = Board()
        self._shell = Shell("bw" + secrets.token_hex(2))
        self._question: Question | None = None  # being asked
        self._command = ""  # of it
        self._unanswered = self._damaged = 0  # in a row
        self._wake_s = 0.0  # when there is something to do, if nothing is received before
        self._poll_at_s = 0.0  # when the last one was due: a late poll does not delay the next ones
        self._polls = 0
        self._readings: list[Reading] = []
        self._steps = [check(), learn(self._board)]
        self._is_up = False
        self._out = bytearray()

    @property
    def up(self) -> bool:
        return self._is_up and self._login.up

    @property
    def wants_write(self) -> bool:
        return self._login.wants_write

    @property
    def wake_s(self) -> float:
        """A poll is due, an answer is overdue, or frames wait to be read."""
        return 0.0 if self._out else self._wake_s

    def fileno(self) -> int | None:
        return self._login.fileno()

    def start(self) -> None:
        self._reset()
        self._login.start()

    def read(self) -> bytes:
        try:
            was_inside = self._login.up
            data = self._login.read()
            if self._login.up:
                self._converse(data, monotonic(), was_inside)
        except Unfit as unfit:
            raise self._gone(f"{unfit}; install buddyd, or give the user another shell", REJECTED_REST_S) from None
        out, self._out = bytes(self._out), bytearray()
        return out

    def write(self, data: bytes) -> int:
        """Answer the collector's requests: hellos, and frames again, which nobody has stored."""
        if not self._is_up or self._life is None:
            return 0
        for line in data.split(b"\n"):
            content = wire.unseal(line)
            if content is None:
                continue
            if content[:2] == wire.ASK + wire.ASK_HELLO:
                self._out += self._life.hello()
            elif content[:2] == wire.ASK + wire.ASK_FRAMES:
                boot_id, first, count = wire.parse_numbers(content)
                self._out += self._life.gap(first, first + count - 1) if boot_id == self._life.boot_id else b""
        return len(data)

    def close(self) -> None:
        self._login.close()
        self._is_up = False

    def _gone(self, reason: str, rest_s: float) -> LinkDown:
        self.close()
        return LinkDown(f"{self.url}: {reason}", rest_s=rest_s)

    def _converse(self, data: bytes, now_s: float, was_inside: bool) -> None:
        """Process what was received, and ask the next question."""
        if not was_inside:
            self._go_on(None, now_s)
        answer, console = self._shell.feed(data)
        for line in console:
            self._out += line.encode("utf-8", "backslashreplace") + b"\n"
        if answer is not None:
            self._unanswered = 0
            self._go_on(answer, now_s)
        elif self._shell.is_logged_out:
            raise self._gone("logged out", REST_S)
        elif now_s >= self._wake_s:
            if self._shell.is_busy:
                self._ask_again(now_s)
            else:
                self._go_on(None, now_s)

    def _go_on(self, answer: Answer | None, now_s: float) -> None:
        """The question's next command, the next question, or a pause."""
        try:
            if self._question is not None and answer is not None:
                self._ask(self._question.send(answer), now_s)
                return
            self._question = self._steps.pop(0) if self._steps else self._next_poll(now_s)
            self._ask(next(self._question), now_s)
        except StopIteration:
            self._question = None
            if self._steps:
                self._go_on(None, now_s)
            else:
                self._take_reading(now_s)

    def _next_poll(self, now_s: float) -> Question:
        late_s = now_s - self._poll_at_s - self._interval_s
        self._poll_at_s = now_s - late_s if 0 <= late_s < self._interval_s else now_s
        with_marks = self._polls % MARKS_EVERY == 0
        self._readings = []
        return poll(self._board, with_marks, self._readings)

    def _ask(self, command: str, now_s: float) -> None:
        self._command = command
        self._login.type(self._shell.type(command))
        self._wake_s = now_s + ANSWER_S

    def _ask_again(self, now_s: float) -> None:
        """No answer: a character was lost, the shell hangs, or another program reads the input."""
        self._unanswered += 1
        if self._unanswered >= TRIES:
            said = f"; it said: {self._shell.complaint}" if self._shell.complaint else ""
            raise self._gone(f"the shell does not answer{said}", REST_S)
        self._login.type(WAYS_OUT[self._unanswered - 1] + self._shell.type(self._command))
        self._wake_s = now_s + ANSWER_S

    def _take_reading(self, now_s: float) -> None:
        """After a poll: make frames of it and wait for the next one. A damaged poll is repeated soon."""
        if not self._readings:
            self._damaged += 1
            if self._damaged < TRIES:
                self._go_on(None, now_s)
                return
            if not self._is_up:
                raise Unfit("no usable /proc/buddyinfo")
        else:
            self._use(self._readings[0], now_s)
        self._damaged = 0
        self._wake_s = max(self._poll_at_s + self._interval_s, now_s)

    def _use(self, reading: Reading, now_s: float) -> None:
        self._polls += 1
        life = self._life
        if life is None or not (life.has_shape_of(reading) if self._is_up else life.is_of(self._board, reading, now_s)):
            name = self._board.values.get("hostname", "")
            name = self._host if name in _NO_NAME else name
            life = self._life = HushBoard(self._board, reading, name, self._interval_s, now_s)
            self._out += life.hello()
        self._is_up = True
        self._out += life.snapshot(reading, now_s)
