"""`buddywatch export [BOARD ...]`: everything that is stored of boards, for `import` or other programs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

from buddywatch.commands import CommandError
from buddywatch.commands.boards import check_board
from buddywatch.config.sections import Config
from buddywatch.recorded import csv_table, export_stream, json_lines
from buddywatch.recorded.records import Kept
from buddywatch.store.chronicle import chronicle
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("boards", metavar="BOARD", nargs="*", help="boards (default: all)")
    parser.add_argument("--output", metavar="FILE", help="the file to write (default: standard output)")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--jsonl", action="store_true", help="JSON lines (the default)")
    form.add_argument("--csv", action="store_true", help="CSV, the numbers of a snapshot in columns of their own")
    form.add_argument("--stream", action="store_true", help="frames, as an agent sends them")


def run(args: argparse.Namespace, config: Config) -> int:
    with Store.open_readonly(config.collector.db) as store:
        for board in args.boards:
            check_board(store, config, board)
        boards = args.boards or store.boards()
        items = _items(store, boards, not args.stream)
        if args.csv:
            lines = csv_table.write((boot for board in boards for boot in store.boots(board)), items)
        elif args.stream:
            lines = export_stream.write(items)
        else:
            lines = json_lines.write(items)
        _write(lines, args.output, store.path)
    return 0


def _items(store: Store, boards: Iterable[str], with_console: bool) -> Iterator[tuple[str, Kept]]:
    for board in boards:
        yield from ((board, item) for item in chronicle(store, board))
        if with_console:
            yield from ((board, line) for line in store.console_since(board, 0.0))


def _write(lines: Iterable[str], path: str | None, db: str) -> None:
    """To standard output, or into a file. A file that is there already stays as it is until the new one is whole."""
    if path is None:
        for line in lines:
            sys.stdout.write(f"{line}\n")
        return
    if os.path.exists(path) and os.path.samefile(path, db):
        raise CommandError(f"{escaped(path)}: the database itself; name another file with --output")
    is_plain = not os.path.exists(path) or os.path.isfile(path)
    written = f"{os.path.realpath(path)}.part" if is_plain else path
    try:
        with open(written, "w", encoding="utf-8", newline="") as file:
            file.writelines(f"{line}\n" for line in lines)
        if is_plain:
            os.replace(written, os.path.realpath(path))
    except BaseException:
        if is_plain:
            with suppress(OSError):
                os.unlink(written)
        raise
