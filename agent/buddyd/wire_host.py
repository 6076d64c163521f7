"""The host's half of the wire format, no I/O: reads frames and makes requests, see wire.py.

The agent never imports it: on a board it would take 3 kB of heap as a .mpy file, 0.4 kB frozen.
"""

import binascii

from . import wire

PARTS_MAX, PART_BYTES = 24, 33  # of a command: parts, and bytes of each
PIECE = b"X"  # the kind of a line with a piece of a command's output; what can be in it:
PIECE_KINDS = (b"o", b"f", b"d", b"w", b"m", b"n", b"g")
OUTPUT, FAILURE, DONE, WORKING, MISSING, REFUSED, GONE = PIECE_KINDS

_DIGITS = bytes(range(wire.FIRST_DIGIT, wire.FIRST_DIGIT + wire.BASE))
_B, _B2, _B3, _B4 = wire.BASE, wire.BASE**2, wire.BASE**3, wire.BASE**4
_ZERO = wire.FIRST_DIGIT * (1 + _B + _B2 + _B3 + _B4)  # what five bytes of the digit 0 give


def boot_crc(boot):
    """The CRC-32 of the first part of context(), which is the same for all frames of a boot."""
    return binascii.crc32(("%s " % boot).encode())


def is_sealed(line, crc_of_boot, sequence):
    """Whether unseal(line, context(boot, sequence)) gives the content, for a line of at least five bytes.

    The check is compared as a number, which takes a third of the time of making its digits.
    """
    a, b, c, d, e = check = line[-5:]
    if a * _B4 + b * _B3 + c * _B2 + d * _B + e - _ZERO != binascii.crc32(
        line[:-5], binascii.crc32(b"%d " % sequence, crc_of_boot)
    ):
        return False
    return not check.translate(None, _DIGITS)  # with other bytes, several checks would give one number


def candidate_sequence(line, near):
    """The sequence number closest to `near` that has the two digits of a numbered frame; None if they are not digits.

    The caller must confirm it with unseal(line, context(boot, number)). near: int >= 1.
    """
    if len(line) < 4:
        return None
    high, low = line[2] - wire.FIRST_DIGIT, line[3] - wire.FIRST_DIGIT
    if not (0 <= high < wire.BASE and 0 <= low < wire.BASE):
        return None
    ahead = (high * wire.BASE + low - near) % wire.SEQUENCE_SPAN
    if ahead > wire.SEQUENCE_SPAN // 2 and near + ahead - wire.SEQUENCE_SPAN > 0:
        ahead -= wire.SEQUENCE_SPAN
    return near + ahead


def parse_event(body):
    """(uptime_cs, kind, number, pid, comm, text) of an event's body; ValueError if it is not one."""
    fields = str(body, "ascii").split("|", 5)
    if len(fields) != 6:
        raise ValueError("event with %d fields, expected 6: %r" % (len(fields), body))
    number, pid = [int(field) if field else None for field in fields[2:4]]
    kind, text = fields[1], fields[5]
    if kind == "alloc.":
        kind, text = "alloc", text + wire.USUAL % (number, pid, fields[4])
    return int(fields[0]), kind, number, pid, fields[4] or None, text


def parse_facts(content):
    """The facts (dict of str) in a hello's content. Readers must ignore unknown keys."""
    facts = {}
    for item in str(content, "ascii").split(" ")[1:]:
        key, sign, value = item.partition("=")
        if sign:
            facts[key] = value
    return facts


def ask_hello():
    return wire.seal(b"%s%s " % (wire.ASK, wire.ASK_HELLO))


def ask_map():
    return wire.seal(b"%sm " % wire.ASK)


def command_parts(number, whole):
    """The lines that bring a command. number: 8 hex digits as bytes; whole: at most PARTS_MAX * PART_BYTES bytes."""
    count = (len(whole) + PART_BYTES - 1) // PART_BYTES
    lines = []
    for index in range(count):
        text = binascii.b2a_base64(whole[index * PART_BYTES : (index + 1) * PART_BYTES])[:-1]
        digits = bytes((wire.FIRST_DIGIT + index, wire.FIRST_DIGIT + count))
        lines.append(wire.seal(b"%sX %s %s%s" % (wire.ASK, number, digits, text)))
    return lines


def ask_piece(number, at):
    return wire.seal(b"%sx %s %d " % (wire.ASK, number, at))


def end_command(number):
    return wire.seal(b"%sq %s - " % (wire.ASK, number))


def parse_piece(content):
    """(number, piece, kind, data) of a line of a command's output; ValueError if it is not one."""
    _, number, at, kind, text, _ = content.split(b" ")
    if len(number) != 8 or not at.isdigit() or len(at) > 9 or kind not in PIECE_KINDS:
        raise ValueError("expected `number piece kind data`: %r" % content)
    return number, int(at), kind, binascii.a2b_base64(text)


def ask_frames(boot, first, count):
    return wire.seal(b"%s%s %s %d %d " % (wire.ASK, wire.ASK_FRAMES, boot.encode(), first, count))
