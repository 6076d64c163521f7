"""Usable blocks are as many as a buddy allocator grants one after the other."""

from dataclasses import replace

import pytest
from boards import SEED_FREE, SEED_REBOOTED, snapshot, zone
from buddyd import watermark
from buddywatch.config.sections import Need
from buddywatch.verdict.usable import after_taking, capacity, usable_blocks
from hypothesis import given
from hypothesis import strategies as st

PAGE_BYTES = 4096


def take(nr_free, order):
    """The free blocks after one request: the smallest block that is large enough is split in halves."""
    left = list(nr_free)
    at = next(at for at in range(order, len(left)) if left[at])
    left[at] -= 1
    for below in range(order, at):
        left[below] += 1
    return left


def granted_one_by_one(nr_free, order, marks, rule, beside_pages):
    count, left = 0, list(nr_free)
    while watermark.judge([(left, *marks, 0, beside_pages)], order, rule)[0] != watermark.REFUSED:
        left, count = take(left, order), count + 1
    return count


FREE = st.lists(st.integers(0, 9), min_size=5, max_size=9).map(tuple)


@given(FREE, st.integers(0, 4), st.integers(0, 60), st.integers(-9, 9), st.sampled_from(watermark.RULES))
def test_they_are_counted_as_a_buddy_allocator_grants_them(nr_free, order, min_pages, beside_pages, rule):
    marks = (min_pages, min_pages * 5 // 4)
    beside_pages = beside_pages if rule == "new" else -abs(beside_pages)  # see is_counted()
    free = replace(zone(nr_free, (*marks, min_pages * 3 // 2)), beside_pages=beside_pages)
    shot = replace(snapshot(1), zones=(free,))
    need = Need("x", PAGE_BYTES << order)
    assert usable_blocks(shot, PAGE_BYTES, need, rule) == granted_one_by_one(nr_free, order, marks, rule, beside_pages)


@given(FREE, st.integers(0, 4))
def test_what_is_left_is_what_single_requests_leave(nr_free, order):
    left = list(nr_free)
    for count in range(capacity(nr_free, order)):
        assert after_taking(nr_free, order, count) == left
        left = take(left, order)


@pytest.mark.parametrize(("nr_free", "count"), [(SEED_FREE, 0), (SEED_REBOOTED, 41)])
def test_the_board_of_the_first_report(nr_free, count):
    assert usable_blocks(snapshot(1, nr_free), PAGE_BYTES, Need("rm", 61440), "old") == count


def test_zones_are_added_and_what_is_not_known_is_none():
    need, shot = Need("rm", 61440), snapshot(1)
    twice = replace(shot, zones=(*shot.zones, zone(SEED_REBOOTED, name="Normal")))
    assert usable_blocks(twice, PAGE_BYTES, need, "old") == 2 * usable_blocks(shot, PAGE_BYTES, need, "old")
    assert usable_blocks(shot, None, need, "old") is None
    assert usable_blocks(shot, PAGE_BYTES, need, None) is None
    assert usable_blocks(replace(shot, zones=(zone(SEED_FREE, None),)), PAGE_BYTES, need, "old") is None


def test_the_pages_of_an_exec_count():
    shot = snapshot(1, (2, 0, 2, 0, 6, 0, 0, 0))  # 106 pages: just what is required
    plain, program = (Need("x", 61440, is_program=is_program) for is_program in (False, True))
    assert [usable_blocks(shot, PAGE_BYTES, need, "new") for need in (plain, program)] == [1, 0]
