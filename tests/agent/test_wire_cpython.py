"""Properties of the wire format, over generated snapshots, events and bytes."""

import zlib

import pytest
from buddyd import wire, wire_host, wire_read
from harness import vectors
from hypothesis import given, settings
from hypothesis import strategies as st

BOOT = "3f9a0c52"

boots = st.integers(0, 2**32 - 1).map(lambda number: f"{number:08x}")
sequences = st.integers(1, 2**40)
values = st.one_of(st.integers(0, 300), st.integers(-(2**15), 2**31), st.integers(-(2**62), 2**62))
texts = st.text(st.characters(codec="utf-8"), max_size=300)
any_bytes = st.binary(max_size=300)
digits = st.binary(max_size=250).map(lambda data: bytes(wire.FIRST_DIGIT + byte % wire.BASE for byte in data))


@st.composite
def histories(draw: st.DrawFn) -> list[list[int] | str]:
    """Snapshots (vectors of one length, most columns as before) and events (texts), in any order."""
    columns = draw(st.sampled_from([1, 2, 20, 20, 149, 400]))
    vector = draw(st.lists(values, min_size=columns, max_size=columns))
    history: list[list[int] | str] = [list(vector)]
    for _ in range(draw(st.integers(0, 12))):
        if draw(st.booleans()):
            for column, value in draw(st.dictionaries(st.integers(0, columns - 1), values, max_size=8)).items():
                vector[column] = value
            history.append(list(vector))
        else:
            history.append(draw(texts))
    return history


@st.composite
def long_runs(draw: st.DrawFn) -> list[list[int] | str]:
    """As histories(), over more than a group of snapshots: what was drawn comes again and again."""
    history = draw(histories())
    return (history * (70 // len(history) + 1))[: draw(st.integers(1, 70))]


def encode(history: list[list[int] | str], group_bytes: int, interval_cs: int) -> list[bytes]:
    columns = next(len(item) for item in history if isinstance(item, list))
    encoder = wire.Encoder(BOOT, columns, interval_cs, group_bytes)
    lines: list[bytes] = []
    for item in history:
        if isinstance(item, list):
            encoder.snapshot(item, lines.append)
        else:
            encoder.event(wire.event_text(5, "source", None, None, None, item), lines.append)
    return lines


def decode(lines: list[bytes], columns: int, interval_cs: int) -> list[list[int] | str]:
    """The history in lines, the first of which is the start of a key frame with sequence number 1."""
    vector, column = [0] * columns, 0
    history: list[list[int] | str] = []
    for i, line in enumerate(lines):
        content = wire.unseal(line, wire.context(BOOT, i + 1))
        assert content is not None
        column = wire_read.apply_frame(content, vector, column, interval_cs)
        if content[1:2] == wire.EVENT:
            history.append(wire_host.parse_event(content[4:])[5])
        elif content[1] in wire.ENDS_SNAPSHOT:
            assert column == 0
            history.append(list(vector))
    return history


def told(text: str) -> str:
    """What is left of a text in an event: printable ASCII but for the mark, cut at the end of the line."""
    return wire.printable(text).decode()[: wire.LINE_MAX - 1 - len("~eSS5|source||||") - wire.CHECK_DIGITS]


@settings(max_examples=50)
@given(histories(), st.integers(0, 3000), st.integers(1, 8640000))
def test_any_history_comes_back_as_it_was(history, group_bytes, interval_cs):
    lines = encode(history, group_bytes, interval_cs)
    expected = [told(item) if isinstance(item, str) else item for item in history]
    assert decode(lines, len(history[0]), interval_cs) == expected


@settings(max_examples=50)
@given(histories())
def test_lines_are_printable_short_and_marked_once(history):
    for line in encode(history, 2000, 500):
        assert len(line) <= wire.LINE_MAX - 1
        assert line[0] == wire.MARK[0]
        assert set(line[1:]) <= set(range(0x20, 0x7E))
        if line[1] != wire.EVENT[0]:
            assert set(line[2:]) <= set(range(wire.FIRST_DIGIT, wire.FIRST_DIGIT + wire.BASE))


keys = st.text(min_size=1, max_size=9).filter(lambda key: "=" not in key and key != "boot")


@given(st.lists(st.tuples(keys, texts), max_size=30))
def test_hello_lines_are_printable_short_and_marked_once(facts):
    for line in wire.hello_lines(BOOT, facts):
        assert len(line) <= wire.LINE_MAX - 1
        assert line.startswith(b"~H boot=3f9a0c52 ")
        assert set(line[1:]) <= set(range(0x20, 0x7E))
        assert wire_host.parse_facts(wire.unseal(line))["boot"] == BOOT


@settings(max_examples=50)
@given(long_runs(), st.integers(0, 3000))
def test_a_key_frame_comes_in_time(history, group_bytes):
    since_bytes = since_snapshots = 0
    for line in encode(history, group_bytes, 500):
        if line[1] in wire.STARTS_GROUP:
            since_bytes = since_snapshots = 0
        elif line[1] in wire.STARTS_SNAPSHOT:
            assert since_bytes < max(group_bytes, 1)
        since_bytes += len(line)
        since_snapshots += line[1] in wire.ENDS_SNAPSHOT
        assert since_snapshots <= wire.KEY_EVERY


@given(any_bytes, st.integers(0, 2**32 - 1))
def test_check_is_the_crc_in_base_90(data, start):
    crc, expected = zlib.crc32(data, start), bytearray()
    for _ in range(wire.CHECK_DIGITS):
        crc, digit = divmod(crc, wire.BASE)
        expected.insert(0, wire.FIRST_DIGIT + digit)
    assert crc == 0
    assert wire.check(data, start) == expected


@given(st.binary(min_size=1, max_size=300), boots, sequences)
def test_seal_is_undone_by_unseal(content, boot, sequence):
    hidden = wire.context(boot, sequence)
    assert wire.unseal(wire.seal(content, hidden), hidden) == content


@given(digits, boots, sequences, boots, sequences)
def test_a_frame_passes_under_its_own_boot_and_sequence_only(body, boot, sequence, other_boot, other_sequence):
    line = wire.seal(wire.MARK + wire.DELTA + wire.short_sequence(sequence) + body, wire.context(boot, sequence))
    passes = wire.unseal(line, wire.context(other_boot, other_sequence)) is not None
    assert passes == ((boot, sequence) == (other_boot, other_sequence))


@given(sequences, st.integers(-4050, 4049))
def test_candidate_sequence_finds_the_number_near(sequence, distance):
    if sequence + distance >= 1:
        assert wire_host.candidate_sequence(b"~d" + wire.short_sequence(sequence), sequence + distance) == sequence


@given(any_bytes, sequences)
def test_candidate_sequence_takes_any_bytes(line, near):
    candidate = wire_host.candidate_sequence(line, near)
    assert candidate is None or wire.short_sequence(candidate) == line[2:4]


@given(any_bytes, st.one_of(st.just(b""), any_bytes))
def test_unseal_takes_any_bytes(line, hidden):
    content = wire.unseal(line, hidden)
    assert content is None or wire.seal(content, hidden) == line


@given(st.one_of(any_bytes, digits), st.integers(0, 400), st.integers(0, 400))
def test_apply_changes_takes_any_bytes(body, columns, column):
    vector = [0] * columns
    try:
        end = wire_read.apply_changes(body, vector, column)
    except ValueError:
        return
    assert column <= end <= max(columns, column)
    assert len(vector) == columns
    assert not any(vector[:column])


@given(st.one_of(any_bytes, any_bytes.map(lambda data: b"~k!!" + data)), st.integers(0, 30), st.integers(0, 30))
def test_apply_frame_takes_any_bytes(content, columns, column):
    try:
        end = wire_read.apply_frame(content, [0] * (columns + 1), column, 500)
    except ValueError:
        return
    assert 0 <= end <= max(columns + 1, column)


odd_numbers = st.sampled_from(["", "x", "0", "1_0", "+1", "1" * 5000])
numbers = st.one_of(st.integers().map(str), odd_numbers, st.text("0123456789", max_size=5))
likely_numbers = st.lists(numbers, max_size=5).map(lambda fields: " ".join(["~G", *fields, ""]).encode())


@given(st.one_of(any_bytes, likely_numbers, numbers.map(lambda number: f"~G {BOOT} {number} 7 ".encode())))
def test_parse_numbers_takes_any_bytes(content):
    try:
        boot, first, last = wire.parse_numbers(content)
    except ValueError:
        return
    assert len(boot) == 8
    assert first >= 1
    assert last >= 0


likely_events = st.lists(st.one_of(numbers, texts), max_size=8).map("|".join).map(lambda text: text.encode())


@given(st.one_of(any_bytes, likely_events))
def test_parse_event_takes_any_bytes(body):
    try:
        uptime_cs, kind, number, pid, comm, text = wire_host.parse_event(body)
    except ValueError:
        return
    assert isinstance(uptime_cs, int)
    assert number is None or isinstance(number, int)
    assert pid is None or isinstance(pid, int)
    assert "|" not in kind + (comm or "")
    assert body.decode().endswith(text)


@given(any_bytes)
def test_parse_facts_takes_any_bytes(content):
    try:
        facts = wire_host.parse_facts(content)
    except ValueError:
        return
    assert all(isinstance(key, str) and isinstance(value, str) for key, value in facts.items())


event_fields = st.tuples(
    st.integers(0, 2**31),
    st.sampled_from(["alloc", "page", "oom", "kill", "load", "vma", "source"]),
    st.none() | st.integers(0, 2**63),
    st.none() | st.integers(0, 2**31),
    st.none() | st.text(min_size=1, max_size=16),
    texts,
)


@given(event_fields)
def test_event_comes_back_as_it_was_but_for_what_is_not_printable(fields):
    uptime_cs, kind, number, pid, comm, text = fields
    comm = comm and wire.printable(comm.replace("|", "?")).decode()
    expected = (uptime_cs, kind, number, pid, comm, wire.printable(text).decode())
    assert wire_host.parse_event(wire.event_text(*fields)) == expected


@given(st.integers(0, 2**63), st.integers(0, 2**31), st.text(max_size=16), st.sampled_from(["", "nommu: ", "x|", "~"]))
def test_usual_sentence_of_a_failed_allocation_is_left_out(number, pid, comm, before):
    text = f"{before}Allocation of length {number} from process {pid} ({comm}) failed"
    body = wire.event_text(7, "alloc", number, pid, comm, text)
    assert (b"failed" in body) == ("|" in comm or "failed" in comm)
    assert wire_host.parse_event(body)[5] == wire.printable(text).decode()


@pytest.mark.parametrize("item", vectors("wire.json")["frame"], ids=lambda item: item["name"])
def test_vector_has_the_check_of_another_crc(item):
    line = item["line"].encode("latin-1")
    crc = zlib.crc32(f"{item['boot']} {item['sequence']} ".encode() + line[:-5])
    assert [divmod(crc // 90**i, 90)[1] + 33 for i in range(4, -1, -1)] == list(line[-5:])


@given(boots, sequences, st.sampled_from([b"d", b"e"]), digits, st.binary(min_size=1, max_size=9), st.integers(0, 9))
def test_a_check_that_is_compared_as_a_number_holds_for_the_same_lines(boot, sequence, kind, body, noise, at):
    content = wire.MARK + kind + wire.short_sequence(sequence) + body
    line = wire.seal(content, wire.context(boot, sequence))
    cut = len(line) - at
    for tried in (line, line[:cut] + noise + line[cut:], line[:cut] + noise + line[cut + len(noise) :]):
        for number in (sequence, sequence + wire.SEQUENCE_SPAN):
            expected = wire.unseal(tried, wire.context(boot, number)) is not None
            assert wire_host.is_sealed(tried, wire_host.boot_crc(boot), number) == expected


@given(boots, sequences, digits)
def test_other_bytes_that_give_the_number_of_a_check_are_no_check(boot, sequence, body):
    line = wire.seal(wire.MARK + b"d" + wire.short_sequence(sequence) + body, wire.context(boot, sequence))
    for at in range(1, wire.CHECK_DIGITS):
        other = bytearray(line)
        other[-at - 1] -= 1
        other[-at] = other[-at] + wire.BASE & 0xFF
        assert not wire_host.is_sealed(bytes(other), wire_host.boot_crc(boot), sequence)
