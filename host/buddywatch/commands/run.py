"""`buddywatch run BOARD COMMAND...`: a command of the agent itself, done without starting a program on the board."""

from __future__ import annotations

import argparse
import os
import sys

from buddywatch.commands import CommandError
from buddywatch.commands.command_client import commander
from buddywatch.config.sections import Config
from buddywatch.text.escape import escaped

DONE, SAYS_NO, INTERRUPTED = 0, 1, 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "a board's name (goes through the running collector), or a link such as telnet://HOST:PORT (needs none)"
    parser.add_argument("board", metavar="BOARD", help=what)
    help_ = "such as `rm /tmp/x`; `help` lists all. What the board prints is printed; exit code 1 if the board says no"
    parser.add_argument("words", metavar="COMMAND", nargs=argparse.REMAINDER, help=help_)


def run(args: argparse.Namespace, config: Config) -> int:
    words = [os.fsencode(word) for word in args.words if word != "--" or args.words.index("--")]
    if not words:
        raise CommandError("expected a command, such as `buddywatch run BOARD ls /tmp`")
    board = commander(config, args.board)
    try:
        return exit_code(board.do(words, Printer().show))
    finally:
        board.close()


def exit_code(code: int) -> int:
    """The exit code for the code of a command on the board."""
    return code if code in (DONE, INTERRUPTED) else SAYS_NO


class Printer:
    """Prints what a board sends: as it is into a file or a pipe, escaped on a terminal; failures always escaped.

    Several lines may come at once, and one in two parts.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()

    def show(self, data: bytes, is_failure: bool) -> None:
        if is_failure:
            sys.stdout.flush()
            print(_escaped_lines(data), end="", file=sys.stderr, flush=True)
        elif self._is_terminal:
            print(_escaped_lines(data), end="", flush=True)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def _escaped_lines(data: bytes) -> str:
    """Escaped but for newlines and tabs."""
    text = data.decode("utf-8", "backslashreplace")
    return "\n".join("\t".join(map(escaped, line.split("\t"))) for line in text.split("\n"))
