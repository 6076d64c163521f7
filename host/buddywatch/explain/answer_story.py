"""Why a request succeeds or fails, by the tests of the kernel's rule. Pure."""

from __future__ import annotations

from buddyd import watermark

from buddywatch.explain import last_try, reasons
from buddywatch.explain.case import Case
from buddywatch.explain.flag_words import granted_words
from buddywatch.explain.holders import largest_words
from buddywatch.explain.judge import Test
from buddywatch.explain.merge import merge_plan
from buddywatch.explain.state_words import OTHER_RULE, RULE_AGES, marks_words
from buddywatch.explain.zone_words import obstacles
from buddywatch.kernel_text import versions
from buddywatch.kernel_text.kernel import EARLY
from buddywatch.text import verdict_words
from buddywatch.text.document import Bullets, Columns, Paragraph, Part, plain
from buddywatch.text.escape import counted
from buddywatch.text.units import format_bytes


def answer_parts(case: Case, full: bool) -> list[Part]:
    """Why, by the tests of the kernel's rule: all of them, or the decisive ones."""
    answer = case.answer
    if answer.verdict is None:
        return [Paragraph(unknown_words(case))]
    if case.page_bytes is None:
        return [Paragraph(_reason(case).rstrip(":.") + ".")]
    at_low = _decided_at_low(case)
    tests = answer.low_tests if at_low else answer.tests
    if not full:
        tests = _telling(tests)
    parts: list[Part] = [Paragraph(_reason(case)), Columns(verdict_words.table_of_tests(tests, case.page_bytes))]
    texts = [
        (_how_demanded(case, at_low), 2),
        (_beside(case), 2),
        (_uncertain(case), 0 if {reasons.ESTIMATED_MARKS, reasons.BORROWED_MARKS} & set(case.notes) else 2),
    ]
    if answer.verdict == watermark.REFUSED:
        texts += [(_missing(case), 1)]
    if reasons.OOM_KILLER in case.notes and answer.verdict == watermark.REFUSED:
        texts += [(verdict_words.oom_killer(case.page_bytes), 3)]
    parts += [Paragraph(text, rank) for text, rank in texts if text]
    zones = obstacles(case)
    return (
        [*parts, Paragraph("The zones that could have served it, the nearest first:"), Bullets(zones)]
        if zones
        else parts
    )


def _telling(tests: tuple[Test, ...]) -> tuple[Test, ...]:
    """The first test, the first that fails, the one that is farthest from passing, and the last."""
    failing = [test for test in tests if test[1] < test[2]]
    farthest = min(tests, key=lambda test: test[1] - test[2])
    return tuple(test for test in tests if test in (tests[0], *failing[:1], farthest, tests[-1]))


def _uncertain(case: Case) -> str:
    """Which of the numbers above are not from the failure itself."""
    parts = []
    if case.message and {reasons.ESTIMATED_MARKS, reasons.BORROWED_MARKS} & set(case.notes) and case.state:
        parts.append(marks_words(case.state))
    if reasons.INFERRED_RULE in case.notes:
        parts.append(
            f"The text has no kernel release: its lines are those of {versions.words(case.kernel.span) or 'any'}, "
            f"{_whose_rule(case)}; --kernel overrides it."
        )
    return " ".join(parts)


def _beside(case: Case) -> str:
    """That the pages of all blocks together are not what the kernel counted; "" where they are."""
    pages = case.answer.zone.beside_pages if case.answer.zone else 0
    if not pages:
        return ""
    which = "more" if pages > 0 else "fewer"
    much = f"{counted(abs(pages), 'free page')} {which}"
    return f"The kernel counted {much} than its list of blocks contains, and decides by its count."


def _whose_rule(case: Case) -> str:
    """Those versions may have had more than one rule; the strictest is shown."""
    if len(case.kernel.rules) < 2:
        return "whose rule this is"
    return "which had several rules: the answer is the same by each, and this is the strictest"


def _decided_at_low(case: Case) -> bool:
    """For a need that succeeds only at min: what it lacks at low. For what the kernel refused: its last try."""
    return case.answer.verdict == watermark.TIGHT and case.message is None


def unknown_words(case: Case) -> str:
    if case.state is None:
        return "What is free is not in the text: add /proc/buddyinfo and /proc/zoneinfo."
    if case.answer.one_page:
        return (
            "For one page the request succeeds by these numbers. The size is not in the text: it was for more pages, "
            "or memory was freed a moment later."
        )
    if case.order is None:
        return "It depends on the page size, which is not in the text: give --page-kb N."
    if case.answer.between:
        worst, best = case.answer.between
        return (
            f"The answer depends on blocks that the text does not list: {worst} if they are single pages, {best} if "
            "they are as large as they can be. The whole line, up to `= NkB`, would settle it."
        )
    if case.kernel.has_other_rule:
        return f"The answer is {OTHER_RULE}."
    if case.answer.verdicts:
        parts = [f"{verdict or 'unknown'} by the rule of {RULE_AGES[rule]}" for rule, verdict in case.answer.verdicts]
        return f"The answer depends on the kernel, which is not in the text: {'; '.join(parts)}. Give --kernel RELEASE."
    if case.state and not case.kernel.rules:
        return "The rule of this kernel release is not known: give --kernel RELEASE, as `uname -r` prints it."
    if case.state and any(zone.marks_from is None for zone in case.state.zones):
        return marks_words(case.state)
    if case.answer.zone:
        return (
            f"How much of zone {plain(case.answer.zone.name, 16)} the kernel keeps for other requests "
            "(lowmem_reserve) is not in the text."
        )
    if case.answer.lost_pages:
        return (
            "A zone is missing in the text: the sum of all zones is larger than those in it. Whether that zone could "
            "have served the request is unknown."
        )
    if case.state and not case.state.zones:
        return "Which blocks were free is not in the text, only the sum."
    return "No zone in the text serves such a request, so the answer is unknown."


def _reason(case: Case) -> str:
    answer, block = case.answer, case.block_bytes or 0
    if answer.verdict == watermark.OK:
        return _granted(case) if case.message else "The request succeeds at once:"
    if answer.verdict == watermark.TIGHT:
        if case.message:
            return _granted(case)
        return (
            "The request succeeds, but only at the second try, from the reserve between the two marks (low and "
            "min). At the first try it fails:"
        )
    return f"Why{_nearest_zone(case)}: {_cause(case, block)}"


def _nearest_zone(case: Case) -> str:
    """The zone that decides, if several could have served the request."""
    names, zone = case.answer.request.zone_names, case.answer.zone
    serving = [other for other in case.state.zones if other.name in names] if case.state else []
    return f" (zone {plain(zone.name, 16)})" if zone and len(serving) > 1 else ""


def _cause(case: Case, block: int) -> str:
    reason = case.answer.reason
    if reason == reasons.FRAGMENTED:
        return "fragmentation. " + verdict_words.no_block(block)
    if reason == reasons.RESERVE:
        return "the reserve per block size. " + verdict_words.held_back(block)
    if reason == reasons.TOO_LITTLE:
        return "too little memory. Total free memory is smaller than the request and the reserve together:"
    if reason == reasons.ATOMIC_RESERVE and case.answer.zone and case.answer.zone.has_no_highatomic_free:
        return (
            "the reserve for atomic requests of 2 pages and more. The kernel takes all of it off what is free, though "
            "none of it is: no block is on its list (letter H). Later kernels count only what is free of it:"
        )
    if reason == reasons.ATOMIC_RESERVE:
        return "the free memory is reserved for atomic requests of 2 pages and more, and this is not one:"
    if reason == reasons.CMA_RESERVE:
        return "the free memory is in areas for movable pages only (CMA, or isolated), and this is not such a request:"
    if reason == reasons.EITHER_WAY:
        return "even with the largest blocks that the missing part of the list can hold, too little would be left:"
    if reason == reasons.TOO_LARGE:
        return "it is larger than the largest block of this kernel."
    return "not known."


def _granted(case: Case) -> str:
    if case.message and case.message.in_cgroup:
        return (
            "By these numbers the request succeeds. Not the machine was out of memory, but a control group that "
            "the process belongs to (`Memory cgroup out of memory`): its limit is what to look at."
        )
    largest = largest_words(case.state) if case.state and case.message and "oom" in case.message.kinds else ""
    if largest:
        return (
            f"Memory was used up: {largest}. That the request succeeds by these numbers means only that a little was "
            "freed before they were printed."
        )
    if at_high := last_try.words(case):
        return at_high
    if case.state and case.state.is_swap_full and "oom" in (case.message.kinds if case.message else ()):
        return (
            "Memory and swap were used up. That the request succeeds by these numbers means only that a little was "
            "freed before they were printed."
        )
    second = " at its second try" if case.answer.verdict == watermark.TIGHT else ""
    if by_flags := granted_words(case.answer.request):
        return f"By these numbers the request succeeds{second}, yet it was refused. {by_flags}"
    text = (
        f"By these numbers the request succeeds{second}, yet it was refused. Either memory was freed between "
        "the refusal and the moment these numbers were taken, or something else set the limit: a control group, a set "
        "of nodes, a patch of this kernel."
    )
    if (case.state_gap_s or 0) < 0:
        text = (
            f"By these numbers, from before the refusal, the request succeeds{second}: what was free at the refusal "
            "itself is not in the text. Memory was used up in between, or something else set the limit."
        )
    if not case.answer.request.can_wait:
        text += " For requests that cannot wait the first is common: they fail in a short moment without free memory."
    return text


def _how_demanded(case: Case, at_low: bool) -> str:
    """How the required pages are computed, so that they can be checked by hand."""
    answer = case.answer
    zone, rule = answer.zone, answer.rule or ""
    if zone is None or answer.margin_pages is None:
        return "So it fails by the rule of every kernel and whatever the watermarks, which are not in the text."
    mark = (zone.low_pages if at_low else answer.request.effective(zone.min_pages or 0)) or 0
    name = "low" if at_low else "min"
    is_lowered = not at_low and mark != zone.min_pages
    lowered = f" (min is {zone.min_pages}, lowered for a request like this)" if is_lowered else ""
    parts = f"{counted(1 << answer.request.order, 'page')} asked for and the {name} mark of {mark} pages{lowered}"
    if answer.reserve:
        parts += f" and {answer.reserve} pages kept for requests that can use only this zone"
    if rule in ("off2", "el6"):
        parts += " and 2 more pages"
    if not answer.request.order:
        return f"Demanded: {parts}."
    if rule in ("new", EARLY):
        return f"Required: {parts} in total, and one free block that is large enough (the rule of {RULE_AGES[rule]})."
    how = "halved from size to size" if rule in ("old", "off2") else "as this kernel lowers it from size to size"
    return f"Required: {parts}, the mark {how} (the rule of {RULE_AGES.get(rule, 'this kernel')})."


def _missing(case: Case) -> str:
    answer, page_bytes = case.answer, case.page_bytes or 0
    if answer.margin_pages is None:
        return ""
    were = "was" if answer.missing_pages == 1 else "were"
    text = (
        f"{'At least ' if answer.is_bound else ''}{counted(answer.missing_pages, 'page')} "
        f"({format_bytes(answer.missing_pages * page_bytes)}) {were} missing."
    )
    plan = merge_plan(answer) if answer.reason in (reasons.FRAGMENTED, reasons.RESERVE) else None
    if plan:
        block = format_bytes(case.block_bytes or 0)
        pieces = ", ".join(f"{count} of {format_bytes(page_bytes << order)}" for order, count in plan.pieces)
        text += (
            f" {counted(plan.blocks, 'more free block')} of {block} would do: as much as {pieces}, joined. Two free "
            "blocks side by side are joined at once, so each of these has something in use next to it."
        )
    order = answer.serviceable_order
    if order is not None and order < answer.request.order:
        text += (
            f" The largest request that would have succeeded: {format_bytes(page_bytes << order)}."
            if order >= 0
            else " Not even a single page would have been available."
        )
    return text + _caches(case)


def _caches(case: Case) -> str:
    """What reclaim could still have done."""
    most, can_go = format_bytes(case.reclaimable_bytes or 0), reasons.RECLAIMABLE in case.notes
    if reasons.FILES_IN_RAM in case.notes:
        return (
            f" {verdict_words.perhaps_in_ram(most) if can_go else verdict_words.files_in_ram(case.ram_file_bytes or 0)}"
        )
    if not can_go:
        return ""
    is_oom = case.message is not None and "oom" in case.message.kinds
    text = f" Up to {most} were in clean caches, which the kernel tries to free first"
    text += ", and had tried." if is_oom else ": it could still have succeeded."
    if case.order and not is_oom:
        text += " Where that was tried with large requests, 1 in 10 to 20 passed."
    return text
