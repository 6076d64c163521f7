"""Segments give back every snapshot that was added, whatever the order, the clock and the holes."""

import random
import zlib
from itertools import pairwise

import pytest
from buddyd import wire
from buddywatch.model.batch import VectorRow
from buddywatch.model.samples import Snapshot
from buddywatch.protocol import segment
from buddywatch.protocol.segment import SegmentWriter, decode, decode_last, interval_of, segments_of
from hypothesis import given
from hypothesis import strategies as st
from trackertools import FACTS, board, feed, held, met

NUMBERS = st.integers(-3, 2**40)


@st.composite
def rows(draw):
    """Rows of one boot: some follow each other, some leave a hole, some have several frames, some come late."""
    found, width = [], draw(st.integers(1, 12))
    for _ in range(draw(st.integers(0, 12))):
        first = draw(st.one_of(st.just(found[-1].seq + 1 if found else 1), st.integers(1, 2**40)))
        last = first + draw(st.sampled_from([0, 0, 0, 3]))
        vector = [draw(NUMBERS) for _ in range(width)]
        found.append(VectorRow("b", first, last, draw(st.integers(-(2**45), 2**45)), vector))
    return found


@given(rows(), st.integers(0, 100))
def test_rows_come_back_in_their_order(rows, interval_cs):
    found = segments_of(rows, interval_cs)
    assert [row for one in found for row in decode("b", one.body)] == rows
    assert sum(one.samples for one in found) == len(rows)
    for one in found:
        of_segment = decode("", one.body)
        assert (one.first_seq, one.seq, one.time_ms) == (of_segment[0][1], *of_segment[-1][2:4])
        assert all(after.first_seq == before.seq + 1 for before, after in pairwise(of_segment))
        assert interval_of(one.body) == interval_cs
        assert decode_last(one) == (of_segment[-1] if all(row.first_seq == row.seq for row in of_segment) else None)


def snapshots(polls, lost=()):
    """Of a model board, as they come of its frames; some frames are lost."""
    made = board(ring_bytes=1_000_000, polls=polls)
    tracker, _ = met(made)
    values = feed(tracker, held(made, *(seq for seq in range(1, polls + 1) if seq not in lost)))
    return made, [value for value in values if isinstance(value, Snapshot)]


def added(shots, late_ms=lambda seq: 0):
    writer = SegmentWriter(int(FACTS["interval_cs"]))
    for shot in shots:
        time_ms = 1_700_000_000_000 + shot.uptime_ms + late_ms(shot.seq)
        writer.add(shot.first_seq, shot.seq, time_ms, shot.vector, shot.body)
    return writer.take()


@pytest.mark.parametrize("lost", [(), (5, 6, 40), (1, 33)])
def test_bodies_of_the_wire_are_kept_and_give_the_same_vectors(lost):
    made, shots = snapshots(80, lost)
    segments = added(shots, lambda seq: seq // 10)
    rows = [row for one in segments for row in decode("", one.body)]
    assert [row.seq for row in rows] == [shot.seq for shot in shots]
    assert [row.vector for row in rows] == [made.truth[row.seq][3] for row in rows]
    assert [row.time_ms - 10 * row.vector[0] for row in rows] == [1_700_000_000_000 + row.seq // 10 for row in rows]
    wholes = sum(b"\n  " in line for one in segments for line in [b"\n" + part for part in one.body.split(b"\n")])
    assert wholes <= len(segments) + 80 // wire.KEY_EVERY + 1
    assert len(b"".join(one.body for one in segments)) < sum(len(line) for _, line in made.ring) + 100 * wholes


def test_frames_that_come_late_make_segments_of_their_own():
    _, shots = snapshots(20)
    order = [*shots[:5], *shots[10:], *shots[5:10]]
    segments = added(order)
    assert [(one.first_seq, one.seq, one.samples) for one in segments] == [(1, 5, 5), (11, 20, 10), (6, 10, 5)]
    by_seq = {row.seq: row.vector for one in segments for row in decode("", one.body)}
    assert by_seq == {shot.seq: shot.vector for shot in shots}


def test_a_long_run_is_several_segments():
    _, shots = snapshots(segment.ROWS_MAX + 3)
    assert [one.samples for one in added(shots)] == [segment.ROWS_MAX, 3]


def test_a_writer_goes_on_after_its_segments_were_taken():
    _, shots = snapshots(4)
    writer = SegmentWriter(500)
    for shot in shots[:2]:
        writer.add(shot.first_seq, shot.seq, 0, shot.vector, shot.body)
    assert (len(writer), [one.samples for one in writer.take()], len(writer), writer.take()) == (2, [2], 0, [])
    for shot in shots[2:]:
        writer.add(shot.first_seq, shot.seq, 0, shot.vector, shot.body)
    (later,) = writer.take()
    assert [row.vector for row in decode("", later.body)] == [shot.vector for shot in shots[2:]]


def test_every_damaged_byte_is_noticed():
    _, shots = snapshots(5)
    (one,) = added(shots)
    rng = random.Random(1)
    for at in range(len(one.body)):
        changed = bytearray(one.body)
        changed[at] ^= 1 << rng.randrange(8)
        if bytes(changed).lower() != one.body:  # a capital in the check is the same digit
            with pytest.raises(ValueError, match="check is wrong"):
                decode("", bytes(changed))
        with pytest.raises(ValueError, match="check is wrong"):
            decode("", one.body[:at])


@pytest.mark.parametrize("line", [b"!" * 30, b" ", b" x !", b"  0", b"  0 1 x", b"\xff"])
def test_a_line_that_is_none_is_refused(line):
    text = b"\n".join([b" 500 1", b"  0 0 1 2 3", line])
    with pytest.raises(ValueError, match="snapshot that cannot be read"):
        decode("", b"%08x%b" % (zlib.crc32(text), text))


def test_the_last_row_alone_is_that_of_all():
    _, shots = snapshots(60)
    for late_ms in (lambda seq: 0, lambda seq: 7 * (seq % 3)):
        for one in added(shots, late_ms) + added(shots[:1], late_ms):
            assert decode_last(one) == decode("", one.body)[-1]
            assert decode_last(one._replace(seq=one.seq + 1)) is None
            with pytest.raises(ValueError, match="check"):
                decode_last(one._replace(body=one.body[:-1]))
