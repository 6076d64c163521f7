"""`buddywatch db size|check|backup FILE|compact`: care for the database."""

from __future__ import annotations

import argparse
from functools import partial

from buddywatch.commands import CommandError
from buddywatch.commands.progress import clear_bar, show_bar
from buddywatch.config.sections import Config
from buddywatch.model.health import STOPPED
from buddywatch.store import care
from buddywatch.store.store import Store
from buddywatch.text.escape import escaped, local_time
from buddywatch.text.state_words import size_words

_PROBLEM = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    does = "size, and how much each board takes; check: read all of it; backup to FILE; compact: give free room back"
    parser.add_argument("what", metavar="WHAT", choices=("size", "check", "backup", "compact"), help=does)
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
