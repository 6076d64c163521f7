"""The rule with numbers computed beforehand gives what buddyd.watermark gives."""

from buddyd import watermark
from buddywatch.verdict import demands
from hypothesis import given
from hypothesis import strategies as st

MARKS = st.integers(0, 300)
ZONES = st.lists(
    st.tuples(
        st.lists(st.one_of(st.just(0), st.integers(0, 40)), min_size=1, max_size=12), MARKS, MARKS, st.integers(0, 99)
    ),
    max_size=3,
)
RULES = st.sampled_from([*watermark.RULES, "old0", "old3"])


@given(ZONES, st.integers(0, 13), RULES, st.sampled_from([0, 1, watermark.EXEC_PAGES, 50]))
def test_the_result_is_that_of_the_kernels_rule(zones, order, rule, taken_pages):
    assert demands.judge(zones, order, rule, taken_pages) == watermark.judge(zones, order, rule, taken_pages)


@given(ZONES, RULES)
def test_the_largest_orders_are_those_of_the_kernels_rule(zones, rule):
    expected = watermark.serviceable_order(zones, rule), watermark.serviceable_low_order(zones, rule)
    assert demands.serviceable_orders(zones, rule) == expected


def test_the_last_pages_of_a_zone_are_taken_one_block_after_the_other():
    zones = [((0, 0, 0, 1), 1, 2, 0)]
    for taken_pages in range(10):
        for order in range(4):
            expected = watermark.judge(zones, order, "old", taken_pages)
            assert demands.judge(zones, order, "old", taken_pages) == expected
