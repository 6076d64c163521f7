"""The kernel decides by its own count of free pages, from which its list of blocks may be a few pages apart."""

import pytest
from asking import told
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


def test_the_answer_says_that_the_count_is_another_one():
    words = "The kernel counted {} free pages {} than its list of blocks contains, and decides by its count."
    release = "Linux version 6.1.176 (root@vm) #6 SMP\n"
    assert words.format(4, "fewer") in told(release + counted(500))
    assert words.format(2, "more") in told(release + counted(524))
    assert "The kernel counted" not in told(release + counted(516))
