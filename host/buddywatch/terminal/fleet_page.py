"""The first page of the live view, and `status`: one line a board, worst first. Pure: (fleet, view) -> lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from buddyd import watermark

from buddywatch.pictures.bars import bars, spread
from buddywatch.terminal.style import BOLD, CYAN, DIM, GREEN, PLAIN, RED, YELLOW, Line, Piece, Style, cut, marked
from buddywatch.terminal.style import spread as ends
from buddywatch.terminal.view import (
    ALERT,
    FAILS,
    FINE,
    SILENT,
    SOON,
    BoardLine,
    Fleet,
    NeedLine,
    View,
    place_of,
    shown_boards,
)
from buddywatch.text.escape import brief_duration, counted, escaped
from buddywatch.text.forecast_words import brief_forecast
from buddywatch.text.units import brief_bytes

TREND_S = 7 * 86_400.0
_NAME_MAX, _NEED_MAX, _TREND_MAX = 24, 14, 40
_UNHEARD_MAX, _NEWS_MAX = 3, 2
SIGNS = {FAILS: ("✖", "X"), SOON: ("!", "!"), SILENT: ("?", "?"), ALERT: ("*", "*"), FINE: ("✓", "-")}
_COLOURS = {FAILS: RED, SOON: YELLOW, SILENT: CYAN, ALERT: YELLOW, FINE: GREEN}
_WORDS = {FAILS: "FAIL", SOON: "soon", SILENT: "silent", ALERT: "alert", FINE: "ok"}


@dataclass(frozen=True)
class Column:
    """keep: of columns that do not fit together, those with the lowest number go first."""

    heading: str
    width: int
    cell: Callable[[BoardLine, NeedLine | None, int], Piece]
    keep: int
    is_right: bool = True


def fleet_lines(fleet: Fleet, view: View, width: int, height: int, style: Style) -> list[Line]:
    """At most height lines, each of which may have to be cut."""
    boards = shown_boards(fleet, view)
    foot = foot_lines(fleet, width, height)
    columns = columns_for(boards, width, style)
    head = [title_line(fleet, width), _keys_line(view, width, style), heading_line(columns)]
    rows = fleet_rows(fleet, height)
    body = _window(boards, view, rows, width, columns, style) if boards else [_nothing(fleet, view)]
    blank: list[Line] = [[]] * max(0, height - len(head) - len(body) - len(foot))
    return [*head, *body, *blank, *foot]


def fleet_rows(fleet: Fleet, height: int) -> int:
    """How many lines there are for boards."""
    return max(1, height - 3 - len(foot_lines(fleet, 80, height)))


def title_line(fleet: Fleet, width: int) -> Line:
    """How many boards there are in which state, the time, and how mail goes."""
    line: Line = [("buddywatch", BOLD), (f"  {counted(len(fleet.boards), 'board')}:", PLAIN)]
    return ends([*line, *state_words(fleet.boards)], [(f"{fleet.time_text}  {fleet.mail}".strip(), PLAIN)], width)


def state_words(boards: Iterable[BoardLine]) -> Line:
    """ " 2 FAIL 1 soon 45 ok"."""
    found = Counter(board.urgency for board in boards)
    line: Line = []
    for urgency, word in _WORDS.items():
        if found[urgency] or urgency == FINE:
            line += [(" ", PLAIN), (f"{found[urgency]} {word}", _COLOURS[urgency])]
    return line


def sign_of(board: BoardLine, style: Style) -> Piece:
    return style.glyph(*SIGNS[board.urgency]), _COLOURS[board.urgency]


def heading_line(columns: Sequence[Column]) -> Line:
    cells = [_fitted(column.heading, column) for column in columns]
    return [("    " + " ".join(cells), BOLD)]


def columns_for(boards: Sequence[BoardLine], width: int, style: Style) -> list[Column]:
    """The columns that fit: the trend takes what the others leave."""
    name = min(_NAME_MAX, max([5, *(len(escaped(board.name)) for board in boards)]))
    needs = [escaped(board.need.name) for board in boards if board.need is not None]
    need = min(_NEED_MAX, max([4, *map(len, needs)]))
    columns = [
        Column("BOARD", name, lambda board, _, room: (cut(escaped(board.name), room, style), BOLD), 9, False),
        Column(
            "NEED", need, lambda _, one, room: (cut(escaped(one.name) if one else "", room, style), PLAIN), 8, False
        ),
        Column("BLOCK", 5, lambda _, one, room: (_block(one), PLAIN), 3),
        Column("LEFT", 4, lambda _, one, room: _left(one, room), 7),
        Column("LARGEST", 7, lambda board, _, room: (brief_bytes(board.largest_bytes), PLAIN), 2),
        Column("LAST 7 DAYS", 12, lambda _, one, room: _trend(one, room, style), 1, False),
        Column("PER DAY", 7, lambda _, one, room: (_per_day(one), PLAIN), 0),
        Column("FAILS IN", 12, lambda _, one, room: _fails_in(one), 6, False),
        Column("SEEN", 5, lambda board, _, room: (_seen(board), PLAIN), 5),
    ]
    while _width(columns) > width and len(columns) > 1:
        least = min(columns, key=lambda column: column.keep)
        columns = [column for column in columns if column is not least]
    left = width - _width(columns)
    return [
        Column(one.heading, min(_TREND_MAX, one.width + left), one.cell, one.keep, one.is_right)
        if one.heading.startswith("LAST") and left > 0 else one
        for one in columns
    ]  # fmt: skip


def board_line(board: BoardLine, columns: Sequence[Column], style: Style, is_chosen: bool = False) -> Line:
    """One board: its sign, and a cell for each column; of a board without data also why there is none."""
    line: Line = [sign_of(board, style), (style.glyph(" ▸ ", " > ") if is_chosen else "   ", PLAIN)]
    if not board.note or board.urgency == FAILS:  # what fails matters more than why it is silent
        for at, column in enumerate(columns):
            text, colour = column.cell(board, board.need, column.width)
            line += [(" ", PLAIN)] if at else []
            line.append((_fitted(text, column), colour))
        return line
    first, last = columns[0], columns[-1] if len(columns) > 1 and columns[-1].heading == "SEEN" else None
    room = sum(column.width + 1 for column in columns[1:]) - (last.width + 1 if last else 0)
    line += [(_fitted(cut(escaped(board.name), first.width, style), first), BOLD), (" ", PLAIN)]
    line.append((cut(escaped(board.note), room, style).ljust(room), CYAN))
    return [*line, (_fitted(_seen(board), last), PLAIN)] if last else line


def _width(columns: Sequence[Column]) -> int:
    return 3 + sum(column.width + 1 for column in columns)


def _fitted(text: str, column: Column) -> str:
    text = text[: column.width]
    return text.rjust(column.width) if column.is_right else text.ljust(column.width)


def _window(
    boards: list[BoardLine], view: View, rows: int, width: int, columns: Sequence[Column], style: Style
) -> list[Line]:
    """The part of the boards with the cursor in it; the last line says how many more there are."""
    at = place_of(boards, view.selected)
    is_whole = len(boards) <= rows
    room = rows if is_whole else max(1, rows - 1)
    first = max(0, min(at - room // 2, len(boards) - room))
    lines = []
    for number, board in enumerate(boards[first : first + room], first):
        line = board_line(board, columns, style, number == at)
        lines.append(marked(line, width) if number == at and style.colour else line)
    return lines if is_whole else [*lines, _rest(boards, first, room, at, width, style)]


def _rest(boards: list[BoardLine], first: int, room: int, at: int, width: int, style: Style) -> Line:
    below, above = boards[first + room :], first
    found = Counter(board.urgency for board in below)
    words = ", ".join(f"{found[urgency]} {word}" for urgency, word in _WORDS.items() if found[urgency])
    dots = style.glyph("…", "...")
    text = f"    {dots} {len(below)} more below: {words} (PgDn)" if below else f"    {dots} {above} more above (PgUp)"
    return ends([(text, DIM)], [(f"row {at + 1}/{len(boards)}", DIM)], width)


def _nothing(fleet: Fleet, view: View) -> Line:
    if fleet.boards:
        return [(f"no board has {view.filter!a} in its name or its needs; Esc shows all", PLAIN)]
    return [("no data from any board yet", PLAIN)]


def _keys_line(view: View, width: int, style: Style) -> Line:
    if view.typing:
        return [(f"/ {view.filter}{style.glyph('▏', '_')}  Enter keeps it, Esc shows all", BOLD)]
    shown = f"/ {view.filter}" if view.filter else "/ filter"
    text = f"{shown}  s sort: {view.order}  Enter board  a alerts  m mute  ? help  q quit"
    return [(cut(text, width, style), DIM)]


def foot_lines(fleet: Fleet, width: int, height: int) -> list[Line]:
    """Links without a board, what happened last, and what is wrong with the collector."""
    shown = fleet.unheard[:_UNHEARD_MAX] if height >= 12 else ()
    lines: list[Line] = [[(escaped(f"link {text}"), YELLOW)] for text in shown]
    left = len(fleet.unheard) - len(shown)
    lines += [[(f"and {counted(left, 'link')} more without a board", YELLOW)]] if left and shown else []
    news = fleet.news[-_NEWS_MAX:] if height >= 16 else fleet.news[-1:]
    lines += [[(escaped(text), PLAIN)] for text in news]
    return [*lines, [(escaped(fleet.problem), RED)]] if fleet.problem else lines


def _block(need: NeedLine | None) -> str:
    return "" if need is None else brief_bytes(need.block_bytes)


def _left(need: NeedLine | None, room: int) -> Piece:
    if need is None:
        return "", PLAIN
    if need.left is None:
        return "?", DIM
    colour = RED if need.verdict == watermark.REFUSED else YELLOW if need.left <= 1 else PLAIN
    return _short(need.left, room), colour


def _short(count: int, room: int) -> str:
    """A count in at most `room` characters, else in thousands and so on: "12k"."""
    for unit in ("", "k", "M", "G"):
        if len(text := f"{count}{unit}") <= room:
            return text
        count //= 1000
    return ">" * room


def _trend(need: NeedLine | None, room: int, style: Style) -> Piece:
    if need is None or not need.course:
        return "", PLAIN
    return bars(spread(need.course, TREND_S, room), unicode=style.unicode), PLAIN


def _per_day(need: NeedLine | None) -> str:
    if need is None or need.per_day is None:
        return ""
    return "0" if abs(need.per_day) < 0.5 else f"{need.per_day:+.0f}"


def _fails_in(need: NeedLine | None) -> Piece:
    if need is None:
        return "", PLAIN
    if need.failing_s is not None:
        return f"since {brief_duration(need.failing_s)}", RED
    if need.verdict == watermark.REFUSED:
        return "now", RED
    text = brief_forecast(need.forecast)
    return text, YELLOW if need.forecast.in_s is not None and need.forecast.in_s < 86_400 else PLAIN


def _seen(board: BoardLine) -> str:
    return "?" if board.age_s is None else brief_duration(board.age_s)
