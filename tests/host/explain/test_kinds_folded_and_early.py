"""Kinds of faults that a round of unseen reports showed: kills folded within their words, a dump that ends behind its
first zone, marks of two moments, a killer that was called, a kernel that has no program yet."""

import pytest
from buddywatch.explain import holders
from buddywatch.explain.answers import explain
from buddywatch.explain.report import report_lines
from kernel_dumps import advice, case, dump, helping, oom, page, zone

# --- kills whose line a mail program broke ---


@pytest.mark.parametrize("quote", ["", "> "])
@pytest.mark.parametrize(
    ("words", "killed"),
    [
        ("Kernel panic - not syncing: Out of memory and no killable processes...", []),
        ("Out of memory and no killable processes", []),
        ("System is deadlocked on memory", []),
        ("Out of memory: Kill process 91 (feeder) score 6 or sacrifice child", ["feeder (91)"]),
        ("Out of memory: kill process 91 (feeder) score 6 or a child", ["feeder (91)"]),
        ("Killed process 91 (feeder) total-vm:1000kB, anon-rss:900kB, file-rss:0kB", ["feeder (91)"]),
    ],
)
def test_a_kill_broken_at_any_blank_is_read(words, killed, quote):
    for at, blank in enumerate(words):
        if blank == " " and not words[:at].endswith("Out"):
            lines = f"{quote}[   81.305245] {words[:at]} \n{quote}{words[at + 1 :]}\n"
            (failure,) = explain(lines).failures
            assert failure.message.killed == killed, lines


# --- what holds the memory, of a dump that was cut ---


@pytest.mark.parametrize(
    ("file_pages", "whole_kb"),
    [
        pytest.param(305_421, None, id="more-than-the-zones-in-the-text"),
        pytest.param(900, 16_000, id="zones-hold-it-all"),
    ],
)
def test_a_share_is_not_of_the_zones_that_a_cut_left(file_pages, whole_kb):
    header = f"active_anon:100 inactive_anon:0\n active_file:{file_pages} inactive_file:0\n free:75\n"
    text = page(1) + dump(zone([9, 8, 0, 10], name="DMA", present=16_000), header=header)
    found = [one for one in holders.holders(case(text, page_kb=4).state) if one.use == "file"]
    assert found[0].share < 1
    assert found[0].kb <= found[0].whole_kb
    assert whole_kb is None or found[0].whole_kb == whole_kb


# --- the formula for vm.min_free_kbytes ---


@pytest.mark.parametrize(
    ("dma_min_kb", "normal_min_kb", "accused"),
    [
        pytest.param(1_024, 4_096, True, id="as-their-sizes"),
        pytest.param(1_024, 4_200, True, id="about-as-their-sizes"),
        pytest.param(2_300, 2_820, False, id="one-was-smaller-when-they-were-made"),
        pytest.param(300, 4_800, False, id="one-was-larger"),
    ],
)
def test_a_setting_is_accused_only_by_marks_of_one_moment(dma_min_kb, normal_min_kb, accused):
    zones = (
        zone([20, 5], dma_min_kb, "DMA", reserves="0 4000 4000", managed=16_384),
        zone([200, 40, 20, 10, 5], normal_min_kb, "Normal", managed=65_536),
    )
    found = advice(case(page(1) + dump(*zones)))
    assert ("formula_kb" in found["min_free_kbytes"].numbers) is accused


# --- the OOM killer, called for a request that may call no file system ---


@pytest.mark.parametrize(
    ("text", "says_uncalled"),
    [
        (page(0, "0x50(GFP_NOFS)"), True),
        (page(0, "0xc00(GFP_NOIO)"), True),
        (oom(0, "0x2400840(GFP_NOFS|__GFP_NOFAIL)"), False),
        (page(0), False),
    ],
)
def test_no_text_says_that_a_killer_that_was_called_was_not(text, says_uncalled):
    words = " ".join(" ".join(report_lines(explain(text + dump(zone([3]))))).split())
    assert ("The OOM killer is not called for it" in words) is says_uncalled


# --- a kernel that unpacks its first files ---

_NOBODY = "Out of memory and no killable processes...\nKernel panic - not syncing: System is deadlocked on memory\n"
_TABLE = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"


@pytest.mark.parametrize(
    ("tasks", "first"),
    [
        pytest.param("", ["smaller_root"], id="no-program-yet"),
        pytest.param(
            "[     61]     0    61      200      150    20480        0         -1000 guard\n", [], id="guarded"
        ),
    ],
)
def test_where_no_program_was_started_the_first_files_are_the_advice(tasks, first):
    header = " active_file:0 inactive_file:0\n unevictable:9000 dirty:0\n free:3\n"
    footer = f"Tasks state (memory values in pages):\n{_TABLE}{tasks}{_NOBODY}"
    found = case(oom() + dump(zone([3], managed=40_960), header=header, footer=footer))
    assert [what for what in helping(found) if what == "smaller_root"] == first
    assert ("free_memory" in helping(found)) is not bool(first)
