"""`buddywatch log BOARD [--since] [--json]`: console text of a board's links, and commands done on it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from heapq import merge

from buddywatch.commands.argument_types import WHEN, moment
from buddywatch.commands.boards import check_board, time_of
from buddywatch.config.sections import Config
from buddywatch.model.samples import ACT, ConsoleLine, Event
from buddywatch.protocol.console_text import kernel_message
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, local_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD")
    when = f"{WHEN}; default: everything stored"
    parser.add_argument("--since", metavar="WHEN", type=moment, default=0.0, help=when)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    with Store.open_readonly(config.collector.db) as store:
        check_board(store, config, args.board)
        since = time_of(store, args.board, args.since) or 0.0
        done = (event for event in store.events(args.board, since) if event.kind == ACT)
        found = merge(store.console_since(args.board, since), map(_of_command, done), key=lambda line: line.time)
        for text in _json(args.board, found) if args.json else map(_text, found):
            print(text)
    return 0


def _of_command(event: Event) -> ConsoleLine:
    """A command that the agent has done, as a line of the log."""
    end = "" if event.number is None else f": failed, exit code {event.number}"
    return ConsoleLine(event.time, f"[{event.comm or 'unknown'}] {event.text}{end}")


def _is_failure(line: ConsoleLine) -> bool:
    return kernel_message(line.text) is not None


def _text(line: ConsoleLine) -> str:
    return f"{local_time(line.time)} {'!' if _is_failure(line) else ' '} {escaped(line.text)}"


def _json(board: str, found: Iterable[ConsoleLine]) -> Iterator[str]:
    """One object, written line by line."""
    yield f'{{"board": {json.dumps(board)}, "lines": ['
    held = None
    for line in found:
        if held is not None:
            yield held + ","
        held = json.dumps({"time": line.time, "text": line.text, "failure": _is_failure(line)})
    yield (held or "") + "]}"
