"""Lists of free blocks whose `*` a web page took as markup."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.kernel_text.stars import with_stars

COUNTS = (908, 86, 10, 3, 0, 0, 0, 12, 0, 0, 1)


def blocks(sign, smallest=4, letters="", counts=COUNTS):
    listed = [f"{count}{sign}{smallest << order}kB{letters}" for order, count in enumerate(counts)]
    total = sum(count * (smallest << order) for order, count in enumerate(counts))
    return f"Node 0 Normal: {' '.join(listed)} = {total}kB"


@pytest.mark.parametrize("smallest", [4, 8, 16, 64])
@pytest.mark.parametrize("letters", ["", " (UM)"])
@pytest.mark.parametrize("sign", ["*", "_", "\\*", "\u00d7", "**", ""])
def test_the_sign_is_given_back(sign, letters, smallest):
    assert with_stars(blocks(sign, smallest, letters)) == blocks("*", smallest, letters)


def test_signs_are_lost_in_pairs():
    """Of eleven signs ten make five pieces of italic text; the last stays."""
    line = blocks("")
    assert line.count("14096kB") == 1
    assert with_stars(line.replace("14096kB", "1*4096kB")) == blocks("*")


@pytest.mark.parametrize(
    "line",
    [
        "Normal free:4552kB min:13224kB low:16528kB high:19836kB active_anon:2288172kB inactive_anon:229976kB",
        "I freed 14kB and 18kB and 116kB and 132kB and 164kB and 1128kB of it",
        "sizes: 100kB 200kB 300kB 400kB 500kB 600kB 700kB",
        "Node 0 Normal: 14kB 18kB 116kB 132kB 164kB 1128kB = 999kB",
        "Node 0 Normal: 1*4kB 18kB",
        "foo_4kB bar_8kB",
    ],
)
def test_what_is_no_list_stays(line):
    assert with_stars(line) == line


@pytest.mark.parametrize("sign", ["_", "", "\\*"])
def test_explain_reads_them(sign):
    head = "x: page allocation failure. order:0, mode:0x20\nNode 0 Normal free:24280kB min:132kB low:165kB high:198kB\n"
    (state,) = explain(head + "lowmem_reserve[]: 0 0 0 0\n" + blocks(sign) + "\n").states
    assert state.zones[0].nr_free == list(COUNTS)
    assert state.page_bytes == 4096
