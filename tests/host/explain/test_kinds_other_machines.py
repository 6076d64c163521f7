"""Kinds of reports that a second reading of other machines' texts found wanting: a table for each kind."""

import pytest
from asking import failures, told

PAGE = "{}: page allocation failure: order:{}, mode:{}, nodemask=(null)\n"
ATOMIC = "0x820(GFP_ATOMIC)"
KILL = "{} kernel: Killed process {} ({}) total-vm:20kB, anon-rss:8kB, file-rss:0kB\n"
HEADER = "{} kernel: java invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
STATS = "{} kernel: Memory cgroup stats for /a: cache:0KB rss:88KB swap:0KB inactive_file:0KB\n"
DUMP = (
    "Normal free:3696kB min:3728kB low:7456kB high:11184kB present:901120kB\nprotections[]: 0 0 0\n"
    "Normal: 6*4kB 17*8kB 15*16kB 1*32kB 1*64kB 1*128kB 0*256kB 0*512kB 1*1024kB 1*2048kB 0*4096kB = 3696kB\n"
)


@pytest.mark.parametrize(
    ("order", "lacked"),
    [(0, "without free memory"), (1, "a usable block of 2 pages"), (3, "a usable block of 8 pages")],
)
def test_several_pages_in_one_piece_can_lack_while_memory_is_free(order, lacked):
    answer = told(PAGE.format("eth0", order, ATOMIC))
    assert lacked in answer
    assert order == 0 or "without free memory" not in answer


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("0xcc1(GFP_KERNEL|GFP_DMA)", "not one page was free of the zone DMA, which alone"),
        ("0xcc4(GFP_KERNEL|GFP_DMA32)", "not one page was free of the zone DMA32 or below, which alone"),
        ("0xcc0(GFP_KERNEL)", "memory ran out"),
    ],
)
def test_a_request_for_low_zones_says_nothing_of_all_memory(mode, words):
    answer = told(PAGE.format("kworker/u2:2", 0, mode))
    assert words in answer
    assert "GFP_DMA" not in mode or "memory ran out" not in answer


@pytest.mark.parametrize(
    ("process", "trace", "before_init"),
    [
        ("swapper", "[<c01f09e8>] (start_kernel+0x48/0x408)\n", True),
        ("swapper/0", "start_kernel+0x50c/0x578\nstart_here_common+0x20/0xa8\n", True),
        ("swapper/0", "CPU: 0 PID: 1 Comm: swapper/0 Not tainted 5.15.68 #1\n", True),
        ("swapper/0", "do_idle+0x1/0x2\nrest_init+0x3/0x4\nstart_kernel+0x50c/0x578\n", False),
        ("swapper/1", "CPU: 1 PID: 0 Comm: swapper/1 Not tainted 5.15.68 #1\nsecondary_start+0x1/0x2\n", False),
        ("init", "CPU: 0 PID: 1 Comm: init Not tainted 5.15.68 #1\nstart_kernel+0x50c/0x578\n", False),
    ],
)
def test_nobody_types_a_command_before_the_first_program(process, trace, before_init):
    answer = told(PAGE.format(process, 0, "0xcc0(GFP_KERNEL)") + trace)
    assert ("loglevel=8" in answer) == before_init
    assert ("sysrq-trigger" in answer) != before_init


@pytest.mark.parametrize(
    ("line", "expected", "not_expected"),
    [
        ("I lowmemorykiller: Kill 'com.a.b' (17), uid 10, oom_score_adj 0 to free 14kB rss, 3kB swap; reason: x\n",
         "the daemon lmkd", "parameters/minfree"),
        ("lmkd: Kill 'com.a.b' (17), uid 10, oom_score_adj 900 to free 14kB\n",
         "the daemon lmkd", "parameters/minfree"),
        ("lowmemorykiller: Killing 'com.a.b' (17), adj 9,\n", "parameters/minfree", "the daemon lmkd"),
        ("send sigkill to 17 (com.a.b), adj 9, size 100\n", "parameters/minfree", "the daemon lmkd"),
    ],
)  # fmt: skip
def test_the_daemon_has_other_settings_than_the_driver(line, expected, not_expected):
    answer = told(line)
    assert expected in answer
    assert not_expected not in answer


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("nommu: Allocation of length 134352896 ... failed\n", 134352896),
        ("attempt to fail with `nommu: Allocation of length 512000 [...] failed` → `std::bad_alloc`.\n", 512000),
        ("Allocation of length 4096 \u2026 failed\n", 4096),
    ],
)
def test_a_process_that_was_left_out_is_unknown(words, size):
    (failure,) = failures(words)
    assert (failure["requested_bytes"], failure["process"], failure["pid"]) == (size, None, None)


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ("[Wed Dec  6 23:54:11 2017]", "[Thu Dec  7 00:05:15 2017]", 2),
        ("[Wed Dec  6 23:54:11 2017]", "[Wed Dec  6 23:54:41 2017]", 1),
        ("Dec  6 23:59:58 host", "Dec  7 00:00:02 host", 1),
        ("Feb 28 23:54:11 host", "Mar  1 00:05:15 host", 2),
        ("2017-12-06T23:54:11+0100 host", "2017-12-07T00:05:15+0100 host", 2),
        ("[ 7063.247407]", "[ 7064.263325]", 1),
        ("[ 7063.247407]", "[ 7963.263325]", 2),
        ("", "", 1),
    ],
)  # fmt: skip
def test_a_kill_long_after_a_header_is_another_one(first, second, count):
    found = failures(HEADER.format(first) + STATS.format(second) + KILL.format(second, 7, "java"))
    assert len(found) == count
    assert [failure["killed"] for failure in found][-1] == ["java (7)"]


@pytest.mark.parametrize(
    "kill",
    [
        "Out of Memory: Killed process 15527 (httpd).\n",
        "Out of memory: Kill process 15527 (httpd) score 9 or sacrifice child\n",
    ],
)
def test_what_was_free_is_not_missed_where_it_stands_above(kill):
    answer = told(DUMP + kill)
    assert "what was free, is not" not in answer
    assert "What was free is listed from line 1 on" in answer
    assert "what was free, is not in the text" in told(kill)


@pytest.mark.parametrize(
    ("constraint", "tail", "words"),
    [
        ("CONSTRAINT_CPUSET", "", "may use the nodes 0 only (cpuset test)"),
        ("CONSTRAINT_CPUSET", ",global_oom,task_memcg=/,task=a,pid=7,uid=0", "may use the nodes 0 only (cpuset test)"),
        ("CONSTRAINT_NONE", "", "Memory ran out."),
    ],
)
def test_a_kill_of_a_set_of_nodes_is_not_one_of_the_machine(constraint, tail, words):
    text = (
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
        "[      7]     0     7   787016   786745  6344704        0             0 a\n"
        f"oom-kill:constraint={constraint},nodemask=(null),cpuset=test,mems_allowed=0{tail}\n"
        "Out of memory: Killed process 7 (a)\n"
    )
    assert len(failures(text)) == 1
    answer = told(text)
    assert words in answer
    assert "a (7) 786745" in answer
    assert ("on the nodes that" in answer) == (constraint == "CONSTRAINT_CPUSET")


@pytest.mark.parametrize(
    ("words", "in_one_piece"),
    [
        ("vmalloc: allocation failure, allocated 40960 of 1052672 bytes\n" + PAGE.format("x", 0, ATOMIC), False),
        ("nommu: Allocation of length 1052672 from process 7 (x) failed\n", True),
    ],
)
def test_vmalloc_asks_for_single_pages(words, in_one_piece):
    assert ("1052672 bytes in one piece" in told(words)) == in_one_piece


KILLED_AT = (
    "rild invoked oom-killer: gfp_mask=0x201d2, order={order}, oomkilladj=0\nMem-info:\n"
    "Active:9992 inactive:2577 dirty:0 writeback:0 unstable:0\n"
    "DMA free:{free}kB min:1016kB low:1268kB high:1524kB present:65024kB\nlowmem_reserve[]: 0 0 0\n"
    "DMA: {blocks}*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = {free}kB\n"
    "Killed process 7 (a)\n"
)


@pytest.mark.parametrize(
    ("blocks", "order", "short"),
    [(339, 0, "172 kB lacked"), (381, 0, "4 kB lacked"), (382, 0, None), (254, 0, None), (255, 0, "508 kB lacked")],
)
def test_the_last_try_before_a_kill_is_at_the_high_mark(blocks, order, short):
    answer = told(KILLED_AT.format(blocks=blocks, free=blocks * 4, order=order))
    assert ("last try before a kill is at the high mark" in answer) == (short is not None)
    assert short is None or short in answer


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("active_anon:6 inactive_anon:2 isolated_anon:0\n", "which had several rules: the answer is the same by each"),
        ("Active_anon:6 active_file:2 inactive_anon:0\n", "whose rule this is"),
        ("Linux version 2.6.30\nactive_anon:6 inactive_anon:2 isolated_anon:0\n", None),
    ],
)
def test_a_span_of_kernels_with_several_rules_is_said_to_be_one(header, words):
    answer = told(
        f"x: page allocation failure. order:6, mode:0xd0\n{header}"
        "Normal free:4664kB min:720kB low:900kB high:1080kB present:32512kB\nlowmem_reserve[]: 0 0\n"
        "Normal: 6*4kB 20*8kB 14*16kB 29*32kB 26*64kB 9*128kB 2*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 4664kB\n"
    )
    assert words is None or words in answer
    assert words is not None or "no kernel release" not in answer


def test_sizes_behind_a_cut_have_a_mark_in_the_table():
    answer = told(
        "x: page allocation failure: order:8, mode:0xcc0(GFP_KERNEL), nodemask=(null)\nMem-Info:\n"
        "Node 0 DMA free:8896kB min:344kB low:428kB high:512kB present:15996kB\nlowmem_reserve[]: 0 1929\n"
        "Node 0 Normal free:300kB min:44kB low:58kB high:72kB present:65024kB\nlowmem_reserve[]: 0 0\n"
        "Node 0 DMA: 0*4kB 0*8kB 0*16kB 0*32kB 1*64kB (U) 1*128kB (U) 0*256kB 1*512kB (U) 0*1024kB 2*2048kB (U) "
        "1*4096kB (M) = 8896kB\n"
        "Node 0 Normal: 5*4kB (U) 5*8kB (U) 0*16kB 0*32kB\n"
    )
    assert "free, zone Normal 5 5 0 0 ? ? ? ? ? ? ?" in " ".join(answer.split())


@pytest.mark.parametrize(
    ("high", "words"),
    [
        (
            "HighMem free:2000000kB min:512kB low:640kB high:768kB present:3268608kB\n",
            "870568 of 901120 kB of low memory",
        ),
        ("HighMem free:0kB min:512kB low:640kB high:768kB present:0kB\n", "870568 of 901120 kB are"),
        ("", "870568 of 901120 kB are"),
    ],
)
def test_kernel_objects_are_compared_with_the_memory_that_they_can_be_in(high, words):
    marks, lists = DUMP.split("Normal: 6", 1)
    answer = told(
        "oom-killer: gfp_mask=0xd0\nActive:100 inactive:200 dirty:0 writeback:0 unstable:0 free:900 slab:217642 "
        "mapped:90 pagetables:20\n" + marks + high + ("protections[]: 0 0 0\n" if high else "") + "Normal: 6" + lists
    )
    assert words in " ".join(answer.split())


TASKS = "[  {}] 0 {} 10430 10245 0 0 0 {}\n"


@pytest.mark.parametrize(
    ("killed", "words"),
    [
        ("Killed process 738 (f951) total-vm:41720kB, anon-rss:40976kB, file-rss:4kB\n", "limit f951 (738), which the"),
        ("Killed process 713 (python) total-vm:9000kB, anon-rss:8500kB, file-rss:4kB\n", "end or limit f951 (738)"),
        ("", "end or limit f951 (738)"),
    ],
)
def test_nobody_is_told_to_end_a_program_that_the_kernel_has_ended(killed, words):
    answer = told(
        "sshd invoked oom-killer: gfp_mask=0x201da, order=0, oom_adj=0, oom_score_adj=0\nMem-info:\n"
        "active_anon:13010 inactive_anon:0 isolated_anon:0\n active_file:5 inactive_file:6 isolated_file:0\n"
        "Normal free:1008kB min:1016kB low:1268kB high:1524kB active_anon:52040kB present:65024kB\n"
        "lowmem_reserve[]: 0 0\n"
        "Normal: 8*4kB 2*8kB 0*16kB 0*32kB 1*64kB 1*128kB 1*256kB 1*512kB 0*1024kB 0*2048kB 0*4096kB = 1008kB\n"
        "16384 pages of RAM\n[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name\n"
        + TASKS.format(738, 738, "f951")
        + killed
    )
    assert words in " ".join(answer.split())
    assert "which the kernel ended" in answer or "738" not in killed


@pytest.mark.parametrize(
    ("dump", "words"), [(DUMP, "find the line that names the request"), ("", "find the report above this line")]
)
def test_a_report_that_is_there_is_not_looked_for(dump, words):
    assert words in told(dump + "Out of Memory: Killed process 15527 (httpd).\n")


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (4097114112, "no more pages were free when 4097114112 of 17179934720 bytes had been filled"),
        (4096, "no more pages were free when 4096 of 17179934720 bytes had been filled"),
        (17179869184, "it could not wait (an atomic request)"),
        (0, "it could not wait (an atomic request)"),
    ],
)
def test_a_request_that_took_all_memory_is_not_one_that_came_at_a_bad_moment(got, words):
    answer = told(
        f"vmalloc: allocation failure, allocated {got} of 17179934720 bytes\n"
        "swapper/0: page allocation failure: order:0, mode:0x2080020(GFP_ATOMIC)\n"
    )
    assert words in " ".join(answer.split())
