"""`buddywatch import FILE ... [--board NAME]`: stores recorded data, so that all commands show it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from buddywatch.commands import CommandError
from buddywatch.commands.boards import print_json
from buddywatch.commands.intake import Count, Intake
from buddywatch.commands.progress import clear_bar
from buddywatch.commands.recordings import RecordedFile, add_flags, flags_of, recordings_of
from buddywatch.commands.replay_words import unreadable_lines
from buddywatch.config.sections import Config
from buddywatch.recorded.pieces import Unreadable
from buddywatch.store.store import Store
from buddywatch.text.escape import counted, escaped, local_day_time, one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="recordings; - for standard input")
    board = "the board to store the data as (default: the name in the recording, else the file's)"
    parser.add_argument("--board", metavar="NAME", type=_name, help=board)
    add_flags(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    config.collector.db.parent.mkdir(parents=True, exist_ok=True)
    unreadable: list[str] = []
    with ExitStack() as stack:
        files = [stack.enter_context(RecordedFile(path)) for path in args.files]
        store = stack.enter_context(Store.open(config.collector.db))
        stack.callback(clear_bar)
        intake = Intake(store)
        recordings = recordings_of(files)
        for recording in recordings:
            tracker = partial(intake.tracker, recording.ended)
            for board, item in recording.items(flags_of(args), args.board, tracker):
                if isinstance(item, Unreadable):
                    unreadable.append(f"{recording.name}, line {item.line}: {item.why}")
                else:
                    intake.take(board, item)
            intake.flush()
        intake.finish()
    if not intake.counts:
        first = recordings[0]
        raise CommandError(f"{first.name}: {first.known.name}, and nothing in it can be stored{_because(unreadable)}")
    if args.json:
        print_json({name: _count_json(count) for name, count in intake.counts.items()} | {"unreadable": unreadable})
    else:
        print("\n".join([*_lines(intake), *unreadable_lines(unreadable)]))
    return 0


def _lines(intake: Intake) -> Iterator[str]:
    for board, count in intake.counts.items():
        what = [counted(count.snapshots, "snapshot"), counted(count.events, "event"), counted(count.boots, "boot")]
        span = f", {local_day_time(count.first)} to {local_day_time(count.last)}" if count.first else ""
        new = f"{count.new_snapshots} of the snapshots are new"
        yield f"{escaped(board)}: {', '.join(what)}{span}; {new}"
    yield "-- no alert was sent; `buddywatch replay` shows which would have been"


def _count_json(count: Count) -> dict[str, int | float | None]:
    return {
        "boots": count.boots,
        "snapshots": count.snapshots,
        "new_snapshots": count.new_snapshots,
        "events": count.events,
        "gaps": count.gaps,
        "first": count.first or None,
        "last": count.last or None,
    }


def _because(unreadable: list[str]) -> str:
    return f" ({one_line(unreadable[0])})" if unreadable else ""


def _name(text: str) -> str:
    from buddywatch.protocol.board_names import board_name

    if board_name({"name": text}) != text:
        raise argparse.ArgumentTypeError(f"{escaped(text)!r}: expected 1 to 64 of A-Z a-z 0-9 . _ -")
    return text
