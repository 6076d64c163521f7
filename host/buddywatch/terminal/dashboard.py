"""The live view: boards as lines of text. Pure; screen.py draws them on the terminal.

Every board gets one line. Where there is more room, boards in trouble get more lines first, then the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from buddyd import watermark

from buddywatch.model.forecasts import Forecast
from buddywatch.model.samples import Snapshot, Zone
from buddywatch.model.verdicts import BoardState, NeedState
from buddywatch.terminal.style import (
    BOLD,
    DIM,
    GREEN,
    PLAIN,
    RED,
    YELLOW,
    Line,
    Piece,
    Style,
    board_text,
    painted,
    shade,
    width_of,
)
from buddywatch.text.escape import counted, rough_duration
from buddywatch.text.state_words import (
    UNKNOWN,
    VERDICT_WORDS,
    block_words,
    memory_words,
    need_title,
    need_words,
    size_words,
)
from buddywatch.text.units import format_bytes

_COLOURS = {watermark.OK: GREEN, watermark.TIGHT: YELLOW, watermark.REFUSED: RED, None: DIM}
_ZONES_MAX = 6  # rows of a table; a machine may have dozens of zones
_ALERTS_MAX = 4
_UNHEARD_MAX = 3  # lines of links without a board
_CELL_MAX = 6
_INDENT: Piece = ("  ", PLAIN)


@dataclass(frozen=True)
class BoardView:
    """One board. links: (url, up); age_s: of the newest snapshot; None, "" and () mean not known or none.

    kernel: "Linux 2.6.30-uc0, m68k, no MMU; boot 1a2b3c4d"; ring: "ring 32 kB, 700 frames held"; gaps: what was lost;
    unknown: what the board does not report; alerts: a line for each open one, most serious first; events: the last
    few, oldest first; forecasts: by need; reboot: the last
    safe reboot window.
    """

    name: str
    links: tuple[tuple[str, bool], ...] = ()
    age_s: float | None = None
    kernel: str = ""
    snapshot: Snapshot | None = None
    state: BoardState | None = None
    alerts: tuple[str, ...] = ()
    gaps: str = ""
    events: tuple[str, ...] = ()
    processes_per_s: float | None = None
    ring: str = ""
    unknown: str = ""
    forecasts: Mapping[str, Forecast] = field(default_factory=dict)
    reboot: str = ""


@dataclass(frozen=True)
class ViewState:
    """time_text: the wall clock; db: the database; message: one line at the bottom.

    unheard: a line for each link over which no board was heard.
    """

    boards: tuple[BoardView, ...]
    time_text: str
    db: str
    message: str = ""
    unheard: tuple[str, ...] = ()


def render(state: ViewState, width: int, height: int, style: Style) -> list[str]:
    """At most `height` lines, each at most `width` columns wide."""
    head: list[Line] = [_title(state, width), [(style.glyph("─", "-") * width, DIM)]]
    foot = _unheard_lines(state.unheard) + ([[board_text(state.message, DIM)]] if state.message else [])
    body = _body(state.boards, width, height - len(head) - len(foot), style)
    blank: list[Line] = [[]] * max(0, height - len(head) - len(body) - len(foot)) if foot else []
    return [painted(line, width, style) for line in (head + body + blank + foot)[: max(height, 0)]]


def _unheard_lines(unheard: tuple[str, ...]) -> list[Line]:
    lines: list[Line] = [[board_text(f"link {text}", YELLOW)] for text in unheard[:_UNHEARD_MAX]]
    left = len(unheard) - _UNHEARD_MAX
    return lines + ([[(f"and {counted(left, 'link')} more without a board", YELLOW)]] if left > 0 else [])


def _title(state: ViewState, width: int) -> Line:
    alerts = sum(len(board.alerts) for board in state.boards)
    line: Line = [("buddywatch", BOLD), board_text(f"  {state.time_text}  {counted(len(state.boards), 'board')}, ")]
    line.append((counted(alerts, "open alert") if alerts else "no open alert", RED if alerts else PLAIN))
    db = board_text(state.db, DIM)
    room = width - width_of(line) - width_of([db])
    return [*line, (" " * room, PLAIN), db] if room > 1 else line


def _body(boards: Sequence[BoardView], width: int, height: int, style: Style) -> list[Line]:
    if not boards:
        return [[("no data from any board yet", PLAIN)]]
    if len(boards) > height:
        return _crowded(boards, height, style)
    blocks = [LEVELS[0](board, width, style) for board in boards]
    in_order = sorted(range(len(boards)), key=lambda i: not _is_in_trouble(boards[i]))
    for level in LEVELS[1:]:
        for i in in_order:
            block = level(boards[i], width, style)
            if sum(map(len, blocks)) - len(blocks[i]) + len(block) <= height:
                blocks[i] = block
    return [line for block in blocks for line in block]


def _crowded(boards: Sequence[BoardView], height: int, style: Style) -> list[Line]:
    """More boards than lines: boards in trouble first, then how many are left out."""
    shown = sorted(boards, key=lambda board: not _is_in_trouble(board))[: max(height - 1, 0)]
    return [*[_summary(board, style) for board in shown], [(f"and {len(boards) - len(shown)} more boards", BOLD)]]


def _is_in_trouble(board: BoardView) -> bool:
    needs = board.state.needs if board.state else ()
    return bool(board.alerts) or any(need.verdict in (watermark.REFUSED, watermark.TIGHT) for need in needs)


def _one_line(board: BoardView, width: int, style: Style) -> list[Line]:
    return [_summary(board, style)]


def _few_lines(board: BoardView, width: int, style: Style) -> list[Line]:
    return [_heading(board, style), [_INDENT, *_memory(board)], *_need_lines(board), *_alert_lines(board, 1)]


def _with_table(board: BoardView, width: int, style: Style) -> list[Line]:
    return [*_few_lines(board, width, style), *_table(board, width)]


def _all(board: BoardView, width: int, style: Style) -> list[Line]:
    """All lines of a board, with a blank line at the end."""
    lines = [_heading(board, style), [_INDENT, board_text(f"{board.kernel or 'kernel unknown'}{_rate(board)}")]]
    lines += [[_INDENT, *_memory(board)], *_need_lines(board)]
    lines += [[_INDENT, board_text(board.reboot)]] if board.reboot else []
    lines += _table(board, width)
    more = [text for text in (board.ring, board.gaps, board.unknown) if text]
    lines += [[_INDENT, board_text("; ".join(more), YELLOW if board.gaps else PLAIN)]] if more else []
    lines += _alert_lines(board, _ALERTS_MAX)
    return [*lines, *[[_INDENT, board_text(text, DIM)] for text in board.events], []]


LEVELS: tuple[Callable[[BoardView, int, Style], list[Line]], ...] = (_one_line, _few_lines, _with_table, _all)


def _summary(board: BoardView, style: Style) -> Line:
    line: Line = [board_text(board.name, BOLD), (" ", PLAIN), _any_dot(board, style), (f" {_age(board)}", PLAIN)]
    state = board.state
    if state is None:
        return [*line, ("  no snapshot yet", DIM)]
    line.append(
        (f"  free {size_words(state.free_bytes)}, largest request {block_words(state.serviceable_bytes)}", PLAIN)
    )
    for need in state.needs:
        line += [("  ", PLAIN), board_text(f"{need.name} "), (VERDICT_WORDS[need.verdict], _COLOURS[need.verdict])]
    return line + ([("  " + counted(len(board.alerts), "alert"), RED)] if board.alerts else [])


def _heading(board: BoardView, style: Style) -> Line:
    line: Line = [board_text(board.name, BOLD), (f"  {_age(board)}", PLAIN)]
    for url, up in board.links:
        line += [("  ", PLAIN), _dot(up, style), board_text(f" {url}")]
    return line if board.links else [*line, ("  no link", DIM)]


def _any_dot(board: BoardView, style: Style) -> Piece:
    return _dot(any(up for _, up in board.links), style) if board.links else ("no link", DIM)


def _dot(up: bool, style: Style) -> Piece:
    return (style.glyph("●", "up"), GREEN) if up else (style.glyph("○ down", "down"), RED)


def _age(board: BoardView) -> str:
    return "no data yet" if board.age_s is None else f"data {rough_duration(board.age_s)} old"


def _rate(board: BoardView) -> str:
    rate = board.processes_per_s
    return f"; processes/s {UNKNOWN if rate is None else f'{rate:.1f}'}"


def _memory(board: BoardView) -> Line:
    state = board.state
    if state is None:
        return [(f"memory {UNKNOWN}: no snapshot yet", DIM)]
    return [(memory_words(state), PLAIN)]


def _need_lines(board: BoardView) -> list[Line]:
    return [_need_line(need, board, board.state) for need in board.state.needs] if board.state else []


def _need_line(need: NeedState, board: BoardView, state: BoardState) -> Line:
    words = need_words(need, board.snapshot, state, board.forecasts.get(need.name))
    verdict = VERDICT_WORDS[need.verdict]
    head = board_text(f"{need_title(need, state)}: ")
    return [_INDENT, head, (verdict, _COLOURS[need.verdict]), (words.removeprefix(verdict), PLAIN)]


def _alert_lines(board: BoardView, most: int) -> list[Line]:
    shown = board.alerts if len(board.alerts) <= most else board.alerts[: most - 1]
    lines: list[Line] = [[_INDENT, ("! ", RED), board_text(text, RED)] for text in shown]
    left = len(board.alerts) - len(shown)
    return lines + ([[_INDENT, (f"! {'and ' if shown else ''}{counted(left, 'open alert')}", RED)]] if left else [])


def _table(board: BoardView, width: int) -> list[Line]:
    """Free blocks of every zone by their size."""
    zones = board.snapshot.zones if board.snapshot else ()
    if not zones:
        return []
    several_nodes = len({zone.node for zone in zones}) > 1
    names = [_zone_name(zone, several_nodes) for zone in zones]
    name_width = max(len(text) for text, _ in names[:_ZONES_MAX]) + 4
    orders = max(len(zone.nr_free) for zone in zones)
    cell = max(4, min(_CELL_MAX, (width - name_width) // orders))
    page_bytes = board.state.page_bytes if board.state else None
    lines: list[Line] = [[(" " * name_width + "".join(_size(o, page_bytes).rjust(cell) for o in range(orders)), DIM)]]
    for zone, (text, sgr) in zip(zones[:_ZONES_MAX], names, strict=False):
        counts = [(_number(count, cell - 1).rjust(cell), shade(count)) for count in zone.nr_free]
        lines.append([(f"  {text}".ljust(name_width), sgr), *counts])
    left = len(zones) - _ZONES_MAX
    return lines + ([[(f"  and {counted(left, 'zone')} more", DIM)]] if left > 0 else [])


def _zone_name(zone: Zone, several_nodes: bool) -> Piece:
    name = f"{zone.node}/{zone.name}" if several_nodes else zone.name
    return board_text(name[:16], PLAIN if zone.name in watermark.KERNEL_ZONES else DIM)


def _size(order: int, page_bytes: int | None) -> str:
    """A column's heading: "64k"; "#4", the order, where the page size is not known."""
    if page_bytes is None:
        return f"#{order}"
    return format_bytes(page_bytes << order).replace(" ", "").removesuffix("B")


def _number(count: int, room: int) -> str:
    """A count in at most `room` digits, else in thousands and so on: "12k"."""
    for unit in ("", "k", "M", "G", "T"):
        if len(text := f"{count}{unit}") <= room:
            return text
        count //= 1000
    return "+" * room
