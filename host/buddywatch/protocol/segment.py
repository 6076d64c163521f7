"""Snapshots of one boot in a row, as the bodies of the wire: the form of the store's journal. Pure, no I/O.

A body on the wire holds what a snapshot differs in from the one before, so it is kept as it came, and nothing is
encoded. A segment holds snapshots without a missing frame between them, as lines:

    CRC-32 INTERVAL_CS FIRST_SEQ
    "  EXTRA OFFSET NUMBER NUMBER ..."   a whole vector: each segment begins with one
    body                                 the next frame; its time less its uptime is as before
    " CHANGE body"                       the same, but that offset has changed by so many ms

EXTRA: frames of the snapshot beyond one. OFFSET: time less uptime, in ms. No digit of a body is a space or a newline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zlib import crc32

from buddywatch.model.batch import Segment, VectorRow
from buddywatch.protocol.bounds import WHOLE_MAX
from buddywatch.protocol.changes import apply_whole

ROWS_MAX = 256  # of a segment
_CRC_DIGITS = 8
_OFFSET_MAX_MS = 2**62  # so that a time fits an SQLite integer
_WHOLE, _MOVED = b"  ", b" "


class SegmentWriter:
    """Makes segments of one boot's snapshots, in the order in which they come."""

    def __init__(self, interval_cs: int) -> None:
        """interval_cs: of the boot, by which the uptime of a body advances."""
        self._interval_cs = interval_cs
        self._whole: list[Segment] = []
        self._lines: list[bytes] = []
        self._first_seq = self._seq = self._time_ms = self._offset_ms = 0

    def __len__(self) -> int:
        """Snapshots added since take()."""
        return len(self._lines) + sum(segment.samples for segment in self._whole)

    def add(self, first_seq: int, seq: int, time_ms: int, vector: Sequence[int], body: bytes | None = None) -> None:
        """Add a snapshot. body: that of its only frame, if it is a delta of the snapshot that ends one frame before."""
        offset_ms = time_ms - 10 * vector[0]
        if first_seq != self._seq + 1 or not 0 < len(self._lines) < ROWS_MAX:
            self._close()
            self._first_seq = first_seq
        elif body is not None:
            change = offset_ms - self._offset_ms
            self._lines.append(b" %d %b" % (change, body) if change else body)
            self._seq, self._time_ms, self._offset_ms = seq, time_ms, offset_ms
            return
        numbers = " ".join(map(str, (seq - first_seq, offset_ms, *vector)))
        self._lines.append(_WHOLE + numbers.encode())
        self._seq, self._time_ms, self._offset_ms = seq, time_ms, offset_ms

    def take(self) -> list[Segment]:
        """The segments of what was added since the last call."""
        self._close()
        segments, self._whole = self._whole, []
        return segments

    def _close(self) -> None:
        if self._lines:
            header = b" %d %d" % (self._interval_cs, self._first_seq)
            text = b"\n".join([header, *self._lines])
            body = b"%08x%b" % (crc32(text), text)
            self._whole.append(Segment(self._first_seq, self._seq, self._time_ms, len(self._lines), body))
            self._lines = []


def segments_of(rows: Iterable[VectorRow], interval_cs: int) -> list[Segment]:
    """Rows of one boot as segments."""
    writer = SegmentWriter(interval_cs)
    for _, first_seq, seq, time_ms, vector in rows:
        writer.add(first_seq, seq, time_ms, vector)
    return writer.take()


def interval_of(body: bytes) -> int:
    """The interval_cs that a segment was made with. ValueError if it is damaged."""
    return _header(body)[0]


def decode(boot_id: str, body: bytes) -> list[VectorRow]:
    """The rows of a segment; ValueError (one line) if it is damaged."""
    interval_cs, first_seq, lines = _header(body)
    rows = []
    vector: list[int] = []
    offset_ms = 0
    try:
        for line in lines:
            last_seq = first_seq
            if line.startswith(_WHOLE):
                extra, offset_ms, *vector = map(int, line.split())
                if max(vector) >= WHOLE_MAX or min(vector) <= -WHOLE_MAX or abs(offset_ms) > _OFFSET_MAX_MS:
                    raise ValueError
                last_seq += extra
            else:
                if line.startswith(_MOVED):
                    change, line = line[1:].split(_MOVED, 1)
                    offset_ms += int(change)
                vector = vector.copy()
                vector[0] += interval_cs
                apply_whole(line, vector)
            rows.append(VectorRow(boot_id, first_seq, last_seq, offset_ms + 10 * vector[0], vector))
            first_seq = last_seq + 1
    except (ValueError, IndexError):
        raise ValueError(f"a row with a snapshot that cannot be read: {line[:40]!r}") from None
    return rows


def decode_last(found: Segment) -> VectorRow | None:
    """The last row, without the ones before it; ValueError (one line) if it is damaged.

    None: what is before must be read, as there are snapshots of several frames, or the frames are not those that the
    segment says.
    """
    interval_cs, first_seq, lines = _header(found.body)
    if (first_seq, len(lines)) != (found.first_seq, found.samples) or found.seq - found.first_seq + 1 != found.samples:
        return None
    last_whole = next((at for at in reversed(range(len(lines))) if lines[at].startswith(_WHOLE)), 0)
    try:
        extra, offset_ms, *vector = map(int, lines[last_whole].split())
        for line in lines[last_whole + 1 :]:
            if line.startswith(_MOVED):
                change, line = line[1:].split(_MOVED, 1)
                offset_ms += int(change)
            vector[0] += interval_cs
            apply_whole(line, vector)
    except (ValueError, IndexError):
        raise ValueError("a row with a snapshot that cannot be read") from None
    return VectorRow("", found.seq, found.seq, offset_ms + 10 * vector[0], vector) if not extra and vector else None


def _header(body: bytes) -> tuple[int, int, list[bytes]]:
    try:
        if int(body[:_CRC_DIGITS], 16) != crc32(body[_CRC_DIGITS:]):
            raise ValueError
        header, *lines = body[_CRC_DIGITS:].split(b"\n")
        interval_cs, first_seq = map(int, header.split())
    except ValueError:
        raise ValueError("a row whose check is wrong") from None
    return interval_cs, first_seq, lines
