"""The kernel decides by its own count of free pages, from which its list of blocks may be a few pages apart."""

from dataclasses import replace

import boards
import pytest
from asking import told
from buddywatch.explain.answers import explain
from buddywatch.explain.board_state import kernel_text
from buddywatch.explain.case import Wanted
from buddywatch.kernel_text.state import Options
from kernel_dumps import alloc, case, dump, zone

# As of rv64 with two processors: 129 pages in blocks (516 kB), and 12 pages were refused at a min mark of 113.
FAILURE = alloc(49152) + dump(zone([7, 3, 9, 2, 0, 0, 1], min_kb=452, low_kb=564))


def counted(free_kb: int) -> str:
    assert "free:516kB" in FAILURE
    return FAILURE.replace("free:516kB", f"free:{free_kb}kB")


@pytest.mark.parametrize(
    ("free_kb", "verdict", "margin_pages"),
    [
        pytest.param(516, "tight", 0, id="as-the-blocks"),
        pytest.param(500, "refused", -4, id="fewer"),
        pytest.param(512, "refused", -1, id="one-fewer"),
        pytest.param(524, "tight", 2, id="more"),
        pytest.param(400, "tight", 0, id="of-another-moment"),
    ],
)
def test_the_count_decides_unless_it_is_of_another_moment(free_kb, verdict, margin_pages):
    answer = case(counted(free_kb)).answer
    assert (answer.verdict, answer.margin_pages) == (verdict, margin_pages)


PROC = """MmapCopy: 0 kB
MemFree: {kb} kB
Node 0, zone    DMA32      7      3      9      2      0      0      1      0      0      0      0
Node 0, zone    DMA32
  pages free     {pages}
        min      113
        low      141
        high     169
        protection: (0, 0, 0)
  pagesets
    cpu: 0
              count: 0
              high:  0
              batch: 1
  vm stats threshold: 4
    cpu: 1
              count: 0
              high:  0
              batch: 1
  vm stats threshold: 4
"""


@pytest.mark.parametrize(
    ("counted", "verdict", "margin_pages"),
    [
        pytest.param(129, "tight", 0, id="as-the-blocks"),
        pytest.param(125, "refused", -4, id="fewer"),
        pytest.param(121, "refused", -8, id="as-few-as-both-processors-hold-back"),
        pytest.param(120, "tight", 0, id="of-another-moment"),
        pytest.param(133, "tight", 4, id="more"),
    ],
)
def test_zoneinfo_has_the_count_of_an_smp_kernel(counted, verdict, margin_pages):
    text = PROC.format(kb=4 * counted, pages=counted)
    found = explain(text, Options(release="6.1.176", page_kb=4), [Wanted("ls", 49152)]).needs[0].answer
    assert (found.verdict, found.margin_pages) == (verdict, margin_pages)


def test_without_thresholds_zoneinfo_is_of_another_moment():
    text = PROC.format(kb=500, pages=125).replace("vm stats threshold: 4", "")
    found = explain(text, Options(release="6.1.176", page_kb=4), [Wanted("ls", 49152)]).needs[0].answer
    assert (found.verdict, found.margin_pages) == ("tight", 0)


def test_the_answer_says_that_the_count_is_another_one():
    words = "The kernel counted {} free pages {} than its list of blocks contains, and decides by its count."
    release = "Linux version 6.1.176 (root@vm) #6 SMP\n"
    assert words.format(4, "fewer") in told(release + counted(500))
    assert words.format(2, "more") in told(release + counted(524))
    assert "The kernel counted" not in told(release + counted(516))


@pytest.mark.parametrize(("beside_pages", "verdict"), [(-4, "refused"), (0, "tight"), (2, "tight")])
def test_a_stored_state_is_explained_by_the_count_by_which_it_was_judged(beside_pages, verdict):
    of_zone = replace(boards.zone((7, 3, 9, 2, 0, 0, 1, 0, 0, 0, 0), (113, 141, 169)), beside_pages=beside_pages)
    shot = replace(boards.snapshot(1), zones=(of_zone,), free_pages=None)
    text = "\n".join(kernel_text(shot, {"nommu": "1"}, 4096, []))
    found = explain(text, Options(release="6.1.176", page_kb=4), [Wanted("ls", 49152)]).needs[0].answer
    assert (found.verdict, found.margin_pages) == (verdict, beside_pages)
