"""A request whose flags were cut off: answered if every kind of request gets the same answer. Pure."""

from __future__ import annotations

from dataclasses import replace

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.case import Case
from buddywatch.explain.judge import Answer, judge
from buddywatch.explain.request import request_of
from buddywatch.kernel_text.state import State

# The kinds whose answers differ most: zones, marks, and lists of blocks that they may use.
_NAMES = {
    "page": (None, "GFP_ATOMIC", "GFP_HIGHUSER_MOVABLE", "GFP_DMA"),
    "oom": (None, "GFP_HIGHUSER_MOVABLE"),  # out_of_memory() is called for those that can wait
}


def answer_of(state: State, case: Case) -> Answer:
    """The answer to the case's request; case.answer.request: as the flags have it, or GFP_KERNEL."""
    request, message = case.answer.request, case.message
    answer = judge(state, request)
    if message is not None and message.is_order_assumed and answer.verdict in (watermark.OK, watermark.TIGHT):
        return Answer(request, None, reasons.UNKNOWN, one_page=True)
    if message is None or message.mode is not None or message.kinds[-1] not in _NAMES:
        return answer
    others = [request_of(request.order, None, names, case.kernel.span) for names in _NAMES[message.kinds[-1]] if names]
    answers = [answer, *(judge(state, replace(other, nodes=request.nodes)) for other in others)]
    if len({(other.verdict, other.reason) for other in answers}) > 1:
        return Answer(request, None, reasons.UNKNOWN)
    margins = [other.margin_pages for other in answers]
    if len(set(margins)) == 1 or None in margins:
        return answer
    pick = max if answer.verdict == watermark.REFUSED else min
    return replace(pick(answers, key=lambda other: other.margin_pages or 0), request=request, is_bound=True)
