"""What holds without marks, kernel or page size is answered without them; the rest is unknown, never an all-clear."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.explain.case import Wanted
from buddywatch.explain.report import report_lines
from buddywatch.kernel_text.state import Options

ROW = "Node 0, zone {}   {}\n"


def need(text, size, **options):
    """The need of `size` bytes in the one state of the text."""
    return explain(text, Options(**options), [Wanted("n", size)]).needs[0]


def row(counts, zone="Normal"):
    return ROW.format(zone, " ".join(map(str, counts)))


SMALL_ONLY = row([900, 400, 100, 30, 0, 0, 0, 0, 0, 0, 0])
REFUSED_WHATEVER = [
    pytest.param(SMALL_ONLY, 61440, {"page_kb": 4}, "fragmented", id="no-block-page-known"),
    pytest.param(SMALL_ONLY, 3 << 20, {}, "fragmented", id="no-block-page-unknown"),
    pytest.param(SMALL_ONLY, 3 << 20, {"release": "6.1.0"}, "fragmented", id="kernel-known-only"),
    pytest.param(row([3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 3 << 20, {}, "too-little-memory", id="too-little-in-all"),
    pytest.param(row([900, 400, 100, 30]), 64 << 20, {}, "too-large", id="larger-than-any-block"),
    pytest.param(row([9, 9, 9, 9, 9, 9, 9, 9], "HighMem") + SMALL_ONLY, 3 << 20, {}, "fragmented", id="highmem-aside"),
    pytest.param(row([0] * 11, "DMA") + SMALL_ONLY, 3 << 20, {}, "fragmented", id="two-zones"),
]


@pytest.mark.parametrize(("text", "size", "options", "reason"), REFUSED_WHATEVER)
def test_what_no_block_can_hold_is_refused_whatever_is_missing(text, size, options, reason):
    answer = need(text, size, **options).answer
    assert (answer.verdict, answer.reason, answer.margin_pages) == ("refused", reason, None)


@pytest.mark.parametrize(
    ("text", "size", "options"),
    [
        pytest.param(row([900, 400, 100, 30, 1]), 61440, {"page_kb": 4}, id="one-block-is-there"),
        pytest.param(row([900, 400, 100, 30, 1]), 131072, {}, id="only-small-pages-refuse"),
        pytest.param(SMALL_ONLY + row([0, 0, 0, 0, 1], "DMA"), 61440, {"page_kb": 4}, id="in-another-zone"),
        pytest.param(row([900, 400, 100, 30, 1]), 4096, {}, id="single-page-without-marks"),
    ],
)
def test_what_the_missing_facts_decide_is_unknown(text, size, options):
    answer = need(text, size, **options).answer
    assert (answer.verdict, answer.margin_pages) == (None, None)


ZONEINFO = (
    "Node 0, zone   Normal\n  pages free     2000\n        min      10\n        low      12\n        high     15\n"
)


@pytest.mark.parametrize(
    ("size", "verdict"),
    [
        # orders 5 to 1 of pages of 4 to 64 kB: a block of 2 pages is there, one of 32 is not
        pytest.param(131072, None, id="page-size-decides"),
        pytest.param(3 << 20, "refused", id="none-has-it"),
        pytest.param(4096, "ok", id="all-have-it"),
    ],
)
def test_bytes_without_a_page_size_get_the_answer_of_all_page_sizes(size, verdict):
    answer = need(ZONEINFO + row([900, 400, 100, 30, 0, 0, 0, 0, 0, 0, 0]), size, release="6.1.0").answer
    assert (answer.verdict, answer.margin_pages) == (verdict, None)


@pytest.mark.parametrize("size", [4096, 9000, 61440, 131072, 300_000, 1 << 20, 3 << 20])
@pytest.mark.parametrize(
    "counts",
    [[900, 400, 100, 30, 0, 0, 0, 0, 0, 0, 0], [2, 8, 3, 12, 0, 1, 0, 1, 0, 1, 0], [9, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0]],
)
def test_what_is_granted_without_a_page_size_is_granted_with_each(counts, size):
    """No all-clear that is not one: with a page size left out, nothing is granted that one of them refuses."""
    text = f"Allocation of length {size} from process 6821 (rm) failed\n" + ZONEINFO + row(counts)
    for release in (None, "2.6.30", "2.6.39", "6.1.0"):
        (failure,) = explain(text, Options(release=release)).failures
        with_each = [explain(text, Options(release=release, page_kb=kb)).failures[0] for kb in (4, 8, 16, 32, 64)]
        verdicts = {one.answer.verdict for one in with_each}
        assert failure.answer.verdict == (verdicts.pop() if len(verdicts) == 1 else None)


def test_an_answer_without_numbers_ends_in_one_full_stop():
    text = "Allocation of length 9000 from process 6821 (rm) failed\n" + ZONEINFO + row([900, 400, 100, 30, 9, 9, 9])
    explanation = explain(text, Options(release="6.1.0"))
    assert explanation.failures[0].answer.verdict == "ok"
    assert not [line for line in report_lines(explanation) if line.endswith("..")]


@pytest.mark.parametrize("release", ["2.6.30", "2.6.39", "4.19.0", "2.6.32-642.el6"])
@pytest.mark.parametrize("min_kb", [0, 1, 360, 100_000])
def test_refusal_without_marks_is_that_with_any_marks(release, min_kb):
    """The answer without marks against every rule and many marks."""
    assert need(SMALL_ONLY, 61440, page_kb=4).answer.verdict == "refused"
    assert need(SMALL_ONLY, 61440, page_kb=4, release=release, min_kb=min_kb).answer.verdict == "refused"


@pytest.mark.parametrize(
    ("size", "block_bytes"),
    [(102400, 131072), (65536, 65536), (65537, 131072), (40000, 65536), (32768, None), (4096, None)],
)
def test_block_of_bytes_is_known_without_a_page_size_where_it_is_the_same_for_all(size, block_bytes):
    text = f"nommu: Allocation of length {size} from process 1 (init) failed\n"
    (failure,) = explain(text).failures
    assert (failure.order, failure.block_bytes) == (None, block_bytes)


def test_list_that_lost_blocks_refuses_nothing_that_those_could_serve():
    listed = "Normal free:3284kB min:360kB low:448kB\nNormal: 900*4kB 0*8kB 0*16kB = {}kB\n"
    asked = "x: page allocation failure: order:1, mode:0xd0\n"
    for total_kb, verdict in ((3600, "refused"), (3608, None)):
        (failure,) = explain(asked + listed.format(total_kb), Options(release="6.1.0")).failures
        assert failure.answer.verdict == verdict


# --- exit codes ---


@pytest.mark.parametrize(
    ("text", "arguments", "code", "verdicts"),
    [
        pytest.param(row([0, 0, 0, 0, 1]), ("--need", "4096"), 1, [None], id="unknown"),
        pytest.param(row([0, 0, 0, 0, 1]) * 4, ("--need", "4096"), 1, [None] * 4, id="unknown-in-all-states"),
        pytest.param(SMALL_ONLY, ("--need", "3M"), 1, ["refused"], id="refused"),
        pytest.param(
            row([900] * 11),
            ("--need", "4096", "--page-kb", "4", "--min-kb", "8", "--kernel", "6.1"),
            0,
            ["ok"],
            id="ok",
        ),
        pytest.param(
            "x: page allocation failure: order:1, mode:0xd0\n", ("--need", "4096"), 1, [None], id="no-state-at-all"
        ),
    ],
)
def test_unknown_is_no_all_clear(buddywatch, tmp_path, text, arguments, code, verdicts):
    (tmp_path / "text").write_text(text)
    result = buddywatch("explain", str(tmp_path / "text"), "--json", *arguments)
    assert [told["verdict"] for told in result.json["needs"]] == verdicts
    assert result.code == code
    said = " ".join(buddywatch("explain", str(tmp_path / "text"), *arguments).out.split())
    assert ("Unknown is not an all-clear" in said) is (verdicts[0] is None)
    assert "0 of 4" not in said or "unknown in 4 of 4" in said
