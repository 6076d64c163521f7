"""Requests of bytes with an unknown page size: answered if every page size gives the same answer. Pure."""

from __future__ import annotations

from dataclasses import replace

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.judge import Answer, judge
from buddywatch.explain.request import Request
from buddywatch.kernel_text.state import State

# PAGE_SHIFT of the architectures: 12 to 16 (arch/*/Kconfig, asm/page.h, 2.6.30 to 7.2).
POSSIBLE_PAGE_BYTES = (4096, 8192, 16384, 32768, 65536)


def block_bytes_of(requested_bytes: int | None, order: int | None, page_bytes: int | None) -> int | None:
    """The block that a request takes. From the largest page size on it is the same for all: the next power of two."""
    if order is not None and page_bytes is not None:
        return page_bytes << order
    if requested_bytes is None or order is not None or requested_bytes <= POSSIBLE_PAGE_BYTES[-1] // 2:
        return None
    return 1 << (requested_bytes - 1).bit_length()


def judge_in_each(states: list[State], request: Request, requested_bytes: int | None) -> Answer:
    """The answer on which states agree that differ in their page size alone; without numbers. request: its order counts
    where the bytes are unknown."""
    answers = []
    for state in states:
        order = request.order
        if requested_bytes:
            order = watermark.order_for(requested_bytes, state.page_bytes)
        answers.append(judge(state, replace(request, order=order)))
    first = answers[0]
    if any((answer.verdict, answer.reason) != (first.verdict, first.reason) for answer in answers):
        return Answer(first.request, None, reasons.UNKNOWN)
    return Answer(first.request, first.verdict, first.reason, zone=first.zone)


def judge_bytes(state: State, requested_bytes: int, request: Request) -> tuple[int | None, Answer]:
    """(order, answer); without a page size (None, the answer that all page sizes agree on, without numbers)."""
    if state.page_bytes is not None:
        order = watermark.order_for(requested_bytes, state.page_bytes)
        return order, judge(state, replace(request, order=order))
    if not state.zones and state.mem_free_kb is not None and state.mem_free_kb * 1024 < requested_bytes:
        return None, Answer(request, watermark.REFUSED, reasons.TOO_LITTLE)
    orders = dict.fromkeys(watermark.order_for(requested_bytes, page_bytes) for page_bytes in POSSIBLE_PAGE_BYTES)
    answers = [judge(state, replace(request, order=order)) for order in orders]
    least = answers[-1]  # of the largest pages, whose order is the smallest
    if least.verdict is None or any(answer.verdict != least.verdict for answer in answers):
        return None, Answer(request, None, reasons.UNKNOWN)
    return None, Answer(least.request, least.verdict, least.reason, zone=least.zone)
