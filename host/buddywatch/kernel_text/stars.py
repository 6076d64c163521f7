r"""Gives lists of free blocks the `*` back that a web page or a chat took as a sign of emphasis.

`1*4kB 1*8kB` becomes `1_4kB 1_8kB` or `1\*4kB` in some pages, and `14kB 18kB` where the two `*` made the text between
them italic. The sizes double from block to block, so that each piece ends with a known number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

# Each alternative begins with a plain character, so that the search is quick.
_OTHER_SIGNS = re.compile(
    r"(?:\\\*(?<=\d\\\*)|_(?<=\d_)|\u00d7(?<=\d\u00d7)|\*\*(?<=\d\*\*)|&ast;(?<=\d&ast;)|&#42;(?<=\d&#42;))(?=\d{1,9}kB)"
)
_MAY_LACK_BLANK = re.compile(r"kB(?=\d)|\)(?=\d)")
_LOST_BLANK = re.compile(r"(?<=\dkB)(?=\d{1,9}\*\d{1,9}kB)|(?<=\))(?=\d{1,9}\*\d{1,9}kB)")
_PIECE = r"\d{1,9}\*?\d{1,9}kB(?:\s\([A-Z]{0,8}\))?"
_RUN = re.compile(rf"(?<![\w*]){_PIECE}(?:\s{{1,2}}{_PIECE}){{5,31}}(?:\s{{1,2}}=\s{{1,2}}(?P<sum>\d{{1,15}})kB)?")
_NEIGHBOURS = re.compile(r"kB(?:\s\([A-Z]{0,8}\))?\s{1,2}\d")  # in no line but a list
_NUMBERS = re.compile(r"(?<![\w*=])(\d{1,9})(\*?)(\d{1,9})kB")
# A number of kB that has its sign, or is the sum behind a list.
_SIGNED = re.compile(r"\*\d{1,9}kB|=\s{1,2}\d{1,15}kB(?!\s{1,2}\d)")
_SMALLEST_KB = (4, 8, 16, 32, 64, 1, 2)  # page sizes


def with_stars(line: str) -> str:
    """The line with `count*sizekB` in its lists of blocks, and a blank between two; any other line as it is."""
    line = _OTHER_SIGNS.sub("*", line)
    if _MAY_LACK_BLANK.search(line):
        line = _LOST_BLANK.sub(" ", line)
    if not _NEIGHBOURS.search(line) or line.count("kB") == len(_SIGNED.findall(line)):
        return line
    return _RUN.sub(_restored, line)


def _restored(run: re.Match[str]) -> str:
    blocks = run[0].partition("=")[0]
    numbers = _NUMBERS.findall(blocks)
    if all(star for _, star, _ in numbers):
        return run[0]
    pieces = [f"{count}{star}{size}" for count, star, size in numbers]
    for smallest in _SMALLEST_KB:
        split = _split(pieces, smallest)
        if split is not None and _adds_up(split, smallest, run["sum"]):
            pairs = iter([f"{count}*{smallest << order}kB" for order, count in enumerate(split)])
            return _NUMBERS.sub(partial(_next, pairs), blocks) + run[0][len(blocks) :]
    return run[0]


def _next(pairs: Iterator[str], _: re.Match[str]) -> str:
    return next(pairs)


def _split(pieces: list[str], smallest_kb: int) -> list[int] | None:
    """The counts, if the sizes double from smallest_kb on."""
    counts = []
    for order, piece in enumerate(pieces):
        count = piece.removesuffix(str(smallest_kb << order)).removesuffix("*")
        if count == piece or not count.isdecimal():
            return None
        counts.append(int(count))
    return counts


def _adds_up(counts: list[int], smallest_kb: int, total: str | None) -> bool:
    return total is None or sum(count * (smallest_kb << order) for order, count in enumerate(counts)) == int(total)
