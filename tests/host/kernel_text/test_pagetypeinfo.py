"""/proc/pagetypeinfo: the blocks on each list, and what of them a request may have."""

import pytest
from buddywatch.explain.answers import Wanted, explain
from buddywatch.explain.judge import judge
from buddywatch.explain.request import request_of
from buddywatch.kernel_text.state import Options

HEAD = "Page block order: 10\nPages per block:  1024\n\nFree pages count per migrate type at order       0      1 \n"
ROW = "Node    0, zone   Normal, type {:>12} " + "{:6} " * 11


def types(**lists):
    return HEAD + "".join(ROW.format(name, *(counts + [0] * 11)[:11]) + "\n" for name, counts in lists.items())


CMA = types(Unmovable=[303, 226, 188, 104, 9, 8], Movable=[1563, 1327, 543, 319], CMA=[899, 951, 266, 67, 18, 1, 1])


def test_lists_are_told_apart():
    (zone,) = explain(CMA).states[0].zones
    assert zone.lists["C"] == [899, 951, 266, 67, 18, 1, 1, 0, 0, 0, 0]
    assert zone.nr_free == [2765, 2504, 997, 490, 27, 9, 1, 0, 0, 0, 0]
    assert zone.cma_pages == 899 + 2 * 951 + 4 * 266 + 8 * 67 + 16 * 18 + 32 + 64


def test_buddyinfo_next_to_it_gets_its_lists():
    row = "Node 0, zone   Normal   2765   2504    997    490     27      9      1      0      0      0      0 \n"
    explanation = explain(row + CMA)
    assert [state.source for state in explanation.states] == ["buddyinfo"]
    assert explanation.states[0].zones[0].lists["C"][6] == 1


@pytest.mark.parametrize(
    ("bytes_", "names", "verdict", "reason"),
    [
        pytest.param(256 << 10, None, "refused", "cma-reserve", id="the-only-256-kB-block-is-CMA's"),
        pytest.param(256 << 10, "GFP_HIGHUSER_MOVABLE", "ok", "granted", id="movable-pages-may-have-it"),
        pytest.param(128 << 10, None, "ok", "granted", id="others-are-there"),
    ],
)
def test_blocks_of_cma_are_for_movable_pages_only(bytes_, names, verdict, reason):
    order = (bytes_ // 4096).bit_length() - 1
    state = explain(CMA, Options(release="4.9.0", page_kb=4, min_kb=3600)).states[0]
    answer = judge(state, request_of(order, None, names))
    assert (answer.verdict, answer.reason) == (verdict, reason)


def test_pages_of_cma_are_taken_off_the_sum():
    """9000 pages, 4000 of them CMA's, min 6000: a plain request finds 5000."""
    text = types(Unmovable=[5000], CMA=[4000])
    (case,) = explain(text, Options(release="4.9.0", page_kb=4, min_kb=24000), [Wanted("n", 4096)]).needs
    assert (case.answer.verdict, case.answer.reason) == ("refused", "cma-reserve")
    assert case.answer.margin_pages == 5000 - 6001


def test_cut_rows_grant_nothing_more():
    whole = explain(CMA, Options(release="4.9.0", page_kb=4, min_kb=3600), [Wanted("n", 1 << 20)]).needs[0].answer
    for columns in range(20, 130):
        text = "\n".join(line[:columns] for line in CMA.splitlines())
        for case in explain(text, Options(release="4.9.0", page_kb=4, min_kb=3600), [Wanted("n", 1 << 20)]).needs:
            assert case.answer.verdict in (None, whole.verdict)
