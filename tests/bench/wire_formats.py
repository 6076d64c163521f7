"""Bytes per snapshot in other formats, for the traces in tests/fixtures/traces: python tests/bench/wire_formats.py

Every format carries the same numbers, a sequence number, the uptime, and a CRC-32, and ends so that a reader finds the
next one. Those that send changes send all numbers every 32 snapshots. Events and hellos are left out.
"""

from __future__ import annotations

import base64
import json
import lzma
import math
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host", "tests")]

from bench import wire_sizes  # noqa: E402
from buddyd import wire  # noqa: E402

Vectors = list[list[int]]
COLUMNS = ("up", "proc", "free", "recl", "slab", "min", "low", "high", "reserve")
COUNTS_AT = len(COLUMNS)


def raw_text(vectors: Vectors) -> Iterable[bytes]:
    """What the files under /proc say, the lines that are needed."""
    for seq, v in enumerate(vectors, 1):
        counts = "".join(f"{count:6d} " for count in v[COUNTS_AT:])
        pages = sum(count << order for order, count in enumerate(v[COUNTS_AT:]))
        kb = wire_sizes.PAGE_KB
        text = f"{seq} {v[0] / 100:.2f}\nNode 0, zone      DMA {counts}\nprocesses {v[1]}\n"
        text += f"MemFree: {(v[2] + pages) * kb} kB\nCached: {v[3] * kb} kB\nSlab: {v[4] * kb} kB\n"
        text += f"min {v[5]}\nlow {v[6]}\nhigh {v[7]}\n"
        yield _text_checked(text)


def json_object(vectors: Vectors) -> Iterable[bytes]:
    for seq, v in enumerate(vectors, 1):
        value = {"seq": seq, **dict(zip(COLUMNS, v, strict=False)), "nr_free": v[COUNTS_AT:]}
        yield _text_checked(json.dumps(value, separators=(",", ":")))


def json_array(vectors: Vectors) -> Iterable[bytes]:
    for seq, v in enumerate(vectors, 1):
        yield _text_checked(json.dumps([seq, *v], separators=(",", ":")))


def decimal_text(vectors: Vectors) -> Iterable[bytes]:
    for seq, v in enumerate(vectors, 1):
        yield _text_checked(" ".join(map(str, [seq, *v])))


def cbor(vectors: Vectors) -> Iterable[bytes]:
    """RFC 8949: an array of integers."""
    for seq, v in enumerate(vectors, 1):
        yield _cobs(_checked(_cbor_head(4, len(v) + 1) + b"".join(map(_cbor_int, [seq, *v]))))


def fixed_struct(vectors: Vectors) -> Iterable[bytes]:
    """32 bits for sequence and uptime, 16 for all else: too narrow for a PC, enough for 8 MB."""
    for seq, v in enumerate(vectors, 1):
        yield _cobs(_checked(struct.pack(f"<IIHh{len(v) - 3}H", seq, v[0], v[1] & 0xFFFF, *v[2:])))


def text_deltas(vectors: Vectors) -> Iterable[bytes]:
    """`column:change` in decimal."""
    for seq, changes in enumerate(_changes(vectors), 1):
        yield _text_checked(" ".join([str(seq), *(f"{at}{change:+}" for at, change in changes)]))


def binary_deltas(vectors: Vectors) -> Iterable[bytes]:
    """The changes as in this protocol, in bytes: small and near ones in one byte, others as a varint."""
    for seq, changes in enumerate(_changes(vectors), 1):
        yield _cobs(_checked(struct.pack("<H", seq & 0xFFFF) + _binary(changes)))


def base64_deltas(vectors: Vectors) -> Iterable[bytes]:
    for seq, changes in enumerate(_changes(vectors), 1):
        content = _checked(struct.pack("<H", seq & 0xFFFF) + _binary(changes))
        yield b"~" + base64.b64encode(content).rstrip(b"=") + b"\n"


def this_protocol(vectors: Vectors) -> Iterable[bytes]:
    encoder = wire.Encoder("3f9a0c52", len(vectors[0]), wire_sizes.PERIOD_CS, wire_sizes.RING_BYTES // 4)
    for v in vectors:
        frames: list[bytes] = []
        encoder.snapshot(v, frames.append)
        yield b"".join(frame + b"\n" for frame in frames)


FORMATS: dict[str, Callable[[Vectors], Iterable[bytes]]] = {
    "text of /proc": raw_text,
    "JSON, object": json_object,
    "JSON, array": json_array,
    "decimal text": decimal_text,
    "CBOR, COBS": cbor,
    "fixed struct, COBS": fixed_struct,
    "changes in decimal text": text_deltas,
    "changes in base64": base64_deltas,
    "**this protocol**": this_protocol,
    "changes in binary, COBS": binary_deltas,
}
PRINTABLE = {"text of /proc", "JSON, object", "JSON, array", "decimal text", "changes in decimal text"}
PRINTABLE |= {"changes in base64", "**this protocol**"}


def entropy(vectors: Vectors) -> float:
    """Bytes that no code which takes each column's change for itself can go below: their order-0 entropy."""
    bits = 0.0
    for column in range(len(vectors[0])):
        expected = wire_sizes.PERIOD_CS if column == 0 else 0
        seen = Counter(b[column] - a[column] - expected for a, b in pairwise(vectors))
        total = seen.total()
        bits -= sum(count * math.log2(count / total) for count in seen.values()) / total
    return bits / 8


def xz(vectors: Vectors) -> float:
    """The changes of the whole trace in one xz stream, which no live line could send."""
    data = b"".join(_binary(changes) + b"\0" for changes in _changes(vectors))
    return len(lzma.compress(data, preset=9)) / len(vectors)


def _changes(vectors: Vectors) -> Iterable[list[tuple[int, int]]]:
    before: list[int] = []
    for number, v in enumerate(vectors):
        if number % wire.KEY_EVERY == 0:
            before = [0] * len(v)
        else:
            before[0] += wire_sizes.PERIOD_CS
        yield [(at, new - old) for at, (old, new) in enumerate(zip(before, v, strict=True)) if new != old]
        before = list(v)


def _binary(changes: list[tuple[int, int]]) -> bytes:
    out, at = bytearray(), 0
    for column, change in changes:
        skip, at = column - at, column + 1
        if abs(change) <= 3 and skip < 36:
            out.append(1 + skip * 6 + change + (3 if change < 0 else 2))
            continue
        out += bytes([220 + min(skip, 30)])
        number = 2 * abs(change) + (change < 0)
        while number >= 128:
            out.append(128 | number & 127)
            number >>= 7
        out.append(number)
    return bytes(out)


def _text_checked(text: str) -> bytes:
    return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()


def _checked(content: bytes) -> bytes:
    return content + struct.pack("<I", zlib.crc32(content))


def _cobs(data: bytes) -> bytes:
    """Without zeros, and a zero at the end (Cheshire and Baker, 1999)."""
    return b"".join(bytes([len(part) + 1]) + part for part in data.split(b"\0")) + b"\0"


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size, limit in enumerate((256, 65536, 2**32)) if number < limit)
    return bytes([major << 5 | 24 + size]) + struct.pack(f">{'BHI'[size]}", number)


def _cbor_int(number: int) -> bytes:
    return _cbor_head(0, number) if number >= 0 else _cbor_head(1, -1 - number)


def table() -> list[str]:
    """The rows of the table in agent/PROTOCOL.md: median and mean for each trace."""
    traces = [path.stem for path in sorted(wire_sizes.TRACES.glob("*.tsv"))]
    vectors = {name: [v for v, _ in wire_sizes.rows(wire_sizes.TRACES / f"{name}.tsv")] for name in traces}
    lines = [f"| format | printable | {' | '.join(traces)} |", "|---" * (len(traces) + 2) + "|"]
    for name, make in FORMATS.items():
        cells = []
        for trace in traces:
            sizes = [len(data) for data in make(vectors[trace])]
            cells.append(f"{median(sizes):g}, {mean(sizes):.1f}")
        lines.append(f"| {name} | {'yes' if name in PRINTABLE else 'no'} | {' | '.join(cells)} |")
    for name, bound in (("entropy of the changes", entropy), ("changes in xz", xz)):
        lines.append(f"| {name} | | {' | '.join(f'{bound(vectors[trace]):.1f}' for trace in traces)} |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
