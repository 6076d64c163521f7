"""Finds in a line the kernel's messages about one request, whatever stands before them. Pure.

mm/page_alloc.c ("NAME: page allocation failure"), mm/oom_kill.c ("NAME invoked oom-killer"), mm/nommu.c ("Allocation of
length"); the other families of messages are in messages/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from buddyd.sources import kernel_messages

from buddywatch.kernel_text.prefix import process_in

_MESSAGE = re.compile(
    r"(?<!\w)(?P<alloc>(?:nommu: )?Allocation of (?:length|vma) )"
    r"|(?P<named>[ ]{0,12}: page allocation failure(?=[.:,])|(?<=\S) invoked oom-killer:(?=[ ]|$|gfp_mask)"
    # whose name was left out, or stands on the line before; 2.6.7 to 2.6.17 print none
    r"|^(?:(?P<host>(?!invoked )[\w.-]{1,32} )|invoked )?oom-killer:(?= gfp_mask=))"
)
# What a whole message says; blanks may be lost where a line was folded.
_ALLOC = re.compile(
    r"(?P<words>(?:nommu: )?Allocation of "
    r"(?:length ?\d{1,20}|vma(?: region| tree)?(?: for ?\d{1,20} ?byte ?allocation)?)"
    r" ?(?:from|for) ?process ?\d{1,20} ?)(?P<name>\([^\n]{0,32}\))? ?failed"
)
# "Allocation of length 512000 ... failed": somebody left the process out.
_ALLOC_OF_NOBODY = re.compile(
    r"(?:nommu: )?Allocation of length (?P<bytes>\d{1,20}) (?:\.\.\.|\[\.\.\.\]|\u2026) ?failed"
)
_NAMED = re.compile(
    r"\s{0,12}: page allocation failure[.:] {0,2}order: ?(?P<page_order>\d{1,6}), {0,2}mode: ?"
    r"(?P<page_mode>0x[0-9a-f]{1,16})(?!\w)"
    r"| ?(?:invoked )?oom-killer: {0,2}gfp_mask= ?(?P<oom_mode>0x[0-9a-f]{1,16})\**(?:\([^)\n]{0,400}\))?,"
    r"(?: {0,2}nodemask=[^=\n]{1,60},)? {0,2}order= ?(?P<oom_order>-?\d{1,6}),"
)
_NAMES = re.compile(r"(?:mode: ?|gfp_mask= ?)0x[0-9a-f]{1,16}\**\(([A-Z_|a-z0-9]{0,400})\)")
_ORDER = re.compile(r"order[:=] {0,2}(-?\d{1,6})")
_MODE = re.compile(r"(?:mode:|gfp_mask=) {0,2}(0x[0-9a-f]{1,16})(?!\w)")
_TITLE = re.compile(r"^[\s>|*#]*(?:Subject|Title|Summary|Betreff|Re|Fwd|FW|AW|WG|Sv)(?:\[\d+\])?:\s", re.IGNORECASE)
_TITLE_ANYWHERE = re.compile(r"<title|\[PATCH|\[Bug \d|\[RFC", re.IGNORECASE)
# out_of_memory() of 2.6.7 to 2.6.10 prints no more than this; most requests that call it are for one page.
# Somebody may have left it out, too.
_NO_ORDER = re.compile(
    r" ?(?:invoked )?oom-killer: gfp_mask=0x[0-9a-f]{1,16}(?:[ ]{0,4}\([\w |]{0,200}\))?"
    r"(?:, oom_(?:score_)?adj=-?\d{1,4})?"
)
ONE_PAGE = "0"
_BY_HAND = "-1"  # moom_callback() in drivers/tty/sysrq.c, from 4.1 on: no request for pages
_NO_MODE_BEHIND = re.compile(r"[0-9a-f]{0,16}(?:[(,]|$)")  # what continues a mode that was folded
_COMM = re.compile(r"[Cc]omm: (.{1,15}?) (?:Kdump|(?:No?t?(?: t\w*)?$)|Not tainted|Tainted|T:)|^(\S.{0,14}?) cpuset=")
_LONGEST_REST = 600
_HIGHEST_ORDER = 40  # larger than the blocks of any machine


@dataclass(frozen=True, slots=True)
class Event:
    """One of the kernel's messages about memory. offset: in Cleaned.text; kind, number: as kernel_messages.parse();
    number None: the line was cut within it."""

    offset: int
    kind: str
    number: int | None
    pid: int | None
    process: str | None
    mode: int | None = None
    mode_names: str | None = None
    stamp_s: float | None = None  # seconds since boot
    depth: int = 0  # of quote marks before it
    is_number_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands. offset: of its start in Cleaned.text; stamp_s, depth: as in Event.

    may_be_cut: a terminal may have cut or folded it at its end, so that a number there may be unfinished."""

    offset: int = 0
    stamp_s: float | None = None
    depth: int = 0
    may_be_cut: bool = False


def may_have_event(line: str) -> bool:
    """A quick look before the patterns: ten times as quick as a regular expression."""
    return "page allocation failure" in line or "oom-killer:" in line or "Allocation of " in line


def is_title(line: str) -> bool:
    """True for the subject of a mail and the title of a page or of a bug."""
    return bool(_TITLE.match(line) or _TITLE_ANYWHERE.search(line))


def events(line: str, following: list[str], place: Place) -> Iterator[Event]:
    """The messages in a line without its prefix. following: the next lines, likewise."""
    found = list(_MESSAGE.finditer(line))
    names: tuple[str, ...] | None = None  # found when the first header needs them
    for number, match in enumerate(found):
        is_last = number == len(found) - 1
        end = len(line) if is_last else found[number + 1].start()
        text = line[match.end("host") if match["host"] else match.start() : end]
        whole = _whole(text, following if is_last else [], place.may_be_cut and is_last)
        at = replace(place, offset=place.offset + match.start(), may_be_cut=place.may_be_cut and is_last)
        if match["alloc"]:
            event = _allocation(whole, at)
        else:
            names = _names_in(following) if names is None else names
            head = line[found[number - 1].end() if number else 0 : match.start()]
            process = process_in(head.rsplit(" ", 1)[-1] if number else head, names)
            if match["host"] or match["named"].startswith("oom-killer"):
                process = ""
            event = _named(text, whole, process, at, following)
        if event is not None:
            yield event


def _names_in(following: list[str]) -> tuple[str, ...]:
    """The processes that the lines below a header name in full."""
    able = (line for line in following if "omm: " in line or " cpuset=" in line)
    return tuple(name for line in able for match in _COMM.finditer(line) for name in match.groups() if name)


def _whole(text: str, following: list[str], may_be_cut: bool) -> str:
    """The message with what a terminal or a mail program put on the next lines. A terminal folds anywhere, so that the
    parts are joined as they are; the patterns do without the blanks that a mail program took."""
    pattern = _ALLOC if text.startswith(("Alloc", "nommu")) else _NAMED
    match = pattern.match(text)
    if match and not (may_be_cut and match.end() == len(text) and following and _NO_MODE_BEHIND.match(following[0])):
        return text
    rest = [part[:_LONGEST_REST] for part in following[:3]]
    joined = ["".join([text, *rest[:count]]) for count in (1, 2, 3)]
    return next((whole for whole in joined if pattern.match(whole)), text)


def _allocation(whole: str, at: Place) -> Event | None:
    match = _ALLOC.match(whole)
    if match is None:
        short = _ALLOC_OF_NOBODY.match(whole)
        return _event(at, "alloc", int(short["bytes"]), None, None) if short else None
    text = re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z(]|failed)", " ", match["words"]).rstrip()
    text += (f" {match['name']}" if match["name"] else "") + " failed"
    parsed = kernel_messages.parse(text)
    if parsed is None:
        return None
    kind, number, pid, name = parsed
    return _event(at, kind, number, pid, name)


def _event(
    at: Place,
    kind: str,
    number: int | None,
    pid: int | None,
    process: str | None,
    mode: int | None = None,
    mode_names: str | None = None,
    is_number_assumed: bool = False,
) -> Event:
    """In one step: a log may have ten thousand, and to copy a frozen value takes longer than to make it."""
    return Event(at.offset, kind, number, pid, process, mode, mode_names, at.stamp_s, at.depth, is_number_assumed)


def _named(text: str, whole: str, process: str, at: Place, following: list[str]) -> Event | None:
    """A message of the allocator or of the OOM killer; number and mode are None where the line was cut within them."""
    kind = "oom" if "oom-killer" in text[:24] else "page"
    match = _NAMED.match(whole)
    if match:
        order, mode = match["page_order"] or match["oom_order"], match["page_mode"] or match["oom_mode"]
        if at.may_be_cut and whole is text and match["page_mode"] and match.end() == len(text):
            mode = None
    else:
        order, mode = (_unless_cut(pattern.search(whole), whole, at.may_be_cut) for pattern in (_ORDER, _MODE))
        mode = mode or _mode_below(following)
        if order is None and _NO_ORDER.fullmatch(whole):
            order = ONE_PAGE
        if order is None and not (at.may_be_cut or _ORDER.search(whole)):
            return None
    if order is not None and int(order) > _HIGHEST_ORDER:
        return None
    if order == _BY_HAND:
        order = None
    names = _NAMES.search(whole)
    is_assumed = order == ONE_PAGE and not _ORDER.search(whole)
    return _event(
        at,
        kind,
        None if order is None else int(order),
        None,
        process or None,
        None if mode is None else int(mode, 16),
        names[1] if names and mode else None,
        is_number_assumed=is_assumed,
    )


def _mode_below(following: list[str]) -> str | None:
    """The mode alone at the start of a line below, after what another CPU printed."""
    return next((match[1] for line in following[:4] if (match := _MODE.match(line))), None)


def _unless_cut(match: re.Match[str] | None, text: str, may_be_cut: bool) -> str | None:
    return None if match is None or (may_be_cut and match.end() == len(text)) else match[1]
