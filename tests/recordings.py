"""Reads recordings for the tests of the room that reads them."""

from buddywatch.recorded.formats import format_of, read
from buddywatch.recorded.pieces import Flags, Line

NONE = Flags()
ENDED = 1_700_000_000.0


def lines_of(text):
    whole = text.split("\n")
    return [Line(n, line, n < len(whole)) for n, line in enumerate(whole, 1) if line or n < len(whole)]


def items_of(text, flags=NONE, board="b", ended=ENDED):
    known = lines_of(text)
    return list(read(lambda: iter(known), format_of([line.text for line in known[:200]]), flags, board, ended))


def of_kind(items, kind):
    return [item for item in items if isinstance(item, kind)]
