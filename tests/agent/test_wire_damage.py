"""Damaged lines are refused: those of tests/vectors/wire.json by the rule they break, and valid ones taken apart."""

from buddyd import wire, wire_host, wire_read
from harness import raises
from test_wire import V, numbered_frames, raw

SHORT = [frame for frame in numbered_frames() if len(frame[3]) < 70]


def invalid(parser):
    """(rule, line as bytes, item) of the invalid lines for a parser."""
    found = []
    for group in V["invalid"]:
        if group["parser"] == parser:
            found.extend([(group["rule"], raw(item["line"]), item) for item in group["lines"]])
    assert found
    return found


def test_every_group_of_invalid_lines_is_for_a_parser_that_is_tested():
    for group in V["invalid"]:
        assert group["parser"] in ("frame", "sealed", "sequence", "body", "numbers", "event"), group["rule"]


def test_unseal_refuses_invalid_frames():
    for rule, line, item in invalid("frame"):
        assert wire.unseal(line, wire.context(item["boot"], item["sequence"])) is None, (rule, item["note"])


def test_unseal_refuses_invalid_hellos_gaps_and_requests():
    for rule, line, item in invalid("sealed"):
        assert wire.unseal(line) is None, (rule, item["note"])


def test_candidate_sequence_refuses_what_is_no_digits():
    for rule, line, item in invalid("sequence"):
        assert wire_host.candidate_sequence(line, 1) is None, (rule, item["note"])


def test_apply_changes_refuses_invalid_bodies():
    for _, line, item in invalid("body"):
        raises(ValueError, wire_read.apply_changes, line, [0] * item["columns"], 0)


def test_parse_numbers_refuses_other_shapes():
    for _, line, _ in invalid("numbers"):
        raises(ValueError, wire.parse_numbers, line)


def test_parse_event_refuses_other_shapes():
    for _, line, _ in invalid("event"):
        raises(ValueError, wire_host.parse_event, line)


def test_every_change_of_a_byte_is_refused():
    for name, boot, sequence, line in SHORT:
        hidden = wire.context(boot, sequence)
        damaged = bytearray(line)
        for i in range(len(line)):
            for bit_pattern in range(1, 256):
                damaged[i] = line[i] ^ bit_pattern
                assert wire.unseal(bytes(damaged), hidden) is None, (name, i, bit_pattern)
            damaged[i] = line[i]
        assert wire.unseal(bytes(damaged), hidden) == line[: -wire.CHECK_DIGITS], name


def test_every_change_of_a_bit_of_a_long_line_is_refused():
    longest = [frame for frame in numbered_frames() if len(frame[3]) > 200]
    assert longest
    for name, boot, sequence, line in longest:
        hidden = wire.context(boot, sequence)
        damaged = bytearray(line)
        for i in range(len(line)):
            for bit in range(8):
                damaged[i] ^= 1 << bit
                assert wire.unseal(bytes(damaged), hidden) is None, (name, i, bit)
                damaged[i] = line[i]


def test_every_change_of_the_sequence_is_refused_at_the_number_it_then_means():
    _, boot, sequence, line = SHORT[0]
    for number in range(1, wire.SEQUENCE_SPAN):
        if number != sequence:
            damaged = line[:2] + wire.short_sequence(number) + line[4:]
            candidate = wire_host.candidate_sequence(damaged, sequence)
            assert candidate != sequence
            assert wire.unseal(damaged, wire.context(boot, candidate)) is None, number


def test_every_other_sequence_number_with_the_same_digits_is_refused():
    for name, boot, sequence, line in SHORT:
        for times in range(1, 200):
            other = sequence + times * wire.SEQUENCE_SPAN
            assert wire_host.candidate_sequence(line, other) == other
            assert wire.unseal(line, wire.context(boot, other)) is None, (name, other)


def test_every_truncated_line_is_refused():
    for name, boot, sequence, line in numbered_frames():
        hidden = wire.context(boot, sequence)
        for length in range(len(line)):
            assert wire.unseal(line[:length], hidden) is None, (name, length)
            assert wire.unseal(line[len(line) - length :], hidden) is None, (name, length)


def test_every_trailing_byte_is_refused():
    for name, boot, sequence, line in SHORT:
        for byte in range(256):
            assert wire.unseal(line + bytes([byte]), wire.context(boot, sequence)) is None, (name, byte)


def test_every_splice_of_two_frames_is_refused():
    """The start of one line and the end of another, cut anywhere: what an overrun of a receiver leaves."""
    whole = [line for _, _, _, line in SHORT]
    for _, boot, sequence, first in SHORT[:4]:
        for second in whole[:4]:
            for i in range(0, len(first) + 1):
                for j in range(0, len(second) + 1, 3):
                    spliced = first[:i] + second[j:]
                    if spliced not in whole:
                        assert wire.unseal(spliced, wire.context(boot, sequence)) is None, spliced
