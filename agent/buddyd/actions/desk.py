"""Takes commands from peers that may give them, one at a time, and hands their output back in pieces, see PROTOCOL.md.

A host sends a command in numbered parts, then asks for its output piece by piece. It may send and ask again: a command
with the same number is never done twice, and the newest piece is kept until the host asks for the next one. A command
is worked on for a few milliseconds between polls, while the host waits for a piece.
"""

import binascii

from .. import compat, const, wire
from ..sources.kernel_messages import printable
from ..talk import secret
from . import Wrong, table

PARTS_MAX = 24  # of a command
PART_BYTES = const(33)
PIECE_BYTES = const(165)  # of the output: base64 makes a line of 255 bytes of it
WAITS_MS = 30000  # a command whose host asks for nothing for so long is ended, and the code of the commands unloaded
_SLICE_US = const(5000)
_LAST_WORDS_MS = const(2000)
_WHO_CHARS = const(32)
INTERRUPTED = const(130)
OUTPUT, FAILURE, DONE = b"o", b"f", b"d"  # kinds of pieces
WORKING, MISSING, REFUSED, GONE = b"w", b"m", b"n", b"g"
KINDS = OUTPUT + FAILURE + DONE + WORKING + MISSING + REFUSED + GONE
NO_ROOM = FAILURE, b"the heap of buddyd has no room for this now\n"


class Command:
    """One command: its steps, and the piece of its output that was made last."""

    def __init__(self, number, count):
        self.number = number  # bytes: 8 hex digits
        self.parts = [None] * count  # of the command, None once it has begun
        self.steps = None  # its generator, while it runs
        self.code = 0
        self.who = self.line = ""  # what the ring shows of it; line is "" for a part of a put
        self.at = -1  # number of the newest piece
        self.piece = b""  # its line
        self.is_done = False  # that is the last one
        self.wanted = -1  # the piece that a host waits for, -1: none
        self.peer = None  # the conversation that does
        self._out, self._kind = bytearray(), OUTPUT  # what is not sent yet
        self._next = None  # (kind, data) of the other kind behind it

    def missing(self):
        """The digits of the parts that have not come."""
        return bytes([wire.FIRST_DIGIT + i for i in range(len(self.parts)) if self.parts[i] is None])

    def work(self):
        """Go on for a while; True when the wanted piece is made."""
        began_us = compat.ticks_us()
        while True:
            if self._out and (self.steps is None or self._next is not None or len(self._out) >= PIECE_BYTES):
                self._make(self._kind, bytes(self._out[:PIECE_BYTES]))
                self._out = self._out[PIECE_BYTES:]
                return True
            if self._next is not None:
                (self._kind, data), self._next = self._next, None
                self._out += data
            elif self.steps is None:
                self._make(DONE, b"%d" % self.code)
                self.is_done = True
                return True
            elif compat.ticks_diff(compat.ticks_us(), began_us) > _SLICE_US:
                return False
            else:
                self._step()

    def _step(self):
        try:
            item = next(self.steps)
        except StopIteration:
            self.steps = item = None
        except Wrong as error:
            self.steps = None
            item = str(error)
        except MemoryError:
            self.give_up()
            raise
        if item is None:
            return
        kind, data = OUTPUT, item
        if isinstance(item, str):
            kind, data, self.code = FAILURE, wire.printable(item) + b"\n", 1
        if kind == self._kind or not self._out:
            self._kind = kind
            self._out += data
        else:
            self._next = kind, data

    def begin(self, steps):
        self.steps = steps
        self.code = 0
        self._next = None

    def give_up(self):
        """The heap has no room for its steps: it fails, and says why. Takes no room itself."""
        self.steps = None
        self.code = 1
        self._next = NO_ROOM

    def _make(self, kind, data):
        self.piece = piece_line(self.number, self.wanted, kind, data)
        self.at, self.wanted = self.wanted, -1

    def close(self):
        """End it where it is; what it has open is closed."""
        steps, self.steps = self.steps, None
        self.wanted = -1
        if steps is not None:
            steps.close()


def piece_line(number, at, kind, data):
    """A sealed line with its newline: ~X NUMBER PIECE KIND DATA CHECK."""
    text = binascii.b2a_base64(data)[:-1]
    return wire.seal(b"%sX %s %d %s %s " % (wire.MARK, number, at, kind, text)) + b"\n"


class Desk:
    """commands: commands.Commands, which makes it."""

    def __init__(self, commands):
        self.commands = commands
        self.command = None  # the newest Command
        self.heard_ms = compat.ticks_ms()  # when a host sent a part or asked for a piece

    def is_working(self):
        command = self.command
        return command is not None and command.wanted >= 0

    def take(self, peer, content):
        """A request: X a part of a command, x a piece please, q end it. What has another form is ignored."""
        fields = content.split(b" ")
        if len(fields) < 3 or len(fields[1]) != 8:
            return
        self.heard_ms = compat.ticks_ms()
        number, kind = fields[1], content[1:2]
        if kind == b"X" and len(fields[2]) > 2:
            self._take_part(peer, number, fields[2])
        elif kind == b"x" and fields[2].isdigit():
            self._ask(peer, number, int(fields[2]))
        elif kind == b"q":
            self._quit(peer, number)

    def _take_part(self, peer, number, text):
        index, count = text[0] - wire.FIRST_DIGIT, text[1] - wire.FIRST_DIGIT
        if self.commands.was_begun(number) or not 0 <= index < count:
            return
        if self.command is None or self.command.number != number:
            refusal = self._refusal(count)
            if refusal is not None:
                peer._answer(piece_line(number, 0, REFUSED, refusal))
                return
            self.command = Command(number, count)
        parts = self.command.parts
        if parts is None or len(parts) != count:
            return
        try:
            parts[index] = binascii.a2b_base64(text[2:])
        except ValueError:
            return
        if None not in parts:
            self._begin(peer, self.command, b"".join(parts))

    def _refusal(self, count):
        """Why a command of so many parts cannot be taken now; None if it can."""
        if count > PARTS_MAX:
            return b"the command is too long: at most %d bytes" % (PARTS_MAX * PART_BYTES)
        command = self.command
        if command is None or command.is_done or command.parts is not None:
            return None
        return b"busy: another command runs: " + command.line.encode()[:100]

    def _begin(self, peer, command, whole):
        """All parts are there: check who sent them, and start."""
        command.parts = None
        proven = self.commands.of(peer)
        if proven is not None:
            whole, code = whole[: -secret.CODE_BYTES], whole[-secret.CODE_BYTES :]
            rank = int(command.number, 16)
            if rank <= proven.rank or not secret.same(code, secret.command_code(proven.key, command.number, whole)):
                self.command = None
                peer._answer(piece_line(command.number, 0, REFUSED, b"the proof of this command is wrong"))
                return
            proven.rank = rank
        self.commands.begin(command.number)
        command.give_up()  # unless there is room for all of the following
        who, _, rest = whole.partition(b"\0")
        name, _, rest = rest.partition(b"\0")
        arguments = rest.split(b"\0", 2) if name == b"put-at" else rest.split(b"\0") if rest else []
        name = printable(name[:20])
        command.who, command.line = printable(who[:_WHO_CHARS]), told(name, arguments)
        self._report(command, None)
        try:
            command.begin(table.start(self.commands.agent, name, arguments))
        except Wrong as error:
            command.begin(_only(str(error)))

    def _report(self, command, code):
        """Put a command into the ring: without a code when it begins, with it when it has failed."""
        if command.line:
            self.commands.report(command.who, command.line, code)

    def _ask(self, peer, number, piece):
        command = self.command
        if command is None or command.number != number:
            peer._answer(piece_line(number, piece, GONE if self.commands.was_begun(number) else MISSING, b""))
        elif command.parts is not None:
            peer._answer(piece_line(number, piece, MISSING, command.missing()))
        elif piece == command.at:
            peer._answer(command.piece)
        elif piece == command.at + 1 and not command.is_done:
            if command.wanted == piece:
                peer._answer(piece_line(number, piece, WORKING, b""))
            command.wanted, command.peer = piece, peer

    def _quit(self, peer, number):
        command = self.command
        if command is not None and command.number == number and command.parts is None:
            self._end(command)
            peer._answer(piece_line(number, command.at + 1, DONE, b"%d" % INTERRUPTED))

    def _end(self, command):
        """End a command early: a person wants that, no host asks for its output, or the heap is full."""
        if not command.is_done:
            command.is_done = True
            command.close()
            self._report(command, INTERRUPTED)

    def work(self):
        """Go on with the command that a host waits for; True if a piece of it can be sent."""
        command = self.command
        if not command.work():
            return False
        if command.is_done and command.code:
            self._report(command, command.code)
        if command.peer.stream is not None:
            command.peer._answer(command.piece)
        return True

    def last_words(self, text):
        """For a reboot: yield text, and go on when a host may have it and the event, two seconds later."""
        began_ms = compat.ticks_ms()
        yield text
        while compat.ticks_diff(compat.ticks_ms(), began_ms) < _LAST_WORDS_MS:
            yield None

    def is_over(self, now_ms):
        """True if no host has asked for anything for a while: then the desk can be cleared away."""
        if compat.ticks_diff(now_ms, self.heard_ms) <= WAITS_MS:
            return False
        self.clear()
        return True

    def clear(self):
        """End what runs, and unload the code of the commands."""
        if self.command is not None:
            self._end(self.command)
        table.unload()


def _only(failure):
    """The steps of a command that cannot begin."""
    yield failure


def told(name, arguments):
    """What the ring shows of a command; "" for a part of a put that follows others."""
    if name == "put-state":
        return ""
    if name == "put-at" or name == "put-end":
        if name == "put-at" and arguments[1:2] != [b"0"]:
            return ""
        name, arguments = "put", arguments[:1] + ([b"(whole)"] if name == "put-end" else [])
    elif name == "get":
        arguments = arguments[:1]
    return " ".join([name] + [printable(word[:100]) for word in arguments])[:180]
