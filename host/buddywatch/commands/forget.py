"""`buddywatch forget BOARD [--before WHEN]`: removes what is stored of a board."""

from __future__ import annotations

import argparse

from buddywatch.collect.control_socket import REMOVE_S, have_removed
from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import WHEN, moment
from buddywatch.commands.boards import time_of
from buddywatch.config.sections import Config
from buddywatch.store import care
from buddywatch.store.lock import alone
from buddywatch.store.store import Store, StoreError
from buddywatch.text.escape import escaped


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD")
    parser.add_argument("--before", metavar="WHEN", type=moment, help=f"only what is older, {WHEN}; else everything")


def run(args: argparse.Namespace, config: Config) -> int:
    db = config.collector.db
    with Store.open(db) as store:
        if args.board not in store.boards():
            raise CommandError(
                f"no board {escaped(args.board)!r} is stored; known: {', '.join(map(escaped, store.boards()))}"
            )
        before = time_of(store, args.board, args.before)
    open_urls = _removed_by_collector(args.board, before, config)
    if open_urls is None:
        with alone(db), Store.open(db) as store:
            care.remove(store, args.board, before)
    if before is None:
        _say_what_brings_it_back(args.board, open_urls or "", config)
    return 0


def _removed_by_collector(board: str, before: float | None, config: Config) -> str | None:
    """The links that are open to the board; None: no collector runs. StoreError."""
    db = config.collector.db
    try:
        answer = have_removed(db, board, before)
    except TimeoutError:
        raise StoreError(f"{db}: `collect` could not remove it in {REMOVE_S:.0f} s; it goes on trying") from None
    except OSError as error:
        raise StoreError(f"{db}: `collect` cannot be asked: {error.strerror}; only its user and root may") from error
    if answer is None:
        return None
    is_done, text = answer
    if not is_done:
        raise StoreError(f"{db}: `collect` could not remove it: {text}")
    return text


def _say_what_brings_it_back(board: str, open_urls: str, config: Config) -> None:
    name = escaped(board)
    if open_urls:
        print(f"{name} is removed; {escaped(open_urls)} is open: what the board sends from now on is stored again")
    elif any(of.name == board for of in config.boards):
        print(f"{name} is removed; the configuration still names it, and the next start of `collect` will watch for it")
