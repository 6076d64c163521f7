"""The kernel's rule applied to a state: verdict, margin, reason, and what would change it. Pure.

buddyd.watermark has the rule itself. This module adds what only dumps show: blocks that a request may not use (on the
lists of atomic requests (H), CMA (C) or isolated blocks (I)), and lower marks for requests that cannot wait.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from buddyd import watermark

from buddywatch.explain import reasons
from buddywatch.explain.request import Request
from buddywatch.kernel_text.kernel import EARLY
from buddywatch.kernel_text.state import State, Zone, known_reserve_pages, reserve_pages

Test = tuple[int, int, int]  # order, pages held in blocks of that order or larger, pages demanded there


_MOST_PAGES = 1 << 32  # more than any zone has: such a mark is a counter that went wrong
# If the release is unknown and the wording does not decide.
_ANY_RULE = ("old", "off2", "new")


@dataclass(frozen=True, slots=True)
class Answer:
    """The kernel's answer to a request in a state, by its best zone. tests: at the min mark; low_tests: at low,
    of what is granted at min.

    verdict None: unknown marks, page size or rule, or the possible rules disagree; then `verdicts` has the verdict of
    each rule. missing_pages: 0 if it is granted at min. margin_pages None with a verdict: the marks are unknown, and
    `tests` has what fails at every mark. others: the answers of the other zones that could have served the request.

    If the zone's list of blocks was cut, only what holds for every possible rest is answered: zone and tests are those
    of the best case for a refusal (is_bound: the margin is that at most), of the worst case otherwise (at least).
    between: the verdicts of (worst, best) case where they differ; verdict is None then.
    """

    request: Request
    verdict: str | None
    reason: str
    rule: str | None = None
    zone: Zone | None = None
    reserve: int = 0
    margin_pages: int | None = None
    tests: tuple[Test, ...] = ()
    low_tests: tuple[Test, ...] = ()
    find_serviceable_order: Callable[[], int | None] | None = field(default=None, compare=False, repr=False)
    verdicts: tuple[tuple[str, str | None], ...] = ()
    others: tuple[Answer, ...] = ()
    is_bound: bool = False
    between: tuple[str, str] | None = None
    lost_pages: int = 0  # free in zones that are not in the text, which may have served it
    one_page: bool = False  # one page would have succeeded, but for how many the request was is not in the text

    @property
    def serviceable_order(self) -> int | None:
        """The largest order that this kind of request would have got. Found when asked for: a log may have ten thousand
        failures, of which a few are shown."""
        return self.find_serviceable_order() if self.find_serviceable_order else None

    @property
    def missing_pages(self) -> int:
        if self.margin_pages is None and self.verdict == watermark.REFUSED and self.tests:
            return max(0, -margin_of(self.tests))  # at least, whatever the mark
        return max(0, -(self.margin_pages or 0))

    @property
    def short_in_all_pages(self) -> int:
        """The pages missing in total free memory, regardless of fragmentation."""
        return max(0, self.tests[0][2] - self.tests[0][1]) if self.tests and not self.tests[0][0] else 0


def judge(state: State, request: Request) -> Answer:
    """The answer that all possible rules of the kernel agree on; otherwise one without a verdict."""
    if state.kernel.has_other_rule:
        return Answer(request, None, reasons.UNKNOWN)
    if not state.zones and state.total_free_pages is not None and state.total_free_pages < 1 << request.order:
        # All that is free, of all zones: no mark and no block size could change it.
        test = (0, state.total_free_pages, 1 << request.order)
        return Answer(request, watermark.REFUSED, reasons.TOO_LITTLE, tests=(test,))
    nodes = {zone.node for zone in state.zones}
    if request.is_for_one_node and len(nodes) > 1:
        return _judge_one_node(state, request, nodes)
    answers = [_judge_by(state, request, rule) for rule in state.kernel.rules or _ANY_RULE]
    first = answers[0]
    if any(answer.verdict != first.verdict for answer in answers):
        verdicts = tuple((answer.rule or "", answer.verdict) for answer in answers)
        return Answer(request, None, reasons.UNKNOWN, verdicts=verdicts)
    if len({answer.margin_pages for answer in answers}) > 1 and first.verdict != watermark.REFUSED:
        return min(answers, key=lambda answer: answer.margin_pages or 0)
    return first


def _judge_one_node(state: State, request: Request, nodes: set[int]) -> Answer:
    """The answer for an unknown node, if all nodes give the same answer."""
    by_node = [judge(state, replace(request, nodes=frozenset({node}))) for node in sorted(nodes)]
    known = [answer for answer in by_node if answer.zone is not None]  # a node without such a zone cannot serve it
    if not known or len({answer.verdict for answer in known}) > 1:
        return Answer(request, None, reasons.UNKNOWN)
    return replace(max(known, key=_rank), request=request)


def _judge_by(state: State, request: Request, rule: str) -> Answer:
    """The answer of the zone that offers most, as buddyd.watermark.judge(), with the reason."""
    serving = serving_zones(state, request)
    answers = [_judge_listed(state, zone, request, rule) for zone in serving]
    known = sorted((answer for answer in answers if answer.verdict), key=_rank, reverse=True)
    is_complete = len(known) == len(answers)
    if not known or not (is_complete or known[0].verdict == watermark.OK):
        undecided = next((answer for answer in answers if answer.verdict is None), None)
        return undecided or Answer(request, None, reasons.UNKNOWN, rule)
    if state.lost_pages and known[0].verdict == watermark.REFUSED and not state.has_all_zones(request.highest_zone):
        return Answer(request, None, reasons.UNKNOWN, rule, lost_pages=state.lost_pages)
    zone = serving[next(index for index, answer in enumerate(answers) if answer is known[0])]
    return replace(
        known[0], others=tuple(known[1:]), find_serviceable_order=partial(_serviceable_order, zone, known[0])
    )


def _rank(answer: Answer) -> tuple[int, bool, int]:
    """Of several zones that refuse, one with enough total pages explains more than one reserved for others."""
    rank = {watermark.OK: 2, watermark.TIGHT: 1}.get(answer.verdict or "", 0)
    enough = answer.reason not in (reasons.TOO_LITTLE, reasons.TOO_LARGE)
    return rank, enough, -answer.missing_pages if rank == 0 else answer.margin_pages or 0


def serving_zones(state: State, request: Request) -> list[Zone]:
    """The zones that may serve it, including those too small to hold anything (a tiny DMA zone without marks)."""
    zones = [zone for zone in state.zones if request.nodes is None or zone.node in request.nodes]
    return [zone for zone in zones if zone.name in request.zone_names and (zone.nr_free or zone.gaps)]


def _judge_listed(state: State, zone: Zone, request: Request, rule: str) -> Answer:
    """As _judge_zone(), but only what holds whatever the missing part of a cut list or the reserve was."""
    answer = _judge_whole(state, zone, request, rule)
    if answer.verdict != watermark.REFUSED and _has_unknown_reserve(state, zone, request):
        return Answer(request, None, reasons.UNKNOWN, rule, zone)
    return answer


def _has_unknown_reserve(state: State, zone: Zone, request: Request) -> bool:
    """True if the zone may keep a part from the request that the text does not tell."""
    is_unknown = known_reserve_pages(zone, state.zones, request.highest_zone) is None
    return is_unknown or (zone.reserves is None and zone.name != request.highest_zone and state.lacks_zones_above(zone))


def _judge_whole(state: State, zone: Zone, request: Request, rule: str) -> Answer:
    if zone.is_whole:
        return _judge_zone(state, zone, request, rule)
    if not zone.nr_free and zone.cma_pages and zone.unlisted_pages and not request.movable:
        zone = replace(zone, unlisted_pages=max(zone.unlisted_pages - zone.cma_pages, 0), cma_pages=0)
    worst, best = (_judge_zone(state, whole, request, rule) for whole in (zone.fewest_large(), zone.most_large()))
    if worst.verdict is None or best.verdict is None:
        return Answer(request, None, reasons.UNKNOWN, rule, zone)
    if worst.verdict != best.verdict:
        return Answer(request, None, reasons.UNKNOWN, rule, zone, between=(worst.verdict, best.verdict))
    chosen = best if best.verdict == watermark.REFUSED else worst
    return replace(
        chosen,
        is_bound=worst.tests != best.tests,
        reason=chosen.reason if worst.reason == best.reason else reasons.EITHER_WAY,
    )


def _judge_zone(state: State, zone: Zone, request: Request, rule: str) -> Answer:
    reserve = 0 if request.ignores_marks else reserve_pages(zone, state.zones, request.highest_zone)
    if zone.min_pages is None:
        return _judge_without_marks(zone, request, rule)
    if zone.low_pages is None:
        return _judge_without_low(zone, request, rule, reserve)
    min_mark, low_mark = request.effective(zone.min_pages), zone.low_pages
    if known_reserve_pages(zone, state.zones, zone.name):
        # To 2.6.8 a zone's own protection holds its low mark; __GFP_HIGH takes a quarter of that off.
        min_mark, low_mark = (-zone.low_pages // 4 if request.high else 0), 0
    at_min = tests_of(zone, request, min_mark, reserve, rule)
    margin = margin_of(at_min)
    if margin < 0:
        reason = _reason(zone, request, at_min, rule)
        return Answer(request, watermark.REFUSED, reason, rule, zone, reserve, margin, tuple(at_min))
    at_low = tests_of(zone, request, low_mark, reserve, rule)
    verdict, reason = watermark.OK if margin_of(at_low) >= 0 else watermark.TIGHT, reasons.GRANTED
    return Answer(request, verdict, reason, rule, zone, reserve, margin, tuple(at_min), tuple(at_low))


def _judge_without_marks(zone: Zone, request: Request, rule: str) -> Answer:
    """Refused if not even a mark of 0 helps: every rule demands the block itself. Otherwise the marks decide."""
    tests = [test for test in tests_of(zone, request, 0, 0, "new") if test[1] < test[2]]
    if not tests:
        return Answer(request, None, reasons.UNKNOWN, rule, zone)
    reason = _reason(zone, request, tests_of(zone, request, 0, 0, "new"), "new")
    return Answer(request, watermark.REFUSED, reason, rule, zone, tests=tuple(tests[-1:]))


def _judge_without_low(zone: Zone, request: Request, rule: str, reserve: int) -> Answer:
    """Where a line was cut behind min: refused if the min mark does not let it; else the low mark decides."""
    at_min = tests_of(zone, request, request.effective(zone.min_pages or 0), reserve, rule)
    margin = margin_of(at_min)
    if margin >= 0 or (zone.min_pages or 0) > _MOST_PAGES:
        return Answer(request, None, reasons.UNKNOWN, rule, zone)
    reason = _reason(zone, request, at_min, rule)
    return Answer(request, watermark.REFUSED, reason, rule, zone, reserve, margin, tuple(at_min))


def tests_of(zone: Zone, request: Request, mark: int, reserve: int, rule: str) -> list[Test]:
    """watermark.trace() without the blocks that the request may not use."""
    order = request.order
    # The rule to 2.6.10 is that of 4.4, before there were lists for kinds of pages.
    traced = "new" if rule == EARLY else rule
    beside = zone.beside_pages
    tests: list[Test] = watermark.trace(zone.nr_free, order, mark, reserve, traced, zone.min_pages, beside)
    _, held, demanded = tests[0]
    set_aside = 0 if request.movable else zone.cma_pages
    if rule == "new" and not request.harder:
        set_aside += zone.highatomic_pages
    tests[0] = (0, held - set_aside, demanded)
    aside = set_aside_pages(zone, request)
    usable = watermark.pages_from(zone.nr_free, order) - aside
    # The older rules ignore the lists, but the allocator still takes a block only from an allowed list.
    if aside and (usable < 1 << order or (rule == "new" and order)):
        tests.append((order, usable, 1 << order))
    return tests


def set_aside_pages(zone: Zone, request: Request) -> int:
    """Pages in large enough blocks that are only on lists which the request may not use."""
    if not zone.lists and not any(zone.letters):
        return 0
    usable = watermark.pages_from(_usable(zone, request), request.order)
    return int(watermark.pages_from(zone.nr_free, request.order) - usable)


def _usable(zone: Zone, request: Request) -> list[int]:
    """nr_free without the blocks that are only on lists which the request may not use."""
    # rmqueue(): atomic requests of order 1 and more may use the list H (until 6.2 those of order 0 as well).
    allowed = "UMER" + ("H" if request.harder and request.order else "") + ("C" if request.movable else "")
    if zone.lists:  # pagetypeinfo has the number on each list
        barred = [counts for letter, counts in zone.lists.items() if letter in "HCI" and letter not in allowed]
        return [
            max(count - sum(others[order] for others in barred if order < len(others)), 0)
            for order, count in enumerate(zone.nr_free)
        ]
    return [
        count if not letters or letters[0] in allowed or any(letter in allowed for letter in letters) else 0
        for count, letters in zip(zone.nr_free, zone.letters, strict=True)
    ]


def margin_of(tests: Sequence[Test]) -> int:
    return min(held - demanded for _, held, demanded in tests)


def _reason(zone: Zone, request: Request, tests: list[Test], rule: str) -> str:
    block = 1 << request.order
    if request.order >= len(zone.nr_free):
        return reasons.TOO_LARGE
    _, held, demanded = tests[0]
    if held < demanded:
        if rule == "new" and not request.harder and held + zone.highatomic_pages >= demanded:
            return reasons.ATOMIC_RESERVE
        if not request.movable and held + zone.cma_pages >= demanded:
            return reasons.CMA_RESERVE
        return reasons.TOO_LITTLE
    if watermark.pages_from(zone.nr_free, request.order) < block:
        return reasons.FRAGMENTED
    if watermark.pages_from(zone.nr_free, request.order) - set_aside_pages(zone, request) < block:
        letters = "".join(letters or "" for letters in zone.letters[request.order :])
        return reasons.ATOMIC_RESERVE if "H" in letters else reasons.CMA_RESERVE
    return reasons.RESERVE


def certain_largest_order(zone: Zone, request: Request, reserve: int, rule: str, at_low: bool = False) -> int | None:
    """largest_order(); None if it depends on the missing part of a cut list."""
    if zone.is_whole:
        return largest_order(zone, request, reserve, rule, at_low)
    worst, best = (
        largest_order(whole, request, reserve, rule, at_low) for whole in (zone.fewest_large(), zone.most_large())
    )
    return worst if worst == best else None


def largest_order(zone: Zone, request: Request, reserve: int, rule: str, at_low: bool = False) -> int:
    """The largest order that this kind of request could get from a whole zone; -1: not even a page."""
    mark = (zone.low_pages if at_low else request.effective(zone.min_pages or 0)) or 0
    largest = -1
    for order in range(len(zone.nr_free)):
        asked = replace(request, order=order)
        if margin_of(tests_of(zone, asked, mark, reserve, rule)) < 0:
            break
        largest = order
    return largest


def _serviceable_order(zone: Zone, answer: Answer) -> int | None:
    """The largest order that this kind of request would have got from the zone, as the text has it."""
    if answer.margin_pages is None or answer.rule is None:
        return None
    return certain_largest_order(zone, answer.request, answer.reserve, answer.rule)


def largest_min_pages(answer: Answer, spare_pages: int = 0) -> int | None:
    """The largest min mark at which this request would have succeeded with spare_pages left; None: at no mark."""
    zone, rule = answer.zone, answer.rule
    if zone is None or rule is None or zone.min_pages is None or answer.is_bound:
        return None
    least, most = -1, zone.min_pages
    while least < most:  # the rule is monotone in the mark
        middle = (least + most + 1) // 2
        lowered = replace(zone, min_pages=middle)
        mark = answer.request.effective(middle)
        if margin_of(tests_of(lowered, answer.request, mark, answer.reserve, rule)) >= spare_pages:
            least = middle
        else:
            most = middle - 1
    return least if least >= 0 else None
