"""The form of a mail that is read on a phone: a few short lines, the most important first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from buddywatch.text import escape

COLUMNS, LINES = 72, 40


@dataclass(frozen=True)
class Section:
    """weight: of several that do not fit together, those with the largest weight are left out."""

    title: str
    lines: Sequence[str]
    weight: int = 0


def wrapped(text: str, indent: str = "  ", hanging: str | None = None) -> list[str]:
    """A paragraph as escaped lines."""
    return escape.wrapped(text, indent, hanging, COLUMNS)


def page(sections: Sequence[Section], left_out: str) -> list[str]:
    """The sections that fit on a page, with an empty line between them. left_out: the last line, if some do not fit."""
    kept = [section for section in sections if section.lines]
    while len(lines := _joined(kept)) > LINES - (len(kept) < len(sections)) * 2 and any(one.weight for one in kept):
        heaviest = max(kept, key=lambda section: section.weight)
        kept = [section for section in kept if section is not heaviest]
    dropped = sum(bool(section.lines) for section in sections) > len(kept)
    return [*lines, "", *wrapped(left_out, "")] if dropped else lines


def first_of(lines: Sequence[str], most: int, thing: str) -> list[str]:
    """The first lines, and how many more there are."""
    rest = len(lines) - most
    return list(lines) if rest <= 1 else [*lines[:most], f"  and {rest} more {thing}"]


def _joined(sections: Sequence[Section]) -> list[str]:
    lines: list[str] = []
    for section in sections:
        lines += [*([""] if lines else []), *([section.title] if section.title else []), *section.lines]
    return lines
