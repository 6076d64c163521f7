"""A trace: a table with a header, columns separated by tabs, one poll in each row.

Columns: up_ms, mem_free_kb, slab_kb, processes, order0, order1, ... and event, the kernel's lines since the row before,
joined by " | ". All but the orders may be missing; other columns are ignored (cached_kb: the files that it counts may
lie in RAM, where nothing frees them).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from buddywatch.model.samples import Zone
from buddywatch.protocol.console_text import kernel_message
from buddywatch.protocol.layout import ORDERS_MAX
from buddywatch.recorded.numbers import whole
from buddywatch.recorded.pieces import KernelLine, Line, Piece, Reading, Unreadable

NAME = "trace"
ZONE = "DMA"  # a table does not name its zone; the boards that such tables are of have this one
_BETWEEN_EVENTS = " | "


def recognises(head: Sequence[str]) -> bool:
    """True if these first lines are of a trace."""
    return any("order0" in line.split("\t") and "order1" in line.split("\t") for line in head[:20])


def pieces(lines: Iterable[Line]) -> Iterator[Piece]:
    columns: list[str] = []
    orders: list[int] = []
    for line in lines:
        cells = line.text.rstrip("\r").split("\t")
        if "order0" in cells:
            columns = [cell.strip() for cell in cells]
            orders = _orders(columns)
        elif columns and line.text.strip() and not line.text.startswith("#"):
            yield from _row(line, columns, orders, cells)


def _orders(columns: Sequence[str]) -> list[int]:
    """Where the columns order0, order1, ... are."""
    found: list[int] = []
    while len(found) < ORDERS_MAX and f"order{len(found)}" in columns:
        found.append(columns.index(f"order{len(found)}"))
    return found


def _row(line: Line, columns: Sequence[str], orders: Sequence[int], cells: Sequence[str]) -> Iterator[Piece]:
    if len(cells) < len(columns) - (columns[-1] == "event") or (not line.is_whole and len(cells) < len(columns)):
        yield Unreadable(line.number, f"{len(cells)} columns, expected {len(columns)}")
        return
    named = dict(zip(columns, cells, strict=False))
    counts = [whole(cells[at]) for at in orders]
    up_ms = whole(named.get("up_ms", ""))
    if None in counts or (up_ms is None and "up_ms" in named):
        yield Unreadable(line.number, "expected whole numbers in up_ms and in order0, order1, ...")
        return
    for text in filter(None, named.get("event", "").strip().split(_BETWEEN_EVENTS)):
        message = kernel_message(text)
        if message is not None:
            yield KernelLine(line.number, None, up_ms, *message[0], message[2])
    zone = Zone(0, ZONE, tuple(count for count in counts if count is not None))
    numbers = [whole(named.get(name, "")) for name in ("processes", "mem_free_kb", "slab_kb")]
    processes, free_kb, slab_kb = numbers
    yield Reading(line.number, None, up_ms, (zone,), processes, free_kb, None, slab_kb)
