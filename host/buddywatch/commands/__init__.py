"""The commands of the command line, a module each: add_arguments(parser), and run(args, config) -> exit code.

In: parsed arguments and the configuration. Out: text on standard output, and an exit code.
May touch: the store, mostly to read it; each command says what else.

They print the result and raise errors; cli.py turns errors into one line and an exit code.
"""

from __future__ import annotations


class CommandError(Exception):
    """The command cannot do what was asked. lines: one for each thing that is wrong."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)
