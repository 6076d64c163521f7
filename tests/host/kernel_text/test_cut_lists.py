"""Lists of free blocks that were cut: what they prove, and no more."""

import pytest
from buddywatch.explain.answers import Wanted, explain
from buddywatch.kernel_text.state import Options

WHOLE = "DMA: 31*4kB 47*8kB 42*16kB 64*32kB 1*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 3284kB"
MARKS = "DMA free:{}kB min:360kB low:448kB high:540kB present:8128kB pages_scanned:0 all_unreclaimable? no"
OTHER = "Normal: 1*4kB 1*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 12kB"


def zone_of(*lines, free_kb=3284):
    text = "\n".join([MARKS.format(free_kb), "lowmem_reserve[]: 0 0 0", *lines, ""])
    return explain(text, Options(release="2.6.30", page_kb=4)).states[0].zones[0]


@pytest.mark.parametrize(
    ("listed", "nr_free", "gaps", "unlisted_kb"),
    [
        pytest.param(WHOLE, [31, 47, 42, 64, 1, 0, 0, 0, 0, 0, 0], (), 0, id="whole"),
        pytest.param("DMA: 31*4kB 47*8kB 42*16kB 6", [31, 47, 42], tuple(range(3, 32)), 2112, id="end"),
        pytest.param("DMA: 31*4kB 47*8kB 42*16kB 64*32", [31, 47, 42], tuple(range(3, 32)), 2112, id="within-unit"),
        pytest.param("DMA: 31*4kB 47*8kB ...", [31, 47], tuple(range(2, 32)), 2784, id="ellipsis-at-the-end"),
        pytest.param("DMA: 31*4kB ... 0*4096kB = 3284kB", [31, *[0] * 10], tuple(range(1, 10)), 3160, id="middle"),
        pytest.param("DMA: 31*4kB 1*B", [31], tuple(range(1, 32)), 3160, id="overwritten-end"),
        pytest.param("DMA: 31*4kB 47*8kB\nFree swap  = 0kB", [31, 47], tuple(range(2, 32)), 2784, id="sum-of-another"),
        pytest.param(WHOLE.replace("47", "7"), [31, 7, 42, 64, 1, *[0] * 6], tuple(range(11)), 320, id="lost-digit"),
        pytest.param(WHOLE.replace("31", "310"), [], tuple(range(11)), 3284, id="more-than-its-sum"),
        pytest.param(WHOLE.removesuffix("3284kB"), [31, 47, 42, 64, 1, *[0] * 6], (), 0, id="sum-missing"),
        pytest.param("", [], tuple(range(32)), 3284, id="no-list"),
        pytest.param(f"DMA: 31*4kB 47*8kB\n{OTHER}", [31, 47], tuple(range(2, 11)), 2784, id="orders-of-another-zone"),
    ],
)
def test_cut_list_proves(listed, nr_free, gaps, unlisted_kb):
    zone = zone_of(listed)
    assert (zone.nr_free, zone.gaps, zone.unlisted_pages) == (nr_free, gaps, unlisted_kb // 4)
    assert zone.free_pages == 821


def test_nothing_is_known_of_the_rest_without_a_sum():
    (zone,) = explain("DMA: 31*4kB 47*8kB 42*16k\n", Options(release="2.6.30", page_kb=4)).states[0].zones
    assert (zone.nr_free, zone.unlisted_pages, zone.is_whole) == ([31, 47], None, False)


@pytest.mark.parametrize("listed", ["DMA: 31*4kB 47*8kB 42*16k", "DMA: 0*4kB 0*8kB ", "DMA: 3*4kB (U) 0*8k"])
def test_rest_of_a_list_is_unbounded_without_a_sum_and_a_size(listed):
    (case,) = explain(listed + "\n", Options(page_kb=4), [Wanted("n", 131072)]).needs
    assert (case.answer.verdict, case.answer.reason) == (None, "unknown")


# The whole answers: 64 kB refused by 5 pages, 32 kB granted at low.
@pytest.mark.parametrize(
    ("listed", "need", "verdict", "reason"),
    [
        pytest.param(WHOLE, 61440, "refused", "reserve", id="whole"),
        pytest.param("DMA: 31*4kB 47*8kB 42*16kB 6", 61440, None, "unknown", id="2112-kB-may-be-in-large-blocks"),
        pytest.param("DMA: 31*4kB 47*8kB 42*16kB 64*32kB", 61440, "refused", "reserve", id="64-kB-are-one-block"),
        pytest.param("DMA: 31*4kB 47*8kB 42*16kB 64*32kB", 131072, "refused", "fragmented", id="no-block-of-128-kB"),
        pytest.param("DMA: 31*4kB 47*8kB", 4 << 20, "refused", "too-little-memory", id="more-than-is-free"),
        pytest.param("", 4096, "ok", "granted", id="a-page-needs-no-list"),
        pytest.param("", 61440, None, "unknown", id="a-block-does"),
        pytest.param("DMA: 31*4kB 47*8kB 42*16kB 64*32kB 1*", 32768, "ok", "granted", id="enough-is-listed"),
        pytest.param(WHOLE.replace("47", "7"), 61440, None, "unknown", id="320-kB-anywhere"),
        pytest.param(WHOLE.replace("1*64kB", "*64kB"), 131072, "refused", "fragmented", id="a-count-is-missing"),
    ],
)
def test_answer_holds_whatever_is_missing(listed, need, verdict, reason):
    text = "\n".join([MARKS.format(3284), "lowmem_reserve[]: 0 0 0", listed, ""])
    (case,) = explain(text, Options(release="2.6.30", page_kb=4), [Wanted("n", need)]).needs
    assert (case.answer.verdict, case.answer.reason) == (verdict, reason)


ROW = "Node 0, zone   Normal     31     47     42     64      1\n"  # 821 pages, and what the cut took
ZONEINFO = (
    "Node 0, zone   Normal\n  pages free     {}\n        min      90\n        low      112\n        present  {}\n"
)


@pytest.mark.parametrize(
    ("around", "page_kb", "verdict"),
    [
        pytest.param(ZONEINFO.format(821, 840), 4, "refused", id="no-128-kB-left-in-the-zone"),
        pytest.param(ZONEINFO.format(821, 2032), 4, None, id="larger-zone"),
        pytest.param(ZONEINFO.format(1024, 840), 4, None, id="more-is-free-than-the-zone-has"),
        pytest.param(ZONEINFO.format(821, 700), 4, None, id="more-is-listed-than-the-zone-has"),
        pytest.param(ZONEINFO.format(1024, 840), None, None, id="no-page-size"),
        pytest.param("MemFree:  3284 kB\n", 4, "refused", id="all-that-is-free-is-listed"),
        pytest.param("MemFree:  3100 kB\n", 4, "refused", id="a-moment-before"),
        pytest.param("MemFree:  2100 kB\n", 4, None, id="of-another-moment"),
        pytest.param("MemFree:  3800 kB\n", 4, None, id="129-pages-more"),
    ],
)
def test_cut_row_is_bounded_by_what_does_not_contradict_it(around, page_kb, verdict):
    text = ROW + "x" * 55 + "\n" + around
    (case,) = explain(text, Options(release="2.6.30", page_kb=page_kb), [Wanted("n", 131072)]).needs
    assert case.answer.verdict == verdict


def test_margin_of_a_cut_list_is_a_bound():
    text = "\n".join([MARKS.format(3284), "lowmem_reserve[]: 0 0 0", "DMA: 31*4kB 47*8kB 42*16kB", ""])
    (case,) = explain(text, Options(release="2.6.30", page_kb=4), [Wanted("n", 2 << 20)]).needs
    assert (case.answer.verdict, case.answer.reason) == ("refused", "either-way")
    assert (case.answer.is_bound, case.answer.margin_pages) == (True, 512 - (512 + (90 >> 5)))


def test_zone_that_is_short_is_refused_without_a_list():
    text = "Normal free:468kB min:15756kB low:18668kB high:21580kB present:1489480kB\nlowmem_reserve[]: 0 0\n"
    for need in (4096, 61440):
        (case,) = explain(text, Options(page_kb=4), [Wanted("n", need)]).needs
        assert (case.answer.verdict, case.answer.reason) == ("refused", "too-little-memory")


@pytest.mark.parametrize(
    ("reserves", "verdict"),
    [
        ("", None),
        ("lowmem_reserve[]: 0", None),
        ("lowmem_reserve[]: 0 900", "refused"),
        ("lowmem_reserve[]: 0 0", "ok"),
    ],
)
def test_zone_with_an_unknown_reserve_grants_nothing(reserves, verdict):
    """DMA keeps pages from requests that can use Normal."""
    lines = [
        "DMA free:3284kB min:36kB low:44kB high:54kB",
        reserves,
        WHOLE,
        "Normal free:12kB min:36kB low:44kB",
        OTHER,
    ]
    (case,) = explain("\n".join(lines), Options(release="4.9.0"), [Wanted("n", 4096)]).needs
    assert case.answer.verdict == verdict
