"""Kinds of fault that two more rounds of unseen texts showed: a table for each."""

import pytest
from asking import failures, parts, told
from buddywatch.explain.answers import Wanted, explain
from buddywatch.kernel_text.state import Options

LIST = "Normal: 9*4kB (UM) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 36kB\n"
DUMP = "Normal free:36kB min:400kB low:500kB high:600kB present:8128kB\nlowmem_reserve[]: 0 0\n"


# --- the moment of a dump ---

CUT = LIST.replace("Normal", "DMA")


@pytest.mark.parametrize(
    ("first", "second", "is_used"),
    [
        (CUT, "[   60.100000] ", True),  # its first line has no stamp any more, others have
        ("[   60.000000] active_anon:12 inactive_anon:4\n", "[   60.100000] ", True),
        (CUT, "[  160.100000] ", False),  # a minute and more before
    ],
)
def test_a_dump_is_of_the_moment_that_any_of_its_lines_has(first, second, is_used):
    text = first + "".join(f"[   60.00000{n}] {line}\n" for n, line in enumerate((DUMP + LIST).splitlines()))
    text += "SLUB: Unable to allocate memory on node -1, gfp=0xa20(GFP_ATOMIC)\n"
    text += f"{second}sh: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL), nodemask=(null)\n"
    last = failures(text)[-1]
    assert (last["process"], "borrowed-state" in last["notes"]) == ("sh", is_used)


# --- marks without a page size, and without low ---


@pytest.mark.parametrize(
    ("zones", "verdict"),
    [
        ("DMA free:12kB min:32kB\nNormal free:84kB min:928kB\n", "refused"),
        ("DMA free:12kB min:32kB\nNormal free:84kB min:28kB\n", None),  # above min: what low is decides
        ("DMA free:12kB min:32kB\nNormal free:84kB\n", None),
        ("Normal free:84kB min:928kB low:1160kB high:1392kB\n", "refused"),
        ("Normal free:84kB min:99395541895224kB low:\n", None),  # a counter that went wrong
    ],
)
def test_zone_lines_alone_refuse_whatever_the_page_size(zones, verdict):
    (failure,) = failures(f"sh: page allocation failure: order:0, mode:0xd0\n{zones}")
    assert failure["verdict"] == verdict


def test_a_lack_without_a_page_size_has_no_number():
    text = told("sh: page allocation failure: order:0, mode:0xd0\nDMA free:12kB min:32kB\n")
    assert "Why: too little memory." in text and " 0 pages short" not in text


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("GFP_ATOMIC", "may use a part of the reserve instead"),
        ("GFP_NOWAIT|__GFP_HIGH", "may use a part of the reserve instead"),  # new_slab() drops __GFP_ATOMIC
        ("GFP_NOWAIT", "may use no part of the reserve"),
        ("GFP_NOWAIT|__GFP_NOMEMALLOC", "may not use the reserve either"),
    ],
)
def test_the_reserve_that_a_request_may_use_is_said(flags, words):
    assert words in told(f"sh: page allocation failure: order:0, mode:0x2200020({flags})\n")


# --- what waits for a disk ---


@pytest.mark.parametrize(
    ("dirty", "writeback", "is_advised"),
    [(600, 0, True), (600, 900, True), (0, 900, False), (300, 0, False)],  # of 2032 pages; alone, it may be swap
)
def test_dirty_pages_are_no_caches_that_can_go(dirty, writeback, is_advised):
    header = f"active_anon:100 inactive_anon:0 dirty:{dirty} writeback:{writeback} unstable:0\n"
    text = f"Mem-Info:\n{header} active_file:900 inactive_file:800\n free:9\n{DUMP}{LIST}"
    assert ("wait to be written to a disk" in told(text)) == is_advised


# --- 2.4, and a page of CMA ---


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("0x70/1", "no page was free at all"),
        ("0x1d2/0", "below the kernel's mark"),
        ("0x20/0", "It could not wait"),
    ],
)
def test_a_process_that_frees_memory_itself_meets_no_mark(mode, words):
    assert words in told(f"__alloc_pages: 0-order allocation failed (gfp={mode})\n")


@pytest.mark.parametrize(
    ("pages", "errno", "first"),
    [(1, 16, "ask again"), (1, 12, "a larger area"), (64, 16, "a larger area")],
)
def test_a_single_busy_page_is_no_lack_of_room(pages, errno, first):
    text = told(f"cma: cma_alloc: alloc failed, req-size: {pages} pages, ret: -{errno}\n")
    assert f"First: {first}" in text


# --- kills in scripts, comments and tables ---


@pytest.mark.parametrize(
    ("text", "killed"),
    [
        ("Memory cgroup out of memory: Killed process (worker) total-vm:12kB, anon-rss:8kB\n", ["worker"]),
        ("Killed process (worker)\n  total-vm:12kB  anon-rss:8kB  file-rss:4kB\n", ["worker"]),
        ("Killed process (see below)\n", None),
        ("Killed process (that was the wrong one) and went on\n", None),
        ('x = ("Out of memory: Killed process 571 "\n     "(python) total-vm:12kB, anon-rss:8kB file-rss:4kB")\n',
         ["python (571)"]),
        ("Out of memory: Killed process 571, UID 9, (python) total-vm:12kB\n", ["python (571)"]),
    ],
)  # fmt: skip
def test_a_victim_is_found_whatever_was_left_out_of_its_line(text, killed):
    found = failures(text)
    assert [failure["killed"] for failure in found] == ([] if killed is None else [killed])


@pytest.mark.parametrize(
    "before",
    ["text: '", "{ time: ago(2400), text: '", '"message": "', "msg:'", "// ", "  //  [   12.345678] "],
)
def test_a_key_or_a_comment_is_no_part_of_the_process(before):
    text = f"{before}mdreplay invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0\n"
    assert parts(text) == [("mdreplay", None, None, 0, "unknown")]


KMSG = (
    "// 6,2302,533604004,-;lowmemorykiller: Killing 'storage' (21742),\n// adj 1000,\\x0a   to free 27320kB on behalf "
    "of 'kswapd0' (47) because\\x0a\n// cache 181920kB is below limit 184320kB for oom_score_adj 1000\\x0a\n"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (KMSG, "The page cache, 181920 kB, was below the threshold of 184320 kB"),
        (
            "I/lmkd: Kill 'storage' (21742), adj 900,\n   to free 45678kB; reason: pressure level 2\n",
            "pressure level 2.",
        ),
        ("`lmkd: Kill 'storage' (21742), uid 10, oom_score_adj 906 to free 5kB rss; reason: pressure`\n", "pressure."),
    ],
)
def test_a_killer_of_android_is_read_across_comments_and_commas(text, words):
    (failure,) = failures(text)
    assert failure["killed"] == ["storage (21742)"] and words in told(text)


def test_a_list_of_kills_does_not_name_another_killer():
    kill = "lowmemorykiller: Killing '{}' ({}), adj 906, to free 50000kB on behalf of 'kswapd0' (47) because\n"
    text = told(kill.format("a", 1) + kill.format("a", 1) + kill.format("b", 2))
    assert "OOM killer killed" not in text and "low memory killer" in text


# --- /proc/pagetypeinfo that was cut ---

KINDS = ("Unmovable", "Movable", "Reclaimable", "HighAtomic")


def kinds(zone, names):
    return "".join(f"Node    0, zone {zone:>8}, type {name:>12}" + "      1" * 11 + " \n" for name in names)


@pytest.mark.parametrize("names", [KINDS, KINDS[:2], KINDS[:1]])
def test_a_zone_that_lacks_kinds_has_at_least_what_is_listed(names):
    (state,) = explain(kinds("DMA", KINDS) + kinds("Normal", names)).states
    dma, normal = state.zones
    assert dma.is_whole and normal.nr_free == [len(names)] * 11
    assert normal.is_whole == (names == KINDS)


# --- all that is free is less than the request ---


@pytest.mark.parametrize(
    ("page_kb", "need", "verdict"),
    [
        (None, 1 << 20, "refused"),
        (4, 1 << 20, "refused"),
        (None, 500 * 1024, None),  # as much as is free: the marks decide
        (4, 4096, None),
        (64, 512 * 1024 + 1, "refused"),  # 16 pages, and 7 are free
    ],
)
def test_a_request_for_more_than_is_free_in_all_is_refused_without_zones(page_kb, need, verdict):
    text = "MemTotal: 8000 kB\nMemFree: 500 kB\n"
    (case,) = explain(text, Options(page_kb=page_kb), [Wanted("n", need)]).needs
    assert case.answer.verdict == verdict
