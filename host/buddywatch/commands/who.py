"""`buddywatch who BOARD [--since WHEN] [--need NAME|BYTES] [--json]`: who costs large blocks."""

from __future__ import annotations

import argparse
import time

from buddyd import watermark

from buddywatch.commands import CommandError, who_json, who_text
from buddywatch.commands.argument_types import WHEN, moment
from buddywatch.commands.asked_needs import asked_needs
from buddywatch.commands.boards import check_board, print_json, time_of
from buddywatch.commands.who_answer import WhoAnswer
from buddywatch.config.sections import Config
from buddywatch.model.samples import Boot
from buddywatch.store import program_lives
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, local_time
from buddywatch.verdict.culprits import find
from buddywatch.verdict.judge import page_bytes_of

DAY_S = 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD")
    parser.add_argument("--since", metavar="WHEN", type=moment, help=f"{WHEN}; default: 1d")
    what = "count the memory in blocks that this need of the configuration, or so many bytes, can use"
    parser.add_argument("--need", metavar="NAME|BYTES", help=f"{what}; default: the first of the board")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    now = time.time()
    with Store.open_readonly(config.collector.db) as store:
        check_board(store, config, args.board)
        since = time_of(store, args.board, args.since)
        since = now - DAY_S if since is None else since
        result = answer(store, config, args.board, args.need, since, now)
    if args.json:
        print_json(who_json.of(result))
    else:
        print("\n".join(who_text.lines(result)))
    return 0


def answer(store: Store, config: Config, board: str, need: str | None, since: float, until: float) -> WhoAnswer:
    """need: as --need. CommandError: too little is known."""
    boots = {boot.boot_id: boot for boot in store.boots(board)}
    newest = next(reversed(boots.values()), None)
    facts = newest.facts if newest else {}
    named = config.name_of(board, facts)
    needs = asked_needs(config.needs_of(named), None if need is None else [need])
    page_bytes = config.board(named).page_bytes or page_bytes_of(facts)
    if not needs or page_bytes is None:
        lacks = "page size is not known; set page_bytes in its [[board]]" if needs else "needs: name one with --need"
        raise CommandError(f"{escaped(board)}: {lacks}")
    order = int(watermark.order_for(needs[0].bytes, page_bytes))
    points = program_lives.points(store, board, since, until, order)
    if not points:
        raise CommandError(_none(board, since, newest))
    lives = program_lives.lives(store, board, since, until)
    findings = find(points, lives, program_lives.refusals(store, board, since, until), order)
    sees_programs = bool(lives)
    return WhoAnswer(board, since, until, needs[0].name, page_bytes, order, findings, sees_programs, boots)


def _none(board: str, since: float, newest: Boot | None) -> str:
    if newest is None:
        return f"no data of {escaped(board)} yet"
    return f"no snapshot of {escaped(board)} since {local_time(since)}; take an earlier --since"
