"""What a boot script does: which of its lines start programs again and again, and where it sets the trimming. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from buddywatch.doctor.facts import Script

TRIM = re.compile(r"(?:echo\s+(\d+)\s*>\s*/proc/sys/vm/nr_trim_pages|^\s*(?:sysctl\s.*)?vm\.nr_trim_pages\s*=\s*(\d+))")
_SUBSTITUTION = re.compile(r"\$\((?!\()|`")
_PIPE = re.compile(r"(?<![|>])\|(?!\|)")
_QUOTED = re.compile(r"'[^']*'")
_LOOP, _LOOP_END = re.compile(r"^\s*(?:while|until|for)\b"), re.compile(r"(?:^|;)\s*done\b")
# Commands that every shell of BusyBox runs itself.
_BUILT_IN = (
    {".", ":", "[", "break", "case", "cd", "continue", "do", "done", "echo", "elif", "else", "esac", "eval", "exec"}
    | {"exit", "export", "false", "fi", "for", "function", "if", "in", "kill", "local", "printf", "pwd", "read"}
    | {"return", "set", "shift", "test", "then", "trap", "true", "umask", "unset", "until", "wait", "while", "{", "}"}
)
_SERVERS = {"inetd", "xinetd", "telnetd", "utelnetd", "httpd", "crond", "ftpd", "tftpd", "dropbear", "sshd"}


def code_lines(script: Script) -> Iterator[tuple[int, str]]:
    """(number, line) without comments and quoted text."""
    for number, line in enumerate(script.lines, 1):
        stripped = _QUOTED.sub("''", line).strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped.split(" #")[0]


def trim_setting(script: Script) -> tuple[int, int] | None:
    """(number of the line, value) of the last line that sets vm.nr_trim_pages; None if none does."""
    found = None
    for number, line in code_lines(script):
        match = TRIM.search(line)
        if match:
            found = number, int(match[1] or match[2])
    return found


def starts_resident_after(script: Script, number: int) -> bool:
    """True if a program is put into the background, or a server is started, behind that line."""
    return any(
        after > number and (_is_in_background(line) or names_of(line) & _SERVERS) for after, line in code_lines(script)
    )


def costly_lines(script: Script) -> list[tuple[int, str]]:
    """(number, why) of the lines that start more processes than they need, or one at each turn of a loop."""
    found, depth = [], 0
    for number, line in code_lines(script):
        depth += bool(_LOOP.search(line))
        if _SUBSTITUTION.search(line):
            found.append((number, "$( ) starts a shell"))
        elif _PIPE.search(line):
            found.append((number, "a pipe starts a process for each part"))
        elif depth and (programs := sorted(names_of(line) - _BUILT_IN)):
            found.append((number, f"{programs[0]} is started at each turn of the loop"))
        depth = max(0, depth - bool(_LOOP_END.search(line)))
    return found


def servers_in(script: Script) -> set[str]:
    return {name for _, line in code_lines(script) for name in names_of(line) & _SERVERS}


def names_of(line: str) -> set[str]:
    """The first words of the commands of a line, without their folders."""
    names = set()
    for command in re.split(r"&&|\|\||[;&|]|\b(?:then|do|else)\b", line):
        words = [word for word in command.split() if "=" not in word.split("/")[0]]
        while words and words[0] in ("if", "while", "until", "!", "{", "exec"):
            words.pop(0)
        if words and re.fullmatch(r"[\w./+-]+|\[", words[0]):
            names.add(words[0].rsplit("/", 1)[-1])
    return names


def _is_in_background(line: str) -> bool:
    return re.search(r"(?<![&>])&\s*$", line) is not None
