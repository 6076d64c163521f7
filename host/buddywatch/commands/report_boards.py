"""What a report says of boards, with the tables of other commands: who holds the memory, who was started how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from buddywatch.commands import CommandError, who, who_text
from buddywatch.config.sections import Config
from buddywatch.report.board_report import BoardReport, board_report
from buddywatch.store.memory_maps import map_at
from buddywatch.store.store import Store
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.gather_depth import ORDERS, owner_lines
from buddywatch.terminal.view import View, shown_boards
from buddywatch.verdict.judge import page_bytes_of

Table = tuple[str, tuple[str, ...]]


def reports_of(
    store: Store, config: Config, begins: Mapping[str, float], until: float, now: float
) -> list[BoardReport]:
    """Of these boards, each from its time on; worst first."""
    fleet = FleetReader(store, config).fleet(now)
    lines = [line for line in shown_boards(fleet, View()) if line.name in begins]
    return [
        board_report(store, config, line, since, until, list(_tables(store, config, line.name, since, until)))
        for line, since in ((line, begins[line.name]) for line in lines)
    ]


def _tables(store: Store, config: Config, board: str, since: float, until: float) -> Iterator[Table]:
    """What a board does not report has no table."""
    found, boot = map_at(store, board, until), store.latest_boot(board)
    if boot is None:
        return
    page_bytes = config.board(config.name_of(board, boot.facts)).page_bytes or page_bytes_of(boot.facts)
    if found is not None and page_bytes is not None:
        yield "Who holds the memory", owner_lines(found[0], page_bytes, ORDERS, until - found[0].time)
    try:
        started = who_text.starts_table(who.answer(store, config, board, None, since, until))
    except CommandError:
        return  # it has no need, no page size or no snapshot in this time
    if started:
        yield "Who was started how often", tuple(started)
