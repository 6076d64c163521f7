"""The numbers of a row of buddyinfo or pagetypeinfo, one for each order, that a terminal may have folded or cut. Pure.

frag_show_print() in mm/vmstat.c prints "%6lu " for each: where the blanks are still there, a number that lost digits
makes its column narrower than 7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from buddywatch.kernel_text.lines import Cleaned
from buddywatch.kernel_text.raw import MOST_ORDERS

_USUAL_ORDERS = 11  # fewer are rare (6 to 10), and a shorter row was most often folded or cut
_COLUMN = 7
_COLUMNS = re.compile(r"[ \t]*>?\d+")
_MORE_COUNTS = re.compile(r"\n((?:[ \t]{0,16}\d{1,9}(?![\w.*:,])){1,16})[ \t]{0,8}$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """is_whole: False if there may be more orders than counts."""

    counts: list[int]
    is_whole: bool


def row_of(rest: str, cleaned: Cleaned, match: re.Match[str]) -> Row:
    """rest: the numbers with their blanks; match: the token of the row, up to the end of rest."""
    columns = _COLUMNS.findall(rest)
    is_split = (
        len(columns) > 1 and all(len(column) >= _COLUMN for column in columns[:-1]) and len(columns[-1]) < _COLUMN
    )
    counts = [int(column.strip().lstrip(">")) for column in columns]  # ">100000" counts as 100000, its minimum
    if match["row_end"] is None or len(counts) >= _USUAL_ORDERS + is_split:
        return Row(counts[:MOST_ORDERS], not is_split)
    more = _MORE_COUNTS.match(cleaned.text, match.end())
    if more:
        following = more[1].split()
        if is_split:
            counts[-1] = int(f"{counts[-1]}{following.pop(0)}")
        counts += [int(number) for number in following]
    elif is_split:
        counts.pop()
    is_whole = len(counts) >= _USUAL_ORDERS or not cleaned.may_be_cut_at(match.end(), _COLUMN)
    return Row(counts[:MOST_ORDERS], is_whole and (bool(more) or not is_split))
