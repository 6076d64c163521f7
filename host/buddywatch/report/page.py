"""A report as one HTML page: no network, no script, light and dark, for a phone, a screen and A4. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from buddywatch.pictures import svg
from buddywatch.report.board_report import BoardReport, lasted
from buddywatch.terminal.view import ALERT, FAILS, FINE, SILENT, SOON
from buddywatch.text.document import html_lines
from buddywatch.text.escape import counted, escaped, local_time

WORDS = {FAILS: "FAILS", SOON: "soon", SILENT: "silent", ALERT: "alert", FINE: "ok"}
STYLE = """
:root{color-scheme:light dark}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;margin:.5rem 0}
h2{font-size:1.25rem;margin:2rem 0 .25rem;border-top:1px solid var(--rule);padding-top:1rem}
h3{font-size:1rem;margin:1rem 0 .25rem}p,ul{margin:.5rem 0}ul{padding-left:1.25rem}a{color:inherit}
.soft{color:var(--soft)}.state{display:inline-block;min-width:4.5em;font-weight:600}
.s0 .state,.s0.state{color:var(--bad)}.s1 .state,.s1.state,.s3 .state,.s3.state{color:var(--band)}
.s4 .state,.s4.state{color:var(--good)}
.boards{list-style:none;padding:0}.boards li{padding:.25rem 0}
svg{display:block;width:100%;height:auto;margin:.5rem 0}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--h0)}
td:first-child{white-space:nowrap}td:last-child{overflow-wrap:anywhere}
pre{overflow-x:auto;font:13px/1.4 ui-monospace,monospace;margin:.5rem 0}summary{cursor:pointer;font-weight:600}
@media (max-width:40rem){main{padding:.5rem}table,tbody,tr,td{display:block}thead{display:none}td{border:0;padding:0}
tr{padding:.5rem 0;border-bottom:1px solid var(--h0)}}
@media print{@page{size:A4;margin:14mm}body{font-size:10pt}main{max-width:none;padding:0}h2{break-before:page}
section:first-of-type h2{break-before:auto}svg,tr,li{break-inside:avoid}h3{break-after:avoid}
pre{white-space:pre-wrap;font-size:8pt}}
"""


def page(reports: Sequence[BoardReport], since: float, until: float, made: float) -> str:
    """The whole page; the reports come worst first."""
    count = sum(report.urgency == FAILS for report in reports)
    title = f"Boards from {local_time(since)[:16]} to {local_time(until)[:16]}"
    words = f"{counted(len(reports), 'board')}, {f'{count} of them' if count else 'none'} failing."
    lines = [
        f"<h1>{escape(title)}</h1>",
        f'<p>{words} <span class="soft">Made {escape(local_time(made))} by buddywatch.</span></p>',
        '<ul class="boards">',
        *(_entry(report, number) for number, report in enumerate(reports)),
        "</ul>",
    ]
    for number, report in enumerate(reports):
        lines += section(report, number, until)
    return document(title, lines)


def document(title: str, body: Sequence[str], head: str = "", kind: str = "") -> str:
    """A whole page. head: more of it. kind: the class of its main part."""
    lines = [
        '<!DOCTYPE html>\n<html lang="en" class="bw"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{escape(escaped(title))}</title><style>{svg.STYLE}{STYLE}</style>{head}</head>",
        f"<body><main{f' class={kind!r}' if kind else ''}>",
        *body,
    ]
    return "\n".join([*lines, "</main></body></html>\n"])


def _entry(report: BoardReport, number: int) -> str:
    name = escape(escaped(report.name))
    return (
        f'<li class="s{report.urgency}"><span class="state">{WORDS[report.urgency]}</span> '
        f'<a href="#b{number}"><b>{name}</b></a>: {escape(escaped(report.sentence))}</li>'
    )


def section(report: BoardReport, number: int, until: float, level: str = "h2") -> Iterator[str]:
    """What there is to say of a board. number: in the page. level: of its heading."""
    name = escape(escaped(report.name))
    state = f'<span class="state s{report.urgency}">{WORDS[report.urgency]}</span>'
    yield f'<section id="b{number}"><{level}>{name} {state}</{level}>'
    yield f'<p>{escape(escaped(report.sentence))} <span class="soft">{escape(escaped(report.kernel))}</span></p>'
    for at, need in enumerate(report.picture.needs):
        yield f"<h3>{escape(escaped(need.name))}: usable blocks</h3>"
        yield svg.need_svg(need, report.picture, f"b{number}n{at}")
    if report.picture.heat:
        yield "<h3>Free blocks by size</h3>"
        yield svg.heat_svg(report.picture, f"b{number}h")
    head, *changes = report.changes
    yield f"<h3>{escape(head)}</h3><ul>{''.join(f'<li>{escape(escaped(one))}</li>' for one in changes)}</ul>"
    yield from _incidents(report, until)
    if report.why and report.why_at is not None:
        yield f"<details open><summary>Why, by the state of {escape(local_time(report.why_at))}</summary>"
        yield from html_lines(report.why)
        yield "</details>"
    for title, lines in report.tables:
        yield f"<h3>{escape(title)}</h3><pre>{escape(chr(10).join(lines))}</pre>"
    yield "</section>"


def _incidents(report: BoardReport, until: float) -> Iterator[str]:
    if not report.incidents:
        yield "<h3>Alerts</h3><p>None.</p>"
        return
    heads = "".join(f"<th>{head}</th>" for head in ("when", "what", "lasted", "why"))
    yield f'<h3>Alerts</h3><div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>'
    for one in report.incidents:
        what = f"{one.severity}, {one.rule}"
        cells = (local_time(one.opened)[:16], what, lasted(one, until), one.text)
        yield f"<tr>{''.join(f'<td>{escape(escaped(cell))}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div>"
    if report.more_incidents:
        yield f'<p class="soft">and {report.more_incidents} before</p>'
