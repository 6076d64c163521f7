"""`buddywatch report [BOARD...] --html FILE [--since 7d]`: what happened to boards, as one page; `--mail` sends it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import WHEN, checked
from buddywatch.commands.boards import check_board
from buddywatch.config.sections import Config
from buddywatch.report.board_report import BoardReport, board_report
from buddywatch.report.page import page
from buddywatch.store.memory_maps import map_at
from buddywatch.store.store import Store
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.gather_depth import ORDERS, owner_lines
from buddywatch.terminal.view import BoardLine, View, shown_boards
from buddywatch.text.escape import parse_time
from buddywatch.verdict.judge import page_bytes_of

DEFAULT_SINCE = "7d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("boards", metavar="BOARD", nargs="*", help="default: all")
    parser.add_argument("--html", metavar="FILE", type=Path, required=True, help="where to write the page")
    moment = checked(lambda text: parse_time(text, time.time()))
    since = f"{WHEN}; default: {DEFAULT_SINCE}"
    parser.add_argument("--since", metavar="WHEN", type=moment, default=DEFAULT_SINCE, help=since)
    parser.add_argument("--until", metavar="WHEN", type=moment, help="default: now")


def run(args: argparse.Namespace, config: Config) -> int:
    now = time.time()
    until = now if args.until is None else args.until
    if args.since >= until:
        raise CommandError("--since must lie before --until")
    with Store.open_readonly(config.collector.db) as store:
        for name in args.boards:
            check_board(store, config, name)
        fleet = FleetReader(store, config).fleet(now)
        lines = [line for line in shown_boards(fleet, View()) if not args.boards or line.name in args.boards]
        reports = [_report(store, config, line, args.since, until) for line in lines]
    args.html.write_text(page(reports, args.since, until, now), encoding="utf-8")
    return 0


def _report(store: Store, config: Config, line: BoardLine, since: float, until: float) -> BoardReport:
    return board_report(store, config, line, since, until, _owners(store, config, line.name, until))


def _owners(store: Store, config: Config, board: str, until: float) -> list[tuple[str, tuple[str, ...]]]:
    """Who held the memory, by the newest map; nothing where the board sends none."""
    found, boot = map_at(store, board, until), store.latest_boot(board)
    if found is None or boot is None:
        return []
    page_bytes = config.board(config.name_of(board, boot.facts)).page_bytes or page_bytes_of(boot.facts)
    if page_bytes is None:
        return []
    return [("Who holds the memory", owner_lines(found[0], page_bytes, ORDERS, until - found[0].time))]
