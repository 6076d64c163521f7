"""A chunk gives back the rows that were put into it, and says so if it is damaged."""

import bz2

import pytest
from buddywatch.model.batch import VectorRow
from buddywatch.store import chunk_format
from hypothesis import example, given
from hypothesis import strategies as st

BIG = st.integers(-(2**53), 2**53)
NUMBERS = st.one_of(st.integers(-4, 4), st.integers(-300, 300), BIG)


@st.composite
def chunks(draw, width=None):
    """Rows of one width, in ascending order."""
    width = draw(st.integers(1, 120)) if width is None else width
    seq, rows = 0, []
    for _ in range(draw(st.integers(1, 12))):
        frames = draw(st.integers(1, 3))
        first = seq + draw(st.integers(1, 40))
        seq = first + frames - 1
        sparse = draw(st.dictionaries(st.integers(0, width - 1), NUMBERS, max_size=5))
        before = list(rows[-1].vector) if rows else [0] * width
        vector = [sparse.get(column, number) for column, number in enumerate(before)]
        rows.append(VectorRow("", first, seq, draw(BIG), vector))
    return rows


@given(chunks())
def test_rows_come_back_as_they_were(rows):
    assert chunk_format.decode("", chunk_format.encode(rows)) == rows


@given(chunks(width=20), chunks(width=20), chunks(width=20))
def test_joined_chunks_have_the_rows_of_all(one, two, three):
    blobs = [chunk_format.encode(rows) for rows in (one, two, three)]
    joined = chunk_format.joined(blobs)
    if joined is not None:
        assert chunk_format.decode("", joined) == one + two + three


def regular(count, first=1, width=20):
    return [VectorRow("", seq, seq, 5000 * seq, [500 * seq, *[7] * (width - 1)]) for seq in range(first, first + count)]


def test_chunks_of_the_same_board_are_joined():
    blobs = [chunk_format.encode(regular(40, first)) for first in (1, 41, 81)]
    assert chunk_format.decode("", chunk_format.joined(blobs)) == regular(120)


def test_chunks_of_other_widths_are_not_joined():
    assert chunk_format.joined([chunk_format.encode(regular(9, 1, width)) for width in (20, 21)]) is None


@given(st.data())
def test_damage_is_noticed(data):
    rows = data.draw(chunks())
    blob = bytearray(chunk_format.encode(rows))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    try:
        assert chunk_format.decode("", bytes(blob)) == rows  # bytes behind the end of the stream mean nothing
    except ValueError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=60))
@example(b"")
@example(b"1")
@example(b"\x15")  # a row that adds up
def test_any_bytes_are_a_chunk_or_an_error_of_one_line(blob):
    for content in (blob, bz2.compress(blob), bz2.compress(b"1 5 1 1 1 0 0 0 0\0" + blob)):
        try:
            chunk_format.decode("", content)
        except ValueError as error:
            assert "chunk" in str(error)
            assert "\n" not in str(error)


def test_a_chunk_that_unpacks_without_end_takes_no_memory(monkeypatch):
    bomb = bz2.compress(b"1 5 1 1 1 0 0 0 0\0" + b"\x15" * 4_000_000)
    assert len(bomb) < 200
    monkeypatch.setattr(chunk_format, "_BYTES_MAX", 1_000_000)
    with pytest.raises(ValueError, match="no end"):
        chunk_format.decode("", bomb)


def test_chunks_that_together_could_not_be_unpacked_are_not_joined(monkeypatch):
    rows = [row._replace(vector=[row.vector[0], *[7919 * row.seq % 1000] * 19]) for row in regular(120)]
    blobs = [chunk_format.encode(part) for part in (rows[:60], rows[60:])]
    assert chunk_format.decode("", chunk_format.joined(blobs)) == rows
    of_one = sum(map(len, chunk_format._unpacked(blobs[1])[1]))
    monkeypatch.setattr(chunk_format, "_BYTES_MAX", 3 * of_one)
    assert chunk_format.joined(blobs) is None
    assert chunk_format.decode("", blobs[1]) == rows[60:]
