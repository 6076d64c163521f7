"""The rule with numbers computed beforehand gives what buddyd.watermark gives."""

from buddyd import watermark
from buddywatch.verdict import demands
from hypothesis import given
from hypothesis import strategies as st

MARKS = st.integers(0, 300)
ZONES = st.lists(
    st.tuples(
        st.lists(st.one_of(st.just(0), st.integers(0, 40)), min_size=1, max_size=12),
        MARKS,
        MARKS,
        st.integers(0, 99),
        st.one_of(st.just(0), st.integers(-20, 20)),
    ),
    max_size=3,
)
RULES = st.sampled_from([*watermark.RULES, "old0", "old3"])


REQUESTS = st.lists(st.tuples(st.integers(0, 13), st.sampled_from([0, 1, watermark.EXEC_PAGES, 50])), max_size=3)


@given(st.lists(ZONES, min_size=1, max_size=3), REQUESTS, RULES)
def test_the_answers_are_those_of_the_kernels_rule(snapshots, requests, rule):
    of_requests = demands.Demands(requests, rule)
    for zones in snapshots:
        assert of_requests.answers(zones) == [watermark.judge(zones, order, rule, taken) for order, taken in requests]


@given(ZONES, RULES)
def test_the_largest_orders_are_those_of_the_kernels_rule(zones, rule):
    expected = watermark.serviceable_order(zones, rule), watermark.serviceable_low_order(zones, rule)
    assert demands.serviceable_orders(zones, rule) == expected


def test_the_last_pages_of_a_zone_are_taken_one_block_after_the_other():
    zones = [((0, 0, 0, 1), 1, 2, 0, 0)]
    for taken_pages in range(10):
        for order in range(4):
            expected = watermark.judge(zones, order, "old", taken_pages)
            assert demands.Demands([(order, taken_pages)], "old").answers(zones) == [expected]


def test_marks_that_change_all_the_time_do_not_pile_up():
    of_requests = demands.Demands([(4, 0)], "old")
    for low_pages in range(3 * demands.ZONES_MAX):
        zones = [((0, 0, 0, 0, 9), 1, low_pages, 0, 0)]
        assert of_requests.answers(zones) == [watermark.judge(zones, 4, "old")]
    assert len(of_requests._kept) <= demands.ZONES_MAX
