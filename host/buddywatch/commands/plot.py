"""`buddywatch plot BOARD [--need NAME] [--since 7d] [--svg FILE]`: a board's memory over time, as a picture."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import WHEN, moment
from buddywatch.commands.boards import check_board, time_of
from buddywatch.config.sections import Config
from buddywatch.pictures import svg
from buddywatch.pictures.board_picture import BoardPicture
from buddywatch.pictures.plot_lines import plot_lines
from buddywatch.report.picture import picture_of
from buddywatch.store.store import Store
from buddywatch.terminal.screen import is_unicode
from buddywatch.text.escape import escaped

DEFAULT_SINCE_S = 7 * 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD")
    parser.add_argument("--need", metavar="NAME", action="append", help="only this need; may be repeated")
    parser.add_argument("--since", metavar="WHEN", type=moment, help=f"{WHEN}; default: 7d before --until")
    parser.add_argument("--until", metavar="WHEN", type=moment, help="default: now")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="write a picture for a browser or a document instead")


def run(args: argparse.Namespace, config: Config) -> int:
    with Store.open_readonly(config.collector.db) as store:
        check_board(store, config, args.board)
        since, until = (time_of(store, args.board, value) for value in (args.since, args.until))
        until = time.time() if until is None else until
        since = until - DEFAULT_SINCE_S if args.since is None else since
        if since is not None and since >= until:
            raise CommandError("--since must lie before --until")
        picture = _chosen(picture_of(store, config, args.board, since, until), args.need)
    if args.svg is not None:
        args.svg.write_text(svg.document(picture), encoding="utf-8")
        return 0
    print("\n".join(plot_lines(picture, shutil.get_terminal_size().columns, is_unicode(sys.stdout))))
    return 0


def _chosen(picture: BoardPicture, names: list[str] | None) -> BoardPicture:
    if names is None:
        return picture
    known = {need.name: need for need in picture.needs}
    for name in names:
        if name not in known:
            needs = ", ".join(map(escaped, known)) or "none whose block size is known"
            raise CommandError(f"--need {escaped(name)!r}: expected a need of the board: {needs}")
    return replace(picture, needs=tuple(known[name] for name in names))
