"""How an answer reads: three lines that answer, a story of 40 lines, several zones, two states, what to type next."""

from pathlib import Path

import pytest
from buddywatch.explain.answers import explain
from buddywatch.explain.case import Wanted
from buddywatch.explain.changes import change_words
from buddywatch.explain.missing import commands
from buddywatch.explain.report import STORY_LINES, report_parts
from buddywatch.explain.state_words import block_table
from buddywatch.explain.zone_words import obstacles
from buddywatch.kernel_text.state import Options
from buddywatch.text.document import Heading, Lead, text_lines
from kernel_dumps import alloc, case, dump, oom, page, zone

REPORTS = sorted((Path(__file__).resolve().parents[2] / "fixtures" / "reports").glob("*.txt"))
ROW = "Node 0, zone      DMA {} \n"


def told(text, full=False, wanted=(), **options):
    return report_parts(explain(text, Options(**options), wanted), full)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_first_lines_say_what_why_and_what_first_and_the_story_is_short(path):
    explanation = explain(path.read_text(encoding="utf-8", errors="replace"))
    parts = report_parts(explanation)
    if not explanation.failures:
        return
    leads = [part for part in parts if isinstance(part, Lead)]
    assert leads[0].label in ("Failed", "Killed")
    assert [part.label for part in leads[1:]] == ["Why", "First"]
    assert parts[:3] == leads
    assert all(part.text.strip(" .") for part in leads)
    start = next(
        n
        for n, part in enumerate(parts)
        if isinstance(part, Heading) and part.text.startswith(("Failed at", "Killed at"))
    )
    ends = [
        n for n, part in enumerate(parts) if isinstance(part, Heading) and part.text.startswith(("Other st", "No fail"))
    ]
    story = parts[start : ends[0] if ends else len(parts)]
    assert len(text_lines(leads)) + len(text_lines(story)) <= STORY_LINES


def test_nothing_is_lost_without_a_word():
    """Failures and states that are not told in full are counted or listed."""
    text = "".join(alloc(61440 << n, pid=30 + n) + dump(zone([300, 20, 60])) for n in range(8))
    text += "".join(ROW.format(f"{n} 0 0 0 0 0 0 0 0 0 0") for n in range(9))
    words = " ".join(" ".join(text_lines(told(text, release="6.1.0"))).split())
    assert "8 failures and 17 states" in words
    assert "the newest 4 of 8 kinds" in words
    assert "the newest 4 of 9" in words


def test_full_has_all_remedies_and_all_tests():
    text = alloc(61440) + dump(zone([300, 20, 60]))
    short, full = (" ".join(text_lines(told(text, form, release="2.6.30"))) for form in (False, True))
    assert "more: `--full`" in short
    assert "8 kB or larger" not in short
    assert "more: `--full`" not in full
    assert "8 kB or larger" in full


def test_refusal_without_a_page_size_says_so_in_its_first_lines():
    text = "Node 0, zone   Normal    900    400    100     30      1      0      0      0      0      0      0\n"
    assert text_lines(told(text, wanted=[Wanted("3145728 bytes", 3 << 20)]))[:3] == [
        "Would fail: 3145728 bytes, a 4 MB block.",
        "Why: fragmentation: no free block of 4 MB.",
        "First: give --page-kb N: what would help depends on the page size.",
    ]


@pytest.mark.parametrize(
    ("size", "lines"),
    [
        (4096, ["Succeeds: 4096 bytes, a 4 kB block.", "Why: 5216 kB to spare.", "First: nothing to do."]),
        (
            61440,
            [
                "Would fail: 61440 bytes, a 64 kB block.",
                "Why: fragmentation: 5504 kB are free, the largest block is 16 kB.",
                "First: make the request smaller: 16 kB or less would have been granted.",
            ],
        ),
    ],
)
def test_need_is_answered_in_the_first_lines(size, lines):
    text = ROW.format("900 138 50 0 0 0 0 0 0 0 0")
    parts = told(text, wanted=[Wanted(f"{size} bytes", size)], release="6.1.0", page_kb=4, min_kb=284)
    assert text_lines(parts)[:3] == lines


# --- several zones ---


def test_each_zones_obstacle_is_told_and_the_nearest_is_the_nearest():
    """A block is there, but lowmem_reserve keeps it: linux-mm, November 2015."""
    small = zone([44, 94, 76, 42, 22, 6, 3, 1, 1], 40, "DMA", low_kb=48, reserves="0 1988 1988 1988")
    large = zone([1972], 5588, "DMA32", low_kb=6984)
    found = case(page(1, "0x204020", "apache2") + dump(small, large), "4.2.3")
    first, second = obstacles(found)
    assert first.startswith("DMA, 8 kB short: 245 blocks large enough, but of its 1992 free pages 1988 are kept")
    assert second == "DMA32, 1056 kB short: no free block is large enough"
    words = " ".join(text_lines(told(page(1, "0x204020", "apache2") + dump(small, large), release="4.2.3")))
    assert "Why: fragmentation: no free block of 8 kB in zone DMA32; DMA has one, but keeps it." in " ".join(
        words.split()
    )


def test_one_zone_needs_no_list_of_obstacles():
    assert obstacles(case(page(4) + dump(zone([300])))) == []


# --- tables ---


@pytest.mark.parametrize("orders", [1, 11, 14, 21, 31])
def test_table_of_blocks_fits_a_terminal_whatever_the_number_of_sizes(orders):
    counts = [10**n % 98765 for n in range(orders)]
    text = ROW.format(" ".join(map(str, counts))) * 2
    lines = block_table(explain(text, Options(page_kb=4)).states[0])
    assert all(len(line) <= 78 for line in lines)
    cells = [cell for line in lines if "free," in line for cell in line.partition("zone DMA")[2].split()]
    heads = [int(cell) for line in lines if "size" in line for cell in line.partition("in kB")[2].split()]
    assert cells == [str(count) for count in counts]
    assert heads == [4 << order for order in range(orders)]


# --- kinds of pages ---


@pytest.mark.parametrize(
    ("kind", "aside"),
    [("CMA", "CMA"), ("HighAtomic", "atomic requests of 2 pages or more"), ("Isolate", "isolated"), ("Movable", None)],
)
def test_kinds_are_told_and_what_plain_requests_may_not_have(kind, aside):
    text = (
        "Page block order: 10\nFree pages count per migrate type at order       0      1      2      3\n"
        "Node    0, zone   Normal, type    Unmovable      3      0      0      1\n"
        f"Node    0, zone   Normal, type   {kind}      1      2      0      0\n"
    )
    words = " ".join(" ".join(text_lines(told(text, page_kb=4))).split())
    assert "Zone Normal by kind: unmovable 44 kB," in words
    assert (f"What is for {aside} (20 kB) serves no plain request" in words) is (aside is not None)


# --- two states ---


@pytest.mark.parametrize(
    ("between", "event"),
    [
        pytest.param("# echo 1 > /proc/sys/vm/compact_memory\n", "compaction", id="compaction"),
        pytest.param("# echo 3 > /proc/sys/vm/drop_caches\n", "drop_caches", id="drop-caches"),
        pytest.param("Linux version 6.1.0\n", "reboot", id="reboot"),
        pytest.param("# sleep 86400\n", None, id="a-day"),
    ],
)
def test_two_states_are_compared(between, event):
    text = ROW.format("400 30 9 0 0 0 0 0 0 0 0") + between + ROW.format("100 30 9 10 8 0 0 0 0 0 0")
    options = Options("6.1.0", min_kb=280, page_kb=4)
    (change,) = explain(text, options, [Wanted("61440 bytes", 61440), Wanted("4096 bytes", 4096)]).changes
    assert change.event == event
    assert (change.grew, change.shrank) == (((3, 0, 10), (4, 0, 8)), ((0, 400, 100),))
    assert change.needs == (("61440 bytes", "refused", "ok"),)
    words = " ".join(" ".join(text_lines(report_parts(explain(text, options, [Wanted("61440 bytes", 61440)])))).split())
    assert "Grew: blocks of 32 kB 0 to 10, blocks of 64 kB 0 to 8. Shrank: blocks of 4 kB 400 to 100." in words
    assert "61440 bytes: FAILS before, succeeds after." in words


def test_two_readings_of_meminfo_are_compared_by_use():
    """A leak: what grew and what shrank, without a page size."""
    reading = "MemTotal: 119260 kB\nMemFree: {} kB\nActive(file): {} kB\nInactive(file): 8 kB\nSUnreclaim: {} kB\n"
    (change,) = explain(reading.format(6112, 17632, 21240) + "\n" + reading.format(5472, 1632, 21940)).changes
    assert change.free == ("6112 kB", "5472 kB")
    assert change.uses == (("file", 17640, 1640), ("slab_unreclaimable", 21240, 21940))
    words = change_words(change)
    assert "free 6112 kB, then 5472 kB." in words
    assert "More for kernel objects, unreclaimable (21240 to 21940 kB)." in words
    assert "Less for page cache of files (17640 to 1640 kB)." in words


def test_states_of_different_zones_are_not_compared():
    text = ROW.format("400 30 9 0") + "Node 1, zone      DMA 400 30 9 0 \n" * 2
    assert len(explain(text).changes) <= 1


def test_failed_request_is_compared_as_well():
    text = alloc(61440) + dump(zone([300, 20, 60], name="DMA")) + ROW.format("300 20 60 0 0") + ROW.format("9 9 9 9 9")
    (change,) = explain(text, Options("6.1.0")).changes
    assert change.needs == (("61440 bytes", "refused", "ok"),)


# --- what to type next ---


@pytest.mark.parametrize(
    ("text", "options", "typed"),
    [
        pytest.param(
            alloc(61440),
            {},
            ["`echo 8 > /proc/sys/kernel/printk`", "`echo m > /proc/sysrq-trigger`", "`cat /proc/zoneinfo`"],
            id="nothing-of-what-was-free-without-mmu",
        ),
        pytest.param(
            page(4),
            {"release": "6.1.0"},
            ["`dmesg -n 8`", "`echo m > /proc/sysrq-trigger`", "`cat /proc/zoneinfo`"],
            id="nothing-of-what-was-free",
        ),
        pytest.param(
            page(2) + "Normal: 9*4kB 9*8kB 9*16kB 9*32kB 0*64kB = 540kB\n",
            {"release": "6.1.0"},
            ["`cat /proc/zoneinfo`", "`echo m > /proc/sysrq-trigger`"],
            id="marks",
        ),
        pytest.param(
            page(4, "0xd0") + dump(zone([31, 47, 42, 64, 1])),
            {},
            ["`cat /proc/version`", "`echo m > /proc/sysrq-trigger`"],
            id="release",
        ),
        pytest.param(page(4) + dump(zone([300])), {"release": "6.1.0"}, [], id="nothing-is-missing"),
    ],
)
def test_missing_facts_are_asked_for_by_the_commands_that_settle_them(text, options, typed):
    found = case(text, options.get("release"))
    assert [command for command, _ in commands(found)] == typed
    assert all(settles for _, settles in commands(found))


def test_sum_of_free_memory_alone_asks_for_the_blocks_and_the_marks():
    (need,) = explain("MemTotal: 9000 kB\nMemFree: 512 kB\n", Options(), [Wanted("n", 4096)]).needs
    assert [command for command, _ in commands(need)][:2] == ["`cat /proc/buddyinfo`", "`cat /proc/zoneinfo`"]


def test_board_without_an_mmu_is_told_how_to_read_without_starting_a_program():
    words = " ".join(" ".join(text_lines(told(alloc(61440)))).split())
    assert "while read l; do echo $l; done < /proc/zoneinfo" in words
    words = " ".join(" ".join(text_lines(told(page(4)))).split())
    assert "while read" not in words


def test_oom_kill_shows_what_holds_the_memory_in_short():
    header = "active_anon:5000 inactive_anon:0 isolated_anon:0\n active_file:0 inactive_file:0\n shmem:0\n free:50\n"
    words = "\n".join(text_lines(told(oom() + dump(zone([50], managed=24000), header=header), release="6.1.0")))
    assert "What holds the memory" in words
    assert "programs (anonymous memory)  20000 kB   83 %" in words
