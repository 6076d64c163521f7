"""The manual pages in man(7) form: one for the program, one for each command, one for the configuration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from buddywatch.config.schema import SECTIONS, Key, keys_of, section_title
from options import Argument, Command


def text(plain: str) -> str:
    """Plain text as troff shows it. A line that begins with . or ' would be a request, - a hyphen, not a minus."""
    escaped = plain.replace("\\", "\\(rs").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r"^\.", r"\\&.", escaped, flags=re.MULTILINE)


def marked(markdown: str) -> str:
    """A sentence of the documentation: `code` is bold, a link is its words."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    parts = words.split("`")
    return "".join(f"\\fB{text(part)}\\fR" if index % 2 else text(part) for index, part in enumerate(parts))


def program_page(program: Command, commands: Iterable[tuple[str, Command]], version: str) -> str:
    lines = [*_head("buddywatch", "1", "warns before memory fragmentation stops programs from starting", version)]
    lines += [".SH SYNOPSIS", *_usage(program), ".SH DESCRIPTION", text(program.description)]
    lines += [".SH COMMANDS", "Each has a page of its own: \\fBman buddywatch\\-status\\fR."]
    for summary, command in commands:
        lines += [".TP", f"\\fB{text(command.name)}\\fR", text(summary)]
    lines += [".SH OPTIONS", *_arguments(program.arguments), *_exit_codes(program.epilog)]
    lines += [".SH FILES", *_files(), ".SH SEE ALSO", "\\fBbuddywatch\\-config\\fR(5)"]
    return "\n".join([*lines, ""])


def command_page(summary: str, command: Command, program: Command, version: str) -> str:
    lines = [*_head(f"buddywatch-{command.name}", "1", summary, version)]
    lines += [".SH SYNOPSIS", *_usage(command), ".SH DESCRIPTION", text(command.description)]
    lines += [".SH OPTIONS", *_arguments(command.arguments), *_exit_codes(program.epilog)]
    lines += [".SH SEE ALSO", "\\fBbuddywatch\\fR(1), \\fBbuddywatch\\-config\\fR(5)"]
    return "\n".join([*lines, ""])


def config_page(version: str) -> str:
    lines = [*_head("buddywatch-config", "5", "the configuration of buddywatch", version)]
    lines += [".SH DESCRIPTION", "A TOML file. \\fBbuddywatch check\\-config\\fR says what is wrong in it,"]
    lines += ["line by line, and what is in effect."]
    for section in SECTIONS:
        lines += [f".SH {text(section_title(section))}"]
        for key in keys_of(section):
            lines += _key(key)
    lines += [".SH FILES", *_files(), ".SH SEE ALSO", "\\fBbuddywatch\\fR(1)"]
    return "\n".join([*lines, ""])


def _head(name: str, section: str, summary: str, version: str) -> Iterator[str]:
    yield f'.TH "{text(name.upper())}" "{section}" "" "buddywatch {text(version)}"'
    yield ".SH NAME"
    yield f"{text(name)} \\- {text(summary)}"


def _usage(command: Command) -> Iterator[str]:
    yield ".nh"
    yield f"{text(command.usage)}"
    yield ".hy"


def _arguments(arguments: Iterable[Argument]) -> Iterator[str]:
    for one in arguments:
        names = ", ".join(f"\\fB{text(name)}\\fR" for name in one.names)
        yield ".TP"
        yield f"{names} \\fI{text(one.value)}\\fR".strip() if one.value else names
        choices = f"one of {', '.join(one.choices)}" if one.choices and not one.help else ""
        yield text(one.help or choices) or "\\&"


def _exit_codes(epilog: str) -> Iterator[str]:
    """The table behind the options: a line for each code."""
    yield ".SH EXIT STATUS"
    for line in epilog.splitlines()[1:]:
        code, meaning = line.split(maxsplit=1)
        yield from (".TP", code, text(meaning))


def _key(key: Key) -> Iterator[str]:
    default = ", required" if key.required else f", default {key.default}" if key.default else ""
    yield ".TP"
    yield f"\\fB{text(key.name)}\\fR ({marked(key.kind.name)}{text(default)})"
    yield marked(key.meaning) or "\\&"


def _files() -> Iterator[str]:
    for path, what in (
        ("~/.config/buddywatch/config.toml", "the configuration of a user"),
        ("/etc/buddywatch/config.toml", "that of the machine, used where a user has none"),
        ("~/.local/share/buddywatch/buddywatch.db", "the database where the configuration names none"),
    ):
        yield from (".TP", f"\\fI{text(path)}\\fR", what)
