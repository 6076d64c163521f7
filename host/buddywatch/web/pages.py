"""The pages: all boards, worst first, and one board as in a report. Pure: values -> HTML that looks after itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from urllib.parse import quote

from buddywatch.report import page as report_page
from buddywatch.report.board_report import BoardReport
from buddywatch.terminal.fleet_page import Column, columns_for, title_line
from buddywatch.terminal.style import Style
from buddywatch.terminal.view import FAILS, BoardLine, Fleet, View, shown_boards
from buddywatch.text.escape import escaped, local_time

REFRESH_S = 10
SPANS = {"1d": 86_400.0, "7d": 7 * 86_400.0, "30d": 30 * 86_400.0}
_WIDE = 100  # columns, so that none is left out
_TREND_CHARS = 14  # fits half of a phone
_STYLE = """
.fleet{width:100%}.fleet td,.fleet th{white-space:nowrap}.fleet .trend{font-family:ui-monospace,monospace;
white-space:pre}.fleet .right{text-align:right}.problem{color:var(--bad);font-weight:600}
nav{margin:.5rem 0}nav a,nav b{margin-right:1rem}
.fleet .note{white-space:normal;color:var(--soft)}main.all{max-width:80rem}
@media (max-width:40rem){.fleet tr{display:grid;grid-template-columns:1fr 1fr;gap:0 .75rem}
.fleet td[data-name]::before{content:attr(data-name) " ";color:var(--soft);font:.8rem system-ui,sans-serif}
.fleet td:empty{display:none}.fleet .right{text-align:left}.fleet .trend{overflow:hidden}.fleet .note{grid-column:1/3}}
"""
_HEADINGS = {
    "BOARD": "board",
    "NEED": "need",
    "BLOCK": "block",
    "LEFT": "left",
    "LARGEST": "largest",
    "LAST 7 DAYS": "last 7 days",
    "PER DAY": "per day",
    "FAILS IN": "fails in",
    "SEEN": "seen",
}
TREND = "LAST 7 DAYS"
_LEFT_ALIGNED = ("BOARD", "NEED", TREND)


def fleet_page(fleet: Fleet) -> str:
    """All boards, a line each."""
    boards = shown_boards(fleet, View())
    columns = [
        replace(one, width=_TREND_CHARS) if one.heading == TREND else one
        for one in columns_for(boards, _WIDE, Style(False, True))
    ]
    title = "".join(text for text, _ in title_line(fleet, 0))
    heads = "".join(f"<th{_side(one.heading)}>{_HEADINGS[one.heading]}</th>" for one in columns)
    body = [
        f"<h1>{escape(escaped(title))}</h1>",
        f'<p class="soft">{escape(escaped(f"{fleet.time_text}  {fleet.mail}"))}; this page is made anew every '
        f"{REFRESH_S} s.</p>",
        *([f'<p class="problem">{escape(escaped(fleet.problem))}</p>'] if fleet.problem else []),
        f'<div class="wide"><table class="fleet"><thead><tr><th>state</th>{heads}</tr></thead><tbody>',
    ]
    for board in boards:
        body.append(_row(board, columns))
    body.append("</tbody></table></div>" if boards else "</tbody></table></div><p>no data from any board yet</p>")
    body += [f'<p class="problem">{escape(escaped(f"link {text}"))}</p>' for text in fleet.unheard]
    body += [f"<p>{escape(escaped(text))}</p>" for text in dict.fromkeys(reversed(fleet.news))]
    return report_page.document("buddywatch", body, _head(_STYLE), "all")


def board_page(report: BoardReport, span: str, until: float) -> str:
    """One board with the charts of a report. span: one of SPANS."""
    others = [
        f"<b>{one}</b>" if one == span else f'<a href="{board_path(report.name)}?since={one}">{one}</a>'
        for one in SPANS
    ]
    body = [
        f'<nav><a href="/">all boards</a> {" ".join(others)}</nav>',
        *report_page.section(report, 0, until, "h1"),
        f'<p class="soft">Until {escape(local_time(until))}; made anew every {REFRESH_S} s.</p>',
    ]
    return report_page.document(f"{report.name}: buddywatch", body, _head(_STYLE))


def board_path(name: str) -> str:
    return f"/board/{quote(name, safe='')}"


def _head(style: str) -> str:
    return f'<meta http-equiv="refresh" content="{REFRESH_S}"><style>{style}</style>'


def _side(heading: str) -> str:
    return "" if heading in _LEFT_ALIGNED else ' class="right"'


def _row(board: BoardLine, columns: Sequence[Column]) -> str:
    name = f'<td><a href="{escape(board_path(board.name))}"><b>{escape(escaped(board.name))}</b></a></td>'
    if board.note and board.urgency != FAILS:  # as in the live view: why there is no data
        seen = "".join(_cell(board, one) for one in columns[-1:])
        cells = f'{name}<td class="note" colspan="{len(columns) - 2}">{escape(escaped(board.note))}</td>{seen}'
    else:
        cells = name + "".join(_cell(board, one) for one in columns[1:])
    state = f'<span class="state">{report_page.WORDS[board.urgency]}</span>'
    return f'<tr class="s{board.urgency}"><td>{state}</td>{cells}</tr>'


def _cell(board: BoardLine, column: Column) -> str:
    text, _ = column.cell(board, board.need, column.width)
    kinds = ["right"] if column.heading not in _LEFT_ALIGNED else []
    kinds += ["trend"] if column.heading == TREND else []
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    return f'<td{kind} data-name="{_HEADINGS[column.heading]}">{escape(text)}</td>'
