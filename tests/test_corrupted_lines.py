"""No frame is ever accepted with a wrong content: a million corrupted lines, and what the check finds for certain.

The lines are those of a real trace, its kernel messages included; the damage is that of the fault proxy.
"""

import binascii
from collections.abc import Iterator
from itertools import islice

import faults
from bench import wire_sizes
from buddyd import wire, wire_host
from buddywatch.protocol.frame import Frame
from buddywatch.protocol.line_stream import LinkSession

BOOT = "3f9a0c52"
CORRUPTED_LINES = 1_000_000
FRAMES = 4000  # all of them within half a span of the newest, so that the reader tries each under its true number
KINDS = ("flip", "drop", "duplicate", "insert", "kernel-message", "shell-output")
EVERY_BYTES = 14  # a line or less
SEED = 5


def frames() -> dict[int, bytes]:
    """The first frames of a trace that is full of events, by number."""
    lines = islice(wire_sizes.frames("daemons-c", BOOT), FRAMES)
    found = dict(enumerate(lines, 1))
    for number in range(len(found) + 1, FRAMES + 1):  # where the trace is shorter: its frames once more
        content = found[number - FRAMES // 4][:-5]
        found[number] = wire.seal(content[:2] + wire.short_sequence(number) + content[4:], wire.context(BOOT, number))
    return found


def bad_lines(sent: dict[int, bytes]) -> Iterator[tuple[bytes, int]]:
    """(what comes out of a bad line, how many of its lines are no longer what was sent), without end."""
    direction = faults.Direction(SEED, KINDS, EVERY_BYTES)
    whole, stream = set(sent.values()), b"\n".join([*sent.values(), b""])
    while True:
        data = faults.sent(direction.feed(stream)) + b"\n"
        yield data, sum(line not in whole for line in data.split(b"\n")[:-1])


def listening() -> LinkSession:
    """A session that knows the boot, and that the newest frame is the last."""
    session = LinkSession()
    (hello,) = wire.hello_lines(BOOT, [("next", str(FRAMES + 1))])
    session.feed(hello + b"\n")
    return session


def test_no_corrupted_line_of_a_million_is_accepted_with_another_content():
    sent = frames()
    session, corrupted, accepted, wrong = listening(), 0, 0, []
    for data, bad in bad_lines(sent):
        for item in session.feed(data):
            if isinstance(item, Frame):
                accepted += 1
                content = sent[item.seq][:-5] if item.seq in sent else b""
                if (item.boot_id, item.kind, item.body) != (BOOT, content[1:2], content[4:]):
                    wrong.append(item)
        corrupted += bad
        if corrupted >= CORRUPTED_LINES:
            break
    assert wrong == []
    assert accepted > 1000  # frames got through: those not hit, and those whole behind what was spliced in


def test_a_check_of_one_digit_would_let_some_through():
    """The lines are bad in ways that a weak check does not see, so that the test above can fail."""
    sent = frames()
    data, _ = next(bad_lines(sent))
    passed = 0
    for line in data.split(b"\n"):
        number = wire_host.candidate_sequence(line, FRAMES) if line[:1] == wire.MARK and len(line) > 9 else None
        if number is not None and sent.get(number) != line:
            passed += wire.check(line[:-5], binascii.crc32(wire.context(BOOT, number)))[-1:] == line[-1:]
    assert passed > 10


def test_up_to_four_wrong_bits_before_the_check_are_always_seen():
    """A CRC is linear: what a set of wrong bits does to it is the XOR of what each does. So no two pairs of bits of the
    longest line may do the same, no pair what a single bit does, and none nothing."""
    size = wire.LINE_MAX - 1 - wire.CHECK_DIGITS
    zero = binascii.crc32(bytes(size))
    single = []
    for at in range(size):
        for bit in range(8):
            damaged = bytearray(size)
            damaged[at] = 1 << bit
            single.append(binascii.crc32(damaged) ^ zero)
    pairs = {a ^ b for i, a in enumerate(single) for b in single[:i]}
    assert len(pairs) == len(single) * (len(single) - 1) // 2
    assert not pairs & {0, *single}
