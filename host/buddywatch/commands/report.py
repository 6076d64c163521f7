"""`buddywatch report [BOARD...] --html FILE [--since 7d]`: what happened to boards, as one page; `--mail` sends it."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import WHEN, moment
from buddywatch.commands.boards import check_board, time_of
from buddywatch.config.sections import Config
from buddywatch.report.page import page
from buddywatch.store.store import Store

DEFAULT_SINCE_S = 7 * 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("boards", metavar="BOARD", nargs="*", help="default: all")
    parser.add_argument("--html", metavar="FILE", type=Path, help="where to write the page")
    mail = "send it by mail, as [mail] says, to those of [report] or [mail]: sentences, and the page as a file"
    parser.add_argument("--mail", action="store_true", help=mail)
    parser.add_argument("--since", metavar="WHEN", type=moment, help=f"{WHEN}; default: 7d before --until")
    parser.add_argument("--until", metavar="WHEN", type=moment, help="default: now")


def run(args: argparse.Namespace, config: Config) -> int:
    from buddywatch.commands.report_boards import reports_of  # wrong use is reported without these
    from buddywatch.terminal.overview import board_names

    now = time.time()
    until = now if args.until is None else args.until
    if args.html is None and not args.mail:
        raise CommandError("expected --html FILE, --mail, or both")
    if args.mail:
        from buddywatch.commands.report_mail import mail_channel

        mail_channel(config)
    with Store.open_readonly(config.collector.db) as store:
        for name in args.boards:
            check_board(store, config, name)
        otherwise = until - DEFAULT_SINCE_S
        names = args.boards or board_names(store, config)
        begins = {name: time_of(store, name, args.since) or otherwise for name in names}
        since = min(begins.values(), default=time_of(store, "", args.since) or otherwise)
        if max([since, *begins.values()]) >= until:
            raise CommandError("--since must lie before --until")
        reports = reports_of(store, config, begins, until, now)
    if args.html is not None:
        args.html.write_text(page(reports, since, until, now), encoding="utf-8")
    if args.mail:
        from buddywatch.commands.report_mail import send
        from buddywatch.notify.message_id import new_message_id
        from buddywatch.report.letter import letter

        message = letter(reports, since, until, now)
        print(send(config, replace(message, message_id=new_message_id(config.mail))))
    return 0
