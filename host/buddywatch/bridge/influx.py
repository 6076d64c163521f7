"""Samples as InfluxDB's line protocol, which VictoriaMetrics, InfluxDB 1 and 2 and Telegraf take. Pure.

docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol. VictoriaMetrics names a series MEASUREMENT_FIELD.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import lru_cache

from buddywatch.bridge.samples import Sample, Series

MEASUREMENT = "buddywatch"
HEADERS = {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"}
_LEVEL = 6  # of gzip
_ESCAPES = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ ", "\\": "_", "\n": "_", "\r": "_"})
_SERIES_MAX = 1 << 17  # prefixes that are kept, 200 bytes each; 1,000 boards have about 30,000 series


def packed(samples: Iterable[Sample]) -> bytes:
    """The body of a request."""
    return gzip.compress(encode(samples), _LEVEL, mtime=0)


def encode(samples: Iterable[Sample]) -> bytes:
    """A line for each sample, with its time in milliseconds (the request says precision=ms)."""
    lines = [f"{_head(series)}{_number(value)} {time_ms}\n" for series, value, time_ms in samples]
    return "".join(lines).encode()


@lru_cache(_SERIES_MAX)
def _head(series: Series) -> str:
    """The line up to the value. A name begins with the measurement. A tag without a value is not allowed."""
    tags = "".join(f",{name}={value.translate(_ESCAPES)}" for name, value in sorted(series.labels) if value)
    return f"{MEASUREMENT}{tags} {series.name.removeprefix(MEASUREMENT + '_')}="


def _number(value: int | float) -> str:
    return f"{value}i" if isinstance(value, int) else repr(value)
