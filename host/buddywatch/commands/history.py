"""`buddywatch history BOARD [--since] [--until] [--step] [--csv|--json]`. Rows are printed while they are read."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator

from buddywatch.commands import history_csv, history_json, history_table
from buddywatch.commands.argument_types import WHEN, duration, moment
from buddywatch.commands.boards import check_board, time_of
from buddywatch.config.sections import Config
from buddywatch.store.store import Store
from buddywatch.store.timeline import History


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD")
    parser.add_argument("--since", metavar="WHEN", type=moment, help=f"{WHEN}; default: from the beginning")
    parser.add_argument("--until", metavar="WHEN", type=moment, help="default: now")
    step = "minimum, mean and maximum of every value per step, such as 1m"
    parser.add_argument("--step", metavar="DURATION", type=_step_s, help=step)
    parser.add_argument("--all", action="store_true", help="on a terminal: more than a screenful, too")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", dest="lines", action="store_const", const=history_csv.lines, help="print CSV (RFC 4180)")
    form.add_argument("--json", dest="lines", action="store_const", const=history_json.lines, help="print JSON")
    parser.set_defaults(lines=history_table.lines)


def run(args: argparse.Namespace, config: Config) -> int:
    with Store.open_readonly(config.collector.db) as store:
        check_board(store, config, args.board)
        since, until = (time_of(store, args.board, value) for value in (args.since, args.until))
        lines: Iterator[str]
        if args.lines is history_table.lines and sys.stdout.isatty():
            lines = _on_screen(store, config, args, since, until)
        else:
            lines = args.lines(History(store, config, args.board, since, until), args.step)
        for line in lines:
            print(line)
    return 0


def _on_screen(
    store: Store, config: Config, args: argparse.Namespace, since: float | None, until: float | None
) -> Iterator[str]:
    """For a person: no more than fits, unless --all."""
    import shutil  # a file or a pipe gets the table, and needs none of these

    from buddywatch.commands import history_screen
    from buddywatch.terminal.screen import style_of

    size = shutil.get_terminal_size()
    if not args.all and args.step is None and until is None:
        # What fills the screen is read, and not all that is stored.
        newest = store.recent(args.board, size.lines + 1)
        since = max([since or 0.0, *(snapshot.time for snapshot in newest[:1])])
    history = History(store, config, args.board, since, until)
    found = history_screen.lines(history, args.step, size.columns, style_of(sys.stdout, os.environ))
    return found if args.all else history_screen.newest(found, size.lines)


def _step_s(text: str) -> int:
    step_s = duration(text)
    if step_s != int(step_s):
        raise argparse.ArgumentTypeError(f"{text!r}: expected whole seconds, at least 1 s")
    return int(step_s)
