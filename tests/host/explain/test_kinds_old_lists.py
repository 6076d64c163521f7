"""Lists without zone names, tables without a head, headers after a host's name, and what held the memory at a kill."""

from buddywatch.explain.answers import explain
from buddywatch.explain.report import report_lines

LISTS = (
    "0*4kB 0*8kB 0*16kB 1*32kB 0*64kB 1*128kB 1*256kB 1*512kB 1*1024kB 0*2048kB 0*4096kB = 1952kB)\n"
    "1395*4kB 355*8kB 209*16kB 15*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 12244kB)\n"
)
EARLY = (
    "Normal free:{0}kB min:936kB low:1872kB high:2808kB active:800kB inactive:0kB present:901120kB\n"
    "protections[]: 0 0 0\nNormal: {1}*4kB 0*8kB 0*16kB = {0}kB\n"
)


def told(text):
    return " ".join(" ".join(report_lines(explain(text))).split())


def test_lists_without_zone_names_are_read_by_their_place():
    (state,) = explain(LISTS).states
    assert [zone.name for zone in state.zones] == ["list1", "list2"]
    assert state.mem_free_kb is None or state.free_pages * 4 == 1952 + 12244


def test_a_header_after_the_name_of_a_host_is_one():
    (failure,) = explain(f"laptop oom-killer: gfp_mask=0x1d2\n{EARLY.format(2076, 519)}").failures
    assert (failure.name, failure.message.is_order_assumed) == (None, True)


def test_a_second_kill_does_not_take_the_dump_that_is_not_its_own():
    kill = "Out of Memory: Killed process {} (k3b).\n"
    first, second, header = EARLY.format(2192, 548), EARLY.format(2076, 519), "oom-killer: gfp_mask=0x1d2\n"
    failures = explain(header + first + kill.format(1) + kill.format(2) + header + second).failures
    assert [failure.message.killed for failure in failures] == [["k3b (1)", "k3b (2)"], []]


def test_an_empty_zone_does_not_hide_how_large_memory_is():
    empty = "HighMem free:0kB min:128kB low:256kB high:384kB active:0kB inactive:0kB present:0kB\n"
    dump = "oom-killer: gfp_mask=0x1d2\nActive:1764 inactive:991 free:150 slab:2028 mapped:1518 pagetables:198\n"
    assert "8112 kB 9 %" in told(dump + EARLY.format(600, 150).replace("901120", "90112") + empty)


def test_what_held_the_memory_is_told_of_a_kill_without_a_header():
    dump = EARLY.format(2076, 519).replace("active:800kB", "unevictable:650000kB active:800kB")
    answer = told(dump + "Out of Memory: Killed process 7 (k3b).\n")
    assert "What was free is listed from line 1 on" in answer
    assert "2076 kB were free" in answer


def test_rows_of_the_task_table_without_its_head_are_programs():
    rows = "[ 2737]     0  2737     1506      506   0       0             0 dhcpd\n"
    rows += "[ 3009]     0  3009     1174      174   0       0             0 dhclient\n"
    answer = told(rows + "Out of memory: Kill process 2737 (dhcpd) score 9 or sacrifice child\n")
    assert "dhcpd (2737)" in answer and "dhclient (3009)" in answer
