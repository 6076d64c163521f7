"""Many boards as `status` shows them: the table of the live view, a line for each board, as wide as the terminal."""

from __future__ import annotations

import os
import shutil
import sys

from buddywatch.terminal.fleet_page import board_line, columns_for, heading_line, title_line
from buddywatch.terminal.screen import style_of
from buddywatch.terminal.style import Style, painted
from buddywatch.terminal.view import Fleet, View, shown_boards


def fleet_text(fleet: Fleet) -> list[str]:
    """In colour on a terminal; for a reader behind a pipe as wide as $COLUMNS says, else 80."""
    style = style_of(sys.stdout, os.environ)
    if not sys.stdout.isatty():
        style = Style(False, style.unicode)
    width = shutil.get_terminal_size().columns
    boards = shown_boards(fleet, View())
    columns = columns_for(boards, width, style)
    lines = [title_line(fleet, width), heading_line(columns), *(board_line(board, columns, style) for board in boards)]
    return [painted(line, width, style).rstrip() for line in lines]
