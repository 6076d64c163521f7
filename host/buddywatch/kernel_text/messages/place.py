"""Which failure a notice belongs to: one that is told already, or a new one."""

from __future__ import annotations

from buddywatch.kernel_text.lines import Event
from buddywatch.kernel_text.messages import vmalloc
from buddywatch.kernel_text.messages.notice import Notice, notices
from buddywatch.kernel_text.raw import Message

_FAMILIES = (vmalloc,)
# Lines of one message that follow each other, with the prefixes of a log between them.
_NEXT_LINE_CHARS = 300


def all_notices(text: str) -> list[Notice]:
    """The notices of all families, in the order of the text."""
    found = [notice for family in _FAMILIES for notice in notices(text, family.FAMILY, family.FORMS)]
    return sorted(found, key=lambda notice: notice.offset)


def placed(notice: Notice, near: Message | None) -> Message | None:
    """A new failure for the notice; None if it was added to `near`, the failure before it."""
    if near and near.kind == notice.family and _follows(near, notice.offset):
        near.notices.append(notice)
        _tell(near, notice)
        return None
    message = Message(notice.offset, notice.family, None, kinds=[notice.family], notices=[notice])
    _tell(message, notice)
    return message


def ends_notice(near: Message, event: Event) -> bool:
    """True if the event is no failure of its own but the end of the message near, whose mode and process it tells."""
    if near.kind != vmalloc.FAMILY or event.kind != "page" or not _follows(near, event.offset):
        return False
    near.process = event.process or near.process
    near.mode, near.mode_names = event.mode, event.mode_names
    return True


def _follows(near: Message, offset: int) -> bool:
    return bool(near.notices) and offset - near.notices[-1].end <= _NEXT_LINE_CHARS


def _tell(message: Message, notice: Notice) -> None:
    message.process = notice.process or message.process
    message.pid = notice.pid if notice.pid is not None else message.pid
    message.requested_bytes = notice.numbers.get("size_bytes", message.requested_bytes)
    if "mode" in notice.words:
        message.mode, message.mode_names = int(notice.words["mode"], 16), notice.words.get("mode_names")
    if vmalloc.needs_pages(message.notices):
        message.order = notice.numbers.get("page_order", 0)
