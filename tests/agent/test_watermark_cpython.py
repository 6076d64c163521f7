"""The rule against another transcription of the kernel's C functions, over generated states."""

from collections.abc import Callable

import pytest
from buddyd import watermark
from hypothesis import given
from hypothesis import strategies as st

Passes = Callable[..., bool]  # pages by order, order, mark, reserve, min, and pages beside the blocks -> granted?


# Line by line after mm/page_alloc.c, with the pages of each free list in place of `nr_free << o`, and the counter
# NR_FREE_PAGES as their sum and what is counted beside it.


def zone_watermark_ok(pages: list[int], order: int, mark: int, reserve: int, beside: int, off: int, shift: int) -> bool:
    """2.6.30, zone_watermark_ok(); off is 1, and -1 from 2.6.38 to 3.2; shift is Android's min_free_order_shift."""
    min_pages = mark
    free_pages = sum(pages) + beside - (1 << order) + off
    if free_pages <= min_pages + reserve:
        return False
    for o in range(order):
        free_pages -= pages[o]
        min_pages >>= shift
        if free_pages <= min_pages:
            return False
    return True


def zone_watermark_ok_el6(
    pages: list[int], order: int, mark: int, reserve: int, wmark_min: int, beside: int = 0
) -> bool:
    """RHEL 6.8, __zone_watermark_ok(), pageblock_order 9."""
    min_pages = mark
    free_pages = sum(pages) + beside - ((1 << order) + 1)
    if free_pages <= min_pages + reserve:
        return False
    if order > 0:
        min_pages -= wmark_min
    for o in range(order):
        free_pages -= pages[o]
        if o < 9 >> 2:
            min_pages >>= 1
        if free_pages <= min_pages:
            return False
    return True


def zone_watermark_ok_new(pages: list[int], order: int, mark: int, reserve: int, beside: int) -> bool:
    """4.4 and later, __zone_watermark_ok()."""
    free_pages = sum(pages) + beside - ((1 << order) - 1)
    if free_pages <= mark + reserve:
        return False
    if order == 0:
        return True
    return any(pages[o] > 0 for o in range(order, len(pages)))


KERNELS: dict[str, Passes] = {
    "old": lambda pages, order, mark, reserve, _, n=0: zone_watermark_ok(pages, order, mark, reserve, n, 1, 1),
    "off2": lambda pages, order, mark, reserve, _, n=0: zone_watermark_ok(pages, order, mark, reserve, n, -1, 1),
    "old4": lambda pages, order, mark, reserve, _, n=0: zone_watermark_ok(pages, order, mark, reserve, n, 1, 4),
    "new": lambda pages, order, mark, reserve, _, n=0: zone_watermark_ok_new(pages, order, mark, reserve, n),
    "el6": zone_watermark_ok_el6,
}
every_rule = pytest.mark.parametrize("rule", list(KERNELS))

counts = st.one_of(st.integers(0, 3), st.integers(0, 200))
nr_frees = st.lists(counts, min_size=1, max_size=14)
min_marks = st.integers(0, 300)
reserves = st.one_of(st.just(0), st.integers(0, 100))
besides = st.one_of(st.just(0), st.integers(-20, 20))  # pages counted beside the blocks


@st.composite
def states(draw: st.DrawFn) -> tuple[list[int], int, int, int, int]:
    """nr_free, order, mark, reserve, min: mark is min or low."""
    nr_free = draw(nr_frees)
    min_pages = draw(min_marks)
    mark = draw(st.sampled_from([min_pages, min_pages + min_pages // 4, min_pages + 10]))
    return nr_free, draw(st.integers(0, len(nr_free) - 1)), mark, draw(reserves), min_pages


def in_pages(nr_free: list[int]) -> list[int]:
    return [count << order for order, count in enumerate(nr_free)]


@every_rule
@given(states())
def test_margin_is_negative_where_the_kernel_refuses(rule, state):
    nr_free, order, mark, reserve, min_pages = state
    granted = KERNELS[rule](in_pages(nr_free), order, mark, reserve, min_pages)
    assert (watermark.margin_pages(nr_free, order, mark, reserve, rule, min_pages) >= 0) == granted


@every_rule
@given(states())
def test_largest_order_is_the_last_that_the_kernel_grants(rule, state):
    nr_free, _, mark, reserve, min_pages = state
    granted = [KERNELS[rule](in_pages(nr_free), order, mark, reserve, min_pages) for order in range(len(nr_free))]
    assert granted == sorted(granted, reverse=True), "a larger order is never easier"
    assert watermark.largest_order(nr_free, mark, reserve, rule, min_pages) == granted.count(True) - 1


@every_rule
@given(states(), besides)
def test_the_counter_decides_where_it_is_not_the_sum_of_the_blocks(rule, state, beside):
    nr_free, order, mark, reserve, min_pages = state
    granted = KERNELS[rule](in_pages(nr_free), order, mark, reserve, min_pages, beside)
    assert (watermark.margin_pages(nr_free, order, mark, reserve, rule, min_pages, beside) >= 0) == granted


@pytest.mark.parametrize("rule", ["old", "off2", "old4", "el6"])
@given(states())
def test_margin_is_the_pages_that_are_missing(rule, state):
    """The kernel grants with so many pages more in the largest blocks, and not with one page less."""
    nr_free, order, mark, reserve, min_pages = state
    margin = watermark.margin_pages(nr_free, order, mark, reserve, rule, min_pages)
    pages = in_pages(nr_free)
    pages[-1] -= margin
    assert KERNELS[rule](pages, order, mark, reserve, min_pages)
    pages[-1] -= 1
    assert not KERNELS[rule](pages, order, mark, reserve, min_pages)


@every_rule
@given(states())
def test_margin_is_the_blocks_that_are_missing(rule, state):
    """In whole blocks of the order asked for, as memory comes: the least number that covers the margin."""
    nr_free, order, mark, reserve, min_pages = state
    margin = watermark.margin_pages(nr_free, order, mark, reserve, rule, min_pages)
    if margin >= 0:
        return
    missing = -(margin >> order)
    more = list(nr_free)
    more[order] += missing - 1
    assert not KERNELS[rule](in_pages(more), order, mark, reserve, min_pages)
    more[order] += 1
    assert KERNELS[rule](in_pages(more), order, mark, reserve, min_pages)


@every_rule
@given(states(), st.data())
def test_more_free_blocks_never_hurt(rule, state, data):
    nr_free, order, mark, reserve, min_pages = state
    before = watermark.margin_pages(nr_free, order, mark, reserve, rule, min_pages)
    more = list(nr_free)
    more[data.draw(st.integers(0, len(nr_free) - 1))] += 1
    assert watermark.margin_pages(more, order, mark, reserve, rule, min_pages) >= before


@every_rule
@given(states())
def test_higher_marks_and_reserves_never_help(rule, state):
    nr_free, order, mark, reserve, min_pages = state
    before = watermark.margin_pages(nr_free, order, mark, reserve, rule, min_pages)
    assert watermark.margin_pages(nr_free, order, mark + 1, reserve, rule, min_pages) <= before
    assert watermark.margin_pages(nr_free, order, mark, reserve + 1, rule, min_pages) <= before


zone_lists = st.lists(
    st.tuples(st.lists(counts, min_size=5, max_size=5), min_marks, st.integers(0, 80), reserves, besides).map(
        lambda zone: (zone[0], zone[1], zone[1] + zone[2], *zone[3:])
    ),
    max_size=3,
)


@every_rule
@given(zone_lists, st.integers(0, 5), st.integers(0, 8))
def test_judge_is_the_best_answer_of_the_zones(rule, zones, order, taken_pages):
    ranks = {watermark.REFUSED: 0, watermark.TIGHT: 1, watermark.OK: 2}
    answers = [watermark.judge([zone], order, rule, taken_pages) for zone in zones]
    best = max(answers, key=lambda answer: (ranks[answer[0]], answer[1]), default=(None, None))
    assert watermark.judge(zones, order, rule, taken_pages) == best


@every_rule
@given(zone_lists)
def test_serviceable_orders_agree_with_judge(rule, zones):
    verdicts = [watermark.judge(zones, order, rule)[0] for order in range(5)]
    assert watermark.serviceable_order(zones, rule) == sum(v in ("ok", "tight") for v in verdicts) - 1
    assert watermark.serviceable_low_order(zones, rule) == sum(v == "ok" for v in verdicts) - 1


@given(nr_frees, st.integers(0, 100))
def test_take_pages_takes_so_many_pages(nr_free, count):
    left = watermark.take_pages(nr_free, count)
    assert min(left) >= 0
    assert watermark.free_pages(left) == max(0, watermark.free_pages(nr_free) - count)


@given(st.integers(1, 1 << 40), st.sampled_from([4096, 8192, 16384, 65536]))
def test_order_for_is_the_smallest_that_fits(size_bytes, page_bytes):
    order = watermark.order_for(size_bytes, page_bytes)
    assert page_bytes << order >= size_bytes
    assert order == 0 or page_bytes << (order - 1) < size_bytes


@given(st.text(max_size=20))
def test_rule_for_takes_any_text(release):
    assert watermark.rule_for(release) in (None, *watermark.RULES)
