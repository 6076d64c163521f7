"""A message of another family, and how it is found: by a mark that every such message has, then by a pattern around it.

str.find() looks for the marks, which costs 20 MB of other text about 10 ms for each mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from buddywatch.kernel_text.prefix import process_in

# A process's name has at most 15 characters (TASK_COMM_LEN is 16, include/linux/sched.h). It may hold blanks; a name
# with ": " in it is read from there on.
COMM = r"(?:^|(?<=[\s\]>]))(?P<comm>(?:(?!: )[^\s\]>\[<])(?:(?!: )[^\n]){0,14}?)"
_NUMBERS = ("_kb", "_pages", "_bytes", "_number", "order", "node", "score")
_WIDEST, _FARTHEST = 700, 240  # characters of a message after its mark, and before it
# The end of a line of 60 characters or more, of a terminal that folds; the rest of its message has no prefix.
# It starts with the end of the line, so that the search tries there only.
_FOLD = re.compile(r"\n(?<=[^\n]{60}\n)(?=\S)")
_NARROWEST_TERMINAL, _WIDEST_TERMINAL = 60, 160
_BEGINS = re.compile(r"^|(?<!\w)(?=\S)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
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
    lines_before: int = 0  # that a match may start above the mark's line, which starts with the mark then
    may_begin_above: bool = False  # the mark stands late in the message, whose first words may be on the line above

    def may_stand_at(self, text: str, at: int) -> bool:
        """False if the mark is the end of a longer word there, as `cma:` of `free_cma:`, and the pattern is about words
        that begin with it."""
        if not at or not self.pattern.pattern.startswith(rf"\b{self.mark}"):
            return True
        return not (text[at - 1].isalnum() or text[at - 1] == "_")


def form(name: str, mark: str, pattern: str, lines_before: int = 0, may_begin_above: bool = False) -> Form:
    """pattern: a blank stands for blanks or the end of a line. Groups: process, pid, and those of _NUMBERS as int."""
    return Form(name, mark, re.compile(pattern.replace(" ", r"\s{1,4}"), re.MULTILINE), lines_before, may_begin_above)


def notices(text: str, family: str, forms: tuple[Form, ...]) -> Iterator[Notice]:
    """The family's messages in the text, in any order; where two forms match at one place, the first one."""
    seen: set[int] = set()
    for each in forms:
        at = text.find(each.mark)
        while at >= 0:
            start = text.rfind("\n", 0, at) + 1
            if not each.may_stand_at(text, at) or (each.lines_before and start != at):
                at = text.find(each.mark, at + 1)
                continue
            for _ in range(each.lines_before or each.may_begin_above):
                start = text.rfind("\n", 0, max(start - 1, 0)) + 1
            start = max(start, at - _FARTHEST)
            match, base = _match_with(each.pattern, text, start, at), 0
            if _may_be_folded(text, at, match):
                joined = _unfolded(text[start : at + _WIDEST])
                whole = _match_with(each.pattern, joined, 0, at - start) if joined else None
                if whole and (match is None or _told(whole) > _told(match)):
                    match, base = whole, start
            if match and base + match.start() not in seen:
                seen.add(base + match.start())
                yield _notice(family, each.name, match, base)
            at = text.find(each.mark, base + match.end() if match else at + 1)


def _match_with(pattern: re.Pattern[str], text: str, start: int, at: int) -> re.Match[str] | None:
    """The first match that holds the mark at `at` and starts after start, at a word or a line."""
    for begin in _BEGINS.finditer(text, start, at + 1):
        match = pattern.match(text, begin.start(), at + _WIDEST)
        if match and at < match.end():
            return match
    return None


def _may_be_folded(text: str, at: int, match: re.Match[str] | None) -> bool:
    """True if the end of a long line may have kept the pattern from the rest of its message."""
    end = text.find("\n", at)
    if end < 0 or end - at > _WIDEST_TERMINAL:
        return False
    if match is not None:
        return None in match.groups() and "\n" in text[match.end() - 1 : match.end() + 2]
    return end - text.rfind("\n", 0, at) > _NARROWEST_TERMINAL


def _unfolded(window: str) -> str:
    """The window without the ends of lines at which a terminal may have folded; "" if there are none."""
    joined = _FOLD.sub("", window)
    return joined if joined != window else ""


def _told(match: re.Match[str]) -> int:
    return sum(1 for group in match.groups() if group is not None)


def _notice(family: str, name: str, match: re.Match[str], base: int) -> Notice:
    """base: of the text that was matched, in the whole text."""
    text = match.string
    told = {key: value for key, value in match.groupdict().items() if value is not None}
    process, pid = told.pop("process", None), told.pop("pid", None)
    if told.pop("comm", None) is not None:
        end = match.end("comm")
        process = process_in(text[text.rfind("\n", 0, end) + 1 : end], ()) or None
    numbers = {key: int(value) for key, value in told.items() if key.endswith(_NUMBERS)}
    # A terminal folds within a path, which has no blanks, and between words.
    words = {
        key: ("" if key.endswith("cgroup") else " ").join(value.split())
        for key, value in told.items()
        if key not in numbers
    }
    start, end = base + match.start(), base + match.end()
    return Notice(start, end, family, name, process, int(pid) if pid else None, numbers, words)
