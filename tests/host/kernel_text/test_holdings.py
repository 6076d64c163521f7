"""Tables of what holds memory, as kernels and tools of all eras print them."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.kernel_text.state import Options

OOM = "sh invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=0\nDMA: 1*4kB 0*8kB 0*16kB 0*32kB = 4kB\n"
TASKS_2_6 = """\
[ pid ]   uid  tgid total_vm      rss cpu oom_adj name
[  656]     0   656     2043      412   0       0 syslogd
[ 3855]   100  3855    20430     1024   1     -17 tmux: server
"""
TASKS_3_10 = """\
[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name
[  656]     0   656     2043      412       8        0             0 syslogd
[ 3855]   100  3855    20430     1024      23        0         -1000 tmux: server
"""
TASKS_4_9 = """\
[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name
[  656]     0   656     2043      412       8       3        0             0 syslogd
[ 3855]   100  3855    20430     1024      23       3        0         -1000 tmux: server
"""
TASKS_5_4 = """\
Tasks state (memory values in pages):
[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[    656]     0   656     2043      412    45056        0             0 syslogd
[   3855]   100  3855    20430     1024    98304        0         -1000 tmux: server
"""
TASKS_6_8 = """\
[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[    656]     0   656     2043      412      100      312         0    45056        0             0 syslogd
[   3855]   100  3855    20430     1024     1000       24         0    98304        0         -1000 tmux: server
"""
TWO_TASKS = [("tmux: server", 4096, 3855), ("syslogd", 1648, 656)]


def holders(text, **options):
    return [(holder.name, holder.kb, holder.pid) for holder in explain(text, Options(**options)).states[0].holders]


@pytest.mark.parametrize("tasks", [TASKS_2_6, TASKS_3_10, TASKS_4_9, TASKS_5_4, TASKS_6_8])
@pytest.mark.parametrize("prefix", ["", "[  533.797044] ", "Nov 22 10:00:00 board kernel: [  533.797044] ", "> "])
def test_tasks_of_an_oom_report(tasks, prefix):
    text = "".join(f"{prefix}{line}\n" for line in (OOM + tasks).splitlines())
    assert holders(text) == TWO_TASKS


def test_lines_of_another_cpu_between_the_tasks():
    lines = TASKS_3_10.splitlines()
    text = OOM + "\n".join([*lines[:2], "usb 1-1: new high-speed USB device", lines[2], "Out of memory: kill"])
    assert holders(text) == TWO_TASKS


def test_tasks_belong_to_the_dump_above_them():
    second = OOM.replace("sh invoked", "cp invoked")
    explanation = explain(OOM + TASKS_2_6 + second + TASKS_2_6.replace("syslogd", "klogd"))
    assert [[holder.name for holder in state.holders] for state in explanation.states] == [
        ["tmux: server", "syslogd"],
        ["tmux: server", "klogd"],
    ]


ROW = "Node 0, zone   Normal     31     47     42     64      1      0      0      0      0      0      0 \n"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            "Unreclaimable slab info:\nName                      Used          Total\n"
            "RAWv6                     30KB         31KB\nkmalloc-512             2056KB       2112KB\n",
            [("kmalloc-512", 2112, None), ("RAWv6", 31, None)],
            id="oom-slabs",
        ),
        pytest.param(
            "slabinfo - version: 2.1\n"
            "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : "
            "tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n"
            "ext4_inode_cache    1200   1230   1072   30    8 : tunables    0    0    0 : slabdata  41  41      0\n"
            "dentry              4200   4284    192   21    1 : tunables    0    0    0 : slabdata 204 204      0\n",
            [("ext4_inode_cache", 1312, None), ("dentry", 816, None)],
            id="slabinfo",
        ),
        pytest.param(
            "  OBJS ACTIVE  USE OBJ SIZE  SLABS OBJ/SLAB CACHE SIZE NAME\n"
            " 11856  11856 100%    0.19K    564       21      2256K dentry\n"
            "  1230   1200  97%    1.05K     41       30      1312K ext4_inode_cache\n",
            [("dentry", 2256, None), ("ext4_inode_cache", 1312, None)],
            id="slabtop",
        ),
        pytest.param(
            "USER       PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n"
            "root         1  0.0  0.1   1344   512 ?        Ss   10:00   0:01 init\n"
            "root       656  0.0  9.9  20430  4096 ?        Sl   10:00   0:09 /usr/sbin/httpd -f\n",
            [("/usr/sbin/httpd -f", 4096, 656), ("init", 512, 1)],
            id="ps-aux",
        ),
        pytest.param(
            "  PID   RSS COMMAND\n    1   512 init\n  656  4096 httpd\n",
            [("httpd", 4096, 656), ("init", 512, 1)],
            id="ps-o",
        ),
        pytest.param(
            "USER     PID   PPID  VSIZE  RSS     WCHAN    PC         NAME\n"
            "root      1     0     340    188   c00d0c78 0000ca4c S init\n"
            "system    656   1     20430  4096  c00d0c78 0000ca4c S app\n",
            [("S app", 4096, 656), ("S init", 188, 1)],
            id="ps-of-android",
        ),
        pytest.param(
            "  PID USER      PR  NI    VIRT    RES    SHR S  %CPU %MEM     TIME+ COMMAND\n"
            "  656 root      20   0 1.2g    300m   4096 S   0.3  9.9   0:09.12 httpd\n"
            "    1 root      20   0    1344    512    400 S   0.0  0.1   0:01.00 init\n",
            [("httpd", 307200, 656), ("init", 512, 1)],
            id="top",
        ),
        pytest.param(
            "  PID USER       VSZ STAT COMMAND\n    1 root      1344 S    init\n",
            [],
            id="virtual-sizes-say-nothing-with-an-mmu",
        ),
        pytest.param(
            "vm.nr_trim_pages = 1\n  PID USER       VSZ STAT COMMAND\n    1 root      1344 S    init\n"
            "    2 root         0 SW   [kthreadd]\n  656 root     12.5m S    httpd\n",
            [("httpd", 12800, 656), ("init", 1344, 1)],
            id="busybox-ps-without-an-mmu",
        ),
        pytest.param(
            "vm.nr_trim_pages = 1\n  PID  PPID USER     STAT   VSZ %MEM %CPU COMMAND\n"
            "  656     1 root     S     1344  4% 1% httpd\n",
            [("httpd", 1344, 656)],
            id="busybox-top-without-an-mmu",
        ),
    ],
)
def test_tables_of_tools(table, expected):
    assert holders(ROW + table, page_kb=4) == expected


FREE = """\
[admin@router /tmp]$ free{}
             total       used       free     shared    buffers     cached
Mem:         29016      26092       2924          0        908       3784
-/+ buffers/cache:      21400       7616
Swap:        72252       3740      68512
"""
NEWER = """\
               total        used        free      shared  buff/cache   available
Mem:           29016       21400        2924          12        4692        5000
Swap:              0           0           0
"""


TOP = "Mem: 26092K used, 2924K free, 0K shrd, 908K buff, 3784K cached\nCPU:   0% usr   4% sys   0% nic  95% idle\n"


@pytest.mark.parametrize("text", [FREE.format(""), FREE.format(" -k"), NEWER, TOP])
def test_free_tells_the_sum(text):
    (state,) = explain(text).states
    assert (state.source, state.mem_free_kb, state.zones) == ("meminfo", 2924, [])


@pytest.mark.parametrize("option", [" -m", " -h", " --giga"])
def test_free_in_another_unit_tells_nothing(option):
    assert not explain(FREE.format(option)).states


def test_sum_of_another_moment_is_told_as_that():
    text = "May 18 14:56:06 kernel: swapper: page allocation failure. order:3, mode:0x4020\n\n" + FREE.format("")
    (failure,) = explain(text).failures
    assert (failure.answer.verdict, failure.state.mem_free_kb) == (None, 2924)
    assert "borrowed-state" in failure.notes
