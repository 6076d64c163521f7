"""What the command line takes, as plain values read from its argument parser."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast


@dataclass(frozen=True)
class Argument:
    """names: those of an option, longest last; empty for a positional one. value: "" if it takes none."""

    names: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    help: str

    @property
    def is_file(self) -> bool:
        return any(word in ("FILE", "DIR", "PATH") for word in self.value.split("|"))


@dataclass(frozen=True)
class Command:
    """name: "" for the program itself. epilog: as it stands, with its lines."""

    name: str
    usage: str
    description: str
    epilog: str
    arguments: tuple[Argument, ...]

    @property
    def options(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.names)

    @property
    def positional(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if not argument.names)


def read(parser: argparse.ArgumentParser) -> tuple[Command, list[tuple[str, Command]]]:
    """The program, and its commands with a summary each."""
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    parsers = cast("dict[str, argparse.ArgumentParser]", commands.choices)
    summaries = {action.dest: str(action.help) for action in commands._choices_actions}
    return _command("", parser), [(summaries[name], _command(name, one)) for name, one in parsers.items()]


def _command(name: str, parser: argparse.ArgumentParser) -> Command:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return Command(name, usage, parser.description or "", parser.epilog or "", tuple(_arguments(parser)))


def _arguments(parser: argparse.ArgumentParser) -> Iterator[Argument]:
    formatter: Any = parser._get_formatter()
    for action in parser._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction):
            continue
        value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
        names = tuple(sorted(action.option_strings, key=len))
        text = formatter._expand_help(action) if action.help else ""
        yield Argument(names, value, tuple(map(str, action.choices or ())), text)
