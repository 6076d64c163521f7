"""One board in depth: its needs, the course of the worst with its forecast, free blocks by size over time, who holds
the memory, what happened, what to do. Pure: (board, depth) -> lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from buddyd import watermark

from buddywatch.pictures.heat import heat_row
from buddywatch.pictures.margin_chart import margin_chart
from buddywatch.terminal.fleet_page import SIGNS
from buddywatch.terminal.style import (
    BOLD,
    CYAN,
    DIM,
    GREEN,
    PLAIN,
    RED,
    YELLOW,
    Line,
    Piece,
    Style,
    cut,
    shortened,
    spread,
)
from buddywatch.terminal.view import FAILS, FINE, SOON, BoardLine, Depth, Fleet, NeedLine, View, place_of, shown_boards
from buddywatch.text.escape import brief_duration, counted, escaped
from buddywatch.text.forecast_words import in_about
from buddywatch.text.units import brief_bytes

_COLOURS = {watermark.OK: GREEN, watermark.TIGHT: YELLOW, watermark.REFUSED: RED, None: DIM}
_NEEDS_MAX = 4
_CHART_ROWS_MAX = 10
_SIZE_COLUMNS = 6
KEYS = "h history  e explain  l log  a alerts  c console  m mute  x known  Esc back"


def board_lines(fleet: Fleet, view: View, depth: Depth | None, width: int, height: int, style: Style) -> list[Line]:
    """At most height lines: the first parts are whole, and the later ones get the room that is left."""
    board = fleet.named(view.selected)
    if board is None:
        return [[("this board is gone; Esc leads back", PLAIN)]]
    of_board = depth if depth is not None and depth.name == board.name else Depth(board.name)
    head = [_title(fleet, view, board, of_board, width, style), *_need_lines(board, of_board, style)]
    head += _alert_lines(board)[: max(1, height // 3 - len(head))]
    head.append([(escaped(of_board.memory or "memory unknown: no snapshot yet"), PLAIN)])
    foot: list[Line] = [[(escaped(fleet.problem), RED)]] if fleet.problem else []
    foot.append([(cut(KEYS, width, style), DIM)])
    body = _body(board, of_board, width, height - len(head) - len(foot), style)
    blank: list[Line] = [[]] * max(0, height - len(head) - len(body) - len(foot))
    return [*head, *body, *blank, *foot]


def _body(board: BoardLine, depth: Depth, width: int, room: int, style: Style) -> list[Line]:
    """Short parts are kept whole; the chart and the sizes share the rest."""
    events = [[(escaped(text), PLAIN)] for text in depth.events[-2:]]
    advice = [[("DO ", BOLD), (escaped(text), PLAIN)] for text in depth.advice[: 2 if room < 24 else 4]]
    facts = [[(escaped(text), YELLOW)] for text in islice(depth.facts, 2 if room < 24 else 4)]
    held = _map_lines(depth, 3 if room < 24 else 8)
    short = [*held, *events, *facts, *advice][: max(0, room - 5)]
    left = room - len(short)
    chart_rows = min(_CHART_ROWS_MAX, max(0, left // 2 - 2))
    chart = _chart_lines(board, width, chart_rows, style) if chart_rows >= 2 else []
    return [*chart, *_heat_lines(board, depth, width, left - len(chart), style), *short]


def _title(fleet: Fleet, view: View, board: BoardLine, depth: Depth, width: int, style: Style) -> Line:
    line: Line = [(escaped(board.name), BOLD)]
    line += [(f"  {escaped(depth.kernel)}", PLAIN)] if depth.kernel else []
    if depth.uptime_s is not None:
        line.append((f", up {brief_duration(depth.uptime_s)}", PLAIN))
    seen = "no data yet" if board.age_s is None else f"data {brief_duration(board.age_s)} old"
    line.append((f"  {seen}", CYAN if board.note else PLAIN))
    line += [piece for url, up in depth.links[:2] for piece in _link(url, up, style)]
    boards = shown_boards(fleet, view)
    place = f" [{place_of(boards, board.name) + 1}/{len(boards)} {style.glyph('◂▸', '<>')}]"
    return spread(shortened(line, width - len(place), style), [(place, DIM)], width)


def _link(url: str, up: bool, style: Style) -> list[Piece]:
    sign = (style.glyph(" ● ", " up "), GREEN) if up else (style.glyph(" ○ down ", " down "), RED)
    return [sign, (escaped(url.partition("?")[0]), PLAIN)]


def _need_lines(board: BoardLine, depth: Depth, style: Style) -> list[Line]:
    shown = board.needs[:_NEEDS_MAX]
    name = min(16, max([0, *(len(escaped(need.name)) for need in shown)]))
    lines: list[Line] = []
    for need in shown:
        urgency = FAILS if need.verdict == watermark.REFUSED else SOON if need.verdict == watermark.TIGHT else FINE
        title = cut(escaped(need.name), name, style)
        head = f"{style.glyph(*SIGNS[urgency])} {title:<{name}} {brief_bytes(need.block_bytes):>5}"
        left = "left unknown" if need.left is None else f"{counted(need.left, 'block')} left"
        words = _need_words(need, depth.needs.get(need.name, ""))
        lines.append([(head, _COLOURS[need.verdict]), (f"  {left:<14}  ", BOLD), (words, PLAIN)])
    more = len(board.needs) - len(shown)
    return lines + ([[(f"  and {counted(more, 'need')} more", DIM)]] if more else [])


def _need_words(need: NeedLine, reason: str) -> str:
    """What matters most first: since when it fails and why, else when it will, else the margin."""
    if need.failing_s is not None:
        return f"for {brief_duration(need.failing_s)}: {reason}"
    ahead = in_about(need.forecast)
    if need.verdict == watermark.REFUSED or not ahead:
        return reason
    last = "LAST ONE; " if need.left == 1 else ""
    return f"{last}{'tight; ' if need.verdict == watermark.TIGHT else ''}refused {ahead} at this rate"


def _alert_lines(board: BoardLine) -> list[Line]:
    return [[("  alert: ", RED), (alert.words, PLAIN)] for alert in board.alerts]


def _chart_lines(board: BoardLine, width: int, rows: int, style: Style) -> list[Line]:
    need = board.need
    if need is None or not need.course:
        return [[("course of the needs: unknown, too little was received since the boot", DIM)]]
    drawn = margin_chart(need.course, need.forecast, width, rows, style.unicode)
    colour = _COLOURS[need.verdict]
    title = f"{escaped(need.name)}: usable {brief_bytes(need.block_bytes)} blocks since boot, or 7 days"
    title += "; dots: forecast, 80 % interval" if need.forecast.in_s is not None else ""
    lines: list[Line] = [[(title, DIM)]]
    lines += [[(one.scale, DIM), (one.past, colour), (one.now, DIM), (one.ahead, YELLOW)] for one in drawn[:-1]]
    return [*lines, *([(one.text, DIM)] for one in drawn[-1:])]


def _heat_lines(board: BoardLine, depth: Depth, width: int, room: int, style: Style) -> list[Line]:
    """Free blocks by size: sizes that the worst need can use in its colour, crumbs in grey."""
    if room < 2:
        return []
    if not depth.heat:
        return [[("free blocks by size over time: unknown yet", DIM)]]
    least = _order_of(board.need, depth)
    dark = style.glyph("░ 1  ▒ 2-3  ▓ 4-7  █ 8 and more", "- 1  + 2-3  * 4-7  # 8 and more")
    none = style.glyph("·", ".")
    lines: list[Line] = [[(f"free blocks by size, last {brief_duration(depth.heat_s)}: {none} none  {dark}", DIM)]]
    for order in _orders_shown(len(depth.heat), least, room - 1):
        counts = depth.heat[order]
        is_crumb = order < least
        now = next((count for count in reversed(counts) if count is not None), None)
        head = f"{_size(order, depth.page_bytes):>{_SIZE_COLUMNS - 1}} "
        shown = heat_row(_fit(counts, width - _SIZE_COLUMNS - 7), style.unicode)
        number = "" if now is None else f" {now:.0f}"
        colour = DIM if is_crumb else RED if now == 0 and order == least else PLAIN
        lines.append([(head, DIM if is_crumb else PLAIN), (shown, colour), (number, colour)])
    return lines


def _fit(counts: Sequence[float | None], columns: int) -> list[float | None]:
    """The counts in as many columns as there are, the newest last."""
    columns = max(1, columns)
    return [counts[at * len(counts) // columns] for at in range(columns)] if counts else []


def _order_of(need: NeedLine | None, depth: Depth) -> int:
    if need is None or not need.block_bytes or not depth.page_bytes:
        return 0
    return max(0, (need.block_bytes // depth.page_bytes).bit_length() - 1)


def _orders_shown(orders: int, least: int, room: int) -> list[int]:
    """The largest first: the sizes around the need's own, and the smallest, which shows the crumbs."""
    near = sorted(range(orders), key=lambda order: (abs(order - least), -order))
    chosen = {0, *near[: max(1, room - 1)]} if room > 1 else {min(least, orders - 1)}
    return sorted(chosen, reverse=True)[:room]


def _size(order: int, page_bytes: int | None) -> str:
    return f"#{order}" if page_bytes is None else brief_bytes(page_bytes << order)


def _map_lines(depth: Depth, room: int) -> list[Line]:
    """Who holds the memory; nothing where the board sends no map."""
    return [[(escaped(text), PLAIN)] for text in depth.owners[:room]]
