"""The model of the buddy allocator against what must hold for any: nothing lost, nothing twice, buddies joined."""

import random

import pytest
from buddyd import watermark
from hypothesis import given
from hypothesis import strategies as st

from scripts.forecast.allocator import BuddyAllocator

PAGES = 1370


@given(st.integers(0, 2**32), st.integers(1, 300))
def test_pages_are_kept_and_runs_never_overlap(seed, steps):
    chance, allocator, held = random.Random(seed), BuddyAllocator(PAGES), []
    for _ in range(steps):
        if held and chance.random() < 0.4:
            allocator.give_back(held.pop(chance.randrange(len(held))))
        else:
            run = allocator.take(chance.choice((1, 1, 2, 15, 26)))
            held += [run] if run else []
        taken = [page for start, pages in held for page in range(start, start + pages)]
        assert len(taken) == len(set(taken))
        assert watermark.free_pages(allocator.nr_free) == PAGES - len(taken)
    for run in held:
        allocator.give_back(run)
    assert allocator.nr_free == BuddyAllocator(PAGES).nr_free


def test_the_first_blocks_are_as_large_as_the_zone_allows():
    assert BuddyAllocator(2048 + 16 + 1).nr_free == [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2]


def test_spare_pages_are_given_back_at_once():
    allocator = BuddyAllocator(16)
    assert allocator.take(15) == (0, 15)
    assert allocator.nr_free == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]


def test_a_small_request_breaks_the_smallest_block_that_fits():
    allocator = BuddyAllocator(16 + 4)
    assert allocator.take(1) == (16, 1)
    assert allocator.nr_free[:5] == [1, 1, 0, 0, 1]


@pytest.mark.parametrize("pages", [17, 2000])
def test_what_no_block_holds_is_refused(pages):
    assert BuddyAllocator(16).take(pages) is None
