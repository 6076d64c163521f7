"""`buddywatch decode`: each line of a wire in words, damaged ones and other text included."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from bench import store_sizes
from buddyd import wire
from buddywatch.commands.decode import LINE_MAX, words
from buddywatch.protocol.decode import LineDecoder
from hypothesis import given
from hypothesis import strategies as st
from runner import TOP

VECTORS = json.loads((TOP / "tests/vectors/wire.json").read_text())
SECRET = json.loads((TOP / "tests/vectors/secret.json").read_text())
CONVERSATION = [line for turn in VECTORS["conversation"]["turns"] for line in turn["lines"]]
BOOT = "3f9a0c52"
KEY = VECTORS["frame"][1]["line"]
DELTA = next(line for line in CONVERSATION if line.startswith("~d!#"))


@pytest.fixture
def decode(buddywatch, tmp_path):
    def run(*lines: str, options=()):
        path = tmp_path / "stream"
        path.write_bytes("\n".join([*lines, ""]).encode("latin-1"))
        return buddywatch("decode", *options, str(path))

    return run


def flat(result):
    return [" ".join(line.split()) for line in result.lines]


def test_the_conversation_of_the_protocol_page_is_told_in_words(decode):
    result = decode(*CONVERSATION)
    assert (result.code, result.err) == (0, "")
    text = " ".join(result.out.split())
    for expected in (
        "request: a hello; check ok",
        "hello of boot 3f9a0c52, check ok v=1 name=xport-07",
        "request: 1 frame from 1 on of boot 3f9a0c52; check ok",
        "1 snapshot, key, 44 bytes, check ok up 35 min 34 s 50 cs, 41 processes created,",
        "-7 pages free outside the block lists, 224 listed as reclaimable, 317 in slab",
        "node 0 DMA: blocks of 1, 2, 4 ... pages: 2 8 3 12 0 1 0 1 0 1 0; min 90, low 112, high 135, reserve 0",
        "2 snapshot, delta, 14 bytes, check ok up 35 min 39 s 51 cs, 42 processes created",
        "pages: 0 9 3 12 0 1 0 1 0 1 0;",
        "4 event, alloc,",
        " 61440 bytes, process 6821, name rm Allocation of length 61440 from process 6821 (rm) failed",
        "gap of boot 3f9a0c52: 15007 frames from 1 on overwritten, check ok",
    ):
        assert expected in text
    assert result.lines[-1] == "-- 5 requests, 3 hellos, 4 snapshots, 1 event, 1 gap"
    assert all(len(line) <= 80 for line in result.lines)


def test_the_proof_of_a_secret_is_told_without_its_numbers(decode):
    lines = [turn["line"] for turn in SECRET["turns"]]
    result = decode(*lines)
    assert (result.code, result.err) == (0, "")
    assert result.lines == [
        "challenge: xport-07 demands authentication; check ok",
        "answer: the host proves that it has the secret; check ok",
        "proof: the board proves that it has the secret; check ok",
        "-- 1 challenge, 1 answer, 1 proof",
    ]
    damaged = decode(*(line[:-1] + "x" for line in lines))
    assert damaged.code == 1
    assert [line.split(":")[0] for line in damaged.lines[:3]] == [
        f"{what}, CHECK WRONG" for what in ("challenge", "answer", "proof")
    ]


def test_damage_is_told_and_makes_the_exit_code_1(decode):
    bad = ['~d!$"53[!', CONVERSATION[1][:-1] + "x", CONVERSATION[0][:-1] + "x", "~G 3f9a0c52 1 9 xxxxx"]
    result = decode(CONVERSATION[1], *bad)
    assert result.code == 1
    wrong = [line.split(":")[0] for line in result.lines if "CHECK WRONG" in line]
    assert wrong == [f"{what}, CHECK WRONG" for what in ("snapshot", "hello", "request", "gap")]
    assert result.lines[-1] == "-- 1 hello, 4 damaged lines"


def test_other_text_is_told_as_it_is_but_for_what_a_terminal_obeys(decode):
    result = decode("[ 1.0] eth0: \x1b[2J up", "/ # " + CONVERSATION[1], "")
    assert result.code == 0
    assert result.lines[:3] == ["text: [ 1.0] eth0: \\x1b[2J up", "text: / #", f"hello of boot {BOOT}, check ok"]


def test_frames_without_a_hello_are_not_called_damaged(decode):
    result = decode(DELTA)
    assert result.code == 0
    assert result.lines[0].startswith("snapshot, not checked (no hello before it; give --boot): ~d!#")
    assert "changes: column 0 +1, column 1 +1, column 9 -2, column 10 +1" in " ".join(flat(result))
    assert result.lines[-1] == "-- 1 frame that could not be checked"


def test_event_without_a_hello_is_called_one(decode):
    event = next(line for line in CONVERSATION if line.startswith("~e"))
    (told,) = [json.loads(line) for line in decode(event, options=("--json",)).lines]
    assert told == {"line": "event", "check": "unknown", "text": event}


def test_boot_checks_frames_without_a_hello(decode):
    result = decode(KEY, DELTA, options=("--boot", BOOT))
    assert result.code == 0
    assert [line for line in result.lines if "check ok" in line] == [
        "1 snapshot, key, 44 bytes, check ok",
        "2 snapshot, delta, 14 bytes, check ok",
    ]
    assert decode(KEY, options=("--boot", "0badb007")).code == 1


def test_a_delta_behind_a_hole_is_told_by_its_changes(decode):
    hello = [line for line in CONVERSATION if line.startswith("~H")][:2]
    later = next(line for line in CONVERSATION if line.startswith("~d!$"))
    result = decode(*hello, KEY, later)
    assert "state unknown (a frame or the hello before it is missing); changes: none" in " ".join(flat(result))


def test_snapshots_of_several_frames_are_put_together(decode):
    item = next(item for item in VECTORS["snapshots"] if any(len(s["lines"]) > 1 for s in item["snapshots"]))
    lines = [line for snapshot in item["snapshots"] for line in snapshot["lines"]]
    width = len(item["snapshots"][0]["vector"])
    facts = [("cols", "up"), ("zones", "1"), ("interval_cs", str(item["interval_cs"]))]
    zones = [
        (f"z{i}", f"0/Z{i}/{size}/-/-/-/-") for i, size in enumerate([60] * ((width - 1) // 60) + [(width - 1) % 60])
    ]
    facts[1] = ("zones", str(len(zones)))
    hello = [line.decode() for line in wire.hello_lines(item["boot"], [*facts, *zones])]
    result = decode(*hello, *lines, options=("--json",))
    states = [json.loads(line).get("state") for line in result.lines]
    vectors = [[s["up"], *(n for z in s["zones"] for n in z["nr_free"])] for s in states if s]
    assert vectors == [snapshot["vector"] for snapshot in item["snapshots"]]


def test_json_is_an_object_for_each_line(decode):
    result = decode(*CONVERSATION, "text", options=("--json",))
    told = [json.loads(line) for line in result.lines]
    assert [item["line"] for item in told[:4]] == ["request", "hello", "hello", "request"]
    snapshot = next(item for item in told if item["line"] == "snapshot")
    assert snapshot["state"]["zones"][0]["nr_free"] == [2, 8, 3, 12, 0, 1, 0, 1, 0, 1, 0]
    assert told[-1] == {"line": "text", "text": "text"}


def test_standard_input_is_read_as_it_comes(buddywatch):
    with buddywatch.start("decode", stdin=subprocess.PIPE, bufsize=0, text=False) as process:
        process.stdin.write(CONVERSATION[0].encode() + b"\n")
        assert process.stdout.readline() == b"request: a hello; check ok\n"
        process.stdin.write(b"no newline")
        process.stdin.close()
        assert process.stdout.read() == b"text: no newline\n-- 1 request, 1 line of text\n"


def test_file_that_cannot_be_read_is_named(buddywatch, tmp_path):
    for path in (tmp_path / "missing", tmp_path):
        result = buddywatch("decode", str(path))
        assert (result.code, len(result.err.splitlines())) == (2, 1)
        assert str(path) in result.err
    result = buddywatch("decode", "--boot", "xyz", os.devnull)
    assert result.code == 2
    assert "expected 8 hex digits" in result.err
    assert buddywatch("decode", os.devnull).lines == ["-- nothing was read"]


def test_a_line_without_end_costs_a_bounded_memory(buddywatch, tmp_path):
    path = tmp_path / "stream"
    path.write_bytes(b"x" * (3 * LINE_MAX) + CONVERSATION[0].encode() + b"\n")
    result = buddywatch("decode", str(path))
    assert result.code == 0
    assert result.lines[-1] == "-- 1 line of text, 1 request"


@given(
    st.lists(st.one_of(st.binary(max_size=300), st.sampled_from([line.encode() for line in CONVERSATION])), max_size=20)
)
def test_any_bytes_are_told(lines):

    decoder = LineDecoder()
    for line in lines:
        for told in decoder.take(line):
            json.dumps(told)
            assert all(text.isascii() and text.isprintable() for text in words(told))


def test_recording_of_an_agent_is_told_without_damage(buddywatch):
    path = Path(buddywatch.db).with_name("stream")
    path.write_bytes(store_sizes.stream("cron-a"))
    result = buddywatch("decode", str(path))
    assert result.code == 0
    assert "damaged" not in result.lines[-1]
    assert not any("state unknown" in line for line in result.lines)
