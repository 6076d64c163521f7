"""Finds the line of a key in a TOML file, for messages: the parser of the standard library does not say it. Pure.

It knows sections and keys as people write them. What is not found has no line; a message is as right without it.
"""

from __future__ import annotations

import re
from collections import Counter

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.-]+)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*([A-Za-z0-9_.-]+|\"[^\"]*\")\s*=\s*(.*)")
# What a value may hold besides brackets: strings of several lines, strings, a comment.
_PARTS = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]')


def lines_of(text: str) -> dict[str, int]:
    """The number of each line that begins a section or a key, by its place in messages: "[[need]] #2 bytes"."""
    found: dict[str, int] = {}
    counts: Counter[str] = Counter()
    section, depth, quote = "", 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not depth and not quote:
            if header := _HEADER.fullmatch(line):
                section = _place(header[1], header[2], counts)
                found.setdefault(section, number)
                continue
            if key := _KEY.match(line):
                name, line = key.groups()
                found.setdefault(f"{section} {name}".strip(), number)
        depth, quote = _after(line, depth, quote)
    return found


def _place(brackets: str, name: str, counts: Counter[str]) -> str:
    """The section as messages name it; a table inside of a repeated section has its number."""
    if brackets == "[[":
        counts[name] += 1
        return f"[[{name}]] #{counts[name]}"
    outer, dot, _ = name.partition(".")
    return f"[{name}] #{counts[outer]}" if dot and counts[outer] else f"[{name}]"


def _after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How deep in brackets, and in which long string, the next line begins."""
    for part in _PARTS.findall(line):
        if quote:
            quote = "" if part == quote else quote
        elif part in ('"""', "'''"):
            quote = part
        elif part in ("[", "{"):
            depth += 1
        elif part in ("]", "}"):
            depth -= 1
    return max(depth, 0), quote
