"""A document of a few kinds of parts, printed for a terminal, or as Markdown or HTML for a ticket. Pure.

Texts may have `code` in backticks. Text from a board must come without backticks: plain() sees to that. Everything else
is escaped here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from buddywatch.text.escape import escaped, one_line, wrapped

# CommonMark 0.31, 2.4: ASCII punctuation may be escaped; these begin markup within a line.
_MARKUP = re.compile(r"([\\*_\[\]<>&~|#@])")

# 5.2: what begins a list, or underlines a heading, at the start of a line.
_LIST = re.compile(r"^(\s*\d*)([-+=.)])")


@dataclass(frozen=True)
class Lead:
    """One of the first lines: a label and a sentence."""

    label: str
    text: str


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Paragraph:
    """rank: 0 for what a reader needs; the higher, the sooner it is left out where space is short."""

    text: str
    rank: int = 0


@dataclass(frozen=True)
class Bullets:
    items: Sequence[str]


@dataclass(frozen=True)
class Columns:
    """Lines with aligned columns, as they are."""

    lines: Sequence[str]


Part = Lead | Heading | Paragraph | Bullets | Columns


def plain(text: str, limit: int = 200) -> str:
    """Text from a board for use in a part: one line, escaped, without backticks."""
    return one_line(text, limit).replace("`", "'")


def text_lines(parts: Sequence[Part]) -> list[str]:
    """For a terminal: at most 78 columns; an empty line before each heading, and around each paragraph with columns."""
    lines: list[str] = []
    previous: Part | None = None
    for part in parts:
        is_first = previous is None
        if isinstance(part, Lead):
            lines += wrapped(f"{part.label}: {part.text}", "", "  ")
        elif isinstance(part, Heading):
            lines += [*([] if is_first else [""]), *wrapped(part.text, "")]
        elif isinstance(part, Paragraph):
            lines += [*([""] if isinstance(previous, Columns | Bullets) else []), *wrapped(part.text)]
        elif isinstance(part, Bullets):
            lines += [line for item in part.items for line in wrapped(item, "  - ", "    ")]
        else:
            lines += [escaped(line) for line in part.lines]
        previous = part
    return lines


def markdown_lines(parts: Sequence[Part]) -> list[str]:
    """CommonMark, with what the board said escaped."""
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Lead):
            lines += [f"**{part.label}:** {_markdown(part.text)}", ""]
        elif isinstance(part, Heading):
            lines += [f"### {_markdown(part.text)}", ""]
        elif isinstance(part, Paragraph):
            lines += [_markdown(part.text), ""]
        elif isinstance(part, Bullets):
            lines += [*(f"- {_markdown(item)}" for item in part.items), ""]
        else:
            lines += [*(f"    {escaped(line)}" for line in part.lines), ""]
    return lines


def html_lines(parts: Sequence[Part]) -> list[str]:
    """A fragment of HTML without styles or scripts, to be pasted into a ticket."""
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Lead):
            lines.append(f"<p><b>{escape(part.label)}:</b> {_html(part.text)}</p>")
        elif isinstance(part, Heading):
            lines.append(f"<h3>{_html(part.text)}</h3>")
        elif isinstance(part, Paragraph):
            lines.append(f"<p>{_html(part.text)}</p>")
        elif isinstance(part, Bullets):
            lines += ["<ul>", *(f"<li>{_html(item)}</li>" for item in part.items), "</ul>"]
        else:
            lines += ["<pre>", *(escape(escaped(line)) for line in part.lines), "</pre>"]
    return lines


def _markdown(text: str) -> str:
    pieces = escaped(text).split("`")
    for number in range(0, len(pieces), 2):
        pieces[number] = _MARKUP.sub(r"\\\1", pieces[number])
    return _LIST.sub(r"\1\\\2", "`".join(pieces))


def _html(text: str) -> str:
    pieces = [escape(piece) for piece in escaped(text).split("`")]
    return "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))
