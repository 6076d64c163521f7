"""Writes snapshots as frames that have the numbers which they had before. No I/O.

An agent numbers its frames as it makes them; here the numbers are given, and with them how many frames a snapshot has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from buddyd import wire

_CHANGE_MAX = 14  # digits of a change, as in wire.Encoder


class FrameWriter:
    """One per boot."""

    BODY_MAX: ClassVar[int] = wire.LINE_MAX - 4 - wire.CHECK_DIGITS - 1

    def __init__(self, wire_id: str, width: int, interval_cs: int) -> None:
        self._wire_id = wire_id
        self._width = width
        self._interval_cs = interval_cs
        self._before: list[int] | None = None
        self._since_key = 0

    def snapshot(self, vector: Sequence[int], first_seq: int, seq: int) -> Iterator[bytes]:
        """ValueError: it takes more frames than there were."""
        count = seq - first_seq + 1
        key = _bodies(vector, [0] * self._width)
        bodies, is_key = key, True
        if self._before is not None and (self._since_key < wire.KEY_EVERY - 1 or len(key) > count):
            expected = [self._before[0] + self._interval_cs, *self._before[1:]]
            bodies, is_key = _bodies(vector, expected), False
            if len(bodies) > count:
                bodies, is_key = key, True
        if len(bodies) > count:
            raise ValueError(f"snapshot {seq} takes {len(bodies)} frames, and it had {count}")
        self._since_key = 0 if is_key else self._since_key + 1
        self._before = list(vector)
        bodies += [b""] * (count - len(bodies))
        for number, body in enumerate(bodies):
            kind = _kind(is_key, number == 0, number == count - 1)
            yield _sealed(self._wire_id, first_seq + number, kind, body)

    @classmethod
    def event(cls, wire_id: str, seq: int, body: bytes) -> bytes:
        return _sealed(wire_id, seq, wire.EVENT, body)


def _bodies(vector: Sequence[int], expected: Sequence[int]) -> list[bytes]:
    """The changes against what is expected, in as few bodies as an agent would take."""
    bodies, body, skip = [], bytearray(), 0
    for value, before in zip(vector, expected, strict=True):
        if value == before:
            skip += 1
            continue
        if len(body) + skip // wire.BASE > FrameWriter.BODY_MAX - _CHANGE_MAX:
            bodies.append(bytes(body))
            body = bytearray()
        wire.put_change(body, skip, value - before)
        skip = 0
    return [*bodies, bytes(body)]


def _kind(is_key: bool, is_first: bool, is_last: bool) -> bytes:
    kinds = (
        (wire.KEY, wire.KEY_PART) if is_key and is_first
        else (wire.DELTA, wire.DELTA_PART) if is_first
        else (wire.CONTINUED, wire.CONTINUED_PART)
    )  # fmt: skip
    kind: bytes = kinds[0] if is_last else kinds[1]
    return kind


def _sealed(wire_id: str, seq: int, kind: bytes, body: bytes) -> bytes:
    content = wire.MARK + kind + wire.short_sequence(seq) + body
    return bytes(wire.seal(content, wire.context(wire_id, seq)))
