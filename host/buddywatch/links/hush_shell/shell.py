"""One shell on a terminal: types commands, and separates their answers from echo, prompts and other text. Pure.

Each command prints its answers as `MARK:tag:text|text.` and ends with a line of the tag `e`. MARK is kept in a variable
of the shell, so that the echo of a command never looks like an answer; the text comes twice, because a serial line has
no check of its own. A line editor wraps the echo (CR CR LF after 80 columns), never an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE_KEPT = 4096
COMMAND_MAX = 240  # characters: old builds of BusyBox's line editor take 255
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\r\0\x07\x08]")
_ANSWER = re.compile(r"(\w+):([^|]*)\|([^|]*)\.")
# Where the kernel's text starts within a line that it ran into.
_KERNEL = re.compile(
    r"<\d>|\[ {0,5}\d{1,9}\.\d{3,6}\]|nommu: |(?<!nommu: )Allocation of |binfmt_flat: "
    r"|[^\s:]+: page allocation failure|\S+ invoked oom-killer: |Out of memory: |Killed process "
)
_COMPLAINT = re.compile(
    r"can(?:'|no)t open|not found|no such|bad (?:file|fd|var)|syntax|unexpected|not set|illegal|invalid", re.IGNORECASE
)
_PROMPT = re.compile(r"\S{0,60} ?[#$>%]")
_ECHO_CHARS = 12  # text that equals this many characters of the command is its echo
_LOGIN_PROMPT = re.compile(r"\b(?:login|password): ?$", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """The answer to one command. lines: (tag, text) in order. damaged: a part of it is damaged."""

    lines: tuple[tuple[str, str], ...]
    damaged: bool

    def texts(self, tag: str) -> list[str]:
        return [text for of, text in self.lines if of == tag]

    def text(self, tag: str) -> str:
        """The only one, or the last; "" if there is none."""
        return (self.texts(tag) or [""])[-1]


class Shell:
    """mark: some letters that occur nowhere else. One command at a time."""

    def __init__(self, mark: str) -> None:
        self.complaint = ""  # the last line that looked like the shell's own about a command
        self._mark = mark
        self._number = 0
        self._command = ""  # the command being answered, "" for none
        self._lines: list[tuple[str, str]] = []
        self._damaged = False
        self._is_torn = False  # the end of an answer's line is still to come
        self._rest = ""

    @property
    def is_busy(self) -> bool:
        return bool(self._command)

    @property
    def is_logged_out(self) -> bool:
        """True if the terminal shows a login prompt, as after the end of a shell."""
        return bool(_LOGIN_PROMPT.search(_ESCAPES.sub("", self._rest)))

    def type(self, command: str) -> bytes:
        """The bytes that make the shell run a command. It may refer to the mark as $M."""
        self._number += 1
        end = f'echo "$M:e:{self._number}|{self._number}."'
        self._command = f"M={self._mark}; {end}" if not command else f"{command}; {end}"
        self._lines, self._damaged, self._is_torn = [], False, False
        return self._command.encode() + b"\n"

    def feed(self, data: bytes) -> tuple[Answer | None, list[str]]:
        """(the answer if it is complete now, lines of the board's console)."""
        *lines, self._rest = (self._rest + data.decode("utf-8", "backslashreplace")).split("\n")
        self._rest = self._rest[-LINE_KEPT:]
        answer: Answer | None = None
        console: list[str] = []
        for line in lines:
            line = _ESCAPES.sub("", line)
            at = line.rfind(self._mark + ":")
            if at >= 0:
                answer = self._take(line[at + len(self._mark) + 1 :], console) or answer
                line = line[:at]
            text = self._console_text(line)
            if text:
                console.append(text)
        return answer, console

    def _take(self, line: str, console: list[str]) -> Answer | None:
        match = _ANSWER.fullmatch(line.rstrip())
        # A terminal may expand tabs, each to its own width.
        once, twice = (" ".join(text.split()) for text in match.group(2, 3)) if match else ("", "torn")
        if match is None or once != twice:
            self._damaged = self._is_torn = True
            kernel = _KERNEL.search(line)
            if kernel:
                console.append(line[kernel.start() :].strip())
            return None
        if match[1] != "e":
            self._lines.append((match[1], once))
        elif self._command and once == str(self._number):
            self._command = ""
            return Answer(tuple(self._lines), self._damaged)
        return None

    def _console_text(self, line: str) -> str:
        """The part of a line that is neither an answer, echo, a prompt, nor about our command."""
        kernel = _KERNEL.search(line)
        if kernel:
            return line[kernel.start() :].strip()
        line = line.strip()
        if self._is_torn and line.endswith("."):
            self._is_torn = False
            return ""
        if self._command and _COMPLAINT.search(line):
            self.complaint = self.complaint or line  # the first: what comes later may follow from it
            return ""
        if _is_echo(line, self._command) or _PROMPT.fullmatch(line):
            return ""
        return line


def _is_echo(line: str, command: str) -> bool:
    """True if the line contains the command, or a wrapped piece of it."""
    if len(line) <= _ECHO_CHARS:
        return line in command
    return any(
        command[at : at + _ECHO_CHARS] in line for at in range(max(1, len(command) - _ECHO_CHARS + 1)) if command
    )
