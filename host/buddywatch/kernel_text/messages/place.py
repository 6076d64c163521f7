"""Finds the failure to which a notice belongs: one that is known already, or a new one."""

from __future__ import annotations

from buddywatch.kernel_text.events import Event, is_title
from buddywatch.kernel_text.messages import (
    cma,
    linux24,
    loader,
    lowmemorykiller,
    oom,
    page_parts,
    pools,
    programs,
    slab,
    stalls,
    vmalloc,
)
from buddywatch.kernel_text.messages.notice import Notice, notices
from buddywatch.kernel_text.raw import Message

_FAMILIES = (cma, linux24, loader, lowmemorykiller, oom, page_parts, pools, programs, slab, stalls, vmalloc)
# Lines of one message that follow each other, with the prefixes of a log between them.
_NEXT_LINE_CHARS = 600
_TRACE_CHARS = 3000
# What is no failure without another message before it.
_ONLY_PARTS = {page_parts.FAMILY: (page_parts.MODE, page_parts.NODES), oom.FAMILY: (oom.TRACE,)}
_RECENT = 4  # failures that other CPUs may have reported in between


def all_notices(text: str) -> list[Notice]:
    """The notices of all families, in the order of the text."""
    found = [notice for family in _FAMILIES for notice in notices(text, family.FAMILY, family.FORMS)]
    found.sort(key=lambda notice: (notice.offset, -notice.end))
    outer: list[Notice] = []  # without those that are a part of another one, and without titles
    for notice in found:
        if (not outer or notice.offset >= outer[-1].end) and not is_title(_line(text, notice.offset)):
            outer.append(notice)
    return outer


def _line(text: str, offset: int) -> str:
    end = text.find("\n", offset)
    return text[text.rfind("\n", 0, offset) + 1 : end if end >= 0 else len(text)]


def placed(notice: Notice, recent: list[Message]) -> Message | None:
    """A new failure for the notice; None if it was added to one of `recent`, the failures close before it."""
    message = _owner(notice, recent[-_RECENT:])
    opened = None
    if message is None and notice.form in _ONLY_PARTS.get(notice.family, ()):
        return None  # of no failure in the text
    if message is None:
        message = opened = Message(notice.offset, notice.family, None, kinds=[notice.family])
    message.notices.append(notice)
    _tell(message, notice)
    return opened


def ends_notice(near: Message, event: Event) -> bool:
    """True if the event is not a separate failure but the end of the nearby message, with its mode and process."""
    if near.kind != vmalloc.FAMILY or event.kind != "page" or not _follows(near, event.offset):
        return False
    near.process = event.process or near.process
    near.mode, near.mode_names = event.mode, event.mode_names
    return True


def _owner(notice: Notice, recent: list[Message]) -> Message | None:
    """The failure among the recent ones that the notice is about."""
    last = recent[-1] if recent else None
    if notice.family == vmalloc.FAMILY:
        goes_on = last and last.kind == vmalloc.FAMILY and _follows(last, notice.offset)
        return last if last and goes_on and not _starts_again(last, notice) else None
    if notice.family == cma.FAMILY:
        return last if last and last.kind == cma.FAMILY and _is_same_area(last, notice) else None
    if notice.form == lowmemorykiller.TAIL:
        is_cut = bool(last and last.kind == notice.family and "limit_kb" not in last.notices[-1].numbers)
        return last if last and is_cut and _follows(last, notice.offset) else None
    if notice.family == slab.FAMILY:
        return next((m for m in reversed(recent) if m.kind == "page" and not _has(m, slab.FAMILY)), None)
    if notice.form == pools.BOUNCE_END and last and _ends_transfer(last, notice):
        return last
    if notice.family == pools.FAMILY:
        return next((m for m in reversed(recent) if _is_of_pool(m, notice)), None)
    if notice.family == loader.FAMILY:
        return next((m for m in reversed(recent) if "alloc" in m.kinds and not _has(m, loader.FAMILY)), None)
    if notice.family == page_parts.FAMILY:
        return _owner_of_part(notice, recent)
    if notice.form == oom.FAULT and (refused := _refused_in_fault(notice, recent)):
        return refused
    if notice.family == oom.FAMILY:
        kill = next((m for m in reversed(recent) if m.kind == oom.FAMILY), None)
        return kill if kill and (not _is_over(kill, notice) or _goes_on(kill, notice)) else None
    return None


def _refused_in_fault(notice: Notice, recent: list[Message]) -> Message | None:
    """The request whose refusal ended the process: do_page_fault() prints the name after the allocator's own line, and
    for a process that the OOM killer has ended already as well."""
    for message in reversed(recent):
        if any(other.form == oom.FAULT for other in message.notices) or not _follows_fault(message, notice):
            continue
        names = {message.process, *(name.partition(" (")[0] for name in message.killed)}
        if message.kind == linux24.FAMILY or notice.words["victim"] in names:
            return message
    return None


def _follows_fault(message: Message, notice: Notice) -> bool:
    """True if no more than a call trace is between them."""
    end = max([message.offset, *(other.end for other in message.notices)])
    return message.kind in ("page", "oom", linux24.FAMILY) and notice.offset - end <= _TRACE_CHARS


def _owner_of_part(notice: Notice, recent: list[Message]) -> Message | None:
    """The newest failure that lacks this part and is close enough."""
    for message in reversed(recent):
        end = max([message.offset, *(other.end for other in message.notices)])
        if message.kind not in ("page", "oom") or notice.offset - end > _NEXT_LINE_CHARS:
            continue
        if notice.form == page_parts.MODE and message.mode is None:
            return message
        if notice.form == page_parts.NODES and message.nodes is None:
            return message
    return None


def _ends_transfer(last: Message, notice: Notice) -> bool:
    """True if it is the second of two lines about one transfer, which lib/swiotlb.c of 4.x prints."""
    told = {other.form for other in last.notices}
    return (
        told == {pools.BOUNCE}
        and _follows(last, notice.offset)
        and (notice.numbers["size_bytes"] == last.requested_bytes)
    )


def _is_of_pool(message: Message, notice: Notice) -> bool:
    """True if the allocator has just refused the pool's block: by its order, at some page size of 4 to 64 kB."""
    size_kib, order = notice.numbers.get("size_kib_number"), message.order
    if notice.form != pools.DMA_POOL or size_kib is None or order is None or message.kind != "page":
        return False
    return not _has(message, pools.FAMILY) and size_kib in {4 << shift << order for shift in range(5)}


def _starts_again(last: Message, notice: Notice) -> bool:
    """True if the next failure begins: with the line about the missing space, which stands before the one with the
    process, or with a second line of that kind."""
    return _is_first_line(notice) or not all(_is_first_line(other) for other in last.notices)


def _is_first_line(notice: Notice) -> bool:
    return notice.form == vmalloc.SPACE and notice.process is None


def _follows(near: Message, offset: int) -> bool:
    return bool(near.notices) and offset - near.notices[-1].end <= _NEXT_LINE_CHARS


def _has(message: Message, family: str) -> bool:
    return any(notice.family == family for notice in message.notices)


def _is_same_area(last: Message, notice: Notice) -> bool:
    """The places that CMA could not empty stand before the failure; its map and the driver's line stand after it."""
    told = {other.form for other in last.notices}
    if not _follows(last, notice.offset):
        return False
    if notice.form == cma.BUSY:
        return told == {cma.BUSY}
    return notice.form not in told and not (notice.form == cma.FAILED and cma.BUFFER in told)


def _is_over(kill: Message, notice: Notice) -> bool:
    """True if the kill is complete and the notice starts another one, whose header is not in the text."""
    ended = any(other.form in (oom.KILLED, oom.FAULT) for other in kill.notices)
    if not ended or oom.GROUP in (notice.form, *(other.form for other in kill.notices)):
        return False
    return notice.form != oom.KILLED or "reason" in notice.words


def _goes_on(kill: Message, notice: Notice) -> bool:
    """True if one more victim follows at once. In a burst oom_kill_process() of 2.6.30 leaves its header and the dump
    out (printk_ratelimit() in mm/oom_kill.c), for the same request: one victim after another until there is room."""
    return kill.order is not None and _follows(kill, notice.offset)


def _tell(message: Message, notice: Notice) -> None:
    """What the notice adds to the failure: who asked for how much, who was killed, for what it was."""
    numbers, words = notice.numbers, notice.words
    message.process = message.process or notice.process
    message.pid = notice.pid if message.pid is None else message.pid
    message.requested_bytes = numbers.get("size_bytes", message.requested_bytes)
    if "mode" in words and message.mode is None:
        message.mode, message.mode_names = int(words["mode"], 16), words.get("mode_names")
    if notice.family == vmalloc.FAMILY and vmalloc.needs_pages(message.notices):
        message.order = numbers.get("page_order", 0)
    if message.order is None:
        message.order = numbers.get("order", numbers.get("least_order"))
    if notice.family == linux24.FAMILY:
        message.order = numbers.get("page_order")
    if notice.family in (oom.FAMILY, lowmemorykiller.FAMILY):
        message.killed = oom.victims(message.notices)
    message.in_cgroup |= notice.family == oom.FAMILY and oom.is_about_a_group(notice)
    if notice.form == page_parts.NODES and "nodes" in words:
        message.nodes = page_parts.node_numbers(words["nodes"])
    message.for_what = words.get("part", message.for_what)
