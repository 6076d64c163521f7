"""`buddywatch silence BOARD RULE --for 2h --because TEXT`: mutes alerts, which are still recorded."""

from __future__ import annotations

import argparse
import time

from buddywatch.commands import CommandError
from buddywatch.commands.boards import check_board
from buddywatch.config.sections import Config
from buddywatch.model.alerts import RULES, Silence
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, local_time, one_line
from buddywatch.text.units import parse_duration

ALL = "all"
LONGEST_DAYS = 3650  # to mute a rule for ever, set it to "off" in [alert]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD")
    parser.add_argument("rule", metavar="RULE", choices=(*RULES, ALL), help=f"{', '.join(RULES)}, or {ALL}")
    parser.add_argument(
        "--for", dest="duration_s", metavar="DURATION", required=True, type=_duration, help='such as "2h"'
    )
    parser.add_argument("--because", metavar="TEXT", required=True, type=_text, help="why the alert is muted")


def run(args: argparse.Namespace, config: Config) -> int:
    now = time.time()
    rule = None if args.rule == ALL else args.rule
    with Store.open_readonly(
        config.collector.db
    ) as store:  # read-only first, since this command must not create a store
        check_board(store, config, args.board)
    with Store.open(config.collector.db) as store:
        try:
            store.add_silence(Silence(0, args.board, rule, None, now, now + args.duration_s, args.because))
        except ValueError as error:
            raise CommandError(str(error)) from None
    what = "all alerts" if rule is None else f"alerts of the rule {rule}"
    until, because = local_time(now + args.duration_s), one_line(args.because)
    print(f"{escaped(args.board)}: {what} are muted until {until}, because: {because}")
    return 0


def _text(text: str) -> str:
    """Text that the database can take: an argument may hold any bytes (PEP 383)."""
    if not text.isprintable() and any("\udc80" <= char <= "\udcff" for char in text):
        raise argparse.ArgumentTypeError(f"expected text in UTF-8, not {text!a}")
    return text


def _duration(text: str) -> int:
    try:
        duration_s = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if duration_s > LONGEST_DAYS * 86_400:
        raise argparse.ArgumentTypeError(f"{one_line(text, 40)!r}: expected at most {LONGEST_DAYS}d")
    return duration_s
