"""What advice depends on: compaction, caches, what holds memory, the row that is short, starts and mmaps, trimming."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.explain.holders import holders
from buddywatch.explain.reclaim import reclaim_of
from buddywatch.explain.report import report_lines
from buddywatch.explain.request import Request
from buddywatch.explain.trimming import is_picture
from buddywatch.kernel_text.state import Options
from kernel_dumps import LOADED, advice, alloc, case, cases, dump, helping, oom, page, zone

MOVABLE = {"active_anon": 900, "inactive_anon": 0, "active_file": 800, "inactive_file": 0}


# --- compaction ---


@pytest.mark.parametrize(
    ("order", "letters", "values", "says"),
    [
        pytest.param(0, "", {}, None, id="a-single-page-is-no-matter-of-pieces"),
        pytest.param(4, "U", MOVABLE, False, id="unmovable-blocks-alone"),
        pytest.param(4, "UE", {key: 0 for key in MOVABLE}, False, id="no-movable-page-in-the-zone"),
        pytest.param(4, "UM", MOVABLE, True, id="movable-ones-among-them"),
        pytest.param(4, "", MOVABLE, True, id="letters-unknown"),
        pytest.param(4, "", {}, True, id="nothing-known"),
    ],
)
def test_compaction_is_offered_where_it_can_help(order, letters, values, says):
    counts = [0] if not order else [500, 200, 100]
    text = "CONFIG_COMPACTION=y\n" + page(order) + dump(zone(counts, letters=letters, **values))
    found = advice(case(text)).get("compaction")
    assert (found.helps if found else None) is says
    if says:
        assert found.numbers == {"at_best_blocks": (500 + 400 + 400) >> 4}


def test_compaction_cannot_be_had_without_an_mmu_or_before_2_6_35():
    refused = dump(zone([500, 200, 100]))
    assert "without an MMU" in advice(case(alloc(61440) + refused))["compaction"].text
    assert "compaction" not in advice(case(alloc(4096) + dump(zone([0]))))
    assert "2.6.35" in advice(case(page(4, "0xd0") + refused, "2.6.30"))["compaction"].text


def test_too_little_memory_is_no_matter_of_compaction():
    assert "compaction" not in advice(case(page(4) + dump(zone([10]))))


# --- what reclaim could free ---


@pytest.mark.parametrize(
    ("zones", "header", "pages"),
    [
        pytest.param([zone([9], active_file=400, inactive_file=400)], "", 200, id="clean-file-pages"),
        pytest.param(
            [zone([9], active_file=400, inactive_file=400, writepending=600)], "", 50, id="without-dirty-ones"
        ),
        pytest.param([zone([9], active_file=400, inactive_file=0, dirty=200, writeback=300)], "", 0, id="old-keys"),
        pytest.param([zone([9], active_file=0, inactive_file=40, unevictable=4000)], "", 10, id="not-unevictable-ones"),
        pytest.param([zone([9], active_file=40, inactive_file=0, shmem=4000)], "", 10, id="not-shmem"),
        pytest.param(
            [zone([9], active_file=40, inactive_file=0), zone([9], name="HighMem", active_file=80000, inactive_file=0)],
            "",
            10,
            id="not-those-of-highmem",
        ),
        pytest.param(
            [zone([9], active_file=40, inactive_file=0)],
            "slab_reclaimable:30 slab_unreclaimable:9\n",
            40,
            id="and-slab",
        ),
        pytest.param([zone([9], active_file=40, inactive_file=0, slab_reclaimable=80)], "", 30, id="slab-by-zone"),
        pytest.param([zone([9])], "", None, id="not-in-the-text"),
    ],
)
def test_caches_count_where_they_can_be_freed_for_this_request(zones, header, pages):
    found = case(page(0) + dump(*zones, header=header))
    told = reclaim_of(found.state, Request(0))
    assert (told.pages if told else None) == pages


def test_highmem_counts_for_requests_that_may_use_it():
    zones = [zone([9], active_file=40, inactive_file=0), zone([9], name="HighMem", active_file=400, inactive_file=0)]
    found = case(page(0, "0x100cca(GFP_HIGHUSER_MOVABLE)") + dump(*zones))
    assert reclaim_of(found.state, found.answer.request).pages == 110


# --- what holds the memory ---

HEADER = (
    "active_anon:{anon} inactive_anon:0 isolated_anon:0\n active_file:{file} inactive_file:10 isolated_file:0\n"
    " unevictable:{unevictable} dirty:0 writeback:0\n slab_reclaimable:10 slab_unreclaimable:{slab}\n"
    " mapped:0 shmem:{shmem} pagetables:{tables} bounce:0\n free:50 free_pcp:0 free_cma:0\n"
)


@pytest.mark.parametrize(
    ("use", "what"),
    [
        pytest.param({"shmem": 8000, "anon": 8100}, "remove_tmpfs_files", id="tmpfs"),
        pytest.param({"slab": 8000}, "look_at_slab", id="slab"),
        pytest.param({"unevictable": 8000}, "remove_ramfs_files", id="ramfs-or-mlock"),
        pytest.param({"anon": 8000}, "end_programs", id="programs"),
        pytest.param({"tables": 8000}, "fewer_mappings", id="page-tables"),
        pytest.param({"reserved": 6000}, "give_memory", id="never-given-to-linux"),
    ],
)
def test_advice_follows_from_what_holds_the_memory(use, what):
    uses = {"anon": 100, "file": 10, "unevictable": 0, "slab": 100, "shmem": 0, "tables": 20} | use
    footer = f"10000 pages RAM\n{uses.pop('reserved', 1000)} pages reserved\n"
    found = case(oom() + dump(zone([50], managed=64000), header=HEADER.format(**uses), footer=footer))
    assert helping(found)[0] == what


@pytest.mark.parametrize(("slab", "unlisted_kb"), [(100, (24000 - 50 - 100 - 20 - 10 - 100 - 20) * 4), (22000, None)])
def test_memory_that_the_kernel_does_not_list_is_told(slab, unlisted_kb):
    """Pages that are managed, less the free ones and all that the header names."""
    header = HEADER.format(anon=100, file=10, unevictable=0, slab=slab, shmem=0, tables=20)
    found = case(oom() + dump(zone([50]), header=header, footer="40000 pages RAM\n16000 pages reserved\n"))
    told = {holder.use: holder.kb for holder in holders(found.state)}
    assert told.get("unlisted") == unlisted_kb
    assert ("look_at_drivers" in helping(found)) is (unlisted_kb is not None)


def test_nothing_large_gives_no_such_advice():
    uses = {"anon": 100, "file": 23000, "unevictable": 0, "slab": 100, "shmem": 0, "tables": 20}
    footer = "40000 pages RAM\n16000 pages reserved\n"
    assert helping(case(oom() + dump(zone([50]), header=HEADER.format(**uses), footer=footer)))[0] == "free_memory"


def test_kill_with_a_page_free_a_moment_later_is_told_by_what_filled_the_memory():
    uses = {"anon": 12100, "file": 10, "unevictable": 0, "slab": 100, "shmem": 12000, "tables": 20}
    footer = "14000 pages RAM\n1000 pages reserved\n"
    found = case(oom() + dump(zone([500, 100, 50]), header=HEADER.format(**uses), footer=footer))
    assert (found.answer.verdict, helping(found)) == ("ok", ["remove_tmpfs_files"])


# --- the row that is short ---


@pytest.mark.parametrize(
    ("order", "free", "missing_kb"),
    [
        # 90 pages of min, 16 asked for: 106 in all
        pytest.param(4, [60], (106 - 60) * 4, id="order-4"),
        pytest.param(0, [60], (91 - 60) * 4, id="order-0"),
        pytest.param(10, [60], (1024 + 90 - 60) * 4, id="order-10"),
    ],
)
def test_too_little_memory_is_counted_by_the_row_of_all_pages(order, free, missing_kb):
    found = case(page(order) + dump(zone(free)))
    assert found.answer.reason == "too-little-memory"
    assert advice(found)["free_memory"].numbers == {"missing_kb": missing_kb}


@pytest.mark.parametrize("managed_kb", [8000, 60, None])
def test_block_larger_than_all_memory_can_never_be_had(managed_kb):
    values = {"managed": managed_kb} if managed_kb else {}
    found = case(page(4) + dump(zone([5], 4, **values)))
    assert ("exceeds-memory" in found.notes) is (managed_kb == 60)
    assert (helping(found) == ["smaller"]) is (managed_kb == 60)


# --- starts and mmaps ---

FRAGMENTED = dump(zone([500, 10, 200]))


@pytest.mark.parametrize("stamp", ["", "[   12.000000] "], ids=["any-time", "just-started"])
def test_a_block_with_the_text_in_it_is_made_smaller_by_less_text(stamp):
    """A stack is a small part of it. Where the text lies in the file's place, the stack is what can be changed."""
    for what, has_text in (("process text/data", True), ("process data", False)):
        lines = alloc(61440) + FRAGMENTED + LOADED.replace("process data", what)
        found = advice(case("".join(stamp + line for line in lines.splitlines(keepends=True))))
        words = " ".join(found[key].text for key in ("smaller", "smaller_program") if key in found)
        assert ("smaller_program" in found) == bool(stamp)
        assert ("flthdr" in words, "fewer applets make it smaller" in words) == (not has_text, has_text)


@pytest.mark.parametrize(
    ("text", "is_start"),
    [
        pytest.param(alloc(61440) + FRAGMENTED + LOADED, [True], id="loader-line"),
        pytest.param(alloc(61440) + FRAGMENTED, [None], id="nothing-told"),
        pytest.param(
            alloc(128 << 10, "app") + FRAGMENTED + alloc(64 << 10, "app") + FRAGMENTED,
            [False, False],
            id="falling-sizes",
        ),
        pytest.param(
            alloc(61440, pid=37) + FRAGMENTED + alloc(98304, pid=38) + FRAGMENTED, [None, None], id="two-processes"
        ),
        pytest.param(alloc(61440) + FRAGMENTED + alloc(61440) + FRAGMENTED, [None, None], id="the-same-size-twice"),
    ],
)
def test_mmap_of_a_running_process_is_told_from_a_start(text, is_start):
    found = cases(text)
    assert [one.is_start for one in found] == is_start
    said = " ".join(" ".join(report_lines(explain(text, Options("6.1.0")))).split())
    assert ("a program that ran already" in said) is (is_start[-1] is False)
    for one in found:
        words = advice(one)
        assert ("ask_once" in words, "resident" in words) == ((True, False) if one.is_start is False else (False, True))


@pytest.mark.parametrize(
    ("stamp", "first"),
    [
        pytest.param("[    9.224273] ", "smaller_program", id="at-the-first-prompt"),
        pytest.param("[ 8649.224273] ", "reboot", id="after-hours"),
        pytest.param("", "reboot", id="no-stamp"),
    ],
)
def test_failure_soon_after_the_boot_is_not_told_to_boot_again_first(stamp, first):
    text = "".join(stamp + line + "\n" for line in (alloc(61440) + FRAGMENTED).splitlines())
    found = case(text)
    assert helping(found)[0] == first
    assert (advice(found)["reboot"].numbers == {"uptime_s": 9}) is (first != "reboot")


def test_advice_that_needs_no_page_size_is_given_without_one():
    """A list that lost its small sizes shows no page size; a block is missing whatever it is."""
    found = case(alloc(5283840, "ld") + "Normal: ... 3*1024kB 2*2048kB 3*4096kB 0*8192kB = 25400kB\n")
    assert (found.page_bytes, found.answer.verdict) == (None, "refused")
    assert helping(found) == ["reboot", "resident", "builtin"]
    assert not advice(found)["compaction"].helps


def test_first_program_is_not_told_to_end_others():
    found = case(alloc(102400, "init", pid=1) + FRAGMENTED + LOADED)
    assert helping(found)[0] == "smaller_program"
    assert not {"resident", "builtin", "reboot"} & set(advice(found))


# --- trimming ---


@pytest.mark.parametrize(
    ("counts", "size_bytes", "trim", "is_it"),
    [
        pytest.param([31, 47, 42, 64, 1], 61440, None, True, id="the-report-that-began-it"),
        pytest.param([0, 90, 97, 95, 1], 61440, None, True, id="measured-2.6.30"),
        pytest.param([31, 47, 42, 64, 1], 61440, 1, True, id="setting-told"),
        pytest.param([31, 47, 42, 64, 1], 61440, 0, False, id="trimming-is-off"),
        pytest.param([5, 5, 52, 79], 61440, None, False, id="not-about-equal"),
        pytest.param([140, 32, 6], 61440, None, False, id="small-ones-alone"),
        pytest.param([31, 47, 42, 64, 1], 65536, None, False, id="nothing-to-trim"),
        pytest.param([30, 4, 4, 4], 61440, None, False, id="too-few-to-tell"),
        pytest.param([300, 47, 42], 28672, None, True, id="smaller-program"),
        pytest.param([300, 40], 12288, None, False, id="one-size-proves-nothing"),
    ],
)
def test_picture_of_trimming_is_recognised(counts, size_bytes, trim, is_it):
    sysctl = "" if trim is None else f"nr_trim_pages = {trim}\n"
    found = case(sysctl + alloc(size_bytes) + dump(zone(counts)), "2.6.30")
    assert found.answer.verdict == "refused"
    assert is_picture(found) is is_it
    assert (helping(found)[0] == "nr_trim_pages") is is_it
    if is_it:
        assert "It prevents, it does not repair" in advice(found)["nr_trim_pages"].text


def test_a_larger_block_that_is_left_is_not_the_picture():
    """Refused all the same, by a high mark: 32 pages in blocks of 64 kB or larger, and 16 + (500 >> 4) demanded."""
    for counts, is_it in (([31, 47, 42, 64, 1], True), ([31, 47, 42, 64, 0, 1], False)):
        found = case(alloc(61440) + dump(zone(counts, 2000)), "2.6.30")
        assert (found.answer.verdict, is_picture(found)) == ("refused", is_it)


def test_picture_is_none_on_a_machine_with_an_mmu():
    assert not is_picture(case(page(4, "0xd0") + dump(zone([31, 47, 42, 64, 1])), "2.6.30"))
