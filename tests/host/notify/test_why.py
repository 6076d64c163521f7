"""Why a request fails, in numbers: those by which the kernel decided."""

from dataclasses import replace

import pytest
from boards import FACTS, snapshot, zone
from buddywatch.notify.why import Asked, answer_lines
from buddywatch.verdict.judge import board_state

FACTS_OF_RV64 = FACTS | {"kernel": "6.1.176"}
# As of rv64 with two processors, where this request failed: 129 pages in blocks, 125 by the kernel's count.
BLOCKS = (7, 3, 9, 2, 0, 0, 1, 0, 0, 0, 0)
ASKED = Asked("ls", 49152)


def answer(beside_pages: int) -> str:
    of_zone = replace(zone(BLOCKS, (113, 141, 169), "DMA32"), beside_pages=beside_pages)
    shot = replace(snapshot(1), zones=(of_zone,), free_pages=None)
    return "\n".join(answer_lines(ASKED, shot, board_state(shot, FACTS_OF_RV64, [ASKED])))


@pytest.mark.parametrize(
    ("beside_pages", "counted", "words"), [(-4, 125, "4 free pages fewer"), (-1, 128, "1 free page fewer")]
)
def test_the_count_of_an_smp_kernel_is_in_the_table_and_is_explained(beside_pages, counted, words):
    text = answer(beside_pages)
    assert "this request would have failed" in text
    assert f"any size                         {counted}             129" in text
    assert f"The kernel counts {words} than its blocks contain" in " ".join(text.split())


def test_where_the_count_is_the_sum_of_the_blocks_nothing_is_said_of_it():
    text = answer(0)
    assert "would have succeeded only at the kernel's second try" in " ".join(text.split())
    assert "counts" not in text
