"""The command line: picks the command and the configuration, and turns errors into one line and an exit code.

A command's module is imported only when that command runs: `buddywatch status` does not load the mail code.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from keyword import iskeyword
from pathlib import Path
from typing import Any, NoReturn

from buddywatch import __version__
from buddywatch.commands import CommandError
from buddywatch.config.load import default_db_path, load
from buddywatch.config.problems import ConfigError, UnreadableConfig
from buddywatch.config.sections import Collector, Config
from buddywatch.links.base import LinkError

COMMANDS = {
    "init": "ask how a board is reached, what it needs and who gets mail; write the configuration, and try it",
    "collect": "collect from boards, store the data, judge it and send alerts",
    "watch": "the live view, beside a running collector",
    "serve": "a read-only page of the boards for a browser, with values for Prometheus and the collector's health",
    "status": "show every board: links, age of the data, largest request that succeeds, open alerts",
    "history": "show what is stored about a board, with gaps shown as gaps",
    "plot": "draw a board's memory over time: needs with their forecast, free blocks by size, failures, reboots, gaps",
    "report": "write what happened to boards as one HTML page: sentences, charts, alerts with their explanation",
    "map": "show which program holds which memory, and whose end would make large blocks (boards without an MMU)",
    "who": "show which programs are started how often, and what their runs cost of the large blocks",
    "log": "show the console text of a board: kernel messages, and what a shell printed",
    "console": "interactive session with a board's agent, through the running collector or over a link of its own",
    "run": "have a board's agent do a command (rm, ls, kill, ...) itself, without starting a program",
    "get": "copy a file from a board, over any link; continues a copy that was cut off",
    "put": "copy a file to a board, over any link; continues a copy that was cut off",
    "alerts": "list alerts",
    "silence": "mute a board's alerts for a while (they are still recorded)",
    "explain": "explain from kernel log and /proc text why an allocation failed or would fail, and what helps",
    "doctor": "say what to change on a board first so that its memory does not come apart, from its data and its files",
    "need": "show how much contiguous memory a bFLT or ELF program needs to start",
    "agent": "write what goes on a board: buddyd as source and compiled",
    "decode": "explain each line of a serial line, a recording or a log",
    "import": "store recorded data: a trace, a log of /proc files, a recorded stream, an export",
    "export": "write everything that is stored of boards, as JSON lines, CSV or a stream of frames",
    "replay": "run the rules over recorded data, and show what would have been sent, and when",
    "bridge": "push what is stored to another engine (VictoriaMetrics, InfluxDB), each sample once",
    "fleet": "show the boards of all sites, as an engine knows them to which their collectors push",
    "sql": "run plain SQL on what is stored, read-only, with one row for each snapshot",
    "db": "show the size of the database, check it, copy it, make it smaller",
    "forget": "remove what is stored of a board, or what is older than some time",
    "check-config": "check the configuration, and show the settings in effect",
    "test-alert": "send a test message by mail and to every hook",
}
# They read what a running collector writes, and ask it first to write what it holds back.
_READERS = ("status", "history", "plot", "report", "map", "who", "log", "alerts", "doctor", "export", "sql", "db")
_WITHOUT_CONFIG = ("init", "explain", "need", "decode", "agent")

BAD_NEWS, USAGE, STORAGE, LINK_OR_MAIL = 1, 2, 3, 4
DEFECT = 70  # EX_SOFTWARE, sysexits.h
PIPE_CLOSED, INTERRUPTED = 141, 130  # as a shell reports SIGPIPE and SIGINT

_PROBLEM = (
    "problem found (explain: a request fails or may fail; status: an alert is open, or the collector has ended; "
    "doctor: a change is advised; "
    "check-config: invalid, or a file or program that it names is missing)"
)
_EPILOG = f"""exit codes:
  0    fine
  {BAD_NEWS}    {_PROBLEM}
  {USAGE}    usage or unreadable input
  {STORAGE}    storage
  {LINK_OR_MAIL}    link or mail
  {DEFECT}   a defect of buddywatch itself
  {INTERRUPTED}  ended by Ctrl-C
  {PIPE_CLOSED}  the reader of the output is gone, such as `head`"""


class _Formatter(argparse.HelpFormatter):
    """As wide as the terminal. argparse would load shutil to find that out, at each start of a command."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


class _WithEpilog(_Formatter, argparse.RawDescriptionHelpFormatter):
    """Leaves the table of exit codes as it is."""


def _columns() -> int:
    with suppress(ValueError):
        return max(1, int(os.environ.get("COLUMNS", "")))
    with suppress(OSError, ValueError, AttributeError):
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    return 80


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, as for every other error."""
        _complain([f"{message}; see {self.prog} --help"])
        raise SystemExit(USAGE)


Around = Callable[[], AbstractContextManager[None]]


def main(argv: Sequence[str] | None = None, around: Around = nullcontext) -> int:
    """Run one command and return its exit code. Raises only SystemExit, by argparse (usage, --help, --version).

    around: what is entered while the command itself runs.
    """
    try:
        arguments = sys.argv[1:] if argv is None else list(argv)
        return _guarded(build_parser(arguments).parse_args(arguments), around)
    except KeyboardInterrupt:
        return INTERRUPTED


def _guarded(args: argparse.Namespace, around: Around) -> int:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed when we were started
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        getattr(sys, name).reconfigure(errors="backslashreplace")  # for paths with bytes that the terminal cannot show
    try:
        code = _run(args, around)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # As in `buddywatch history | head`. Buffered output must not fail again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:
        if args.debug:
            import traceback  # loads what reads source text, which a command that works does not need

            traceback.print_exc()
        lines, code = _explained(error, args.command)
        _complain(lines)
        return code


def build_parser(arguments: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser. Only the command among the arguments gets its options; the others are listed by name."""
    parser = _Parser(
        prog="buddywatch",
        description="Warns you before memory fragmentation on Linux boards stops programs from starting.",
        epilog=_EPILOG,
        formatter_class=_WithEpilog,
        allow_abbrev=False,
    )
    _add_common(parser, None, False)
    parser.add_argument("--version", action="version", version=f"buddywatch {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        if name not in arguments:
            commands.add_parser(name, help=summary, add_help=False)
            continue
        description = summary[0].upper() + summary[1:] + "."
        of_command = commands.add_parser(
            name, help=summary, description=description, allow_abbrev=False, formatter_class=_Formatter
        )
        # SUPPRESS: an option that is not given after the command keeps the value given before it.
        _add_common(of_command, argparse.SUPPRESS, argparse.SUPPRESS)
        _module(name).add_arguments(of_command)
    return parser


def _add_common(parser: argparse.ArgumentParser, missing: Any, unset: Any) -> None:
    parser.add_argument("--db", metavar="FILE", default=missing, help="the database, instead of the configured one")
    parser.add_argument(
        "--config", metavar="FILE", default=missing, help="the configuration, instead of the default one"
    )
    parser.add_argument("--debug", action="store_true", default=unset, help="show where an error comes from")


def _module(command: str) -> Any:
    name = command.replace("-", "_")
    return importlib.import_module(f"buddywatch.commands.{name}{'_' * iskeyword(name)}")


def _run(args: argparse.Namespace, around: Around) -> int:
    command = _module(args.command)
    if args.command in _WITHOUT_CONFIG and not (args.command == "explain" and command.is_about_board(args)):
        config = Config(Collector(default_db_path(os.environ)))
    else:
        config = load(args.config, os.environ)
    if args.db is not None:
        config = replace(config, collector=replace(config.collector, db=Path(args.db)))
    if args.command in _READERS:
        from buddywatch.collect.control_socket import let_write

        let_write(config.collector.db)
    with around():
        return int(command.run(args, config))


def _loaded(module: str, error: str) -> tuple[type[Exception], ...]:
    """The error of a module that not every command loads; none if it was not loaded, and so cannot have occurred."""
    return (getattr(sys.modules[module], error),) if module in sys.modules else ()


def _explained(error: Exception, command: str) -> tuple[list[str], int]:
    """The lines to print for an error, and the exit code."""
    if isinstance(error, ConfigError):
        if command == "check-config" and not isinstance(error, UnreadableConfig):
            return error.lines, BAD_NEWS
        more = len(error.lines) - 1
        return [error.lines[0] + (f" (and {more} more: buddywatch check-config)" if more else "")], USAGE
    if isinstance(error, CommandError):
        return error.lines, USAGE
    if isinstance(error, _loaded("buddywatch.store.database", "StoreError")):
        return [str(error)], STORAGE
    if isinstance(error, (LinkError, *_loaded("buddywatch.notify.base", "NotifyError"))):
        return str(error).splitlines(), LINK_OR_MAIL
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return ["the output cannot be written: disk full; make room on that disk"], USAGE
    if isinstance(error, OSError):
        name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return [f"{name}{error.strerror or error}"], USAGE
    return [
        f"a defect of buddywatch itself: {type(error).__name__}: {error}{_origin(error)}; "
        "run it with --debug and report it"
    ], DEFECT


def _origin(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})"


def _complain(lines: Sequence[str]) -> None:
    """Print the lines to standard error, after everything on standard output."""
    with suppress(OSError):  # the error to print may be the one of standard output
        sys.stdout.flush()
    for line in lines:
        print(f"buddywatch: {' '.join(line.split())}", file=sys.stderr)
