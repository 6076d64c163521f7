"""`buddywatch replay [FILE ...]`: what would have been sent, and when, if this recording had been collected."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from buddywatch.alerts.evaluate import Item
from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import need
from buddywatch.commands.boards import print_json
from buddywatch.commands.recordings import RecordedFile, add_flags, board_of, flags_of
from buddywatch.commands.replay_words import lines, timeline_json
from buddywatch.config.sections import Config
from buddywatch.recorded.formats import format_of, read
from buddywatch.recorded.pieces import Flags, RecordedError, Unreadable
from buddywatch.replay.ordered import in_order
from buddywatch.replay.simulation import Simulation
from buddywatch.store.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="recordings; - for standard input")
    parser.add_argument("--board", metavar="NAME", help="the board's name (default: the file's, without its ending)")
    wanted = "a need to judge, instead of the configured ones; NAME=BYTES:exec for the start of a program"
    parser.add_argument("--need", metavar="NAME=BYTES", action="append", default=[], type=need, help=wanted)
    add_flags(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--messages", action="store_true", help="print the messages in full")


def run(args: argparse.Namespace, config: Config) -> int:
    if args.need:
        config = replace(config, needs=tuple(args.need))
    with ExitStack() as stack:
        boards: dict[str, list[RecordedFile]] = {}
        for path in args.files:
            file = RecordedFile(path)
            stack.callback(file.close)
            boards.setdefault(args.board or board_of(path), []).append(file)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="buddywatch-replay-"))
        store = stack.enter_context(Store.open(Path(folder) / "replay.db"))
        simulation = Simulation(store, config)
        unreadable: list[str] = []
        recorded = {name: _items(name, files, flags_of(args), unreadable) for name, files in boards.items()}
        for time, board, items in in_order(recorded):
            simulation.take(board, items, time)
        simulation.finish()
    if args.json:
        print_json(timeline_json(simulation))
    else:
        print("\n".join(lines(simulation, unreadable, args.messages)))
    return 0


def _items(board: str, files: Sequence[RecordedFile], flags: Flags, unreadable: list[str]) -> Iterator[Item]:
    """What the recordings of a board hold; lines that cannot be used are added to unreadable. CommandError."""
    for file in files:
        try:
            for item in read(file.lines, format_of(file.head), flags, board, file.written):
                if isinstance(item, Unreadable):
                    unreadable.append(f"{file.name}, line {item.line}: {item.why}")
                else:
                    yield item
        except RecordedError as error:
            raise CommandError(f"{file.name}: {error}") from None
