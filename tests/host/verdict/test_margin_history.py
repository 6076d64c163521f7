"""Minima at several scales: whatever the samples, each scale holds the minima that a look at all of them gives."""

from buddywatch.verdict.margin_history import BUCKETS, SAMPLES, SCALES, MarginHistory
from hypothesis import given
from hypothesis import strategies as st


def history_of(margins, period_s=1.0):
    history = MarginHistory(period_s)
    for number, margin in enumerate(margins):
        history.add(number * period_s, margin)
    return history


def minima(margins, width):
    return [(i // width, min(margins[i : i + width])) for i in range(0, len(margins), width)]


@given(st.lists(st.integers(-100, 1000), min_size=1, max_size=700))
def test_each_scale_holds_the_minima_of_its_buckets(margins):
    history = history_of(margins)
    for scale in range(SCALES):
        closed = history.buckets(scale)
        assert closed == minima(margins, SAMPLES << scale)[: len(closed)][-BUCKETS:] or len(closed) == BUCKETS
        assert len(closed) <= BUCKETS
        if closed:
            width = SAMPLES << scale
            assert closed[-1] == (closed[-1][0], min(margins[closed[-1][0] * width : (closed[-1][0] + 1) * width]))


@given(st.lists(st.integers(-100, 1000), min_size=1, max_size=400), st.integers(0, 6))
def test_what_came_after_the_last_closed_bucket_is_not_lost(margins, scale):
    history = history_of(margins)
    width = SAMPLES << scale
    closed = history.buckets(scale)
    after = (closed[-1][0] + 1) * width if closed else 0
    assert history.newest_minimum(scale) == min(margins[after:])


def test_a_closed_bucket_is_told():
    history = MarginHistory(1.0)
    assert [history.add(float(i), 5) for i in range(9)] == [False] * 4 + [True] + [False] * 3 + [True]


def test_a_bucket_without_a_sample_is_left_out():
    history = MarginHistory(1.0)
    for uptime_s, margin in ((0, 9), (4, 8), (40, 7), (44, 6)):
        history.add(uptime_s, margin)
    assert history.buckets(0) == [(0, 9), (1, 8), (10, 7)]
    assert history.buckets(1) == [(0, 8)]


def test_the_finest_scale_that_holds_the_beginning():
    assert history_of([1] * (SAMPLES * BUCKETS)).whole_scale() == 0
    assert history_of([1] * (SAMPLES * BUCKETS + 1)).whole_scale() == 1
    assert history_of([1] * (2 * SAMPLES * BUCKETS + 1)).whole_scale() == 1
    assert history_of([1] * (2 * SAMPLES * (BUCKETS + 1))).whole_scale() == 2


def test_the_lowest_before_counts_only_buckets_that_were_over():
    history = history_of([50] * 8 + [10] * 4 + [40] * 20)
    assert history.lowest_before(8.0) == 50
    assert history.lowest_before(12.0) == 10
    assert history.lowest_before(0.0) is None
