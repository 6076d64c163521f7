"""The formats of all eras, 2.6.24 to 7.x, and what pasting does to them."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.explain.case import Wanted
from buddywatch.explain.report import report_lines
from buddywatch.kernel_text.state import Options

LIST = "31*4kB {}47*8kB {}42*16kB {}64*32kB {}1*64kB {}0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 3284kB"
MARKS = "free:3284kB min:360kB low:448kB high:540kB"
OLD_ZONE = f"DMA {MARKS} present:8128kB pages_scanned:0 all_unreclaimable? no"
NEW_ZONE = f"DMA {MARKS} reserved_highatomic:0KB active_file:0kB present:8192kB managed:5480kB free_cma:0kB"
HEADER = "active_anon:0 inactive_anon:0 isolated_anon:0\n active_file:1 inactive_file:0 free:821 slab_reclaimable:0"
OLD_LIST = "DMA: " + LIST.replace("{}", "")
LOST_RESERVE = "lowmem_reserve[]: 0 0 0"


def dump(zone, blocks=OLD_LIST, header=HEADER):
    return "\n".join(["Mem-Info:", header, zone, LOST_RESERVE, blocks, "14 total pagecache pages", ""])


def lettered(letters):
    return "DMA: " + LIST.replace("{}", f"({letters}) ")


ERAS = [
    pytest.param(
        "Allocation of length 61440 from process 6821 failed\n" + dump(OLD_ZONE), "2.6.24", "old", None, id="2.6.24"
    ),
    pytest.param(
        "rm: page allocation failure. order:4, mode:0xd0\nPid: 6821, comm: rm Not tainted 2.6.30 #1\n" + dump(OLD_ZONE),
        None,
        "old",
        "rm",
        id="2.6.30-page",
    ),
    pytest.param(
        "rm: page allocation failure: order:4, mode:0xd0\nPid: 6821, comm: rm Not tainted 3.1.3 #1\n" + dump(OLD_ZONE),
        None,
        "off2",
        "rm",
        id="3.1",
    ),
    pytest.param(
        "rm: page allocation failure: order:4, mode:0xd0\nCPU: 0 PID: 6821 Comm: rm Not tainted 3.10.108 #1\n"
        + dump(OLD_ZONE, lettered("UEM")),
        None,
        "old",
        "rm",
        id="3.10-letters",
    ),
    pytest.param(
        "nommu: Allocation of length 61440 from process 6821 (rm) failed\n" + dump(NEW_ZONE, lettered("UMR")),
        "4.3.0",
        "old",
        "rm",
        id="4.3-reserve-letter",
    ),
    pytest.param(
        "rm: page allocation failure: order:4, mode:0x24000c0(GFP_KERNEL)\n"
        "CPU: 0 PID: 6821 Comm: rm Tainted: G        W       4.9.0-uc0 #2\n" + dump(NEW_ZONE, lettered("UME")),
        None,
        "new",
        "rm",
        id="4.9",
    ),
    pytest.param(
        "rm: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0\n"
        "CPU: 0 PID: 6821 Comm: rm Not tainted 6.1.192 #17\n"
        + dump(NEW_ZONE.replace("min:", "boost:0kB min:"), lettered("U")),
        None,
        "new",
        "rm",
        id="6.1-boost",
    ),
    pytest.param(
        "rm: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL)\n"
        "CPU: 0 UID: 0 PID: 6821 Comm: rm Not tainted 7.2.0\n"
        + dump(NEW_ZONE.replace("KB ", "KB free_highatomic:0KB "), lettered("U")),
        None,
        "new",
        "rm",
        id="7.2",
    ),
]


@pytest.mark.parametrize(("text", "release", "rule", "process"), ERAS)
def test_every_era_is_read(text, release, rule, process):
    explanation = explain(text, Options(release=release))
    (failure,) = explanation.failures
    assert (failure.name, failure.order, failure.page_bytes) == (process, 4, 4096)
    assert failure.message.pid == 6821
    assert failure.kernel.rules == (rule,)
    verdict = {"old": ("refused", -5, "reserve"), "off2": ("refused", -7, "reserve"), "new": ("ok", 0, "granted")}
    answer = failure.answer
    assert (answer.verdict, answer.margin_pages, answer.reason) == verdict[rule]


SEED = f"Allocation of length 61440 from process 6821 (rm) failed\n{OLD_ZONE}\n{LOST_RESERVE}\n{OLD_LIST}\n"
OLD = Options(release="2.6.30")


def each(prefix):
    return "".join(prefix.format(n) + line + "\n" for n, line in enumerate(SEED.splitlines()))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(each("[   12.{:06}] "), id="printk-time"),
        pytest.param(each("<4>"), id="level"),
        pytest.param(each("<4>[   12.{:06}] "), id="level-and-time"),
        pytest.param(each("[   12.{:06}] [ T123] ").replace("[ T123]", "[ T123]"), id="caller"),
        pytest.param(each("Nov 22 10:00:0{} board kernel: "), id="syslog"),
        pytest.param(each("Nov 22 10:00:0{} board kernel: [   12.000001] "), id="syslog-and-time"),
        pytest.param(each("[Sun Nov 22 10:00:0{} 2026] "), id="dmesg-T"),
        pytest.param(each("> "), id="quoted"),
        pytest.param(each("> > > "), id="quoted-thrice"),
        pytest.param(each("    "), id="indented"),
        pytest.param("```\n" + SEED + "```\n", id="fenced"),
        pytest.param("".join(f"`{line}`\n" for line in SEED.splitlines()), id="backticks"),
        pytest.param(SEED.replace("\n", "\r\n"), id="crlf"),
        pytest.param(SEED.replace("\n", "\n\n"), id="double-spaced"),
        pytest.param(SEED.replace("\n", " "), id="joined"),
        pytest.param(SEED.replace(" ", "\xa0"), id="no-break-spaces"),
        pytest.param("\n".join(f"\x1b[33m{line}\x1b[0m" for line in SEED.splitlines()), id="colours"),
        pytest.param("It says: " + SEED.replace("\n", "\nand then\n"), id="prose-between"),
        pytest.param("&lt;4&gt;" + SEED.replace("\n", "\n&lt;4&gt;"), id="escaped-html"),
    ],
)
def test_seed_is_read_however_it_is_pasted(text):
    (failure,) = explain(text, OLD).failures
    assert (failure.name, failure.requested_bytes) == ("rm", 61440)
    assert (failure.answer.verdict, failure.answer.margin_pages) == ("refused", -5)


@pytest.mark.parametrize("columns", range(60, 133, 3))
def test_seed_is_read_however_a_terminal_cut_it(columns):
    text = "".join(
        line[at : at + columns] + "\n" for line in SEED.splitlines() for at in range(0, max(len(line), 1), columns)
    )
    (failure,) = explain(text, OLD).failures
    answer = failure.answer
    assert (answer.verdict, answer.margin_pages) == ("refused", -5)
    assert answer.zone.nr_free == [31, 47, 42, 64, 1, 0, 0, 0, 0, 0, 0]


def test_list_that_lost_a_part_is_called_incomplete():
    (failure,) = explain(SEED.replace("42*16kB ", ""), OLD).failures
    assert "incomplete-list" in failure.notes


def test_failure_without_a_list_has_no_verdict():
    (failure,) = explain("Allocation of length 61440 from process 6821 (rm) failed\n", OLD).failures
    assert (failure.answer.verdict, failure.answer.reason) == (None, "unknown")


def test_failure_without_a_list_is_judged_by_buddyinfo_and_says_so():
    row = "Node 0, zone      DMA     31     47     42     64      1      0      0      0      0      0      0 \n"
    text = "Allocation of length 61440 from process 6821 (rm) failed\n" + row
    (failure,) = explain(text, Options(release="2.6.30", page_kb=4, min_kb=360)).failures
    assert (failure.answer.verdict, failure.answer.margin_pages) == ("refused", -5)
    assert "borrowed-state" in failure.notes


def test_rows_of_several_reads_are_several_states():
    row = "Node 0, zone      DMA      {} 0 0 0 0 0 0 0 0 0 0\n"
    explanation = explain("".join(row.format(n) for n in range(5)), OLD, [Wanted("n", 4096)])
    assert [state.zones[0].nr_free[0] for state in explanation.states] == [0, 1, 2, 3, 4]
    assert len(explanation.needs) == 5


def test_blocks_of_another_list_do_not_count():
    """By pagetypeinfo the only 64 kB block is set aside for atomic requests: the newer rule does not give it."""
    text = (
        "Linux version 6.1.192\nNode 0, zone      DMA    400      0      0      0      1      0\n"
        "Page block order: 10\nPages per block:  1024\n\n"
        "Free pages count per migrate type at order       0      1      2      3      4      5\n"
        "Node    0, zone      DMA, type    Unmovable    400      0      0      0      0      0\n"
        "Node    0, zone      DMA, type   HighAtomic      0      0      0      0      1      0\n"
        "Number of blocks type     Unmovable   HighAtomic\nNode 0, zone      DMA            1            1\n"
    )
    explanation = explain(text, Options(page_kb=4, min_kb=360), [Wanted("n", 61440)])
    assert [state.source for state in explanation.states] == ["buddyinfo"]
    assert (explanation.needs[0].answer.verdict, explanation.needs[0].answer.reason) == ("refused", "atomic-reserve")


@pytest.mark.parametrize(
    ("mode", "release", "can_wait", "margin"),
    [
        # min 90 as it is; half of it for __GFP_HIGH, a quarter off for what cannot wait: 34. Hardest at order 1.
        pytest.param("0xd0", "2.6.30", True, 4 - (4 + 45), id="kernel"),
        pytest.param("0x20", "2.6.30", False, 4 - (4 + 17), id="atomic"),
        pytest.param("0x24000c0(GFP_KERNEL)", "4.9.0", True, 0, id="named"),
        pytest.param("0x2080020(GFP_ATOMIC)", "4.9.0", False, 0, id="atomic-named"),
        pytest.param("0x24000c0", "4.4.0", True, 0, id="kernel-4.4-bits"),
        pytest.param("0x2080020", "4.4.0", False, 0, id="atomic-4.4-bits"),
    ],
)
def test_mode_tells_whether_a_request_can_wait(mode, release, can_wait, margin):
    blocks = "DMA: 400*4kB 0*8kB 1*16kB 0*32kB 0*64kB 0*128kB = 1616kB"
    text = f"eth0: page allocation failure: order:2, mode:{mode}\n{OLD_ZONE}\n{LOST_RESERVE}\n{blocks}\n"
    (failure,) = explain(text, Options(release=release)).failures
    assert failure.answer.request.can_wait is can_wait
    assert failure.answer.margin_pages == margin
    assert ("cannot-wait" in failure.notes) is not can_wait


def test_oom_killer_and_what_follows_is_one_failure():
    text = (
        "rm invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=2, oom_score_adj=0\n"
        + dump(NEW_ZONE, "DMA: 300*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB = 1200kB", HEADER.replace("821", "300"))
        + "Out of memory: Killed process 37 (sh) total-vm:0kB\n"
        + "rm: page allocation failure: order:2, mode:0xcc0(GFP_KERNEL)\n"
        + "nommu: Allocation of length 16384 from process 38 (rm) failed\n"
    )
    (failure,) = explain(text, Options(release="6.1.0")).failures
    assert failure.message.kinds == ["oom", "page", "alloc"]
    assert failure.message.killed == ["sh (37)"]
    assert (failure.requested_bytes, failure.answer.reason) == (16384, "fragmented")
    assert "oom-killer" in failure.notes


def test_control_group_that_was_full_is_told_from_the_machine():
    text = (
        "t invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=0\n"
        + dump(NEW_ZONE)
        + "Memory cgroup out of memory: Kill process 7 (t) score 1000 or sacrifice child\nKilled process 7 (t)\n"
    )
    explanation = explain(text, Options(release="3.10.0"))
    assert explanation.failures[0].message.killed == ["t (7)"]
    assert "the machine was not out of memory" in " ".join(" ".join(report_lines(explanation)).split())


@pytest.mark.parametrize(
    ("text", "release", "rule", "verdict"),
    [
        pytest.param("", "3.4.0", "old", "refused", id="plain"),
        pytest.param("min_free_order_shift = 4\n", "3.4.0", "old4", "tight", id="android"),
        pytest.param("min_free_order_shift:1\n", "3.4.0", "old", "refused", id="android-default"),
        pytest.param("", "2.6.32-642.el6.x86_64", "el6", "tight", id="rhel6"),
    ],
)
def test_vendors_rules_are_told_by_what_the_text_has(text, release, rule, verdict):
    (failure,) = explain(
        text + SEED.replace("1*64kB", "2*64kB").replace("3284", "3348"), Options(release=release, min_kb=2800)
    ).failures
    assert failure.kernel.rules == (rule,)
    assert failure.answer.verdict == verdict


def test_several_refusals_in_a_state_share_what_would_help():
    row = "Node 0, zone      DMA     31     47     42     64      1      0      0      0      0      0      0 \n"
    wanted = [Wanted("61440 bytes", 61440), Wanted("131072 bytes", 131072)]
    lines = report_lines(explain(row, Options("2.6.30", min_kb=360, page_kb=4), wanted))
    assert sum(line.strip() == "What would help" for line in lines) == 1
    assert sum("FAILS" in line for line in lines) == 2
