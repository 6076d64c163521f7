"""Bodies of Prometheus remote write, read back as the formats of snappy and of protocol buffers say."""

import struct

import pytest
from buddywatch.bridge.formats import FORMATS
from buddywatch.bridge.remote_write import packed
from buddywatch.bridge.samples import Sample, Series
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
VALUES = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False)


def varint(data, at):
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return number, at


def unpacked(block):
    """The content of a snappy block of literals, whose lengths are in the tag or in the 1 to 4 bytes behind it."""
    length, at = varint(block, 0)
    content = b""
    while at < len(block):
        tag = block[at]
        assert tag & 3 == 0
        behind = max(0, (tag >> 2) - 59)
        size = (int.from_bytes(block[at + 1 : at + 1 + behind], "little") if behind else tag >> 2) + 1
        at += 1 + behind
        assert at + size <= len(block)
        content += block[at : at + size]
        at += size
    assert len(content) == length
    return content


def fields(data):
    """(field number, content) of a message, in their order."""
    at, found = 0, []
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 2:
            size, at = varint(data, at)
            content, at = data[at : at + size], at + size
        elif key & 7 == 1:
            content, at = struct.unpack("<d", data[at : at + 8])[0], at + 8
        else:
            assert key & 7 == 0
            content, at = varint(data, at)
        found.append((key >> 3, content))
    return found


def series_of(body):
    """[([(label, value)], [(ms, value)])] of a request."""
    found = []
    for number, series in fields(unpacked(body)):
        assert number == 1
        content = fields(series)
        labels = [tuple(text.decode() for _, text in fields(label)) for number, label in content if number == 1]
        points = [dict(fields(sample)) for number, sample in content if number == 2]
        found.append((labels, [(point[2], point[1]) for point in points]))
    return found


def test_a_series_has_its_labels_once_and_its_samples_in_the_order_of_their_times():
    free = Series("buddywatch_board_free_bytes", (("site", ""), ("need", "rm"), ("board", "xp")))
    other = Series("buddywatch_board_uptime_seconds", (("board", "xp"),))
    samples = [Sample(free, 7, 1_700_000_000_500), Sample(other, 1.5, 3), Sample(free, -5, 1_700_000_000_123)]
    samples.append(Sample(free, 8, 1_700_000_000_500))
    assert series_of(packed(samples)) == [
        (
            [("__name__", "buddywatch_board_free_bytes"), ("board", "xp"), ("need", "rm")],
            [(1_700_000_000_123, -5.0), (1_700_000_000_500, 8.0)],
        ),
        ([("__name__", "buddywatch_board_uptime_seconds"), ("board", "xp")], [(3, 1.5)]),
    ]


@given(st.lists(st.tuples(TEXT, VALUES, st.integers(0, 2**42)), min_size=1, max_size=20))
def test_what_is_packed_can_be_read(points):
    wanted = {}
    for board, value, time_ms in points:
        wanted.setdefault(board, {})[time_ms] = float(value)
    samples = [Sample(Series("x", (("board", board),)), value, time_ms) for board, value, time_ms in points]
    assert {dict(labels)["board"]: dict(found) for labels, found in series_of(packed(samples))} == wanted


@pytest.mark.parametrize("count", [1, 3000, 9000])
def test_a_long_body_is_several_literals(count):
    series = Series("x", ())
    ((_, found),) = series_of(packed(Sample(series, ms, ms) for ms in range(count)))
    assert found == [(ms, float(ms)) for ms in range(count)]


@pytest.mark.parametrize(
    ("form", "path", "query", "target"),
    [
        ("influx", "", "", "/write?precision=ms"),
        ("influx", "/api/v2/write", "org=a", "/api/v2/write?org=a&precision=ms"),
        ("influx", "/write", "precision=ms&db=x", "/write?precision=ms&db=x"),
        ("remote-write", "", "", "/api/v1/write"),
        ("remote-write", "/insert/0/prometheus/api/v1/write", "x=1", "/insert/0/prometheus/api/v1/write?x=1"),
    ],
)
def test_a_url_gets_what_its_format_needs(form, path, query, target):
    assert FORMATS[form].target(path, query) == target
