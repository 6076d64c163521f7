"""A plot of the margin as a PNG (RFC 2083), for the HTML part of a mail: no library, a few hundred bytes. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

WIDTH, HEIGHT = 480, 120
_NOTHING, _GREY, _BLUE, _RED = 0, 1, 2, 3
_PALETTE = bytes((255, 255, 255, 150, 150, 150, 33, 102, 172, 203, 24, 29))
_ALPHA = bytes([0])  # of the first colour: what is behind the picture shows, which is dark by night


def margin_png(points: Sequence[tuple[float, int]]) -> bytes:
    """points: (seconds ago, pages), oldest first. The line at 0 is grey; what is refused is red."""
    low, high = min(0, *(pages for _, pages in points)), max(1, *(pages for _, pages in points))
    rows = [bytearray([_NOTHING]) * WIDTH for _ in range(HEIGHT)]

    def y_of(pages: float) -> int:
        return round((HEIGHT - 1) * (high - pages) / (high - low))

    rows[y_of(0)][:] = bytes([_GREY]) * WIDTH
    longest = max(points[0][0], 1.0)
    columns = [round((WIDTH - 1) * (1 - ago_s / longest)) for ago_s, _ in points]
    for number, (_, pages) in enumerate(points):
        end = columns[number + 1] if number + 1 < len(points) else WIDTH
        colour, zero, top = (_RED if pages < 0 else _BLUE), y_of(0), y_of(pages)
        for y in range(min(zero, top), max(zero, top) + 1):
            for x in range(columns[number], max(end, columns[number] + 1)):
                rows[y][min(x, WIDTH - 1)] = colour
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)  # 8 bits, colours from a palette
    image = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    chunks = ((b"IHDR", head), (b"PLTE", _PALETTE), (b"tRNS", _ALPHA), (b"IDAT", image), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
