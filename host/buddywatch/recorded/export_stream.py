"""An export as a stream of frames: what an agent would send, with the times in facts of their own. No I/O.

Any reader of the wire can read it, for it ignores facts that it does not know. Those of an export are:

x_board, x_boot, x_started_ms, x_cause   of the boot whose hello it is, which ends with x_end
x_offset_ms                              from here on, the time of a snapshot is its uptime and this, in milliseconds
x_record                                 a piece of a record (records.py) in base64, as the last line of it says with
                                         x_record_end: a gap, or an event that its frame cannot hold
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Iterator, Sequence

from buddyd import wire, wire_host, wire_read

from buddywatch.model.batch import StoredEvent
from buddywatch.model.samples import Boot, Event, Gap, Snapshot
from buddywatch.protocol.boots import wire_id
from buddywatch.protocol.bounds import WHOLE_MAX, whole_number
from buddywatch.protocol.frame import Frame, Hello, Opener
from buddywatch.recorded.frame_writer import FrameWriter
from buddywatch.recorded.pieces import Line, Unreadable
from buddywatch.recorded.records import Kept, Layouts, Record, from_record, to_record

NAME = "export as a stream"
_HEAD = b" x_board="
_PIECE = 180  # characters of a record in one line


def recognises(head: Sequence[str]) -> bool:
    return any(line.startswith("~H boot=") and _HEAD.decode() in line for line in head[:1])


def write(items: Iterable[tuple[str, Kept]]) -> Iterator[str]:
    """The lines of an export; lines of a console are left out."""
    writer: _BootWriter | None = None
    for board, item in items:
        if isinstance(item, Boot):
            writer = _BootWriter(board, item)
            yield from _text(writer.head())
        elif writer is not None and isinstance(item, Snapshot | StoredEvent | Gap):
            yield from _text(writer.take(item))


def read(lines: Iterable[Line]) -> Iterator[tuple[str, Kept | Unreadable]]:
    reader = _Reader()
    for line in lines:
        try:
            yield from reader.take(line.text.encode("ascii", "replace").rstrip(b"\r"))
        except (ValueError, Error) as error:
            yield "", Unreadable(line.number, str(error))


class _BootWriter:
    def __init__(self, board: str, boot: Boot) -> None:
        self._board = board
        self._boot = boot
        self._layouts = Layouts()
        self._layouts.learn(board, boot)
        self._wire_id = wire_id(boot.boot_id)
        self._offset_ms: int | None = None
        self._frames: FrameWriter | None = None
        self._last = 0  # the number of the last frame

    def head(self) -> Iterator[bytes]:
        boot = self._boot
        own = {"x_board": self._board, "x_boot": boot.boot_id, "x_started_ms": str(round(boot.started * 1000))}
        facts = {**own, "x_cause": boot.cause, **boot.facts, "x_end": "1"}
        yield from wire.hello_lines(self._wire_id, facts.items())

    def take(self, item: Snapshot | StoredEvent | Gap) -> Iterator[bytes]:
        if isinstance(item, Snapshot):
            yield from self._snapshot(item)
        elif isinstance(item, Gap):
            yield from self._record(item)
            yield wire.gap_line(self._wire_id, item.first, item.last)
        else:
            yield from self._event(item)

    def _snapshot(self, snapshot: Snapshot) -> Iterator[bytes]:
        layout = self._layouts.of(self._board, self._boot.boot_id)
        if self._frames is None:
            self._frames = FrameWriter(self._wire_id, layout.width, layout.interval_cs)
        yield from self._next(snapshot.first_seq)
        offset_ms = round(snapshot.time * 1000) - snapshot.uptime_ms
        if offset_ms != self._offset_ms:
            self._offset_ms = offset_ms
            yield from self._hello(x_offset_ms=str(offset_ms))
        self._last = snapshot.seq
        yield from self._frames.snapshot(layout.vector(snapshot), snapshot.first_seq, snapshot.seq)

    def _event(self, stored: StoredEvent) -> Iterator[bytes]:
        event = stored.event
        body = wire.event_text(
            (event.uptime_ms or 0) // 10, event.kind, event.number, event.pid, event.comm, event.text
        )[: FrameWriter.BODY_MAX]
        is_framed = event.seq is not None and not stored.copy
        is_held = is_framed and _event_of(body, self._boot.boot_id, event.seq, self._offset_ms) == event
        if not is_held:
            yield from self._record(stored)
        if event.seq is not None:
            yield from self._next(event.seq)
            yield FrameWriter.event(self._wire_id, event.seq, body)

    def _next(self, seq: int) -> Iterator[bytes]:
        """Frames carry two digits of their number: after a hole a reader must be told where they go on."""
        if seq != self._last + 1:
            yield from self._hello(next=str(seq))
        self._last = seq

    def _hello(self, **facts: str) -> Iterator[bytes]:
        yield from wire.hello_lines(self._wire_id, facts.items())

    def _record(self, item: StoredEvent | Gap) -> Iterator[bytes]:
        record = to_record(self._board, item, self._layouts)
        text = urlsafe_b64encode(json.dumps(record, separators=(",", ":")).encode()).decode()
        for start in range(0, len(text), _PIECE):
            is_end = start + _PIECE >= len(text)
            yield from self._hello(**{"x_record_end" if is_end else "x_record": text[start : start + _PIECE]})


class _Reader:
    def __init__(self) -> None:
        self._opener = Opener()
        self._layouts = Layouts()
        self._facts: dict[str, str] = {}
        self._board = ""
        self._boot: Boot | None = None
        self._vector: list[int] = []
        self._column = self._first = 0
        self._offset_ms: int | None = None
        self._pieces = ""
        self._replaces: StoredEvent | None = None  # what the next event's frame cannot hold

    def take(self, line: bytes) -> Iterator[tuple[str, Kept]]:
        """ValueError (one line): it is damaged, or what it needs is missing."""
        if line.startswith(b"~H") and _HEAD in line:
            self._opener, self._facts, self._boot = Opener(), {}, None
        found = self._opener.last_frame(line)
        if found is None:
            raise ValueError("a damaged frame")
        item = found[1]
        if isinstance(item, Hello):
            yield from self._take_hello(item.facts)
        elif isinstance(item, Frame):
            if self._boot is None:
                raise ValueError("a frame before the end of its boot's hello")
            if item.kind == wire.EVENT:
                yield self._board, self._event(item, self._boot)
            else:
                yield from self._take_part(item, self._boot)

    def _take_hello(self, facts: dict[str, str]) -> Iterator[tuple[str, Kept]]:
        if self._boot is None:
            self._facts |= facts
            if "x_end" in facts:
                yield self._begin()
            return
        if "x_offset_ms" in facts:
            self._offset_ms = _signed(facts["x_offset_ms"])
        self._pieces += facts.get("x_record", "") + facts.get("x_record_end", "")
        if "x_record_end" in facts:
            yield from self._take_record()

    def _begin(self) -> tuple[str, Kept]:
        of_export = {key: self._facts.pop(key, "") for key in ("x_board", "x_boot", "x_started_ms", "x_cause", "x_end")}
        started = _signed(of_export["x_started_ms"]) / 1000
        boot = Boot(of_export["x_boot"], self._facts, started, of_export["x_cause"])
        self._board, self._boot, self._offset_ms = of_export["x_board"], boot, None
        self._layouts.learn(self._board, boot)
        self._column = 0
        self._vector = []
        return self._board, boot

    def _take_record(self) -> Iterator[tuple[str, Kept]]:
        text, self._pieces = self._pieces, ""
        record: Record = json.loads(urlsafe_b64decode(text))
        board, item = from_record(record, self._layouts)
        if isinstance(item, StoredEvent) and item.event.seq is not None:
            self._replaces = item
        else:
            yield board, item

    def _event(self, frame: Frame, boot: Boot) -> StoredEvent:
        replaces, self._replaces = self._replaces, None
        if replaces is not None and replaces.event.seq == frame.seq:
            return replaces
        event = _event_of(frame.body, boot.boot_id, frame.seq, self._offset_ms)
        if event is None:
            raise ValueError("an event that cannot be read")
        return StoredEvent(event, False)

    def _take_part(self, frame: Frame, boot: Boot) -> Iterator[tuple[str, Kept]]:
        layout = self._layouts.of(self._board, boot.boot_id)
        if frame.kind in wire.STARTS_SNAPSHOT:
            self._first = frame.seq
        if not self._vector:
            self._vector = [0] * layout.width
        content = wire.MARK + frame.kind + b"!!" + frame.body
        self._column = wire_read.apply_frame(content, self._vector, self._column, layout.interval_cs)
        if frame.kind in wire.ENDS_SNAPSHOT:
            time = ((self._offset_ms or 0) + self._vector[0] * 10) / 1000
            yield self._board, layout.snapshot(boot.boot_id, self._first, frame.seq, list(self._vector), time)


def _event_of(body: bytes, boot_id: str, seq: int | None, offset_ms: int | None) -> Event | None:
    """The event that a frame holds; None if it is none, or its time is not known."""
    try:
        uptime_cs, kind, number, pid, comm, text = wire_host.parse_event(body)
    except (ValueError, UnicodeDecodeError):
        return None
    if offset_ms is None:
        return None
    return Event(boot_id, seq, (uptime_cs * 10 + offset_ms) / 1000, uptime_cs * 10, kind, number, pid, comm, text)


def _signed(text: str) -> int:
    number = whole_number(text.removeprefix("-"), WHOLE_MAX)
    if number is None:
        raise ValueError(f"{text[:40]!r}: expected a whole number")
    return -number if text.startswith("-") else number


def _text(lines: Iterable[bytes]) -> Iterator[str]:
    return (bytes(line).decode("ascii") for line in lines)
