"""An answer put into its case, with the notes that follow from it. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.case import Case
from buddywatch.explain.judge import Answer, serving_zones
from buddywatch.explain.reclaim import reclaim_of
from buddywatch.kernel_text.state import BORROWED, ESTIMATED, State


def set_answer(case: Case, state: State, answer: Answer) -> None:
    case.state, case.answer = state, answer
    case.notes = notes_of(case)


def notes_of(case: Case) -> list[str]:
    request, answer = case.answer.request, case.answer
    notes = []
    reclaim = reclaim_of(case.state, request) if case.state else None
    wanted_pages = max(answer.missing_pages, 1 << request.order)
    if answer.verdict == watermark.REFUSED and request.can_wait and reclaim:
        ram_file_pages = reclaim.pages if reclaim.ram_file_pages is None else reclaim.ram_file_pages
        notes += [reasons.RECLAIMABLE] if reclaim.pages >= wanted_pages else []
        notes += [reasons.FILES_IN_RAM] if ram_file_pages >= wanted_pages else []
    if _exceeds_memory(case):
        notes.append(reasons.EXCEEDS_MEMORY)
    if case.order is not None and request.ends_in_oom_killer:
        notes.append(reasons.OOM_KILLER)
    if case.order is not None and not request.can_wait:
        notes.append(reasons.CANNOT_WAIT)
    marks_from = answer.zone.marks_from if answer.zone else None
    if marks_from == ESTIMATED:
        notes.append(reasons.ESTIMATED_MARKS)
    if marks_from == BORROWED:
        notes.append(reasons.BORROWED_MARKS)
    if answer.is_bound or answer.between or (answer.zone and answer.zone.lost_kb):
        notes.append(reasons.INCOMPLETE_LIST)
    if answer.verdict and case.kernel.inferred:
        notes.append(reasons.INFERRED_RULE)
    return notes


def _exceeds_memory(case: Case) -> bool:
    """True if the block is larger than the zones that serve the request, so that it can never be had."""
    zones = serving_zones(case.state, case.answer.request) if case.state else []
    sizes = [zone.size_pages for zone in zones]
    is_known = case.order is not None and sizes and all(sizes)
    return bool(is_known) and 1 << (case.order or 0) > max(size or 0 for size in sizes)
