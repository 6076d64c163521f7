"""Lines that were folded, cut or put in the opposite order, and zones that are missing in the text."""

import pytest
from buddywatch.explain.answers import Wanted, explain
from buddywatch.kernel_text.lines import clean
from buddywatch.kernel_text.state import Options
from buddywatch.kernel_text.unfold import unfolded

STAMPED = [f"[   12.00000{n}] " + "x" * 30 + str(n) * 60 for n in range(3)]


def fold(lines, columns):
    return [line[at : at + columns] for line in lines for at in range(0, len(line), columns)]


@pytest.mark.parametrize("columns", [60, 72, 80, 100])
def test_folded_lines_with_stamps_are_joined(columns):
    folded = fold(STAMPED, columns)
    joined = unfolded(folded, list(map(len, folded)))
    assert [line for line in joined if line] == STAMPED
    assert len(joined) == len(fold(STAMPED, columns))  # line numbers stay


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([line[:70] for line in STAMPED], id="cut"),
        pytest.param([line[16:] for line in fold(STAMPED, 80)], id="no-stamps"),
        pytest.param(["[ 1.000000] " + "x" * 20, "y" * 32, "[ 2.000000] " + "x" * 20, "y"], id="too-narrow"),
        pytest.param([STAMPED[0][:80], "rest", "[ 1.000000] short"], id="one-line-of-the-width-only"),
    ],
)
def test_other_lines_are_left_alone(lines):
    assert unfolded(lines, list(map(len, lines))) == lines


def test_newest_line_first_is_turned_round_and_keeps_its_line_numbers():
    lines = [f"[   12.{n:06}] x" for n in range(5)] + ["[   13.000000] rm: page allocation failure: order:2, mode:0xd0"]
    cleaned = clean("\n".join(lines[::-1]))
    assert cleaned.newest_first
    (event,) = cleaned.events
    assert (event.process, event.stamp_s, cleaned.line_at(event.offset)) == ("rm", 13.0, 1)


def test_two_boots_in_order_are_not_turned_round():
    lines = [f"[   {s}.000000] x" for s in (10, 11, 12, 13, 1, 2, 3)]
    assert not clean("\n".join(lines)).newest_first


HEADER = "active_file:1 inactive_file:2 isolated_file:0\n free:{} free_pcp:2 free_cma:0\n"
DMA = "Node 0 DMA free:12kB min:132kB low:164kB present:15984kB\nlowmem_reserve[]: {}\nNode 0 DMA: 3*4kB 0*8kB = 12kB\n"


@pytest.mark.parametrize(
    ("header_pages", "reserves", "verdict"),
    [
        pytest.param(3, "0 0 0 0", "refused", id="all-is-there"),
        pytest.param(5000, "0 0 0 0", "refused", id="what-is-missing-is-highmem"),
        pytest.param(5000, "0 0 0 1351", "refused", id="highmem-by-the-reserves"),
        pytest.param(5000, "0 1351 1351 1351", None, id="a-zone-is-missing"),
        pytest.param(3, "0 1351 1351 1351", None, id="by-the-reserves-alone"),
    ],
)
def test_zone_that_is_missing_may_have_served_it(header_pages, reserves, verdict):
    text = HEADER.format(header_pages) + DMA.format(reserves)
    (case,) = explain(text, Options(release="5.4.0"), [Wanted("n", 4096)]).needs
    assert case.answer.verdict == verdict


@pytest.mark.parametrize(
    ("line", "order", "mode"),
    [
        ("rm: page allocation failure: order:1", None, None),
        ("rm: page allocation failure: order:10,", 10, None),
        ("rm: page allocation failure: order:10, mode:0x20", 10, None),
        ("rm: page allocation failure: order:10, mode:0x2080020(GFP", 10, 0x2080020),
    ],
)
def test_number_that_the_edge_may_have_cut_is_unknown(line, order, mode):
    """The line below is as wide, so that a terminal may have cut both."""
    (failure,) = explain(f"{line}\n{'y' * len(line)}\nz\n").failures
    assert (failure.order, failure.message.mode) == (order, mode)


def test_prose_that_may_continue_a_folded_line_makes_no_other_mode():
    line = "[  533.797044] rm: page allocation failure: order:1, mode:0x204020"
    for failure in explain(f"{line}\nand so on\n{line.replace('044', '999')}\nand so on\n").failures:
        assert (failure.order, failure.message.mode) in ((1, 0x204020), (1, None))


def test_same_line_with_nothing_of_its_width_near_is_whole():
    (failure,) = explain("rm: page allocation failure: order:10, mode:0x20\nCall Trace:\nz\n").failures
    assert (failure.order, failure.message.mode) == (10, 0x20)
