"""`buddywatch map BOARD [--at WHEN] [--need NAME|BYTES]... [--json]`: who holds which memory, whose end frees what."""

from __future__ import annotations

import argparse
import time

from buddywatch.commands import CommandError, map_json, map_text
from buddywatch.commands.argument_types import WHEN, moment
from buddywatch.commands.asked_needs import asked_needs
from buddywatch.commands.boards import check_board, print_json, time_of
from buddywatch.commands.map_answer import MapAnswer, answer
from buddywatch.config.sections import Config
from buddywatch.model.samples import Boot
from buddywatch.store.memory_maps import map_at
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, local_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD")
    parser.add_argument("--at", metavar="WHEN", type=moment, help=f"the newest map before that time, {WHEN}")
    what = "judge this need of the configuration, or so many bytes (such as 61440); may be repeated"
    parser.add_argument("--need", metavar="NAME|BYTES", action="append", help=f"{what}; default: all of the board")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    with Store.open_readonly(config.collector.db) as store:
        check_board(store, config, args.board)
        at = time_of(store, args.board, args.at)
        found = map_at(store, args.board, at)
        boots = {boot.boot_id: boot for boot in store.boots(args.board)}
    if found is None:
        raise CommandError(_none(args.board, at, list(boots.values())))
    boot = boots.get(found[0].boot_id)
    named = config.name_of(args.board, boot.facts if boot else {})
    needs = asked_needs(config.needs_of(named), args.need)
    result = answer(args.board, found[0], found[1], boot.facts if boot else {}, needs, config.board(named))
    _show(result, args.json)
    return 0


def _show(result: MapAnswer, as_json: bool) -> None:
    if as_json:
        print_json(map_json.of(result, time.time()))
    else:
        print("\n".join(map_text.lines(result, time.time())))


def _none(board: str, at: float | None, boots: list[Boot]) -> str:
    shown = escaped(board)
    if boots and boots[-1].facts.get("nommu") == "0":
        return (
            f"{shown} has an MMU: the addresses of its programs do not say which memory they hold, so it sends no map"
        )
    when = f" before {local_time(at)}" if at is not None else ""
    return (
        f"no map of {shown}{when}; its buddyd sends one at its start and every --map-interval (600 s), unless that is 0"
    )
