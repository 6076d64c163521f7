"""A message of another family, and how it is found: by a mark that every such message has, then by a pattern around it.

str.find() looks for the marks, which costs 20 MB of other text about 10 ms for each mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# A process's name has at most 15 characters (TASK_COMM_LEN is 16, include/linux/sched.h). It may hold blanks; a name
# with ": " in it is read from there on.
COMM = r"(?:^|(?<=[\s\]>]))(?P<process>(?:(?!: )[^\s\]>\[<])(?:(?!: )[^\n]){0,14}?)"
_NUMBERS = ("_kb", "_pages", "_bytes", "_number", "order", "node", "score")
_WIDEST, _FARTHEST = 700, 240  # characters of a message after its mark, and before it
_BEGINS = re.compile(r"^|(?<!\w)(?=\S)", re.MULTILINE)


@dataclass(frozen=True)
class Notice:
    """One message. family: the module that knows it; form: which of the family's messages.

    numbers: by name, with the unit in the name (limit_kb, size_bytes); words: what is no number (cgroup, cache).
    """

    offset: int
    end: int
    family: str
    form: str
    process: str | None = None
    pid: int | None = None
    numbers: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """A message that kernels print. mark: a word of it, without blanks, since mail programs fold lines at blanks."""

    name: str
    mark: str
    pattern: re.Pattern[str]
    lines_before: int = 0  # that a match may start above the mark's line


def form(name: str, mark: str, pattern: str, lines_before: int = 0) -> Form:
    """pattern: a blank stands for blanks or the end of a line. Groups: process, pid, and those of _NUMBERS as int."""
    return Form(name, mark, re.compile(pattern.replace(" ", r"\s{1,4}"), re.MULTILINE), lines_before)


def notices(text: str, family: str, forms: tuple[Form, ...]) -> Iterator[Notice]:
    """The family's messages in the text, in any order; where two forms match at one place, the first one."""
    seen: set[int] = set()
    for each in forms:
        at = text.find(each.mark)
        while at >= 0:
            start = text.rfind("\n", 0, at) + 1
            for _ in range(each.lines_before):
                start = text.rfind("\n", 0, max(start - 1, 0)) + 1
            match = _match_with(each.pattern, text, max(start, at - _FARTHEST), at)
            if match and match.start() not in seen:
                seen.add(match.start())
                yield _notice(family, each.name, match)
            at = text.find(each.mark, match.end() if match else at + 1)


def _match_with(pattern: re.Pattern[str], text: str, start: int, at: int) -> re.Match[str] | None:
    """The first match that holds the mark at `at` and starts after start, at a word or a line."""
    for begin in _BEGINS.finditer(text, start, at + 1):
        match = pattern.match(text, begin.start(), at + _WIDEST)
        if match and at < match.end():
            return match
    return None


def _notice(family: str, name: str, match: re.Match[str]) -> Notice:
    told = {key: value for key, value in match.groupdict().items() if value is not None}
    process, pid = told.pop("process", None), told.pop("pid", None)
    numbers = {key: int(value, 0) for key, value in told.items() if key.endswith(_NUMBERS)}
    # A terminal folds within a path, which has no blanks, and between words.
    words = {
        key: ("" if key.endswith("cgroup") else " ").join(value.split())
        for key, value in told.items()
        if key not in numbers
    }
    return Notice(match.start(), match.end(), family, name, process, int(pid) if pid else None, numbers, words)
