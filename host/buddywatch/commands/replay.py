"""`buddywatch replay [FILE ...]`: what would have been sent, and when, if this recording had been collected."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from buddywatch.alerts.evaluate import Item
from buddywatch.commands.argument_types import need
from buddywatch.commands.boards import check_board, print_json
from buddywatch.commands.progress import clear_bar
from buddywatch.commands.recordings import RecordedFile, Recording, add_flags, flags_of, is_database, recordings_of
from buddywatch.commands.replay_words import lines, timeline_json
from buddywatch.config.sections import Config
from buddywatch.model.batch import StoredEvent
from buddywatch.model.samples import ConsoleLine
from buddywatch.recorded.pieces import Flags, Unreadable
from buddywatch.replay.ordered import in_order
from buddywatch.replay.simulation import Simulation
from buddywatch.store.chronicle import chronicle
from buddywatch.store.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    files = "recordings, or databases of buddywatch; - for standard input (default: the database)"
    parser.add_argument("files", metavar="FILE", nargs="*", help=files)
    board = "the board's name, where a recording has none (default: the file's); else only this board"
    parser.add_argument("--board", metavar="NAME", help=board)
    wanted = "a need to judge, instead of the configured ones; NAME=BYTES:exec for the start of a program"
    parser.add_argument("--need", metavar="NAME=BYTES", action="append", default=[], type=need, help=wanted)
    add_flags(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--messages", action="store_true", help="print the messages in full")


def run(args: argparse.Namespace, config: Config) -> int:
    if args.need:
        config = replace(config, needs=tuple(args.need))
    unreadable: list[str] = []
    with ExitStack() as stack:
        stack.callback(clear_bar)
        paths = args.files or [str(config.collector.db)]
        is_stored = {path: is_database(path) or not args.files for path in paths}
        files = [stack.enter_context(RecordedFile(path)) for path in paths if not is_stored[path]]
        stores = [stack.enter_context(Store.open_readonly(path)) for path in paths if is_stored[path]]
        recordings = [of_board for store in stores for of_board in _stored(store, config, args.board)]
        recordings += [_readable(found, flags_of(args), args.board, unreadable) for found in recordings_of(files)]
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="buddywatch-replay-"))
        store = stack.enter_context(Store.open(Path(folder) / "replay.db"))
        simulation = Simulation(store, config)
        for time, board, items in in_order(recordings):
            simulation.take(board, items, time)
        simulation.finish()
    if args.json:
        print_json(timeline_json(simulation))
    else:
        print("\n".join(lines(simulation, unreadable, args.messages)))
    return 0


def _readable(
    recording: Recording, flags: Flags, board: str | None, unreadable: list[str]
) -> Iterator[tuple[str, Item]]:
    """What rules judge of a recording; lines that cannot be used are added to unreadable. CommandError."""
    for name, item in recording.items(flags, board):
        if isinstance(item, Unreadable):
            unreadable.append(f"{recording.name}, line {item.line}: {item.why}")
        elif not isinstance(item, ConsoleLine):
            yield name, item.event if isinstance(item, StoredEvent) else item


def _stored(store: Store, config: Config, board: str | None) -> list[Iterator[tuple[str, Item]]]:
    """What is stored of each board, or of one."""
    if board is not None:
        check_board(store, config, board)
    return [_stored_of(store, name) for name in (store.boards() if board is None else [board])]


def _stored_of(store: Store, board: str) -> Iterator[tuple[str, Item]]:
    for item in chronicle(store, board):
        yield board, item.event if isinstance(item, StoredEvent) else item
