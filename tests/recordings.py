"""Reads recordings for the tests of the room that reads them."""

from buddywatch.recorded.formats import HEAD_LINES, Source, format_of
from buddywatch.recorded.pieces import Flags, Line

NONE = Flags()
ENDED = 1_700_000_000.0


def lines_of(text):
    whole = text.split("\n")
    return [Line(n, line, n < len(whole)) for n, line in enumerate(whole, 1) if line or n < len(whole)]


def source_of(text, flags=NONE, board="b", ended=ENDED):
    known = lines_of(text)
    return Source(lambda: iter(known), [line.text for line in known[:HEAD_LINES]], ended, flags, board, "file")


def items_of(text, flags=NONE, board="b", ended=ENDED):
    source = source_of(text, flags, board, ended)
    return [item for _, item in format_of(source.head).read(source)]


def of_kind(items, kind):
    return [item for item in items if isinstance(item, kind)]
