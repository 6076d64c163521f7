"""The faults of a bad line: from a seed, the same however the stream is cut, and each does what it is called for."""

import random

import faults
import pytest
from hypothesis import given
from hypothesis import strategies as st

STREAM = bytes(range(256)) * 40
SEEDS = st.integers(0, 2**32)
KINDS = st.lists(st.sampled_from(faults.KINDS), min_size=1, unique=True)


def one(kind, seed=1, every_bytes=300, stream=STREAM):
    """(direction, actions) of a stream with faults of one kind."""
    direction = faults.Direction(seed, [kind], every_bytes)
    return direction, direction.feed(stream)


@given(SEEDS, KINDS, st.integers(1, 400), st.lists(st.binary(max_size=60), max_size=40))
def test_the_same_bytes_come_out_however_the_stream_is_cut(seed, kinds, every_bytes, pieces):
    """But for "chunk", whose cuts are drawn anew for each piece; the bytes are the same there, too."""
    kinds = [kind for kind in kinds if kind != "chunk"] or ["drop"]
    whole, cut = (faults.Direction(seed, kinds, every_bytes) for _ in range(2))
    expected = whole.feed(b"".join(pieces))
    actions = [action for piece in pieces for action in cut.feed(piece)]
    assert faults.sent(actions) == faults.sent(expected)
    assert faults.echoed(actions) == faults.echoed(expected)
    breaks = (faults.Wait, faults.HalfClose, faults.Disconnect)
    assert [a for a in actions if isinstance(a, breaks)] == [a for a in expected if isinstance(a, breaks)]
    assert (whole.times, whole.hit_bytes) == (cut.times, cut.hit_bytes)


@given(SEEDS, KINDS, st.binary(max_size=3000), st.integers(0, 3000))
def test_a_line_that_has_become_good_passes_everything_on(seed, kinds, stream, at):
    direction = faults.Direction(seed, kinds, 20)
    direction.feed(stream[:at])
    direction.calm()
    times = direction.times.copy()
    rest = stream[at:]
    assert direction.feed(rest) == ([faults.Send(rest)] if rest else [])
    assert direction.times == times


@given(SEEDS, st.binary(max_size=500))
def test_no_faults_no_change(seed, stream):
    assert faults.sent(faults.Direction(seed, (), 1).feed(stream)) == stream


@pytest.mark.parametrize("kind", faults.KINDS)
def test_every_kind_strikes_and_is_counted(kind):
    direction, actions = one(kind)
    assert direction.times.keys() == direction.hit_bytes.keys() == {kind}
    assert direction.times[kind] > 5
    assert direction.hit_bytes[kind] >= direction.times[kind]
    assert one(kind)[1] == actions
    assert one(kind, seed=2)[1] != actions


def test_flip_changes_one_bit_of_a_byte():
    direction, actions = one("flip")
    changed = [a ^ b for a, b in zip(faults.sent(actions), STREAM, strict=True) if a != b]
    assert {bits.bit_count() for bits in changed} == {1}
    assert len(changed) == direction.hit_bytes["flip"]


@pytest.mark.parametrize("kind", ["drop", "swallow"])
def test_lost_bytes_are_those_counted(kind):
    direction, actions = one(kind)
    assert len(faults.sent(actions)) == len(STREAM) - direction.hit_bytes[kind]


@pytest.mark.parametrize("kind", ["insert", "kernel-message", "shell-output"])
def test_added_bytes_are_those_counted(kind):
    direction, actions = one(kind)
    assert len(faults.sent(actions)) == len(STREAM) + direction.hit_bytes[kind]


def test_a_message_stands_in_the_middle_of_the_stream():
    _, actions = one("kernel-message", stream=b"x" * 4000)
    assert b"x<4>rm: page allocation failure. order:4, mode:0xd0\r\nx" in faults.sent(actions)


def test_duplicate_says_it_twice():
    chance = random.Random(1)
    stream = chance.randbytes(4000)
    direction, actions = one("duplicate", stream=stream)
    assert len(faults.sent(actions)) == len(stream) + direction.hit_bytes["duplicate"] - len(direction._copy)


def test_echo_goes_both_ways():
    direction, actions = one("echo")
    assert faults.sent(actions) == STREAM
    assert len(faults.echoed(actions)) == direction.hit_bytes["echo"]


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("delay", faults.Wait),
        ("stall", faults.Wait),
        ("half-close", faults.HalfClose),
        ("disconnect", faults.Disconnect),
    ],
)
def test_what_does_not_change_bytes_passes_them_all(kind, action):
    direction, actions = one(kind)
    assert faults.sent(actions) == STREAM
    assert len([a for a in actions if isinstance(a, action)]) == direction.times[kind]


def test_chunk_only_cuts():
    _, actions = one("chunk")
    assert faults.sent(actions) == STREAM
    assert len([a for a in actions if len(a.data) <= faults.CHUNK_MAX]) > 100


def test_unknown_kind_is_named():
    with pytest.raises(ValueError, match="unknown faults: rust"):
        faults.Direction(1, ["flip", "rust"], 100)
