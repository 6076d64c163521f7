"""An export as CSV (RFC 4180): a line for each record, the numbers of a snapshot in columns of their own. No I/O.

What is no number of a snapshot stands in `details`, as JSON. The columns `up`, `proc`, ... and `node0_DMA_min`,
`node0_DMA_0`, ... (free blocks of order 0) are those of the wire, in the order of each boot's facts.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from buddywatch.model.samples import Boot
from buddywatch.protocol.layout import Layout
from buddywatch.recorded.pieces import Line, Unreadable
from buddywatch.recorded.records import Kept, Layouts, Record, from_record, to_record

NAME = "export as CSV"
_FIRST = ("kind", "board", "boot_id", "first_seq", "seq", "time_ms")
_NUMBERS = ("first_seq", "seq", "time_ms")
_DETAILS = "details"
_MARKS = ("min", "low", "high", "reserve")


def recognises(head: Sequence[str]) -> bool:
    return bool(head) and head[0].startswith(",".join(_FIRST) + ",")


def value_columns(layout: Layout) -> list[str]:
    """The names of the numbers of a boot's snapshots, in their order."""
    columns = list(layout.columns)
    for zone in layout.zones:
        name = f"node{zone.node}_{zone.name}"
        columns += [f"{name}_{mark}" for mark in _MARKS] if zone.has_marks else []
        columns += [f"{name}_{order}" for order in range(zone.orders)]
    return columns


def write(boots: Iterable[Boot], items: Iterable[tuple[str, Kept]]) -> Iterator[str]:
    """The lines of an export. boots: all of them, for the columns."""
    columns: dict[str, None] = {}
    for boot in boots:
        try:
            columns |= dict.fromkeys(value_columns(Layout(boot.facts)))
        except ValueError:  # a hello that could not be used: no snapshot of it is stored
            continue
    text = io.StringIO()
    writer = csv.DictWriter(text, [*_FIRST, *columns, _DETAILS], lineterminator="")
    writer.writeheader()
    yield text.getvalue()
    layouts = Layouts()
    for board, item in items:
        text.seek(0)
        text.truncate()
        writer.writerow(_cells(to_record(board, item, layouts), layouts))
        yield text.getvalue()


def _cells(record: Record, layouts: Layouts) -> Record:
    cells = {name: record.pop(name) for name in _FIRST if record.get(name) is not None}
    values = record.pop("values", None)
    if values is not None:
        layout = layouts.of(cells["board"], cells["boot_id"])
        return cells | dict(zip(value_columns(layout), values, strict=True))
    details = {key: value for key, value in record.items() if key not in _FIRST}
    return cells | {_DETAILS: json.dumps(details, separators=(",", ":"))}


def read(lines: Iterable[Line]) -> Iterator[tuple[str, Kept | Unreadable]]:
    layouts = Layouts()
    known = iter(lines)
    header = next(csv.reader([next(known).text]))
    columns: dict[tuple[str, str], list[str]] = {}
    for line in known:
        try:
            cells = dict(zip(header, next(csv.reader([line.text], strict=True)), strict=True))
            yield from_record(_record(cells, layouts, columns), layouts)
        except (ValueError, csv.Error, RecursionError, StopIteration) as error:
            yield "", Unreadable(line.number, str(error) or "no record")


def _record(cells: dict[str, str], layouts: Layouts, columns: dict[tuple[str, str], list[str]]) -> Record:
    """ValueError: a cell is not what it should be."""
    record: Record = {name: cells[name] for name in _FIRST if cells[name] != ""}
    record |= {name: int(record[name]) for name in _NUMBERS if name in record}
    if cells[_DETAILS]:
        details = json.loads(cells[_DETAILS])
        if not isinstance(details, dict):
            raise ValueError("details that are no JSON object")
        return details | record
    key = record.get("board", ""), record.get("boot_id", "")
    if key not in columns:
        columns[key] = value_columns(layouts.of(*key))
    record["values"] = [int(cells[name]) for name in columns[key]]
    return record
