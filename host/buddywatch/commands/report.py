"""`buddywatch report [BOARD...] --html FILE [--since 7d]`: what happened to boards, as one page; `--mail` sends it."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import WHEN, checked
from buddywatch.commands.boards import check_board
from buddywatch.config.sections import Config
from buddywatch.report.page import page
from buddywatch.store.store import Store
from buddywatch.text.escape import parse_time

DEFAULT_SINCE = "7d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("boards", metavar="BOARD", nargs="*", help="default: all")
    parser.add_argument("--html", metavar="FILE", type=Path, help="where to write the page")
    mail = "send it by mail, as [mail] says, to those of [report] or [mail]: sentences, and the page as a file"
    parser.add_argument("--mail", action="store_true", help=mail)
    moment = checked(lambda text: parse_time(text, time.time()))
    since = f"{WHEN}; default: {DEFAULT_SINCE}"
    parser.add_argument("--since", metavar="WHEN", type=moment, default=DEFAULT_SINCE, help=since)
    parser.add_argument("--until", metavar="WHEN", type=moment, help="default: now")


def run(args: argparse.Namespace, config: Config) -> int:
    from buddywatch.commands.report_boards import reports_of  # wrong use is reported without these

    now = time.time()
    until = now if args.until is None else args.until
    if args.since >= until:
        raise CommandError("--since must lie before --until")
    if args.html is None and not args.mail:
        raise CommandError("expected --html FILE, --mail, or both")
    if args.mail:
        from buddywatch.commands.report_mail import mail_channel

        mail_channel(config)
    with Store.open_readonly(config.collector.db) as store:
        for name in args.boards:
            check_board(store, config, name)
        reports = reports_of(store, config, args.boards, args.since, until, now)
    if args.html is not None:
        args.html.write_text(page(reports, args.since, until, now), encoding="utf-8")
    if args.mail:
        from buddywatch.commands.report_mail import send
        from buddywatch.notify.mail import new_message_id
        from buddywatch.report.letter import letter

        message = letter(reports, args.since, until, now)
        print(send(config, replace(message, message_id=new_message_id(config.mail))))
    return 0
