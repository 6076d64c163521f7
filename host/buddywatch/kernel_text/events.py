"""Finds in a line the kernel's messages about one request, whatever stands before them. Pure.

mm/page_alloc.c ("NAME: page allocation failure"), mm/oom_kill.c ("NAME invoked oom-killer"), mm/nommu.c ("Allocation of
length"); the other families of messages are in messages/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from buddyd.sources import kernel_messages

from buddywatch.kernel_text.prefix import process_in

# A quick look before the patterns below.
MARK = re.compile(r"Allocation of |page allocation failure|invoked oom-killer:")
_MESSAGE = re.compile(
    r"(?<!\w)(?P<alloc>(?:nommu: )?Allocation of (?:length|vma) )"
    r"|(?P<named>[ ]{0,12}: page allocation failure(?=[.:,])|(?<=\S) invoked oom-killer:(?=[ ]|$))"
)
# The rest of a message, which a terminal or a mail program may have put on the next lines.
_REST = re.compile(r"order[:=]\s{0,2}\d{1,6},|order[:=]\s{0,2}\d{1,6}(?=\s*$)| failed\b")
_MODE = re.compile(r"(?:mode:|gfp_mask=)\s?(0x[0-9a-f]{1,16})\**(?:\(([A-Z_|a-z0-9]{0,400})\))?")
_TITLE = re.compile(
    r"^[\s>|*#]*(?:Subject|Title|Summary|Betreff|Re|Fwd|FW|AW|WG|Sv)(?:\[\d+\])?:\s|<title|\[PATCH|\[Bug \d|\[RFC",
    re.IGNORECASE,
)
_COMM = re.compile(r"[Cc]omm: (.{1,15}?) (?:Kdump|(?:No?t?(?: t\w*)?$)|Not tainted|Tainted|T:)|^(\S.{0,14}?) cpuset=")
_LONGEST_REST = 600
_HIGHEST_ORDER = 40  # larger than the blocks of any machine


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
    stamp_s: float | None = None  # seconds since boot
    depth: int = 0  # of quote marks before it


def is_title(line: str) -> bool:
    """True for the subject of a mail and the title of a page or of a bug."""
    return bool(_TITLE.search(line))


def events(line: str, following: list[str], offset: int) -> Iterator[Event]:
    """The messages in a line without its prefix. following: the next lines, likewise."""
    found = list(_MESSAGE.finditer(line))
    names = tuple(
        name for next_line in following for match in _COMM.finditer(next_line) for name in match.groups() if name
    )
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(line)
        before = found[number - 1].end() if number else 0
        text = line[match.start() : end]
        if number == len(found) - 1 and not _REST.search(text):
            text = _continued(text, following)
        head = line[before : match.start()] if match["named"] else ""
        event = _event(text, process_in(_own_part(head, bool(number)), names), offset + match.start(), following)
        if event is not None:
            yield event


def _own_part(head: str, follows_another: bool) -> str:
    """Of what is between two messages of a line: what can belong to the second one."""
    return head.rsplit(" ", 1)[-1] if follows_another else head


def _continued(text: str, following: list[str]) -> str:
    """The message with the next lines: wrapped between words, or folded within one."""
    rest = " ".join(following[:2])[:_LONGEST_REST]
    return next((whole for whole in (f"{text} {rest}", f"{text}{rest}") if _REST.search(whole)), text)


def _event(text: str, process: str, offset: int, following: list[str]) -> Event | None:
    if text.startswith(("Alloc", "nommu")):
        end = text.find(" failed", text.find(" process "))
        parsed = kernel_messages.parse(text[: end + len(" failed")]) if end > 0 else None
    else:
        text = text.lstrip(" ") if text.lstrip().startswith(":") else text
        parsed = kernel_messages.parse((process or "?") + text[:_LONGEST_REST])
    if parsed is None or (parsed[0] in ("page", "oom") and parsed[1] > _HIGHEST_ORDER):
        return None
    kind, number, pid, name = parsed
    if kind not in ("page", "oom"):
        return Event(offset, kind, number, pid, name)
    mode = _MODE.search(text) or _MODE.match(" ".join(following[:2]))
    return Event(
        offset,
        kind,
        number,
        None,
        process or None,
        int(mode[1], 16) if mode else None,
        mode[2] if mode else None,
    )
