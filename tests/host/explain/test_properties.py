"""Whatever the text: an answer or "nothing in it", in linear time; and the rule's own properties."""

import json
from dataclasses import replace

from buddyd import watermark
from buddywatch.explain.answer_json import explanation_json
from buddywatch.explain.answers import explain
from buddywatch.explain.case import Case, Wanted
from buddywatch.explain.judge import judge, largest_min_pages
from buddywatch.explain.marks import min_free_kb
from buddywatch.explain.merge import merge_plan
from buddywatch.explain.report import report_lines, report_parts
from buddywatch.explain.request import Request
from buddywatch.kernel_text.kernel import Kernel
from buddywatch.kernel_text.lexer import tokens
from buddywatch.kernel_text.state import Options, State, Zone
from buddywatch.text.document import html_lines, markdown_lines, text_lines
from hypothesis import example, given
from hypothesis import strategies as st

PIECES = st.sampled_from(
    [
        "Allocation of length 61440 from process 6821 (rm) failed",
        "nommu: Allocation of length 99999999999999999999 from process 1 (x y) failed",
        "rm: page allocation failure. order:4, mode:0xd0",
        "a: page allocation failure: order:99999, mode:0xffffffffffffffff(GFP_KERNEL|__GFP_COMP)",
        "rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0",
        "Killed process 7 (rm)",
        "Unable to allocate RAM for process data, errno 12",
        "Mem-Info:",
        " active_file:1 inactive_file:0 free:821",
        "DMA free:3284kB min:360kB low:448kB high:540kB present:8128kB",
        "Node 1 Normal free:0kB min:99999999999kB low:0kB",
        "lowmem_reserve[]: 0 0 0",
        "lowmem_reserve[]:",
        "DMA: 31*4kB (UEM) 47*8kB () 42*16kB 64*32kB 1*64kB = 3284kB",
        "Node 1 Normal: 0*4kB 0*8kB = 0kB",
        "Odd: 1*3kB 1*6kB 1*12kB 1*24kB = 45kB",
        "DMA: 1*0kB 1*0kB 1*0kB = 0kB",
        "Node 0, zone DMA 2 8 3 12 0 1 0 1 0 1 0",
        "Node 0, zone HighMem 1",
        "Node 0, zone DMA",
        "Node 0, zone DMA, type Unmovable 1 2 >100000 4",
        "Node 0, zone DMA, type HighAtomic 1",
        "  pages free     228",
        "        min      70",
        "        low      87",
        "        protection: (0, 0, 0)",
        "        protection: (, )",
        "MemFree: 3164 kB",
        "MemTotal: 0 kB",
        "min_free_kbytes = 0",
        "nr_trim_pages: 1",
        "Linux version 6.1.192",
        "uClinux version 2.6.30",
        "kernel 99.99.99",
        "CPU: 0 PID: 37 Comm: rm Not tainted 2.6.38 #1",
        "2 x 4 kB",
        "  • 0 x 0 kB",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=40), max_size=30).flatmap(
    lambda pieces: st.sampled_from(["\n", " ", "\r\n", ""]).map(lambda glue: glue.join(pieces))
)
OPTIONS = st.builds(
    Options,
    release=st.none() | st.sampled_from(["2.6.30", "2.6.39", "2.6.32-642.el6", "6.1.0"]),
    min_kb=st.none() | st.integers(0, 10**9),
    low_kb=st.none() | st.integers(0, 10**9),
    page_kb=st.none() | st.sampled_from([1, 4, 8, 1024]),
)

# Every page size grants it, so that it is granted without one, and without numbers.
GRANTED_FOR_EACH_PAGE_SIZE = """\
Allocation of length 61440 from process 6821 (rm) failed
Node 0, zone DMA 2 8 3 12 0 1 0 1 0 1 0
Node 0, zone DMA
  pages free     798
        min      70
        low      87
        protection: (0, 0, 0)
"""


@given(TEXTS, OPTIONS)
@example(GRANTED_FOR_EACH_PAGE_SIZE, Options())
def test_any_text_gets_an_answer(text, options):
    explanation = explain(text, options, [Wanted("n", 61440)])
    assert report_lines(explanation)
    assert text_lines(report_parts(explanation))
    for form in (markdown_lines, html_lines):
        assert form(report_parts(explanation))
    answer = json.loads(json.dumps(explanation_json(explanation)))
    assert len(answer["failures"]) == len(explanation.failures)
    for failure in answer["failures"]:
        assert (failure["verdict"] is None) == (failure["reason"] == "unknown")
        margins = [test["free_pages"] - test["mark_pages"] for test in failure["trace"]]
        bounds = [failure["margin_at_most_pages"], failure["margin_at_least_pages"]]
        if bounds != [None, None]:  # of a list that was cut
            assert (failure["margin_pages"], min(margins)) == (None, bounds[failure["verdict"] != "refused"])
        elif failure["margin_pages"] is None:  # marks or page size are unknown: what fails whatever they are
            assert all(margin < 0 for margin in margins)
            if failure["verdict"] not in (None, "refused"):  # granted for each page size
                assert (answer["page_bytes"], margins) == (None, [])
        else:
            assert failure["margin_pages"] == min(margins)


@given(st.text())
def test_any_unicode_gets_an_answer(text):
    assert report_lines(explain(text))


# --- the rule ---

COUNTS = st.lists(st.integers(0, 60), min_size=1, max_size=12)


@st.composite
def states(draw):
    nr_free = draw(COUNTS)
    letters = draw(st.just([None] * len(nr_free)) | st.lists(st.sampled_from("UMEHC"), min_size=12, max_size=12))
    min_pages = draw(st.integers(0, 200))
    zone = Zone(0, "DMA", nr_free, letters[: len(nr_free)], min_pages, min_pages + min_pages // 4, marks_from="dump")
    zone.highatomic_pages = draw(st.integers(0, 40))
    rule = draw(st.sampled_from(watermark.RULES))
    return State("dump", 0, 1, Kernel("2.6.30", (rule,), True, "impossible"), 4096, [zone])


def with_blocks(state, order, blocks):
    """The state with so many more blocks of the order, which anybody may have."""
    zone = state.zones[0]
    nr_free = list(zone.nr_free)
    nr_free[order] += blocks
    letters = list(zone.letters)
    letters[order] = None if letters[order] is None else "U"
    more = replace(zone, nr_free=nr_free, letters=letters)
    return State("dump", 0, 1, state.kernel, 4096, [more])


@given(states(), st.integers(0, 11))
def test_verdict_is_monotone_in_the_order(state, order):
    smaller, larger = judge(state, Request(order)), judge(state, Request(order + 1))
    assert smaller.margin_pages >= larger.margin_pages or smaller.verdict == "ok"
    if larger.verdict != "refused":
        assert smaller.verdict != "refused"


@given(states(), st.integers(0, 11))
def test_margin_is_exact(state, order):
    """So many pages more in blocks of the order or larger, and it passes; one fewer, and it does not."""
    answer = judge(state, Request(order))
    missing = answer.missing_pages
    for more, passes in ((missing, True), (missing - 1, False)):
        if missing:
            assert all(held + more >= demanded for _, held, demanded in answer.tests) is passes


@given(states(), st.integers(0, 11))
def test_fewest_blocks_that_cover_the_margin_flip_the_verdict(state, order):
    order = min(order, len(state.zones[0].nr_free) - 1)
    answer = judge(state, Request(order))
    if not answer.missing_pages or any(letter in ("H", "C") for letter in state.zones[0].letters):
        return
    blocks = -(-answer.missing_pages // (1 << order))
    assert judge(with_blocks(state, order, blocks), Request(order)).verdict != "refused"
    assert judge(with_blocks(state, order, blocks - 1), Request(order)).verdict == "refused"


@given(states(), st.integers(0, 11))
def test_largest_min_is_the_largest_that_passes(state, order):
    answer = judge(state, Request(order))
    largest = largest_min_pages(answer)
    zone = state.zones[0]
    for min_pages in (0, largest, None if largest is None else largest + 1):
        if min_pages is None or min_pages > zone.min_pages:
            continue
        lowered = replace(zone, min_pages=min_pages)
        verdict = judge(State("dump", 0, 1, state.kernel, 4096, [lowered]), Request(order)).verdict
        assert (verdict != "refused") is (largest is not None and min_pages <= largest)


@given(states(), st.integers(0, 11))
def test_merging_what_is_told_makes_it_pass_and_less_does_not(state, order):
    answer = judge(state, Request(order))
    plan = merge_plan(answer)
    if plan is None or not answer.missing_pages or any(state.zones[0].letters):
        return
    zone = state.zones[0]
    for blocks, passes in ((plan.blocks, True), (plan.blocks - 1, False)):
        nr_free, pages = list(zone.nr_free), blocks << order
        for piece in range(order - 1, -1, -1):
            count = min(nr_free[piece], pages >> piece)
            nr_free[piece] -= count
            pages -= count << piece
        nr_free[order] += blocks
        assert pages == 0
        merged = replace(zone, nr_free=nr_free)
        verdict = judge(State("dump", 0, 1, state.kernel, 4096, [merged]), Request(order)).verdict
        assert (verdict != "refused") is passes
    assert sum(count << piece for piece, count in plan.pieces) == plan.blocks << order


@given(st.integers(1, 5000), st.integers(0, 5000), st.sampled_from([4096, 8192]))
def test_min_free_kbytes_is_the_largest_that_makes_the_mark(now_pages, wanted_pages, page_bytes):
    zone = Zone(0, "DMA", [1], [None], now_pages, now_pages, marks_from="dump")
    kernel = Kernel("2.6.30", ("old",), True, None)
    state = State("dump", 0, 1, kernel, page_bytes, [zone])
    case = Case("rm", kernel, page_bytes, 1, 0, state, judge(state, Request(0)), [])
    _, value_kb = min_free_kb(case, wanted_pages)
    assert value_kb // (page_bytes // 1024) == wanted_pages  # pages_min = min_free_kbytes >> (PAGE_SHIFT - 10)
    assert (value_kb + 1) // (page_bytes // 1024) == wanted_pages + 1


# --- time ---


def work(text):
    """Pieces of work that a text makes: its tokens, and the lengths of what they cover."""
    return sum(1 + len(match[0]) for match in tokens(text))


HOSTILE = (
    "Node " * 50,
    "Node 0, zone " + " " * 200,
    "1" * 500,
    "DMA: 1*4kB " * 20,
    "a" * 500 + ": ",
    "lowmem_reserve[]:" + " 1" * 100,
    "CPU: 0 PID: 1 Comm: " + "x " * 100,
    "Tainted:" + " G" * 200,
    "x: page allocation failure " * 10,
    "Allocation of length 1 from process " * 10,
    "0*4kB (" * 30,
)


def test_no_token_covers_more_than_a_line_or_two():
    for hostile in HOSTILE:
        assert all(len(match[0]) < 1000 for match in tokens(hostile * 20))


def test_work_grows_with_the_length_alone():
    for hostile in HOSTILE:
        once, ten = work(hostile * 20), work(hostile * 200)
        assert ten <= 11 * max(once, 1)


def test_events_and_states_grow_with_the_length_alone():
    line = "Allocation of length 61440 from process 6821 (rm) failed\nDMA: 1*4kB 0*8kB 0*16kB 0*32kB = 4kB\n"
    for count in (10, 100):
        explanation = explain(line * count, Options(release="2.6.30"))
        assert (len(explanation.failures), len(explanation.states)) == (count, count)
