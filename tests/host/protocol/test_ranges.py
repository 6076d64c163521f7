from time import process_time

from buddywatch.protocol.ranges import Ranges
from hypothesis import given
from hypothesis import strategies as st

RANGE = st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.lists(st.tuples(st.booleans(), RANGE), max_size=40), RANGE)
def test_ranges_agree_with_a_plain_set(changes, window):
    ranges, plain = Ranges(), set()
    for add, (first, last) in changes:
        if add:
            ranges.add(first, last)
            plain |= set(range(first, last + 1))
        else:
            ranges.remove(first)
            plain.discard(first)
    assert {n for first, last in ranges for n in range(first, last + 1)} == plain
    assert [n in ranges for n in range(80)] == [n in plain for n in range(80)]
    assert ranges.highest == max(plain, default=0)
    first, last = window
    assert [n for a, b in ranges.missing(first, last) for n in range(a, b + 1)] == [
        n for n in range(first, last + 1) if n not in plain
    ]
    start, end = ranges.first_missing(first)
    assert start == next(n for n in range(first, 200) if n not in plain)
    assert end == next((n - 1 for n in range(start, 200) if n in plain), None)


@given(st.lists(RANGE, max_size=20))
def test_ranges_are_disjoint_sorted_and_do_not_touch(added):
    kept = list(Ranges(added))
    assert len(kept) == len(Ranges(added))
    assert all(kept[i][1] + 1 < kept[i + 1][0] for i in range(len(kept) - 1))
    assert all(first <= last for first, last in kept)


def test_many_holes_cost_no_more_than_few():
    def seconds(count):
        began = process_time()
        ranges = Ranges()
        for number in range(0, 2 * count, 2):
            ranges.add(number, number)
        for number in range(1, 2 * count, 2):
            assert number not in ranges
            ranges.add(number, number)
        assert len(ranges) == 1
        return process_time() - began

    seconds(100)
    # twenty times as many; were each step to look at every range, it would be four hundred times as long
    assert seconds(20_000) < 150 * max(seconds(1_000), 0.001)
