"""What terminals and pasting do to a report never makes a wrong answer of the right one; it may become unknown.

Every cut at a column, every fold at 60 to 120 columns, with many prefixes, on reports of all eras with drawn numbers.
"""

import pytest
from buddywatch.explain.answers import Wanted, explain
from buddywatch.kernel_text.state import Options
from hypothesis import example, given, settings
from hypothesis import strategies as st
from log_forms import PREFIXES as ALL_PREFIXES

PREFIXES = {
    "bare": "",
    "printk": "[  533.797044] ",
    "caller": "<4>[  533.797044][   T94] ",
    "syslog": "Nov 22 10:00:00 board kernel: ",
    "both": "Nov 22 10:00:00 board kernel: [  533.797044] ",
    "dmesg-x": "kern  :warn  : [  533.797044] ",
    "dmesg-T": "[Sun Nov 22 10:00:00 2026] ",
    "tio": "[10:00:00.123] [  533.797044] ",
    "iso": "2026-11-22T10:00:00+01:00 board kernel: ",
    "quoted": "> > ",
    "grep": "17:[  533.797044] ",
}


def block_list(counts, unit_kb=4, letters=False):
    told = [f"{count}*{unit_kb << order}kB{' (UM)' if letters and count else ''}" for order, count in enumerate(counts)]
    return f"{' '.join(told)} = {sum(count * unit_kb << order for order, count in enumerate(counts))}kB"


def total_kb(counts):
    return sum(count * 4 << order for order, count in enumerate(counts))


def old_report(counts, min_pages, mode="0xd0"):
    """2.6.30 without an MMU."""
    free, low, high = total_kb(counts), min_pages * 5, min_pages * 6
    return [
        "rm: page allocation failure. order:4, mode:" + mode,
        "Pid: 6821, comm: rm Not tainted 2.6.30 #1",
        "Mem-Info:",
        "DMA per-cpu:",
        "CPU    0: hi:    0, btch:   1 usd:   0",
        "Active_anon:0 active_file:12 inactive_anon:0",
        " inactive_file:17 unevictable:0 dirty:0 writeback:0 unstable:0",
        f" free:{free // 4} slab:261 mapped:0 pagetables:0 bounce:0",
        f"DMA free:{free}kB min:{min_pages * 4}kB low:{low}kB high:{high}kB active_anon:0kB inactive_anon:0kB "
        "active_file:48kB inactive_file:68kB unevictable:0kB present:8128kB pages_scanned:0 all_unreclaimable? no",
        "lowmem_reserve[]: 0 0 0",
        f"DMA: {block_list(counts)}",
        "14 total pagecache pages",
        "Allocation of length 61440 from process 6821 (rm) failed",
    ]


def new_report(counts, min_pages, mode="0x24000c0(GFP_KERNEL)"):
    """4.9 on x86_64, two zones."""
    free, low, high = total_kb(counts), min_pages * 5, min_pages * 6
    return [
        f"mmcqd/1: page allocation failure: order:4, mode:{mode}, nodemask=(null)",
        "CPU: 1 PID: 94 Comm: mmcqd/1 Tainted: G        W       4.9.0-uc0 #2",
        "Mem-Info:",
        "active_anon:9113 inactive_anon:51 isolated_anon:0",
        " active_file:30 inactive_file:41 isolated_file:0",
        " unevictable:0 dirty:0 writeback:0 unstable:0",
        " slab_reclaimable:812 slab_unreclaimable:2133",
        " mapped:402 shmem:17 pagetables:59 bounce:0",
        f" free:{free // 4 + 3} free_pcp:2 free_cma:0",
        "Node 0 DMA free:12kB min:132kB low:164kB high:196kB active_anon:0kB present:15984kB managed:15900kB "
        "mlocked:0kB kernel_stack:0kB pagetables:0kB bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB",
        "lowmem_reserve[]: 0 1351 1351 1351",
        f"Node 0 DMA32 free:{free}kB min:{min_pages * 4}kB low:{low}kB high:{high}kB active_anon:3656kB "
        "present:1489480kB managed:1423944kB mlocked:0kB kernel_stack:0kB pagetables:4kB bounce:0kB free_pcp:8kB "
        "local_pcp:8kB free_cma:0kB",
        "lowmem_reserve[]: 0 0 0 0",
        "Node 0 DMA: 3*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 12kB",
        f"Node 0 DMA32: {block_list(counts, letters=True)}",
        "130 total pagecache pages",
        "376366 pages RAM",
    ]


def proc_report(counts, min_pages, mode=""):
    """The files of /proc, as 4.9 prints them."""
    row = "".join(f"{count:6} " for count in counts)
    return [
        "Linux version 4.9.0-uc0 (root@board) (gcc version 6.3.0) #2 Sun Nov 22 10:00:00 UTC 2026",
        f"Node 0, zone   Normal {row}",
        "Node 0, zone   Normal",
        f"  pages free     {sum(count << order for order, count in enumerate(counts))}",
        f"        min      {min_pages}",
        f"        low      {min_pages * 5 // 4}",
        f"        high     {min_pages * 6 // 4}",
        "        spanned  16384",
        "        present  16384",
        "        managed  15900",
        "        protection: (0, 0, 0)",
        "MemTotal:          63600 kB",
        f"MemFree:        {total_kb(counts):8} kB",
    ]


REPORTS = [old_report, new_report, proc_report]
SEED = [31, 47, 42, 64, 1, 0, 0, 0, 0, 0, 0]
RICH = [1310, 966, 675, 120, 14, 3, 1, 0, 2, 1, 3]
NUMBERS = st.lists(st.integers(0, 4) | st.integers(0, 2000), min_size=11, max_size=11)
NEEDS = [Wanted("page", 4096), Wanted("rm", 61440), Wanted("large", 1 << 20)]


def answers(text, options=Options()):  # noqa: B008 - frozen
    explanation = explain(text, options, NEEDS)
    return explanation.failures, explanation.needs


def is_compatible(answer, whole, is_rule_inferred=False):
    """True if the answer is the whole one, or less than it."""
    if answer.verdict is None or whole.verdict is None:
        return answer.verdict is None
    if answer.verdict != whole.verdict:
        return False
    if answer.reason not in (whole.reason, "either-way"):
        return False
    if answer.margin_pages is None or whole.margin_pages is None or is_rule_inferred:
        return True
    if not answer.is_bound:
        return answer.margin_pages == whole.margin_pages
    is_at_most = answer.verdict == "refused"
    return whole.margin_pages <= answer.margin_pages if is_at_most else whole.margin_pages >= answer.margin_pages


def test_every_kind_of_prefix_is_drawn():
    assert len(set(ALL_PREFIXES)) >= 80


def check(lines, damaged):
    failures, needs = answers("\n".join(lines))
    found, found_needs = answers(damaged)
    assert len(found) <= len(failures)
    for case in found:
        whole = failures[0]
        assert case.name in (whole.name, None)
        assert case.message.pid in (whole.message.pid, None)
        assert case.order in (whole.order, None)
        assert case.requested_bytes in (whole.requested_bytes, None)
        assert is_compatible(case.answer, whole.answer, "inferred-rule" in case.notes), (case.answer, whole.answer)
    for case, whole in zip(found_needs, needs, strict=False):
        assert is_compatible(case.answer, whole.answer, "inferred-rule" in case.notes), (case.answer, whole.answer)


def cut(lines, column):
    return "\n".join(line[:column] for line in lines)


def fold(lines, columns):
    return "\n".join(line[at : at + columns] for line in lines for at in range(0, max(len(line), 1), columns))


MODES = {
    old_report: ["0xd0", "0x20"],
    new_report: ["0x24000c0(GFP_KERNEL)", "0x2080020(GFP_ATOMIC)"],
    proc_report: [""],
}


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", PREFIXES["both"]], ids=["bare", "both"])
@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("counts", [SEED, RICH], ids=["seed", "rich"])
def test_every_cut_is_harmless(report, counts, prefix):
    for mode in MODES[report]:
        lines = [prefix + line for line in report(counts, 90, mode)]
        for column in range(1, max(map(len, lines)) + 1):
            check(lines, cut(lines, column))


@pytest.mark.slow
@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("counts", [SEED, RICH], ids=["seed", "rich"])
def test_every_fold_is_harmless(report, counts, prefix):
    for mode in MODES[report]:
        lines = [prefix + line for line in report(counts, 90, mode)]
        for columns in range(60, 121, 1 if prefix in ("", PREFIXES["both"]) else 9):
            check(lines, fold(lines, columns))


KERN_WARN = "Sun Nov 22 10:00:00 2026 kern.warn kernel: [  533.797044] "
DAMAGE = st.tuples(st.just(cut), st.integers(1, 300)) | st.tuples(st.just(fold), st.integers(60, 120))


@settings(max_examples=150)
@given(
    NUMBERS,
    st.integers(0, 400),
    st.sampled_from([(report, mode) for report, modes in MODES.items() for mode in modes]),
    st.sampled_from(ALL_PREFIXES),
    DAMAGE,
)
# More is free than the zone has: numbers that contradict each other.
@example([0, 0, 0, 1924, 0, 0, 0, 0, 0, 0, 1], 0, (proc_report, ""), PREFIXES["printk"], (cut, 99))
@example([0, 0, 0, 0, 3, 1419, 0, 0, 0, 791, 0], 296, (new_report, MODES[new_report][0]), PREFIXES["iso"], (cut, 66))
# The fold cuts the name off the second list, and the marks off the first zone.
@example([1000, 0, 1, 1, 1, 10, 100, 100, 100, 100, 1000], 0, (new_report, MODES[new_report][0]), KERN_WARN, (fold, 74))
def test_damage_of_any_report_is_harmless(counts, min_pages, report, prefix, damage):
    of, mode = report
    damaged, columns = damage
    lines = [prefix + line for line in of(counts, min_pages, mode)]
    check(lines, damaged(lines, columns))
