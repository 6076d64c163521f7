"""`buddywatch forget BOARD [--before WHEN]`: removes what is stored of a board."""

from __future__ import annotations

import argparse
import time
from functools import partial

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import checked
from buddywatch.commands.db import refuse_while_collecting
from buddywatch.config.sections import Config
from buddywatch.store import care
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, parse_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    moment = checked(partial(parse_time, now=time.time()))
    parser.add_argument("board", metavar="BOARD")
    parser.add_argument(
        "--before", metavar="WHEN", type=moment, help='only what is older, such as "30d"; else everything'
    )


def run(args: argparse.Namespace, config: Config) -> int:
    with Store.open(config.collector.db) as store:
        if args.board not in store.boards():
            raise CommandError(
                f"no board {escaped(args.board)!r} is stored; known: {', '.join(map(escaped, store.boards()))}"
            )
        refuse_while_collecting(store)
        if args.before is None:
            care.forget(store, args.board)
        else:
            care.forget_before(store, args.board, args.before)
    return 0
