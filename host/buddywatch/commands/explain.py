"""`buddywatch explain [FILE...|-|BOARD] ...`: why did this allocation fail, will that one, and what would help."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import WHEN, kilobytes, moment, page_kb, release
from buddywatch.commands.boards import print_json, time_of
from buddywatch.commands.progress import clear_bar, show_bar
from buddywatch.commands.value_files import named
from buddywatch.config.sections import Config
from buddywatch.config.whole_file import read_whole
from buddywatch.explain.answer_json import explanation_json
from buddywatch.explain.answers import explain
from buddywatch.explain.case import Explanation, Wanted
from buddywatch.explain.report import report_parts
from buddywatch.kernel_text.state import Options
from buddywatch.text.document import Heading, Part, html_lines, markdown_lines, text_lines
from buddywatch.text.escape import escaped, local_time
from buddywatch.text.units import parse_size
from buddywatch.verdict.programs import Block, ProgramError, contiguous_blocks

if TYPE_CHECKING:
    from buddywatch.report.explanation import Explained

BAD_NEWS = 1
MAX_BYTES = 1 << 28  # a log that is larger fills the memory of this machine
WAIT_S = 60.0  # for the content of a pipe, as in `explain <(ssh board dmesg)`
_LOOKED_FOR = (
    "nothing usable in the input; looked for kernel messages of failed allocations, their lists of free blocks "
    "(`31*4kB 47*8kB ...`) and /proc/buddyinfo; paste what `dmesg` or `cat /proc/buddyinfo` prints"
)
_ONLY_A_PART = (
    "the input has a part of a report about memory, but neither the line that says what failed (`NAME: page allocation "
    "failure ...`) nor a list of free blocks (`31*4kB 47*8kB ...`); give the lines above and below it, too"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "kernel log, /proc/buddyinfo, zoneinfo, meminfo and the like, in any mixture (default: standard input)"
    parser.add_argument("files", metavar="FILE", nargs="*", help=f"{what}; or the name of a watched board")
    when = f"of a board: its newest state before that time, {WHEN}; default: now"
    parser.add_argument("--at", metavar="WHEN", type=moment, help=when)
    parser.add_argument(
        "--need", metavar="BYTES", action="append", default=[], type=_size, help="would this be granted?"
    )
    parser.add_argument("--program", metavar="FILE", action="append", default=[], help="would this program start?")
    parser.add_argument("--kernel", metavar="RELEASE", type=release, help="as `uname -r` prints it")
    parser.add_argument(
        "--min-kb", metavar="N", type=kilobytes, help="vm.min_free_kbytes, instead of the value in the text"
    )
    parser.add_argument("--low-kb", metavar="N", type=kilobytes, help="the low marks of all zones together")
    parser.add_argument("--page-kb", metavar="N", type=page_kb, help="the page size")
    parser.add_argument("--full", action="store_true", help="all stories and states, with all reasons and numbers")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="the same text for a ticket, as Markdown")
    form.add_argument("--html", action="store_true", help="the same text for a ticket, as a fragment of HTML")


def is_about_board(args: argparse.Namespace) -> bool:
    """Whether the only argument names a board: it is no file here, and looks like no path."""
    names: list[str] = args.files
    is_name = len(names) == 1 and names[0] != "-" and "/" not in names[0] and not os.path.exists(names[0])
    return is_name or args.at is not None


def run(args: argparse.Namespace, config: Config) -> int:
    if is_about_board(args) and (found := _of_board(args, config)) is not None:
        return _show_board(found, args)
    options = Options(args.kernel, args.min_kb, args.low_kb, args.page_kb)
    wanted = [Wanted(f"{size} bytes", size) for size in args.need]
    wanted += [Wanted(path, blocks=partial(_blocks, path)) for path in args.program]
    for path in args.program:
        _blocks(path, 4096)
    texts = ["\n".join(_read(name) for name in args.files or ["-"])]
    progress = _progress(len(texts[0]))
    try:
        with _without_cycle_search():
            explanation = explain(texts.pop(), options, wanted, progress)  # which drops the text when it is read
    finally:
        clear_bar()
    if explanation.is_empty:
        raise CommandError(_ONLY_A_PART if explanation.has_part else _LOOKED_FOR)
    return _show(explanation, args)


def _show(explanation: Explanation, args: argparse.Namespace) -> int:
    if args.json:
        print_json(explanation_json(explanation))
    else:
        _print_parts(report_parts(explanation, args.full), args)
    return BAD_NEWS if explanation.is_bad_news else 0


def _show_board(found: Explained, args: argparse.Namespace) -> int:
    if args.json:
        ends = [{"need": one.need, "pids": [program.pid for program in one.programs]} for one in found.rescues]
        print_json({**explanation_json(found.explanation), "ends_together": ends, "reboot": found.reboot or None})
    else:
        title = f"{args.files[0]} at {local_time(found.snapshot.time)}, as it was stored"
        _print_parts([Heading(title), *found.all_parts(args.full)], args)
    return BAD_NEWS if found.explanation.is_bad_news else 0


def _print_parts(parts: Sequence[Part], args: argparse.Namespace) -> None:
    lines = markdown_lines if args.markdown else html_lines if args.html else text_lines
    print("\n".join(lines(parts)))


def _of_board(args: argparse.Namespace, config: Config) -> Explained | None:
    """A stored moment of the board that is named; None if there is none of that name, which may be a missing file."""
    from buddywatch.report.explanation import explanation  # files need no store
    from buddywatch.store.store import Store, StoreError
    from buddywatch.terminal.overview import board_names

    names: list[str] = args.files
    if len(names) != 1:
        raise CommandError("--at needs the name of one board")
    try:
        store = Store.open_readonly(config.collector.db)
    except StoreError:
        if args.at is None:
            return None
        raise
    with store:
        known = board_names(store, config)
        if names[0] not in known:
            if args.at is None:
                return None
            raise CommandError(f"no board {escaped(names[0])!r}; known: {', '.join(map(escaped, known)) or 'none'}")
        at = time_of(store, names[0], args.at)
        found = explanation(store, config, names[0], at)
    if found is None:
        raise CommandError(f"no snapshot of {escaped(names[0])} is stored before {local_time(at or time.time())}")
    return found


def _read(name: str) -> str:
    if name == "-":
        if sys.stdin.isatty():
            print("buddywatch: reading what you paste; end it with Ctrl-D", file=sys.stderr)
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise CommandError(f"standard input has more than {MAX_BYTES} bytes; give the part around the failure")
        return content.decode("utf-8", "replace")
    try:
        text = read_whole(Path(name), MAX_BYTES, WAIT_S).decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(
            f"{escaped(name)}: cannot be read ({reason}); give a file, a board's name, or - for standard input"
        ) from None
    return named(name, text)


def _blocks(path: str, page_bytes: int) -> list[Block]:
    try:
        return contiguous_blocks(path, page_bytes)
    except ProgramError as error:
        raise CommandError(str(error)) from None


def _progress(text_chars: int) -> Callable[[float], None]:
    if text_chars < 1 << 20:
        return lambda done: None
    return lambda done: show_bar("reading", done)


@contextmanager
def _without_cycle_search() -> Iterator[None]:
    """The values of an explanation refer to each other in one direction only. Python's search for cycles among them
    finds none, but takes an eighth of the time for a log of 20 MB."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _size(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not size:
        raise argparse.ArgumentTypeError("0: expected at least 1 byte")
    return size
