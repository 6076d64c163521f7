"""Encoder and decoder against tests/vectors/wire.json, the examples of agent/PROTOCOL.md."""

from buddyd import wire, wire_host, wire_read
from harness import raises, vectors

V = vectors("wire.json")


def maker(name):
    """The function that makes a line of the vectors: a board's, or a host's."""
    return getattr(wire_host if hasattr(wire_host, name) else wire, name)


def raw(text):
    """The bytes that a string of the vectors stands for."""
    return bytes([ord(char) for char in text])


def numbered_frames():
    """Every numbered line of the vectors: (name, boot, sequence, line)."""
    frames = [(item["name"], item["boot"], item["sequence"], raw(item["line"])) for item in V["frame"]]
    for item in V["snapshots"]:
        sequence = 0
        for snapshot in item["snapshots"]:
            for line in snapshot["lines"]:
                sequence += 1
                frames.append(("%s-%d" % (item["name"], sequence), item["boot"], sequence, raw(line)))
    return frames


def all_lines():
    """Every valid line of the vectors."""
    lines = [line for _, _, _, line in numbered_frames()]
    for item in V["hello"] + V["conversation"]["turns"]:
        lines.extend([raw(line) for line in item["lines"]])
    return lines + [raw(item["line"]) for item in V["numbers"]]


def test_check_gives_the_digits():
    for item in V["check"]:
        assert wire.check(raw(item["text"])) == raw(item["check"]), item["name"]


def test_short_sequence_gives_the_digits():
    for item in V["sequence"]:
        assert wire.short_sequence(item["number"]) == raw(item["digits"]), item["name"]


def test_candidate_sequence_finds_the_number_from_half_a_span_away():
    for item in V["sequence"]:
        line = b"~d" + raw(item["digits"])
        number = item["number"]
        for near in (number, number + 4049, number - 4050, number + 1, number - 1):
            if near >= 1:
                assert wire_host.candidate_sequence(line, near) == number, (item["name"], near)


def test_candidate_sequence_is_never_below_1():
    for near in (1, 2, 100, 4050):
        for digits in (b"!!", b'!"', b"zz", b"N!"):
            assert wire_host.candidate_sequence(b"~d" + digits, near) >= 1, (near, digits)


def test_put_change_gives_the_digits():
    for item in V["change"]:
        out = bytearray()
        wire.put_change(out, item["skip"], item["change"])
        assert bytes(out) == raw(item["digits"]), item["name"]


def test_apply_changes_takes_the_digits_back():
    for item in V["change"]:
        vector = [7] * (item["skip"] + 2)
        assert wire_read.apply_changes(raw(item["digits"]), vector, 0) == item["skip"] + 1, item["name"]
        expected = [7] * (item["skip"] + 2)
        expected[item["skip"]] += item["change"]
        assert vector == expected, item["name"]


def test_apply_changes_turns_before_into_after():
    for item in V["body"]:
        vector = list(item["before"])
        wire_read.apply_changes(raw(item["body"]), vector, 0)
        assert vector == item["after"], item["name"]


def test_encoder_turns_before_and_after_into_the_body():
    for item in V["body"]:
        encoder, lines = wire.Encoder("3f9a0c52", len(item["before"]), 0, 8192), []
        encoder.snapshot(item["before"], lines.append)
        encoder.snapshot(item["after"], lines.append)
        assert lines[-1][4 : -wire.CHECK_DIGITS] == raw(item["body"]), item["name"]


def test_frame_is_sealed_as_written():
    for item in V["frame"]:
        content = wire.MARK + raw(item["kind"]) + wire.short_sequence(item["sequence"]) + raw(item["body"])
        hidden = wire.context(item["boot"], item["sequence"])
        assert wire.seal(content, hidden) == raw(item["line"]), item["name"]
        assert wire.unseal(raw(item["line"]), hidden) == content, item["name"]


def test_encoder_gives_the_lines_of_the_snapshots():
    for item in V["snapshots"]:
        columns = len(item["snapshots"][0]["vector"])
        encoder = wire.Encoder(item["boot"], columns, item["interval_cs"], 8192)
        for snapshot in item["snapshots"]:
            lines = []
            encoder.snapshot(snapshot["vector"], lines.append)
            assert lines == [raw(line) for line in snapshot["lines"]], item["name"]


def test_apply_frame_gives_the_vectors_of_the_snapshots():
    for item in V["snapshots"]:
        vector, column, sequence = [0] * len(item["snapshots"][0]["vector"]), 0, 0
        for snapshot in item["snapshots"]:
            for line in snapshot["lines"]:
                sequence += 1
                content = wire.unseal(raw(line), wire.context(item["boot"], sequence))
                column = wire_read.apply_frame(content, vector, column, item["interval_cs"])
            assert column == 0, item["name"]
            assert vector == snapshot["vector"], item["name"]


def test_apply_frame_leaves_the_vector_alone_at_an_event():
    vector = [1, 2, 3]
    assert wire_read.apply_frame(b"~e!#2|source||||lost meminfo", vector, 0, 500) == 0
    assert vector == [1, 2, 3]


def test_snapshot_begins_anew_after_one_that_is_not_whole():
    for kind, expected in ((b"k", [1, 0, 0]), (b"d", [506, 6, 7])):
        vector = [5, 6, 7]
        # the second part of the snapshot before, which would go on at column 2, is lost
        assert wire_read.apply_frame(b"~" + kind + b"!#$", vector, 2, 500) == 0
        assert vector == expected


def test_apply_frame_refuses_unknown_kinds():
    for content in (b"~x!#", b"~H boot=3f9a0c52 ", b"~", b""):
        raises(ValueError, wire_read.apply_frame, content, [0] * 3, 0, 500)
    for content in (b"~x!#", b"~"):
        raises(ValueError, wire_read.apply_frame, content, [0] * 3, 2, 500)


def test_event_text_gives_the_body():
    for item in V["event"]:
        assert wire.event_text(*item["fields"]) == raw(item["body"]), item["name"]


def test_parse_event_gives_the_fields():
    for item in V["event"]:
        assert list(wire_host.parse_event(raw(item["body"]))) == item["parsed"], item["name"]


def kinds_of(columns, group_bytes, snapshots):
    """The kinds of the frames of so many snapshots, in which nothing changes."""
    encoder, lines = wire.Encoder("3f9a0c52", columns, 500, group_bytes), []
    for _ in range(snapshots):
        encoder.snapshot([0] * columns, lines.append)
    return b"".join([line[1:2] for line in lines])


def test_key_frame_comes_every_32_snapshots():
    group = b"k" + b"d" * 31
    assert kinds_of(3, 8192, 65) == group + group + b"k"


def test_key_frame_comes_when_the_group_has_its_bytes():
    # the key frame is empty, and a delta takes the expected 500 back from the uptime: 9 and 12 bytes
    assert kinds_of(1, 9 + 12 * 2, 7) == b"kddkddk"
    assert kinds_of(1, 9 + 12 * 2 + 1, 9) == b"kdddkdddk"


def lengths_of(small, skipped):
    """The lengths of the lines for `small` changes of one digit, columns without change, and the longest change."""
    vector = [1] * small + [0] * skipped + [2**63 - 1]
    lines = []
    wire.Encoder("3f9a0c52", len(vector), 0, 8192).snapshot(vector, lines.append)
    return [len(line) for line in lines]


def test_line_is_filled_to_its_last_byte_and_never_beyond():
    # 245 digits: the small changes, the jumps of 90 columns, and 14 of the longest change behind 4 columns
    longest = wire.LINE_MAX - 1
    for jumps in (0, 1, 3):
        skipped = 90 * jumps + 4
        assert lengths_of(231 - jumps, skipped) == [longest]
        first, second = lengths_of(232 - jumps, skipped)
        assert (first, second) == (4 + 232 - jumps + 5, 4 + jumps + 14 + 5)


def test_events_count_for_the_bytes_of_a_group():
    encoder, lines = wire.Encoder("3f9a0c52", 1, 0, 60), []
    encoder.snapshot([0], lines.append)
    encoder.event(b"1|source||||" + b"x" * 60, lines.append)
    encoder.snapshot([0], lines.append)
    assert [line[1:2] for line in lines] == [b"k", b"e", b"k"]


def test_event_is_cut_to_the_line():
    encoder, lines = wire.Encoder("3f9a0c52", 1, 500, 8192), []
    encoder.event(b"213950|load|12|||" + b"x" * 300, lines.append)
    assert len(lines[0]) == wire.LINE_MAX - 1
    assert wire.unseal(lines[0], wire.context("3f9a0c52", 1))[4:] == b"213950|load|12|||" + b"x" * 228


def test_hello_lines_carry_the_facts():
    for item in V["hello"]:
        lines = list(wire.hello_lines(item["boot"], item["facts"]))
        assert lines == [raw(line) for line in item["lines"]], item["name"]


def test_parse_facts_gives_the_facts():
    for item in V["hello"]:
        facts = {}
        for line in item["lines"]:
            found = wire_host.parse_facts(wire.unseal(raw(line)))
            assert found.pop("boot") == item["boot"], item["name"]
            facts.update(found)
        assert facts == item["parsed"], item["name"]


def test_gap_and_requests_are_sealed_as_written():
    for item in V["numbers"]:
        line = maker(item["made_by"])(*item["arguments"])
        assert line == raw(item["line"]), item["name"]
        if item["arguments"]:
            assert list(wire.parse_numbers(wire.unseal(line))) == item["arguments"], item["name"]


def test_requests_are_short_enough_for_a_small_uart():
    for item in V["numbers"]:
        assert len(item["line"]) < wire.ASK_MAX, item["name"]


def test_encoder_makes_the_conversation():
    """What the page shows is what the code does: each turn is made again from its argument."""
    page = V["conversation"]
    encoder = wire.Encoder(page["boot"], page["columns"], page["interval_cs"], 8192)
    sent, made = [], 0
    for turn in page["turns"]:
        argument = turn["argument"]
        if turn["make"] == "snapshot":
            encoder.snapshot(argument, sent.append)
            lines = [sent[-1]]
        elif turn["make"] == "event":
            encoder.event(wire.event_text(*argument), sent.append)
            lines = [sent[-1]]
        elif turn["make"] == "again":
            lines = [sent[argument - 1]]
        elif turn["make"] == "hello":
            lines = list(wire.hello_lines(page["boot"], argument))
        elif turn["make"] == "gap":
            lines = [wire.gap_line(*argument)]
        else:
            lines = [maker(turn["make"])(*argument)]
        assert lines == [raw(line) for line in turn["lines"]], turn
        made += len(lines)
    assert made >= 10


def test_lines_are_printable_short_and_marked_once():
    for line in all_lines():
        assert len(line) <= wire.LINE_MAX - 1
        assert min(line) >= 0x20 and max(line) <= 0x7E, line
        assert line[:1] in (wire.MARK, wire.ASK), line
        assert line.find(wire.MARK, 1) < 0, line
