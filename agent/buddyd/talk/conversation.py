"""One conversation over one stream: answers to send, frames requested by the peer, and the line it is typing.

Order of sending: answers (a hello, a gap, text for a user), then the newest kernel failure, then live frames, then
requested frames; so a live snapshot never waits behind a backlog, nor a failure behind either. One line is written each
time the stream is ready: a tty driver that reports room accepts a line of this length without blocking (n_tty reports
POLLOUT below 256 queued characters), so no stream can delay a poll. All state has a fixed size; a Conversation is made
once and used for one stream after the other.
"""

from .. import compat, wire
from . import WATCHING

INPUT_MAX = 128  # bytes of a line that a peer may type
READ_BYTES = 64
ANSWERS_MAX = 16  # that may wait: lines, and answers to a user, whose lines are made only when there is room
ASK_COUNT_MAX = 1024  # frames in one request
LIVE_LAG_MAX = 8  # frames sent before a kernel failure, or before the newest one if a host requests the others
HELLO_EVERY = 192  # live frames without a request: for a listener that started later and cannot send requests


def text_line(text):
    """A line of text (str) for a user, as it is sent."""
    return wire.printable(text)[: wire.LINE_MAX - 2] + b"\r\n"


class Conversation:
    """agent: the agent's state (agent.Agent). flows_unasked: a line or a pipe, whose reader may be unable to ask.

    On a line that flows unasked only known commands are answered: on a shared line, other text may come from a shell,
    an echo or a login program, and two programs must not answer each other endlessly.
    """

    # Rare attributes are in the class: MicroPython's table of an object's own names grows from 17 entries to 23.
    watched = -1  # the last snapshot that `watch` has shown, -1: it is off
    reads = True
    flows_unasked = False

    def __init__(self, agent, flows_unasked):
        self.agent = agent
        if flows_unasked:
            self.flows_unasked = True
        self.stream = None
        self.live = 1  # sequence number of the next live frame, 0 while none flow
        self.urgent = 0  # of the newest kernel failure that was sent
        self.answers = []
        self._reset()

    def _reset(self):
        """Reset the state. Takes no heap, since it is called when there is none."""
        self.telnet = None
        self.out, self.sent = b"", 0  # the line being sent, and how much of it is sent
        self.typed = b""  # the unfinished line that was received
        self.answers.clear()
        if self.flows_unasked:  # a reopened line continues where it stopped
            self.hello_at = self.live + HELLO_EVERY
        else:
            self.live = self.urgent = 0
        self.asks = False  # the other end is a host that requests missing frames
        if self.watched >= 0:
            self.watched = -1
        self.fill = self.fill_end = 0  # requested again: fill .. fill_end - 1; fill_end is 0 before the first request
        self.at = self.at_offset = 0  # the frame sent last and its offset, to continue from

    def attach(self, stream, telnet):
        """Begin a conversation. telnet: a TelnetFilter where the other side may send telnet's commands."""
        self._reset()
        self.stream = stream
        self.telnet = telnet
        if self.flows_unasked:
            self._answer(b"\n")  # ends a half line that may be there
            self._say_hello()
        else:
            self.greet()

    def greet(self):
        self.say((self.agent.greeting(),))

    def close(self):
        if self.stream is not None:
            stream, self.stream = self.stream, None
            stream.close()
            self._reset()  # frees its unsent answers, up to 2 kB of heap, now and not when the next one comes

    def _start_flowing(self):
        if not self.live:
            self.live = self.agent.ring.next

    def _answer(self, answer):
        """Queue a line (bytes), or an iterator that makes lines: frames (bytes) or text for a user (str)."""
        if len(self.answers) < ANSWERS_MAX:
            self.answers.append(answer)

    def say(self, lines):
        """Queue lines of text (an iterable of str) for a user."""
        self._answer(iter(lines))

    def _say_hello(self):
        self._answer(self.agent.hello())

    def is_accepted(self):
        """True once a host named this boot: it took the hello, and has proven the secret where there is one."""
        return self.fill_end > 0

    def wants_read(self):
        """Answers are sent before more input is read: a peer that asks and never reads costs nothing."""
        return self.reads and not self.answers

    def wants_write(self):
        return bool(
            self.out
            or self.answers
            or 0 <= self.watched < self.agent.sampled
            or 0 < self.live < self.agent.ring.next
            or self.fill < self.fill_end
            or self._urgent()
        )

    def send(self):
        """The stream has room: write the rest of a line, or the next one. OSError if the stream is gone.

        Returns the number of bytes written.
        """
        if not self.out:
            self.out, self.sent = self._next_line(), 0
        count = 0
        if self.out:
            count = compat.write(self.stream, self.out, self.sent, len(self.out) - self.sent) or 0
            self.sent += count
            if self.sent == len(self.out):
                self.out = b""
        return count

    def _next_line(self):
        if self.answers:
            return self._next_answer()
        ring = self.agent.ring
        urgent = self._urgent()
        if urgent:
            self.urgent = urgent
            return self._frame(urgent)
        if 0 <= self.watched < self.agent.sampled:
            from . import line_answers

            self.watched = self.agent.sampled
            return text_line(line_answers.watched(self.agent))
        if 0 < self.live < ring.next:
            if self.live < ring.oldest:
                self.live = ring.oldest
            if self.asks and ring.next - self.live > LIVE_LAG_MAX:
                self.live = ring.next - 1
            if self.flows_unasked and self.live >= self.hello_at:
                self.hello_at = self.live + HELLO_EVERY
                self._say_hello()
                return self._next_answer()
            self.live += 1
            if self.live - 1 == self.urgent:
                return b""  # it went first
            if self.live - 1 == ring.urgent:
                self.urgent = ring.urgent
            return self._frame(self.live - 1)
        if self.fill < self.fill_end:
            self.fill += 1
            return self._frame(self.fill - 1)
        return b""

    def _urgent(self):
        """The number of the newest kernel failure, if it would wait behind others or was skipped; else 0."""
        number, live = self.agent.ring.urgent, self.live
        if not live or number <= self.urgent or number < self.agent.ring.oldest:
            return 0
        return 0 if live <= number < live + LIVE_LAG_MAX else number

    def _next_answer(self):
        answer = self.answers[0]
        if not isinstance(answer, bytes):
            for line in answer:
                return line + b"\n" if isinstance(line, bytes) else text_line(line)
            answer = b""
        self.answers.pop(0)
        return answer

    def _frame(self, sequence):
        """The frame; b"" if it was overwritten since the request: the host asks again and gets the gap."""
        ring = self.agent.ring
        offset = ring.locate(sequence, self.at, self.at_offset)
        if offset < 0:
            return b""
        self.at, self.at_offset = sequence, offset
        return ring.line(offset) + b"\n"

    def receive(self):
        """The stream has data: read it. OSError (errno 0 at its end) if the stream is gone.

        Returns True if something was received.
        """
        data = compat.read(self.stream, READ_BYTES)
        if data is None:
            return False
        if not data:
            raise OSError(0)
        if self.telnet is not None:
            data = self.telnet.feed(data, self._answer)
        data = data.replace(b"\r", b"\n")
        end = data.find(b"\n")
        while end >= 0:
            line, self.typed = self.typed + data[:end], b""
            self._line(line)
            data = data[end + 1 :]
            end = data.find(b"\n")
        self.typed = (self.typed + data)[: INPUT_MAX + 1]  # one more than allowed shows that it is too long
        return True

    def _line(self, line):
        if line[:1] == wire.MARK:
            return  # our own frame, echoed
        if len(line) > INPUT_MAX:
            if not self.flows_unasked:
                self.say(("line too long: at most %d characters" % INPUT_MAX,))
        elif line[:1] == wire.ASK:
            content = wire.unseal(line)
            if content is not None:
                self._request(content)
        else:
            # On a line that flows unasked, other text may come from another program.
            answer = self.agent.answer(line, not self.flows_unasked)
            if answer or not self.flows_unasked:
                if answer is WATCHING or self.watched >= 0:
                    self.watched = 0 if answer is WATCHING else -1
                self.say(answer)

    def _request(self, content):
        self.asks = True
        self._start_flowing()
        if self.flows_unasked:
            self.hello_at = self.live + HELLO_EVERY
        if content[1:2] == wire.ASK_HELLO:
            self._say_hello()
        elif content[1:2] == b"m":  # a map; without a name in wire.py, whose table of names would grow
            from ..sources import memory_map

            memory_map.want(self.agent)
        elif content[1:2] == wire.ASK_FRAMES:
            try:
                boot, first, count = wire.parse_numbers(content)
            except ValueError:
                return
            if boot != self.agent.boot:
                self._answer(self.agent.hello() if self.agent.earlier is None else self.agent.earlier(boot))
            elif count or not self.is_accepted():  # without count: a sign of life, which leaves a request as it is
                self._fill_from(first, first + min(count, ASK_COUNT_MAX))
        elif self.agent.commands is not None:
            self.agent.commands.take(self, content)

    def _fill_from(self, first, end):
        ring = self.agent.ring
        if first < ring.oldest and first < end:  # report the whole overwritten range: one gap on the host
            self._answer(wire.gap_line(self.agent.boot, first, ring.oldest - 1) + b"\n")
        self.fill, self.fill_end = max(first, ring.oldest), min(end, ring.next)
