"""Which of the kernel's messages are about one request, and what each adds to it. Pure."""

from __future__ import annotations

import re

from buddywatch.kernel_text.events import Event
from buddywatch.kernel_text.messages import oom
from buddywatch.kernel_text.messages.notice import Notice
from buddywatch.kernel_text.raw import Message

_SHORT_CHARS = 500  # header and kill of a report in short


def identity(event: Event) -> tuple[object, ...]:
    return event.kind, event.process, event.pid, event.number, event.mode, event.stamp_s


def same_request(message: Message, event: Event) -> bool:
    """True if the event is about the same request as the message. The order is: out of memory, then the allocator's
    message, then that of mmap; any of them may be missing, since the allocator's is rate-limited."""
    ranks = {"oom": 0, "page": 1, "alloc": 2, "vma": 2}
    if ranks[event.kind] <= max(ranks.get(kind, 3) for kind in message.kinds):
        return False
    if not _same_process(message.process, event.process):
        return False
    if event.kind == "alloc" and message.order is not None:
        # get_order() at some page size between 1 kB and 64 kB
        pages = [-(-(event.number or 0) // (1024 << shift)) for shift in range(7)]
        return any(max(count - 1, 0).bit_length() == message.order for count in pages)
    return event.kind == "page" and message.order == event.number


def _same_process(told: str | None, named: str | None) -> bool:
    """True if the names may be of one process. told: by a header, where other words may stand before the name."""
    return None in (told, named) or told == named or bool(re.search(rf"\W{re.escape(named or '')}$", told or ""))


def is_in_short(message: Message, event: Event) -> bool:
    """True if the message is what somebody took out of a report that follows whole: header and kill at once, where the
    kernel prints a call trace and free memory between them (dump_header() in mm/oom_kill.c), and no stamps."""
    if message.kind != "oom" or message.dump or message.stamp_s is not None or event.stamp_s is not None:
        return False
    kills = [notice for notice in message.notices if notice.family == oom.FAMILY and notice.form == oom.KILLED]
    return bool(kills) and kills[-1].end - message.offset < _SHORT_CHARS


def has_like(message: Message, notice: Notice) -> bool:
    """True if the message has the same line already."""
    told = (notice.form, notice.numbers, notice.words)
    return any((other.form, other.numbers, other.words) == told for other in message.notices)


def add_event(message: Message, event: Event) -> None:
    message.kinds.append(event.kind)
    message.kind = event.kind
    if event.kind == "alloc" and event.process:
        message.process = event.process
    message.pid = event.pid if event.pid is not None else message.pid
    if event.kind in ("alloc", "vma"):
        message.requested_bytes = event.number or None
    else:
        message.order = event.number
        message.is_order_assumed = event.is_number_assumed
    if event.mode is not None:
        message.mode, message.mode_names = event.mode, event.mode_names
