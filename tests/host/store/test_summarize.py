"""A summary says of a step what its snapshots say, to the page."""

from itertools import pairwise

import pytest
from boards import FACTS
from buddyd import watermark
from buddywatch.model.batch import VectorRow
from buddywatch.model.summaries import merged
from buddywatch.protocol.layout import Layout
from buddywatch.store.summaries import DAY_S, summary_step_s
from buddywatch.store.summarize import lowest_margin, lowest_margin_at_low, summaries
from buddywatch.verdict.judge import board_state, judge, rule_of
from hypothesis import given
from hypothesis import strategies as st

STEP_S = 300
RELEASES = st.sampled_from(("2.6.30-uc0", "2.6.38", "4.4.0", "2.6.32-504.el6.x86_64", "6.1"))
MARKS = st.tuples(st.integers(0, 40), st.integers(0, 60), st.just(0), st.integers(0, 20))
BLOCKS = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 60)), min_size=7, max_size=7)


class Need:
    def __init__(self, order, is_program):
        self.name, self.bytes, self.is_program = "need", 4096 << order, is_program


@st.composite
def pasts(draw, names):
    """(layout, facts, rows) of a board with these zones."""
    facts = FACTS | {"kernel": draw(RELEASES), "zones": str(len(names))} | draw(st.sampled_from(({}, {"smp": "1"})))
    marks = [draw(MARKS) for _ in names]
    for i, name in enumerate(names):
        facts[f"z{i}"] = f"0/{name}/7/1/1/1/1"
    rows, time_ms = [], draw(st.integers(0, 10**6))
    for seq in range(1, draw(st.integers(1, 12)) + 1):
        time_ms += draw(st.integers(1, 150_000))
        vector = [time_ms // 10, draw(st.integers(0, 9)), draw(st.integers(-9, 9)), 3, 4]
        for of_zone in marks:
            vector += [*of_zone, *draw(BLOCKS)]
        rows.append(VectorRow("b", seq, seq, time_ms, vector))
    return Layout(facts), facts, rows


def states(layout, facts, rows, needs=()):
    """The snapshots' states by the start of their step."""
    found = {}
    for row in rows:
        shot = layout.snapshot("b", row.first_seq, row.seq, row.vector, row.time_ms / 1000)
        found.setdefault(row.time_ms // 1000 // STEP_S * STEP_S, []).append((shot, board_state(shot, facts, needs)))
    return found


def spread(numbers):
    return min(numbers), sum(numbers), max(numbers)


@given(pasts(("DMA",)) | pasts(("DMA", "Normal", "HighMem")))
def test_every_number_is_that_of_the_snapshots(past):
    layout, facts, rows = past
    found = list(summaries("b", rows, layout, rule_of(facts), STEP_S))
    truth = states(*past)
    assert [one.time for one in found] == list(truth)
    for one in found:
        of_step = truth[one.time]
        assert (one.samples, one.first_seq, one.seq) == (len(of_step), of_step[0][0].seq, of_step[-1][0].seq)
        assert one.free_pages == spread([shot.free_pages for shot, _ in of_step])
        assert one.serviceable_pages == spread([state.serviceable_bytes // 4096 for _, state in of_step])
        assert one.columns[0] == spread([shot.processes for shot, _ in of_step])


@given(pasts(("DMA",)), st.integers(0, 9), st.booleans())
def test_lowest_margin_is_exact_for_any_need(past, order, is_program):
    layout, facts, rows = past
    rule, need = rule_of(facts), Need(order, is_program)
    truth = states(*past)
    for one in summaries("b", rows, layout, rule_of(facts), STEP_S):
        judged = [judge(shot, 4096, need, rule) for shot, _ in truth[one.time]]
        assert lowest_margin(one, layout, order, is_program, rule) == min(of.margin_pages for of in judged)
        at_low = lowest_margin_at_low(one, layout, order, is_program, rule)
        assert (at_low < 0) == any(of.verdict != watermark.OK for of in judged)


@given(pasts(("DMA",)))
def test_merged_summaries_are_those_of_all(past):
    layout, facts, rows = past
    fine = list(summaries("b", rows, layout, rule_of(facts), 100))
    coarse = list(summaries("b", rows, layout, rule_of(facts), 10**9))
    whole = fine[0]
    for one in fine[1:]:
        whole = merged(whole, one, 0, 10**9)
    if len(fine) > 1:
        assert [whole] == coarse
    assert all(one.time < two.time for one, two in pairwise(fine))


def test_pages_beside_the_blocks_make_a_lowest_margin_of_one_rule_only():
    """Each rule asks the counter at other orders; of a summary's numbers it cannot be taken away again."""
    layout = Layout(FACTS | {"zones": "1", "z0": "0/DMA/7/1/1/1/1", "smp": "1"})
    rows = [VectorRow("b", 1, 1, 0, [0, 0, -4, *[0] * (layout.width - 3)])]
    (one,) = summaries("b", rows, layout, "new", STEP_S)
    assert lowest_margin(one, layout, 3, False, "new") == -12
    assert lowest_margin(one, layout, 3, False, "old") is None


def test_what_several_zones_serve_has_no_lowest_margin():
    facts = FACTS | {"zones": "2", "z0": "0/DMA/7/1/1/1/1", "z1": "0/Normal/7/1/1/1/1"}
    layout = Layout(facts)
    (one,) = summaries("b", [VectorRow("b", 1, 1, 0, [0] * layout.width)], layout, "old", STEP_S)
    assert lowest_margin(one, layout, 3, False, "old") is None


@pytest.mark.parametrize(
    ("period_s", "step_s"),
    [(0, 300), (1, 300), (3, 300), (5, 900), (10, 3600), (60, 7200), (216, 21_600), (300, DAY_S), (86_400, DAY_S)],
)
def test_a_summary_of_a_chunk_stands_for_a_hundred_snapshots(period_s, step_s):
    layout = Layout(FACTS | {"interval_cs": str(100 * period_s)})
    assert summary_step_s(layout) == step_s
    assert period_s * 100 <= step_s or step_s == DAY_S
