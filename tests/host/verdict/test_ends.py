"""What ends of programs make: never more than a buddy allocator makes of it, and just that with nothing else free."""

import random
from dataclasses import replace

import pytest
from boards import SEED_FREE, snapshot, zone
from buddyd import watermark
from buddywatch.config.sections import Need
from buddywatch.model.memory_map import MappedProgram
from buddywatch.verdict.ends import after, ends_that_serve, freed, judged_after, trimmed_pages

ORDERS, PAGES, PAGE_BYTES = 11, 2048, 4096
RM = Need("rm", 61440)


def program(pid: int, *regions: tuple[int, int], name: str = "job") -> MappedProgram:
    return MappedProgram(pid, name, pid, regions)


def counts_of(free: set[int]) -> tuple[int, ...]:
    """What a buddy allocator has where exactly these pages are free: the largest whole blocks, by order."""
    counts, left = [0] * ORDERS, set(free)
    for order in reversed(range(ORDERS)):
        size = 1 << order
        for first in range(0, PAGES, size):
            block = range(first, first + size)
            if first in left and left.issuperset(block):
                counts[order] += 1
                left.difference_update(block)
    return tuple(counts)


def drawn(seed: int) -> tuple[list[MappedProgram], set[int]]:
    """Programs of any sizes between pages that are free or not; some share their memory, as after a vfork()."""
    chance = random.Random(seed)
    programs: list[MappedProgram] = []
    free: set[int] = set()
    page = 0
    while page < PAGES - 64:
        page += chance.choice((0, 0, 1, 2, 3, 9))
        pages = chance.choice((1, 2, 6, 13, 15, 16, 17, 32, 60))
        if chance.random() < 0.3:
            page = -(-page // 16) * 16
        if programs and chance.random() < 0.3:
            programs[-1] = replace(programs[-1], regions=(*programs[-1].regions, (page, pages)))
        else:
            programs.append(program(len(programs) + 2, (page, pages)))
        page += pages
        tail = chance.choice((0, 1, 1, 3, 16))
        if chance.random() < 0.7:
            free.update(range(page, page + tail))
        page += tail
    if chance.random() < 0.5:
        programs.append(program(900, *programs[0].regions[:1]))
    return programs, {page for page in free if page < PAGES}


def pages_of(programs: list[MappedProgram]) -> set[int]:
    return {page for one in programs for first, pages in one.regions for page in range(first, first + pages)}


@pytest.mark.parametrize("seed", range(60))
def test_never_promises_more_than_a_buddy_allocator_makes(seed: int) -> None:
    programs, free = drawn(seed)
    chance = random.Random(seed + 1000)
    ending = chance.sample(programs, chance.choice((1, 1, 2, 3)))
    staying = [one for one in programs if one not in ending]
    gain = freed(ending, programs, ORDERS)
    now = snapshot(1, counts_of(free))
    then = snapshot(1, counts_of(free | pages_of(ending) - pages_of(staying)))
    promised = after(now, gain)
    for order in range(ORDERS):
        held, least = then.zones[0].nr_free, promised.zones[0].nr_free
        assert watermark.pages_from(held, order) >= watermark.pages_from(least, order)
    for need in (RM, Need("exec", 61440, is_program=True), Need("page", 4096), Need("big", 500_000, is_program=True)):
        for rule in ("old", "new", "off2"):
            promise = judged_after(now, gain, need, PAGE_BYTES, rule)
            kernel = judged_after(then, freed([], programs, ORDERS), need, PAGE_BYTES, rule)
            assert kernel.margin_pages >= promise.margin_pages, (need, rule)


def test_is_exact_where_nothing_beside_it_is_free() -> None:
    programs = [program(2, (0x40, 15)), program(3, (0x4F, 1), (0x50, 16)), program(4, (0x60, 13))]
    assert freed(programs[:1], programs, ORDERS).blocks[:5] == (1, 1, 1, 1, 0)
    assert freed(programs[:2], programs, ORDERS).blocks[:6] == (0, 0, 0, 0, 0, 1)
    assert freed(programs, programs, ORDERS).blocks[:6] == (1, 0, 1, 1, 0, 1)
    assert freed(programs[:2], programs, 5).blocks == (0, 0, 0, 0, 2)


def test_memory_of_two_processes_goes_only_with_both() -> None:
    child = program(9, (0x40, 16))
    programs = [program(2, (0x40, 16), (0x80, 4)), child]
    assert freed([child], programs, ORDERS).pages == 0
    assert freed(programs[:1], programs, ORDERS).blocks[2] == 1
    assert freed(programs, programs, ORDERS).pages == 20


def test_one_end_serves_where_it_leaves_a_whole_block() -> None:
    programs = [program(2, (0x40, 15)), program(3, (0x80, 32)), program(4, (0x100, 16))]
    state = snapshot(1, SEED_FREE)
    (one,) = ends_that_serve(state, programs, programs, RM, PAGE_BYTES, "old")
    assert one.pid == 3
    assert judged_after(state, freed([one], programs, ORDERS), RM, PAGE_BYTES, "old").verdict != "refused"


def test_ends_together_serve_where_their_memory_touches() -> None:
    halves = [program(pid, (0x40 + 8 * pid, 8)) for pid in range(8)]
    together = ends_that_serve(snapshot(1, SEED_FREE), halves, halves, RM, PAGE_BYTES, "old")
    assert together and all(one in halves for one in together)
    gain = freed(together, halves, ORDERS)
    assert judged_after(snapshot(1, SEED_FREE), gain, RM, PAGE_BYTES, "old").verdict != "refused"


def test_nothing_is_said_where_nothing_is_certain() -> None:
    trimmed = [program(pid, (0x40 + 16 * pid, 15)) for pid in range(9)]
    assert ends_that_serve(snapshot(1, SEED_FREE), trimmed, trimmed, RM, PAGE_BYTES, "old") == []
    two = replace(snapshot(1), zones=(zone(SEED_FREE), zone(SEED_FREE, name="Normal")))
    assert after(two, freed(trimmed, trimmed, ORDERS)) is None
    assert ends_that_serve(two, trimmed, trimmed, RM, PAGE_BYTES, "old") == []
    assert ends_that_serve(snapshot(1, SEED_FREE), [program(3, (0, 64))], [], RM, PAGE_BYTES, None) == []


def test_trimmed_pages_are_those_behind_a_region_that_begins_its_block() -> None:
    assert [trimmed_pages(region) for region in ((0x40, 15), (0x40, 16), (0x40, 9), (0x41, 15), (0x40, 1))] == [
        1,
        0,
        7,
        0,
        0,
    ]
