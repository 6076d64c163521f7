"""The wire format: one line of printable ASCII per frame, no I/O. PROTOCOL.md explains it with examples.

    ~dSSbody.....CCCCC      S: sequence (2 digits), C: check (5 digits)

A digit is one of 90 characters, `!` (0) to `z` (89). `{`, `|`, `}` and `~` are not digits, so the mark `~` never occurs
inside the digits of a frame, and neither do XON, XOFF, ESC or telnet's IAC. The sequence is sent modulo 8100. The check
is a CRC-32 over the boot id, the *whole* sequence number and the line, so that a frame of another boot, or one that is
8100 frames away, fails the check.

A snapshot is a vector of whole numbers (its columns are named in the hello). A frame holds only the changes: from
zero in a key frame, from the previous snapshot in a delta frame. Most changes are small and close together; then one
digit holds both the number of columns to skip and the change of the next one.
"""

import binascii

from . import const

VERSION = 1
LINE_MAX = const(255)  # bytes with newline: fits a canonical tty's line, and what n_tty accepts after POLLOUT
FIRST_DIGIT = const(33)
BASE = const(90)
SEQUENCE_SPAN = BASE * BASE
CHECK_DIGITS = const(5)  # 90^5 > 2^32
KEY_EVERY = 32  # snapshots: a key frame is about 30 bytes longer; losing one loses up to 31 snapshots after it

MARK = b"~"
# A snapshot of a machine with many zones needs several frames: a part first, then CONTINUED_PARTs, and CONTINUED as
# the last. So every frame shows by itself whether a snapshot begins or ends with it.
KEY, KEY_PART = b"k", b"K"
DELTA, DELTA_PART = b"d", b"D"
CONTINUED, CONTINUED_PART = b"c", b"C"
EVENT = b"e"
HELLO, GAP = b"H", b"G"  # these have no sequence number
NUMBERED = b"kKdDcCe"
STARTS_GROUP = b"kK"
STARTS_SNAPSHOT = b"kKdD"
ENDS_SNAPSHOT = b"kdc"

ASK = b"@"  # the first byte of a host's request
ASK_HELLO, ASK_FRAMES = b"h", b"r"
ASK_MAX = 64  # bytes: short, so that a busy board with a 4-byte UART FIFO loses none

_BODY_MAX = const(LINE_MAX - 4 - CHECK_DIGITS - 1)  # mark, kind, sequence; check; newline
_CHANGE_MAX = const(14)  # digits of a change below 2^63, without its jumps
_LONG = const(84)  # 84..87: skip 0..3, a number follows
_LONG_SKIP = const(88)  # the skip follows as a digit, then a number
_JUMP = const(89)  # skip 90 columns
_HALF = const(45)
USUAL = "Allocation of length %s from process %s (%s) failed"  # mm/nommu.c; since 3.19 with "nommu: " before it


def context(boot, sequence):
    """The part of the checked text that is not sent. boot: str of 8 hex digits, sequence: int >= 1."""
    return ("%s %d " % (boot, sequence)).encode()


def check(data, start=0):
    """The CRC-32 of data as 5 digits, most significant first.

    Divided in 16-bit halves, because on a 32-bit MicroPython every int above 2^30 is a heap object.
    """
    crc = binascii.crc32(data, start)
    high, low = crc >> 16 & 0xFFFF, crc & 0xFFFF
    digits = bytearray(CHECK_DIGITS)
    for i in range(CHECK_DIGITS - 1, -1, -1):
        low += (high % BASE) << 16
        high //= BASE
        digits[i] = FIRST_DIGIT + low % BASE
        low //= BASE
        high += low >> 16
        low &= 0xFFFF
    return bytes(digits)


def seal(content, hidden=b""):
    """content (bytes, from the mark on) with its check appended; hidden is context() for a numbered frame."""
    return content + check(content, binascii.crc32(hidden))


def unseal(line, hidden=b""):
    """The content of a sealed line, or None if the check is wrong."""
    content = line[:-CHECK_DIGITS]
    return content if content and line[-CHECK_DIGITS:] == check(content, binascii.crc32(hidden)) else None


def short_sequence(sequence):
    """The two digits of a sequence number that a frame carries."""
    rest = sequence % SEQUENCE_SPAN
    return bytes((FIRST_DIGIT + rest // BASE, FIRST_DIGIT + rest % BASE))


def put_change(out, skip, change):
    """Append the digits for: skip so many columns, then add `change` (not 0) to the next."""
    while skip >= BASE:
        out.append(FIRST_DIGIT + _JUMP)
        skip -= BASE
    size = abs(change)
    if size <= 3 and skip < _LONG // 6:
        out.append(FIRST_DIGIT + skip * 6 + change + (3 if change < 0 else 2))
        return
    if skip < 4:
        out.append(FIRST_DIGIT + _LONG + skip)
    else:
        out.append(FIRST_DIGIT + _LONG_SKIP)
        out.append(FIRST_DIGIT + skip)
    put_number(out, 2 * size + (1 if change < 0 else 0))


def put_number(out, number):
    """Append the digits of a number of any size, 0 or more: base 45, the lowest first."""
    while number >= _HALF:
        out.append(FIRST_DIGIT + _HALF + number % _HALF)
        number //= _HALF
    out.append(FIRST_DIGIT + number)


class Encoder:
    """Turns snapshots and events into numbered frames. One per run of the agent.

    boot: str, 8 hex digits. columns: length of the vector. interval_cs: the expected advance of uptime (column 0).
    group_bytes: a key frame follows after so many bytes at the latest, so that a small ring holds several groups.
    """

    def __init__(self, boot, columns, interval_cs, group_bytes):
        self.boot = boot
        self.interval_cs = interval_cs
        self.group_bytes = group_bytes
        self.sequence = 1  # of the next frame
        self.key_due = 0  # snapshots until the next key frame
        self.bytes_left = 0
        self.before = [0] * columns

    def snapshot(self, vector, sink):
        """Encode vector (list of int) and pass each of its frames to sink(line)."""
        before = self.before
        key = self.key_due <= 0 or self.bytes_left <= 0
        if key:
            self.key_due, self.bytes_left = KEY_EVERY, self.group_bytes
            for i in range(len(before)):
                before[i] = 0
        else:
            before[0] += self.interval_cs
        self.key_due -= 1
        whole, part = (KEY, KEY_PART) if key else (DELTA, DELTA_PART)
        body, skip = bytearray(), 0
        for i in range(len(before)):
            change = vector[i] - before[i]
            if change:
                if len(body) + skip // BASE > _BODY_MAX - _CHANGE_MAX:
                    self._number(part, body, sink)
                    whole, part, body = CONTINUED, CONTINUED_PART, bytearray()
                put_change(body, skip, change)
                before[i] = vector[i]
                skip = 0
            else:
                skip += 1
        self._number(whole, body, sink)

    def event(self, text, sink):
        """Encode an event: text is bytes of printable ASCII; it is cut to fit the line."""
        self._number(EVENT, text[:_BODY_MAX], sink)

    def _number(self, kind, body, sink):
        line = seal(MARK + kind + short_sequence(self.sequence) + body, context(self.boot, self.sequence))
        sink(line)  # before the number is used up: after a MemoryError in sink() it must be used again
        self.sequence += 1
        self.bytes_left -= len(line)


def event_text(uptime_cs, kind, number, pid, comm, text):
    """The body of an event: `uptime_cs|kind|number|pid|comm|text`, printable ASCII. number, pid: int or None.

    A dot after the kind replaces the usual sentence of a failed allocation at the end of text."""
    comm = (comm or "").replace("|", "?")
    usual = USUAL % (number, pid, comm)
    if kind == "alloc" and text.endswith(usual):
        kind, text = "alloc.", text[: -len(usual)]
    fields = [("" if value is None else str(value)) for value in (number, pid)]
    return printable("|".join([str(uptime_cs), kind] + fields + [comm, text]))


def printable(text):
    """text (str) as bytes, with `?` in place of the mark `~` and of all but printable ASCII."""
    raw = bytearray(text.encode())
    for i in range(len(raw)):
        if not 32 <= raw[i] < 126:
            raw[i] = 63
    return bytes(raw)


def hello_lines(boot, facts):
    """Yield as many hello frames as are needed for facts, an iterable of (key, value as str).

    Each step drops the line before it: a small heap has room for two lines of 250 bytes, but not always for three.
    """
    start = b"%s%s boot=%s" % (MARK, HELLO, boot.encode())
    line = start
    for key, value in facts:
        item = b" " + printable("%s=%s" % (key, value.replace(" ", "_")))
        if len(line) + len(item) > LINE_MAX - CHECK_DIGITS - 2:
            line += b" "
            line = seal(line)
            yield line
            line = start
        line += item[: LINE_MAX - CHECK_DIGITS - 2 - len(start)]
    line += b" "
    line = seal(line)
    yield line


def gap_line(boot, first, last):
    """The frame which reports that the requested frames first..last are overwritten."""
    return seal(b"%s%s %s %d %d " % (MARK, GAP, boot.encode(), first, last))


def parse_numbers(content):
    """(boot, first, last or count) of a gap's or a request's content; ValueError if it has another shape."""
    fields = str(content, "ascii").split(" ")
    if len(fields) != 5 or len(fields[1]) != 8 or not (fields[2] + fields[3]).isdigit() or int(fields[2]) < 1:
        raise ValueError("expected `boot first count`: %r" % content)
    return fields[1], int(fields[2]), int(fields[3])
