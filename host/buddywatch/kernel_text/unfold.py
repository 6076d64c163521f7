"""Joins lines that a terminal folded at its right edge, where the log's own prefix shows it. Linear in time.

A folded line is as wide as the terminal, like all folded lines, and what follows has no prefix, while the line itself
has one. Without prefixes a folded line and a cut one look the same; lines.py joins only what fits together then.
"""

from __future__ import annotations

from buddywatch.kernel_text.prefix import strip

_NARROWEST_TERMINAL = 60
_WIDEST_TERMINAL = 512
_NEAR_LINES = 40
_LEAST_FOLDED = 2  # lines of exactly the same width
_SHORTEST_PREFIX = 4
_QUOTES = (">", "|")  # a mail program folds between words, and marks each line


def unfolded(lines: list[str], widths: list[int]) -> list[str]:
    """The lines, joined; a line that was joined to the one before becomes empty, so that line numbers stay the same.

    widths: of the lines when they were folded, before anything in them was decoded.
    """
    result = list(lines)
    first = None  # the line to which the next ones belong
    for number in range(len(lines) - 1):
        if not _is_as_wide_as_the_terminal(widths, number) or not lines[number + 1].strip():
            first = None
            continue
        if first is None:
            first = number if _has_prefix(lines[number]) else None
        if first is None or _has_prefix(lines[number + 1]) or lines[number + 1].startswith(_QUOTES):
            first = None
            continue
        result[first] += lines[number + 1]
        result[number + 1] = ""
    return result


def _is_as_wide_as_the_terminal(widths: list[int], number: int) -> bool:
    width = widths[number]
    if not _NARROWEST_TERMINAL <= width <= _WIDEST_TERMINAL:
        return False
    if (number and widths[number - 1] > width) or (number + 1 < len(widths) and widths[number + 1] > width):
        return False  # what the next lines settle needs no look at all that are near
    near = widths[max(number - _NEAR_LINES, 0) : number + _NEAR_LINES + 1]
    return max(near) == width and near.count(width) >= _LEAST_FOLDED


def _has_prefix(line: str) -> bool:
    """True if a log's stamp, level or tag stands before the kernel's words."""
    line = line.rstrip()
    prefix = line[: len(line) - len(strip(line)[0])]
    return len(prefix) >= _SHORTEST_PREFIX and any(char.isdigit() or char == ":" for char in prefix)
