"""Turns pasted text into plain lines: removes what stands before the kernel's words, joins broken lines. Linear in
time."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html import unescape
from itertools import pairwise
from math import isnan, nan

from buddywatch.kernel_text.events import Event, Place, events, is_title, may_have_event
from buddywatch.kernel_text.prefix import clock_s, strip
from buddywatch.kernel_text.stars import with_stars
from buddywatch.kernel_text.unfold import unfolded

_CONTROLS = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\u200b\\ufeff]+")
_ESCAPES = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
# The end of a line in quoted-printable, which fills 76 columns (RFC 2045, 6.7): no text has lines that end so.
_SOFT_BREAK = re.compile(r"^[^\n]{73,75}(?<!=)=$", re.MULTILINE)
_ENCODED = re.compile("=(2[0-9A-F]|[3-7][0-9A-F])")
_HTML = re.compile(r"&(?:[lg]t|quot|amp|apos|nbsp|#\d{2,4}|#x[0-9a-f]{2,4});")
_JSON_ESCAPES = re.compile(r"\\(?:[nrt]|u001b\[[0-9;]{0,16}m|u00[0-9a-f]{2}|[\"\\/])")
# Markup of forums and pages, which stands anywhere in a line.
_MARKUP = re.compile(
    r"\[/?(?:color|size|font|b|i|u|code|quote|php|pre|tt|url|spoiler)(?:=[^\]\n]{0,60})?\]"
    r"|</?(?:b|i|u|em|strong|span|font|code|pre|br|mark|tt|samp|kbd|small|big|del|ins)(?: [^<>\n]{0,200})?/?>",
    re.IGNORECASE,
)
_QUOTE_MARKS = re.compile(r"[ \t]{0,8}(?:[>|][ \t]{0,3}){0,16}")

# A piece of a dump that the terminal may have wrapped.
_PIECE = re.compile(r"\d{1,9}\*\d{1,9}kB|[A-Za-z_]{2,40}:\d{1,12}[kK]B")
_BLOCK = re.compile(r"\d{1,9}\*\d{1,9}kB")
_NARROWEST_TERMINAL = 60
_NEAR_LINES = 12  # their width shows where a terminal cut lines
_FOLLOWING_LINES = 8
_NEWEST_FIRST = 3  # so many times more stamps fall than rise


@dataclass
class Cleaned:
    """The kernel's lines as text, and the events in it. line_at(offset) is the line number in the input.

    offsets, widths, stamps: of each line, in text; the characters that it had; seconds since boot, nan without a stamp.
    newest_first: the input had its lines in the opposite order, as some viewers of logs have.
    """

    text: str = ""
    events: list[Event] = field(default_factory=list)
    offsets: array[int] = field(default_factory=lambda: array("L"))
    widths: array[int] = field(default_factory=lambda: array("L"))
    stamps: array[float] = field(default_factory=lambda: array("d"))
    newest_first: bool = False
    clocks: dict[int, float] = field(default_factory=dict)  # by line, of lines about the OOM killer: prefix.clock_s()

    def line_at(self, offset: int) -> int:
        number = bisect_right(self.offsets, offset)
        return len(self.offsets) + 1 - number if self.newest_first else number

    def seconds_between(self, before: int, after: int) -> float | None:
        """From the line at one offset to that at the other, both about the OOM killer; None without stamps."""
        first, last = (bisect_right(self.offsets, offset) - 1 for offset in (before, after))
        stamped = self.stamps[last] - self.stamps[first]
        apart = self.clocks.get(last, nan) - self.clocks.get(first, nan) if isnan(stamped) else stamped
        return None if isnan(apart) else apart

    def stamp_at(self, offset: int) -> float | None:
        """Seconds since boot by the stamp of the line at offset, or of the nearest stamped line before it."""
        return self.stamp_of(bisect_right(self.offsets, offset) - 1)

    def stamp_of(self, index: int) -> float | None:
        """The same of a line (0: the first)."""
        near = (self.stamps[number] for number in range(index, max(index - _NEAR_LINES, -1), -1))
        return next((stamp for stamp in near if not isnan(stamp)), None)

    def may_be_cut_at(self, offset: int, slack: int = 0) -> bool:
        """True if a terminal may have cut the line that ends at offset. Then a number at its end may have lost digits.
        slack: columns that blanks at the end may have had."""
        if offset < len(self.text) and self.text[offset] != "\n":
            return False
        return self.is_widest(bisect_right(self.offsets, max(offset - 1, 0)) - 1, slack)

    def is_widest(self, index: int, slack: int = 0) -> bool:
        """True if the line (0: the first) and another one are the longest near it: a terminal cuts all at one width."""
        near = [width for width in self.widths[max(index - _NEAR_LINES, 0) : index + _NEAR_LINES + 1] if width]
        widest = max(near, default=0) - slack
        return self.widths[index] >= widest and sum(1 for width in near if width >= widest) > 1


_FEWEST_SIZES = 5  # of a list of free blocks


def clean(raw: str, progress: Callable[[float], None] = lambda done: None) -> Cleaned:
    """raw, cleaned. progress is called regularly with the fraction that is done, 0 to 1."""
    raw = _CONTROLS.sub("", _ESCAPES.sub("", raw)).replace("\xa0", " ")
    if "[/" in raw or "</" in raw:
        raw = _MARKUP.sub("", raw)
    physical = raw.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    is_encoded = "=3D" in raw or _SOFT_BREAK.search(raw)
    has_entities, has_json, has_literals = "&" in raw, '":' in raw, '",\n' in raw or '"\n' in raw
    del raw  # a text of 20 MB fits twice, but not four times
    if is_encoded:
        physical = _unfolded(physical)
    widths = list(map(len, physical))  # as a terminal folded them
    if has_entities:
        physical = [unescape(line) if "&" in line and _HTML.search(line) else line for line in physical]
    if has_json:
        physical = [_JSON_ESCAPES.sub(_of_json, line) if '":' in line and "\\" in line else line for line in physical]
    if has_literals:
        physical = [_of_literal(line) if '"' in line else line for line in physical]
    physical = unfolded(physical, widths)
    physical = [with_stars(line) if line.count("kB") > _FEWEST_SIZES else line for line in physical]
    result = _cleaned(physical, progress)
    if _is_newest_first(result.stamps):
        result = replace(_cleaned(physical[::-1], progress), newest_first=True)
    return result


def _cleaned(physical: list[str], progress: Callable[[float], None]) -> Cleaned:
    result = Cleaned()
    lines: list[str] = []
    add_width, add_stamp = result.widths.append, result.stamps.append  # a log may have a million lines
    for number, line in enumerate(physical):
        plain, stamp_s = strip(line)
        lines.append(plain)
        add_width(len(line.rstrip()))
        add_stamp(nan if stamp_s is None else stamp_s)
        if stamp_s is None and _is_of_oom_killer(plain) and (clock := clock_s(line)) is not None:
            result.clocks[number] = clock
        if number % 4096 == 0:
            progress(number / len(physical) * 0.8)
    length = 0
    for number, line in enumerate(lines):
        result.offsets.append(length)
        if may_have_event(line) and not is_title(physical[number]):
            place = Place(length, result.stamp_of(number), _depth(physical[number]), result.is_widest(number))
            result.events += events(line, lines[number + 1 : number + 1 + _FOLLOWING_LINES], place)
        following = lines[number + 1] if number + 1 < len(lines) else ""
        piece = line + ("" if _is_cut(line, following) else "\n")
        lines[number] = piece
        length += len(piece)
    result.text = "".join(lines)
    progress(1)
    return result


def _is_of_oom_killer(line: str) -> bool:
    return "oom-kill" in line or "illed process" in line or "emory cgroup" in line or ": usage " in line


def _depth(physical: str) -> int:
    marks = _QUOTE_MARKS.match(physical)
    return marks[0].count(">") + marks[0].count("|") if marks else 0


def _is_newest_first(stamps: array[float]) -> bool:
    """True if the kernel's stamps fall from line to line."""
    told = [stamp for stamp in stamps if not isnan(stamp)]
    falls = sum(1 for before, after in pairwise(told) if after < before)
    rises = sum(1 for before, after in pairwise(told) if after > before)
    return falls > _NEWEST_FIRST * max(rises, 1)


def _of_json(escape: re.Match[str]) -> str:
    r"""The character of a JSON escape; a blank for \n, \r and \t, since a string is one line of the input."""
    code = escape[0]
    if code[1] != "u":
        return {"n": " ", "r": " ", "t": " "}.get(code[1], code[1])
    return "" if code.startswith("\\u001b") else chr(int(code[4:6], 16))


def _of_literal(line: str) -> str:
    """The text of a line that is a string in the source of a program, with a comma behind it or none."""
    text = line.strip().removesuffix(",")
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' and text.count('"') == 2 else line


def _unfolded(lines: list[str]) -> list[str]:
    """Decode quoted-printable (RFC 2045, 6.7). A line that is joined to the one before becomes empty, so that the line
    numbers stay the same."""
    plain, first, parts = [""] * len(lines), 0, []
    for number, line in enumerate(lines):
        parts.append(line.removesuffix("="))
        if not line.endswith("=") or number == len(lines) - 1:
            joined = "".join(parts)
            plain[first] = _ENCODED.sub(lambda code: chr(int(code[1], 16)), joined) if "=" in joined else joined
            first, parts = number + 1, []
    return plain


def _is_cut(line: str, following: str) -> bool:
    """True if a narrow terminal broke the line inside a number or a word, so that both parts belong together."""
    if len(line) < _NARROWEST_TERMINAL or "kB" not in line or not following:
        return False
    end, start = line[line.rfind(" ") + 1 :], following.split(" ", 1)[0]
    if len(end) > 60 or len(start) > 60 or _PIECE.fullmatch(end):
        return False
    if _PIECE.fullmatch(start):
        return end.isdecimal() and bool(_BLOCK.fullmatch(start)) and "*" in line
    return bool(_PIECE.fullmatch(end + start))
