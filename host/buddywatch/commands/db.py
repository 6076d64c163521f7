"""`buddywatch db size|check|backup FILE|compact|repair`: care for the database."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from buddywatch.commands import CommandError
from buddywatch.commands.progress import clear_bar, show_bar
from buddywatch.config.sections import Config
from buddywatch.model.health import STOPPED
from buddywatch.store import care
from buddywatch.store.lock import alone
from buddywatch.store.repair import repair
from buddywatch.store.repair_copy import Loss
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import escaped, local_day_time, local_time
from buddywatch.text.state_words import size_words

_PROBLEM = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    does = "size, and how much each board takes; check: read all of it; backup to FILE; compact: give free room back; "
    does += "repair: save what can be read of a damaged one"
    parser.add_argument("what", metavar="WHAT", choices=("size", "check", "backup", "compact", "repair"), help=does)
    parser.add_argument("file", metavar="FILE", nargs="?", help="a new file, for backup")


def run(args: argparse.Namespace, config: Config) -> int:
    path = config.collector.db
    if (args.file is not None) != (args.what == "backup"):
        raise CommandError("db backup needs a FILE, and nothing else does")
    if args.what == "compact":
        with Store.open(path) as store:
            refuse_while_collecting(store)
            before = sum(care.file_bytes(store.path).values())
            care.compact(store, partial(show_bar, "compact"))
            clear_bar()
            print(f"{size_words(before)} before, {size_words(sum(care.file_bytes(store.path).values()))} now")
        return 0
    if args.what == "repair":
        return _repair(path)
    with Store.open_readonly(path) as store:
        if args.what == "size":
            _print_sizes(store)
        elif args.what == "backup":
            care.back_up(store, args.file, partial(show_bar, "backup"))
            clear_bar()
        else:
            problems = care.check(store, partial(show_bar, "check"))
            clear_bar()
            print("\n".join(map(escaped, problems)) if problems else "everything can be read")
            return _PROBLEM if problems else 0
    return 0


def _repair(path: Path) -> int:
    if not path.exists():
        raise StoreError(f"{path}: no such file; name the database with --db")
    with alone(path):
        try:
            repaired = repair(str(path), partial(show_bar, "repair"))
        finally:
            clear_bar()
    if repaired is None:
        print("everything can be read: nothing to repair")
        return 0
    for loss in sorted(repaired.losses, key=lambda loss: (loss.board, loss.first or 0.0)):
        print(_loss_line(loss))
    print(f"{path} is good again; the damaged file is kept as {repaired.kept}: remove it when you miss nothing")
    return _PROBLEM if repaired.losses else 0


def _loss_line(loss: Loss) -> str:
    board = f"{escaped(loss.board)}: " if loss.board else ""
    if loss.first is None or loss.last is None:
        return f"lost: {board}{escaped(loss.what)}"
    return f"lost: {board}{escaped(loss.what)}, {local_day_time(loss.first)} to {local_day_time(loss.last)}"


def refuse_while_collecting(store: Store) -> None:
    writer = store.part("writer")
    if writer is not None and writer.state != STOPPED:
        raise CommandError("collect uses this database; stop it first")


def _print_sizes(store: Store) -> None:
    for name, size in care.file_bytes(store.path).items():
        print(f"{name}: {size_words(size)}")
    print(f"in use: {size_words(store.used_bytes())}")
    since = store.raw_since()
    if since is not None:
        print(f"every snapshot since {local_time(since)}, before that summaries")
    for of in care.board_sizes(store):
        each = f", {of.bytes / of.snapshots:.1f} bytes each" if of.snapshots else ""
        print(f"  {escaped(of.board)}: {size_words(of.bytes)}, {of.snapshots} snapshots{each}")
