"""An export as JSON lines: a head, then a record in each line. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from buddywatch.recorded.pieces import Line, RecordedError, Unreadable
from buddywatch.recorded.records import Kept, Layouts, from_record, to_record

NAME = "export as JSON lines"
HEAD = '{"buddywatch":"export","version":1}'
_ANY_HEAD = '{"buddywatch":"export",'


def recognises(head: Sequence[str]) -> bool:
    return bool(head) and head[0].startswith(_ANY_HEAD)


def write(items: Iterable[tuple[str, Kept]]) -> Iterator[str]:
    """The lines of an export."""
    layouts = Layouts()
    yield HEAD
    for board, item in items:
        yield json.dumps(to_record(board, item, layouts), separators=(",", ":"))


def read(lines: Iterable[Line]) -> Iterator[tuple[str, Kept | Unreadable]]:
    layouts = Layouts()
    for line in lines:
        if line.number == 1 and line.text.rstrip("\r") != HEAD:
            raise RecordedError(f"an export of another version, expected {HEAD}: use the buddywatch that wrote it")
        if line.number == 1 or not line.text.strip():
            continue
        try:
            record = json.loads(line.text)
            if not isinstance(record, dict):
                raise ValueError("expected a JSON object")
            yield from_record(record, layouts)
        except (ValueError, RecursionError) as error:
            yield "", Unreadable(line.number, str(error))
