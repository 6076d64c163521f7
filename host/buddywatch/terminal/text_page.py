"""A page of text that is scrolled: help, alerts, an explanation, a history, a log. Pure."""

from __future__ import annotations

from buddywatch.terminal.style import BOLD, DIM, PLAIN, Line, Style, spread
from buddywatch.terminal.view import View
from buddywatch.text.escape import escaped

_AROUND = 2  # lines above and below the text


def text_rows(height: int) -> int:
    return max(1, height - _AROUND)


def text_lines(view: View, width: int, height: int, style: Style) -> list[Line]:
    rows = text_rows(height)
    shown = view.text[view.scroll : view.scroll + rows]
    last = min(len(view.text), view.scroll + rows)
    place = f"{view.scroll + 1}-{last} of {len(view.text)}" if len(view.text) > rows else ""
    head: Line = spread([(escaped(view.title), BOLD)], [(place, DIM)], width)
    blank: list[Line] = [[]] * (rows - len(shown))
    foot: Line = [("j k PgDn PgUp scroll  Esc back", DIM)]
    return [head, *([(escaped(line), PLAIN)] for line in shown), *blank, foot]
