"""A report as a mail: its sentences as text, and the page as a file beside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from buddywatch.model.alerts import OK, Message
from buddywatch.notify.message import compose_notice
from buddywatch.notify.paper import wrapped
from buddywatch.report.board_report import BoardReport
from buddywatch.report.page import WORDS, page
from buddywatch.terminal.view import FAILS
from buddywatch.text.escape import brief_duration, counted, escaped, local_time, one_line

BOARDS_TOLD = 30  # in the text, of which phones show some; the page has more
PAGE_MAX_BYTES = 5_000_000  # as base64 well below the 10 MB that mail servers take


def letter(reports: Sequence[BoardReport], since: float, until: float, now: float) -> Message:
    """The reports come worst first."""
    failing = sum(report.urgency == FAILS for report in reports)
    state = f"{failing} failing" if failing else "none failing"
    what = f"report of {brief_duration(until - since)}: {counted(len(reports), 'board')}, {state}"
    text, shown = _page(reports, since, until, now)
    lines = [f"Boards from {local_time(since)[:16]} to {local_time(until)[:16]}", ""]
    for report in reports[:BOARDS_TOLD]:
        lines += [*_board_lines(report), ""]
    if len(reports) > BOARDS_TOLD:
        lines += [f"and {counted(len(reports) - BOARDS_TOLD, 'board')} more, which are better off.", ""]
    left_out = f" of the {shown} worst boards" if shown < len(reports) else ""
    lines += [f"The page report.html has charts, alerts and reasons{left_out}.", f"Sent at {local_time(now)}."]
    body = "\n".join(lines) + "\n"
    notice = compose_notice("report", OK, what, [], now)
    subject = f"[buddywatch] {what[0].upper()}{what[1:]}"
    payload = {**notice.payload, "text": body, "boards": [report.name for report in reports], "page": text}
    return Message(subject, body, payload)


def _page(reports: Sequence[BoardReport], since: float, until: float, now: float) -> tuple[str, int]:
    """The page of so many boards as a mail can carry, the worst ones, and how many these are."""
    count = len(reports)
    text = page(reports, since, until, now)
    while len(text.encode()) > PAGE_MAX_BYTES and count > 1:
        count //= 2
        text = page(reports[:count], since, until, now)
    return text, count


def _board_lines(report: BoardReport) -> Iterator[str]:
    yield from wrapped(one_line(f"{report.name}: {WORDS[report.urgency]}. {report.sentence}", 300), "", "  ")
    yield f"  {escaped(report.kernel)}"
    head, *changes = report.changes
    yield from wrapped(escaped(f"{head}: {'; '.join(changes)}"), "  ", "  ")
