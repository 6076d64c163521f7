"""How `status` fits the terminal: many boards as the table of the live view, a line each; long lines of one board."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

from buddywatch.terminal.fleet_page import board_line, columns_for, heading_line, title_line
from buddywatch.terminal.screen import style_of
from buddywatch.terminal.style import Style, painted
from buddywatch.terminal.view import Fleet, View, shown_boards
from buddywatch.text.escape import counted


def fleet_text(fleet: Fleet, most: int | None = None) -> list[str]:
    """In colour on a terminal; for a reader behind a pipe as wide as $COLUMNS says, else 80. most: boards shown."""
    style, width = output_style(), shutil.get_terminal_size().columns
    boards = shown_boards(fleet, View())[:most]
    columns = columns_for(boards, width, style)
    lines = [title_line(fleet, width), heading_line(columns), *(board_line(board, columns, style) for board in boards)]
    left = len(fleet.boards) - len(boards)
    more = [f"    and {counted(left, 'board')} more, none worse: --all shows all"] if left else []
    return [*(painted(line, width, style).rstrip() for line in lines), *more]


def output_style() -> Style:
    style = style_of(sys.stdout, os.environ)
    return style if sys.stdout.isatty() else Style(False, style.unicode)


def fitted(lines: list[str]) -> list[str]:
    """Lines that are too long for the terminal go on below, further in."""
    columns, shown = shutil.get_terminal_size().columns, []
    for line in lines:
        further = " " * (len(line) - len(line.lstrip()) + 4)
        wrapped = textwrap.wrap(line, columns, break_on_hyphens=False, subsequent_indent=further)
        shown += wrapped if len(line) > columns else [line]
    return shown
