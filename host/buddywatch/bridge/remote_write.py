"""Samples as Prometheus remote write 1.0, which Prometheus, VictoriaMetrics, Mimir and Thanos take. Pure.

A protocol buffer in a snappy block (prometheus.io/docs/specs/prw/remote_write_spec). The block is made of literals
only, which its format allows (github.com/google/snappy, format_description.txt): nothing is compressed, and no library
is needed. Samples of a series share its labels, so that each takes 18 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache

from buddywatch.bridge.samples import Sample, Series

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_LITERAL = b"\xf4"  # a literal whose length, less one, is in the next two bytes
_LITERAL_MAX = 1 << 16
# Field numbers and wire types of WriteRequest, TimeSeries, Label and Sample: (number << 3) | type.
_SERIES, _LABEL, _SAMPLE, _NAME, _TEXT, _VALUE, _TIME = b"\x0a", b"\x0a", b"\x12", b"\x0a", b"\x12", b"\x09", b"\x10"
_SERIES_MAX = 1 << 17  # series whose labels are kept, 300 bytes each


def packed(samples: Iterable[Sample]) -> bytes:
    """The body of a request."""
    return _snappy(_write_request(samples))


def _write_request(samples: Iterable[Sample]) -> bytes:
    """The series in turn, each with its samples in the order of their times and one at each time, as they must be."""
    points: dict[Series, dict[int, int | float]] = {}
    for series, value, time_ms in samples:
        points.setdefault(series, {})[time_ms] = value
    found = []
    for series, values in points.items():
        parts = [_labels(series)]
        for time_ms in sorted(values):
            sample = b"".join((_VALUE, struct.pack("<d", values[time_ms]), _TIME, _varint(time_ms)))
            parts.append(_field(_SAMPLE, sample))
        found.append(_field(_SERIES, b"".join(parts)))
    return b"".join(found)


@lru_cache(_SERIES_MAX)
def _labels(series: Series) -> bytes:
    """Sorted by name; a label without a value is no label."""
    labels = sorted((("__name__", series.name), *((name, value) for name, value in series.labels if value)))
    return b"".join(_field(_LABEL, _text(_NAME, name) + _text(_TEXT, value)) for name, value in labels)


def _text(tag: bytes, text: str) -> bytes:
    return _field(tag, text.encode("utf-8", "replace"))


def _field(tag: bytes, content: bytes) -> bytes:
    return b"".join((tag, _varint(len(content)), content))


def _varint(number: int) -> bytes:
    """A whole number, seven bits a byte, the lowest first; a negative one as 64 bits in two's complement."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _snappy(data: bytes) -> bytes:
    parts = [_varint(len(data))]
    for at in range(0, len(data), _LITERAL_MAX):
        literal = data[at : at + _LITERAL_MAX]
        parts += [_LITERAL, struct.pack("<H", len(literal) - 1), literal]
    return b"".join(parts)
