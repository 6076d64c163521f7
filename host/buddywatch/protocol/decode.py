"""Lines of the wire as plain values, for a person who looks at a log or a recording. No I/O.

Unlike the collector it stores nothing and asks the board for nothing. It shows each line as it comes, damaged ones too.
"""

from __future__ import annotations

from typing import Any

from buddyd import wire, wire_host, wire_read
from buddyd.talk import secret

from buddywatch.protocol.frame import Frame, GapReport, Hello, Opened, Opener, Piece, looks_like_frame, request_start
from buddywatch.protocol.layout import MARKS, Layout

Record = dict[str, Any]  # of one line. "line": what it is; the other keys depend on that

_KINDS = {
    wire.KEY: "key", wire.KEY_PART: "key, goes on", wire.DELTA: "delta", wire.DELTA_PART: "delta, goes on",
    wire.CONTINUED_PART: "continued, goes on", wire.CONTINUED: "continued",
}  # fmt: skip
# The lines that prove a secret: how each begins, how many words follow, what it is called.
_PROOFS = (
    (secret.CHALLENGE, 2, "challenge"), (secret.ANSWER, 2, "answer"), (secret.PROOF, 1, "proof"),
)  # fmt: skip
_COMMANDS = {b"m": "map", b"X": "command", b"x": "output", b"q": "end of a command"}
_COLUMNS_MAX = 70_000  # of a snapshot whose layout is not known
_OVERHEAD = len(b"~dSS") + wire.CHECK_DIGITS + len(b"\n")


class LineDecoder:
    """boot_id: whose frames they are, where no hello says so."""

    def __init__(self, boot_id: str | None = None) -> None:
        self._opener = Opener()
        self._opener.boot_id = boot_id
        self._facts: dict[str, dict[str, str]] = {}  # by boot id
        self._layout: Layout | None = None
        self._vector: list[int] | None = None  # of the snapshot before; None: not known
        self._column = 0  # where a snapshot of several frames goes on
        self._following = 0  # number of the frame that continues the newest snapshot

    def take(self, line: bytes) -> list[Record]:
        """What a line holds, from left to right: text, frames, a request. Nothing for an empty one."""
        line = line.strip(b"\r\n\0")
        found: list[Record] = []
        proof = _proof(line)
        if proof is not None:
            return [proof]
        request = self._request(line)
        if request is not None:
            at, record = request
            return [*self.take(line[:at]), record]
        while (cut := self._opener.last_frame(line)) is not None:
            at, item = cut
            found.append(self._record(item))
            line = line[:at].rstrip(b"\r")
        if line.strip():
            found.append(self._other(line))
        return found[::-1]

    @staticmethod
    def _request(line: bytes) -> tuple[int, Record] | None:
        at = request_start(line)
        if at < 0:
            return None
        content = line[at : -wire.CHECK_DIGITS]
        if content[1:2] == wire.ASK_HELLO:
            return at, {"line": "request", "check": "ok", "for": "hello"}
        if content[1:2] in _COMMANDS:
            return at, {"line": "request", "check": "ok", "for": _COMMANDS[content[1:2]]}
        try:
            boot_id, first, count = wire.parse_numbers(content)
        except ValueError:
            return None
        record = {"line": "request", "check": "ok", "for": "frames", "boot_id": boot_id, "first": first, "count": count}
        return at, record

    def _record(self, item: Opened) -> Record:
        if isinstance(item, Hello):
            return self._hello(item)
        if isinstance(item, Piece):
            shown = {"command": item.number.decode(), "piece": item.at, "kind": item.kind.decode()}
            return {"line": "output", "check": "ok", **shown, "bytes": len(item.data)}
        if isinstance(item, GapReport):
            return {"line": "gap", "check": "ok", "boot_id": item.boot_id, "first": item.first, "last": item.last}
        record: Record = {"line": "event" if item.kind == wire.EVENT else "snapshot", "check": "ok"}
        record |= {"boot_id": item.boot_id, "seq": item.seq, "bytes": len(item.body) + _OVERHEAD}
        return record | (self._event(item) if item.kind == wire.EVENT else self._snapshot(item))

    def _hello(self, hello: Hello) -> Record:
        facts = self._facts.setdefault(hello.boot_id, {})
        facts.update(hello.facts)
        try:
            self._layout = Layout(facts)
        except ValueError:  # its other lines are still to come
            self._layout = None
        return {"line": "hello", "check": "ok", "boot_id": hello.boot_id, "facts": dict(hello.facts)}

    def _event(self, frame: Frame) -> Record:
        if frame.seq == self._following:
            self._following += 1
        try:
            uptime_cs, kind, number, pid, comm, text = wire_host.parse_event(frame.body)
        except ValueError:
            return {"kind": "unknown", "text": frame.body.decode("ascii", "replace")}
        return {"uptime_s": uptime_cs / 100, "kind": kind, "number": number, "pid": pid, "comm": comm, "text": text}

    def _snapshot(self, frame: Frame) -> Record:
        record: Record = {"kind": _KINDS[frame.kind]}
        changes = _changes(frame.body, 0 if frame.kind in wire.STARTS_SNAPSHOT else self._column)
        if frame.kind in wire.STARTS_GROUP and self._layout is not None:
            self._vector = [0] * self._layout.width
        elif frame.seq != self._following:
            self._vector = None
        self._following = frame.seq + 1
        if self._layout is None or self._vector is None:
            self._vector = None
            return record | {"changes": changes, "state": None}
        content = wire.MARK + frame.kind + wire.short_sequence(frame.seq) + frame.body
        try:
            self._column = wire_read.apply_frame(content, self._vector, self._column, self._layout.interval_cs)
        except ValueError as error:
            self._vector = None
            return record | {"changes": changes, "state": None, "error": str(error)}
        return record | {"changes": changes, "state": None if self._column else self._state(self._vector)}

    def _state(self, vector: list[int]) -> Record:
        """A whole snapshot, by the names of the hello."""
        assert self._layout is not None
        state: Record = dict(zip(self._layout.columns, vector, strict=False))
        at, zones = len(self._layout.columns), []
        for zone in self._layout.zones:
            marks: list[int | None] = [None] * MARKS
            if zone.has_marks:
                marks = [*vector[at : at + MARKS]]
                at += MARKS
            names = ("min_pages", "low_pages", "high_pages", "reserve_pages")
            record = {"node": zone.node, "zone": zone.name, "nr_free": vector[at : at + zone.orders]}
            zones.append(record | dict(zip(names, marks, strict=True)))
            at += zone.orders
        return state | {"zones": zones}

    def _other(self, line: bytes) -> Record:
        text = line.decode("utf-8", "backslashreplace")
        if line[:1] == wire.ASK and line[1:2] in (wire.ASK_HELLO, wire.ASK_FRAMES):
            return {"line": "request", "check": "wrong", "text": text}
        for name, mark in (("hello", wire.MARK + wire.HELLO), ("gap", wire.MARK + wire.GAP)):
            if mark in line:
                return {"line": name, "check": "wrong", "text": text}
        if not looks_like_frame(line):
            return {"line": "text", "text": text}
        frame = line[line.rfind(wire.MARK) :]
        record: Record = {"line": "event" if frame[1:2] == wire.EVENT else "snapshot"}
        record |= {"check": "wrong" if self._opener.boot_id else "unknown", "text": text}
        if self._opener.boot_id is None and frame[1:2] != wire.EVENT:
            record |= {"kind": _KINDS[frame[1:2]], "changes": _changes(frame[4 : -wire.CHECK_DIGITS], 0)}
        return record


def _proof(line: bytes) -> Record | None:
    """A line of the proof of a secret: the name in it is shown, its random numbers and proofs are not."""
    for start, count, what in _PROOFS:
        if line.startswith(start):
            given = secret.parse(line, start, count)
            if given is None:
                return {"line": what, "check": "wrong", "text": line.decode("utf-8", "backslashreplace")}
            record: Record = {"line": what, "check": "ok"}
            return (
                record | {"name": given[0].decode("ascii", "backslashreplace")} if start == secret.CHALLENGE else record
            )
    return None


class _Sparse(dict[int, int]):
    """The longest possible vector; only the columns that changed take memory."""

    def __missing__(self, column: int) -> int:
        return 0

    def __len__(self) -> int:
        return _COLUMNS_MAX


def _changes(body: bytes, column: int) -> list[tuple[int, int]] | None:
    """(column, change) of each change in a body; None if it is not a body."""
    vector = _Sparse()
    try:
        wire_read.apply_changes(body, vector, column)
    except ValueError:
        return None
    return list(vector.items())
