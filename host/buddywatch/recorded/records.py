"""What is stored of a board as plain records and back, for an export that loses nothing. No I/O.

A record is a dict that fits JSON. Its `kind` says what it is; `values` of a snapshot are the numbers of the wire, whose
meaning is in the facts of its boot (`cols`, `zones`, `z0`, ...: PROTOCOL.md). Times are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buddywatch.model.batch import StoredEvent
from buddywatch.model.samples import Boot, ConsoleLine, Event, Gap, Snapshot
from buddywatch.protocol.bounds import FRAMES_MAX, WHOLE_MAX
from buddywatch.protocol.layout import Layout

Record = dict[str, Any]
Kept = Boot | Snapshot | StoredEvent | Gap | ConsoleLine

BOOT, SNAPSHOT, EVENT, GAP, CONSOLE = KINDS = "boot", "snapshot", "event", "gap", "console"


class Layouts:
    """The layouts of the boots seen so far, by board and boot id."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Layout | None] = {}

    def learn(self, board: str, boot: Boot) -> None:
        try:
            self._known[board, boot.boot_id] = Layout(boot.facts)
        except ValueError:
            self._known[board, boot.boot_id] = None  # a hello that could not be used: no snapshot of it is stored

    def of(self, board: str, boot_id: str) -> Layout:
        """ValueError: the boot was not seen, or its facts cannot be used."""
        layout = self._known.get((board, boot_id))
        if layout is None:
            raise ValueError(f"boot {boot_id[:40]!r} of {board[:64]!r} has no record of its own before this")
        return layout


def to_record(board: str, item: Kept, layouts: Layouts) -> Record:
    """ValueError: a snapshot that does not fit its boot."""
    if isinstance(item, ConsoleLine):
        return {"kind": CONSOLE, "board": board, "time_ms": _ms(item.time), "text": item.text}
    if isinstance(item, Boot):
        layouts.learn(board, item)
        started = {"started_ms": _ms(item.started), "cause": item.cause, "facts": dict(item.facts)}
        return {"kind": BOOT, "board": board, "boot_id": item.boot_id, **started}
    if isinstance(item, Gap):
        lost = {"first_seq": item.first, "seq": item.last, "reason": item.reason, "time_ms": _ms(item.time)}
        return {"kind": GAP, "board": board, "boot_id": item.boot_id, **lost}
    if isinstance(item, Snapshot):
        values = layouts.of(board, item.boot_id).vector(item)
        numbers = {"first_seq": item.first_seq, "seq": item.seq, "time_ms": _ms(item.time), "values": values}
        return {"kind": SNAPSHOT, "board": board, "boot_id": item.boot_id, **numbers}
    event = item.event
    said = {"event": event.kind, "number": event.number, "pid": event.pid, "comm": event.comm, "text": event.text}
    when = {"seq": event.seq, "time_ms": _ms(event.time), "uptime_ms": event.uptime_ms}
    return {"kind": EVENT, "board": board, "boot_id": event.boot_id, **when, **said, "copy": item.copy}


def from_record(record: Record, layouts: Layouts) -> tuple[str, Kept]:
    """The board and the item of a record. ValueError (one line): it is none."""
    board = _text(record, "board")
    kind = record.get("kind")
    if kind == CONSOLE:
        return board, ConsoleLine(_time(record), _text(record, "text"))
    boot_id = _text(record, "boot_id")
    if kind == BOOT:
        started = _whole(record, "started_ms", least=-WHOLE_MAX) / 1000
        boot = Boot(boot_id, _facts(record), started, _text(record, "cause"))
        layouts.learn(board, boot)
        return board, boot
    if kind == SNAPSHOT:
        return board, _snapshot(record, layouts.of(board, boot_id), boot_id)
    if kind == GAP:
        first, last = _frame(record, "first_seq"), _frame(record, "seq")
        return board, Gap(boot_id, first, last, _text(record, "reason"), _time(record))
    if kind != EVENT:
        raise ValueError(f"a record of kind {str(kind)[:40]!r}, expected {', '.join(KINDS)}")
    seq = None if record.get("seq") is None else _frame(record, "seq")
    uptime_ms, number, pid = (_whole_or_none(record, name) for name in ("uptime_ms", "number", "pid"))
    comm = None if record.get("comm") is None else _text(record, "comm")
    said = (_text(record, "event"), number, pid, comm, _text(record, "text"))
    return board, StoredEvent(Event(boot_id, seq, _time(record), uptime_ms, *said), record.get("copy") is True)


def _snapshot(record: Record, layout: Layout, boot_id: str) -> Snapshot:
    values = record.get("values")
    if not isinstance(values, list) or not all(type(value) is int and abs(value) <= WHOLE_MAX for value in values):
        raise ValueError("a snapshot whose values are no list of whole numbers")
    return layout.snapshot(boot_id, _frame(record, "first_seq"), _frame(record, "seq"), values, _time(record))


def _ms(time: float) -> int:
    return round(time * 1000)


def _time(record: Record) -> float:
    return _whole(record, "time_ms") / 1000


def _text(record: Record, key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        raise ValueError(f"a record without {key}, which is a text")
    return value


def _frame(record: Record, key: str) -> int:
    return _whole(record, key, most=FRAMES_MAX)


def _whole(record: Record, key: str, most: int = WHOLE_MAX, least: int = 0) -> int:
    value = record.get(key)
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"a record whose {key} is no whole number from {least} to {most}")
    return value


def _whole_or_none(record: Record, key: str) -> int | None:
    return None if record.get(key) is None else _whole(record, key, least=-WHOLE_MAX)


def _facts(record: Record) -> dict[str, str]:
    facts = record.get("facts")
    if not isinstance(facts, Mapping) or not all(isinstance(value, str) for value in facts.values()):
        raise ValueError("a boot whose facts are no object of texts")
    return dict(facts)
