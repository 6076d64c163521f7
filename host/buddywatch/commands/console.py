"""`buddywatch console BOARD`: an interactive session with a board's agent, or questions from standard input."""

from __future__ import annotations

import argparse
import os
import select
import sys
import time

from buddywatch.collect.console_server import TYPED_MAX
from buddywatch.commands import CommandError
from buddywatch.commands.console_client import Conversation, OverLink, ThroughCollector
from buddywatch.config.sections import Config
from buddywatch.links.factory import Doors
from buddywatch.text.escape import escaped

PACE_S = 0.06  # between two lines: the agent reads at most 20 a second
TURN_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "a board's name (goes through the running collector), or a link such as telnet://HOST:PORT (needs none)"
    parser.add_argument("board", metavar="BOARD", help=what)
    parser.add_argument("--shell", action="store_true", help="type to the shell that shares the board's serial line")


def run(args: argparse.Namespace, config: Config) -> int:
    conversation = _begin(args, config)
    try:
        if sys.stdin.isatty():
            ends = "type help for its commands; Ctrl-D ends" if not args.shell else "Ctrl-D ends"
            print(f"{escaped(args.board)} over {escaped(conversation.name)}; {ends}.", flush=True)
        _Terminal(conversation).run()
    finally:
        conversation.close()
    return 0


def _begin(args: argparse.Namespace, config: Config) -> Conversation:
    if "://" not in args.board:
        return ThroughCollector(config.collector.db, args.board, args.shell)
    if args.shell:
        raise CommandError("--shell needs a board's name, since it goes through the running collector")
    try:
        connection = Doors(config).connection(args.board)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not connection.link.has_human_side:
        raise CommandError(
            f"{args.board}: no agent answers over this kind of link; name a telnet://, tcp:// or serial:/// link"
        )
    return OverLink(connection)


class _Terminal:
    """Sends lines from standard input, and prints what comes back."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._typed = b""
        self._queue: list[str] = []
        self._next_s = 0.0
        self._is_open = True  # standard input
        self._is_finished = False
        self._partial = ""

    def run(self) -> None:
        while not self._conversation.over:
            if sys.stdin.fileno() in self._wait():
                self._read()
            self._speak()
            self._conversation.read(self._show)
        if self._partial:
            print(flush=True)

    def _wait(self) -> list[int]:
        poller = select.poll()
        if self._is_open and not self._queue:
            poller.register(sys.stdin.fileno(), select.POLLIN)
        descriptor = self._conversation.fileno()
        if descriptor is not None:
            poller.register(descriptor, select.POLLIN)
        return [ready for ready, _ in poller.poll((PACE_S if self._queue else TURN_S) * 1000)]

    def _read(self) -> None:
        data = os.read(sys.stdin.fileno(), 4096)
        if data:
            *lines, self._typed = (self._typed + data).split(b"\n")
        else:
            self._is_open = False
            lines, self._typed = ([self._typed] if self._typed else []), b""
        for line in lines:
            if len(line) > TYPED_MAX:
                raise CommandError(f"a line of {len(line)} bytes; a board takes at most {TYPED_MAX}")
            self._queue.append(line.decode("utf-8", "replace"))

    def _speak(self) -> None:
        now_s = time.monotonic()
        if self._queue and now_s >= self._next_s:
            self._conversation.send(self._queue.pop(0))
            self._next_s = now_s + PACE_S
        if not self._is_open and not self._queue and not self._is_finished:
            self._is_finished = True
            self._conversation.finish()

    def _show(self, text: str, is_whole: bool) -> None:
        """Print text. The part of an unfinished line that is already on the screen is not printed again."""
        shown, self._partial = self._partial, "" if is_whole else text
        text = escaped(text)
        rest = text[len(shown) :] if shown and text.startswith(shown) else ("\n" if shown else "") + text
        print(rest, end="\n" if is_whole else "", flush=True)
