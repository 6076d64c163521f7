"""Turns pasted text into plain lines: removes quote marks and log prefixes, joins broken lines. Linear in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from buddyd.sources import kernel_messages

_CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)} | {0xA0: " ", 0x200B: None, 0xFEFF: None}
_ESCAPES = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")
_QUOTES = "> |`\t"
_ENCODED = re.compile("=(2[0-9A-F]|[3-7][0-9A-F])")
# Prefixes that buddyd.sources.kernel_messages does not remove: the stamps of `dmesg -T` and of Android's logger, stamps
# of vendors with the process behind them, a prompt or a second colon before a stamp.
_OTHER_STAMP = re.compile(
    r"\[(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [^\]\n]{10,30}|\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\] ?"
    r"|\[ {0,6}\d{1,9}\.\d{6}s\](?:\[[^\]\n]{1,40}\]){0,3}"
)
_BEFORE_STAMP = re.compile(r"[^\w\[<]{1,4}(?=\[ {0,7}\d{1,10}\.\d{3,6}\])")

_EVENT = re.compile(r"Allocation of |page allocation failure|invoked oom-killer:|Unable to |ill(?:ed)? process ")
# Where a message starts in a line that holds several: pasted text and web pages join lines.
_STARTS = re.compile(
    r"(?<=\s)(?=nommu: Alloc|(?<!nommu: )Allocation of (?:length|vma) "
    r"|[^\s:]{1,24}(?::\d{1,3})?: page allocation failure"
    r"|\S{1,40} invoked oom-killer: |binfmt_flat: Unable|(?<!binfmt_flat: )Unable to (?:allocate|mmap|read) "
    r"|Out of memory: |Killed process )"
)
_ALLOCATION = re.compile(r"(?:nommu: )?Allocation of ")
_MODE = re.compile(r"(?:mode:|gfp_mask=)(0x[0-9a-f]{1,16})\**(?:\(([A-Z_|a-z0-9]{0,400})\))?")
_LONGEST_PLAIN_EVENT = 300
_LONGEST_NAME = 64
_HIGHEST_ORDER = 40  # larger than the blocks of any machine

# A piece of a dump that the terminal may have wrapped.
_PIECE = re.compile(r"\d{1,9}\*\d{1,9}kB|[A-Za-z_]{2,40}:\d{1,12}[kK]B")
_BLOCK = re.compile(r"\d{1,9}\*\d{1,9}kB")
_NARROWEST_TERMINAL = 60


@dataclass(frozen=True)
class Event:
    """One of the kernel's messages about memory. offset: in Cleaned.text; kind, number: as kernel_messages.parse()."""

    offset: int
    kind: str
    number: int
    pid: int | None
    process: str | None
    mode: int | None = None
    mode_names: str | None = None


@dataclass
class Cleaned:
    """The kernel's lines as text, and the events in it. line_at(offset) is the line number in the input."""

    text: str = ""
    events: list[Event] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)  # of each physical line in text


def clean(raw: str, progress: Callable[[float], None] = lambda done: None) -> Cleaned:
    """raw, cleaned. progress is called regularly with the fraction that is done, 0 to 1."""
    raw = _ESCAPES.sub("", raw).translate(_CONTROLS)
    if "&gt;" in raw or "&lt;" in raw:
        raw = raw.replace("&lt;", "<").replace("&gt;", ">")
    physical = raw.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if "=3D" in raw:
        physical = _unfolded(physical)
    result, pieces, length = Cleaned(), [], 0
    lines = [_stripped(line) for line in physical]
    for number, line in enumerate(lines):
        result.offsets.append(length)
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _EVENT.search(line):
            result.events += _events(line, " ".join(lines[number + 1 : number + 3]), length)
        piece = line + ("" if _is_cut(line, following) else "\n")
        pieces.append(piece)
        length += len(piece)
        if number % 4096 == 0:
            progress(number / len(lines))
    result.text = "".join(pieces)
    return result


def _unfolded(lines: list[str]) -> list[str]:
    """Decode quoted-printable (RFC 2045, 6.7). A line that is joined to the one before becomes empty, so that the line
    numbers stay the same."""
    plain, first, parts = [""] * len(lines), 0, []
    for number, line in enumerate(lines):
        parts.append(line.removesuffix("="))
        if not line.endswith("=") or number == len(lines) - 1:
            plain[first] = _ENCODED.sub(lambda code: chr(int(code[1], 16)), "".join(parts))
            first, parts = number + 1, []
    return plain


def _stripped(line: str) -> str:
    """The line without quote marks, backticks and log prefixes."""
    line = line.strip(" \t`").lstrip(_QUOTES)
    for _ in range(4):
        noise = _BEFORE_STAMP.match(line)
        line = line[noise.end() :] if noise else line
        if line[:1] not in ("<", "[") and " kernel: " not in line[:96]:
            break
        bare = kernel_messages.strip_prefix(line)[0].lstrip()
        stamp = _OTHER_STAMP.match(bare)
        if stamp:
            bare = bare[stamp.end() :].lstrip()
        if bare == line:
            break
        line = bare
    return line


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


def _events(line: str, following: str, offset: int) -> Iterator[Event]:
    event = _event(line, offset, following) if len(line) <= _LONGEST_PLAIN_EVENT else None
    if event is not None and len(event.process or "") <= _LONGEST_NAME and not _STARTS.search(line, 40):
        yield event
        return
    parts = list(_parts(line))
    for number, (start, part) in enumerate(parts):
        event = _event(part, offset + start)
        if event is None and number == len(parts) - 1 and _EVENT.search(part):
            # Wrapped by a mail program between words, or by a terminal inside a word.
            rest = following[:_LONGEST_PLAIN_EVENT]
            whole = (_event(f"{part}{between}{rest}", offset + start) for between in (" ", ""))
            event = next((found for found in whole if found), None)
        if event is not None:
            yield event


def _parts(line: str) -> Iterator[tuple[int, str]]:
    """(start, text) of the messages in a line."""
    starts = [0, *(match.start() for match in _STARTS.finditer(line)), len(line)]
    for start, end in pairwise(starts):
        yield start, line[start:end].strip()


def _event(text: str, offset: int, following: str = "") -> Event | None:
    if _ALLOCATION.match(text):
        process = text.find(" process ")
        end = text.find(" failed", process)
        if process < 0 or end < 0:
            return None
        text = text[: end + len(" failed")]
    parsed = kernel_messages.parse(text[: 4 * _LONGEST_PLAIN_EVENT])
    if parsed is None:
        return None
    kind, number, pid, process_name = parsed
    if kind in ("page", "oom") and number > _HIGHEST_ORDER:
        return None
    mode = (_MODE.search(text) or _MODE.match(following)) if kind in ("page", "oom") else None
    return Event(
        offset,
        kind,
        number,
        pid,
        process_name,
        int(mode[1], 16) if mode else None,
        mode[2] if mode else None,
    )
