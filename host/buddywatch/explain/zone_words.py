"""Why each of several zones refuses a request, in a sentence. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.case import Case
from buddywatch.explain.judge import Answer
from buddywatch.text.document import plain
from buddywatch.text.escape import counted
from buddywatch.text.units import format_bytes

_MOST = 6


def obstacles(case: Case) -> list[str]:
    """A sentence for each zone that could have served the request, the nearest first; [] if there is only one."""
    answers = [case.answer, *case.answer.others]
    if case.answer.verdict != watermark.REFUSED or len(answers) < 2 or case.page_bytes is None:
        return []
    answers.sort(key=lambda answer: answer.missing_pages)
    lines = [f"{_name(case, answer)}, {_short(case, answer)}: {_obstacle(answer)}" for answer in answers[:_MOST]]
    left = len(answers) - _MOST
    return [*lines, f"and {counted(left, 'other zone')}, farther from it"] if left > 0 else lines


def kept_block(case: Case) -> Answer | None:
    """The nearest zone that has the block but keeps it for other requests, if it is not the one that decides."""
    answers = [answer for answer in case.answer.others if _is_kept(answer)]
    nearest = min(answers, key=lambda answer: answer.missing_pages, default=None)
    return nearest if nearest and nearest.missing_pages < case.answer.missing_pages else None


def _is_kept(answer: Answer) -> bool:
    """True if lowmem_reserve alone keeps the zone from serving the request."""
    if not answer.reserve or answer.zone is None or answer.margin_pages is None:
        return False
    has_block = watermark.pages_from(answer.zone.nr_free, answer.request.order) >= 1 << answer.request.order
    return has_block and answer.short_in_all_pages <= answer.reserve


def _name(case: Case, answer: Answer) -> str:
    zone = answer.zone
    if zone is None or case.state is None:
        return "a zone"
    many_nodes = len({other.node for other in case.state.zones}) > 1
    return f"Node {zone.node} {plain(zone.name, 16)}" if many_nodes else plain(zone.name, 16)


def _short(case: Case, answer: Answer) -> str:
    at_least = "at least " if answer.margin_pages is None else ""
    return f"{at_least}{format_bytes(answer.missing_pages * (case.page_bytes or 0))} short"


def _obstacle(answer: Answer) -> str:
    zone = answer.zone
    if zone is None:
        return ""
    if _is_kept(answer) and zone.name == answer.request.highest_zone:
        return (
            f"of its {watermark.free_pages(zone.nr_free)} free pages {answer.reserve} are its own reserve (protection)"
        )
    if _is_kept(answer):
        blocks = sum(zone.nr_free[answer.request.order :])
        return (
            f"{counted(blocks, 'block')} large enough, but of its {watermark.free_pages(zone.nr_free)} free pages "
            f"{answer.reserve} are kept for requests that can use only this zone (lowmem_reserve)"
        )
    if answer.reason == reasons.TOO_LITTLE:
        return "too little is free in all" if any(zone.nr_free) else "nothing is free"
    return {
        reasons.FRAGMENTED: "no free block is large enough",
        reasons.RESERVE: "a block is free, but the reserve per block size keeps it",
        reasons.ATOMIC_RESERVE: "what is free is set aside for atomic requests",
        reasons.CMA_RESERVE: "what is free is set aside for movable pages (CMA)",
        reasons.TOO_LARGE: "it never has blocks so large",
    }.get(answer.reason, answer.reason)
