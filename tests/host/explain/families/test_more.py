"""Causes and advice that reports of other machines needed: a table for each kind."""

import pytest
from asking import failures, parts, told
from buddywatch.explain.answers import explain

VMAP = "vmap allocation for size {} failed: use vmalloc=<size> to increase size\n"
VMALLOC = "tracebox: vmalloc: allocation failure: {} bytes, mode:0xcc0(GFP_KERNEL), nodemask=(null)\n"


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        (VMAP.format(36864) * 3, [36864] * 3),
        (VMAP.format(36864) * 2 + VMALLOC.format(32768), [36864, 32768]),
        (VMAP.format(36864) + VMALLOC.format(32768) + VMAP.format(8192) + VMALLOC.format(4096), [32768, 4096]),
        (VMALLOC.format(32768) * 2, [32768, 32768]),
    ],
)
def test_each_try_for_address_space_is_a_failure(text, sizes):
    assert [failure["requested_bytes"] for failure in failures(text)] == sizes


@pytest.mark.parametrize(
    ("range_words", "advice", "not_advice"),
    [
        (
            "Address range restricted to 0xffffc90000000000 - 0xffffe8ffffffffff",
            "look at the caller",
            "vmalloc=SIZE` on",
        ),
        ("use vmalloc=<size> to increase size", "vmalloc=SIZE` on", "look at the caller"),
    ],
)
def test_the_parameter_for_32_bit_is_not_advised_on_64(range_words, advice, not_advice):
    answer = told(f"vmalloc_node_range for size 8192 failed: {range_words}\n")
    assert advice in answer
    assert not_advice not in answer


@pytest.mark.parametrize(
    ("before", "count", "killer"),
    [
        ("__alloc_pages: 0-order allocation failed (gfp=0x1d2/0)\n", 1, "the page fault handler killed bx"),
        (
            "bx: page allocation failure. order:0, mode:0xd2\n [<c0140781>] x+0x1/0x2\n",
            1,
            "page fault handler killed bx",
        ),
        ("Out of Memory: Killed process 7 (bx).\n", 1, "bx (7), by the OOM killer"),
        ("", 1, "bx, by the page fault handler"),
        ("Out of Memory: Killed process 7 (other).\n", 2, "bx, by the page fault handler"),
    ],
)
def test_a_page_fault_ends_its_own_process_and_counts_once(before, count, killer):
    text = before + "VM: killing process bx\n"
    assert len(failures(text)) == count
    assert killer in told(text)


@pytest.mark.parametrize("gfp", ["0x1d2/0", "0x20/0", "0x1f0/1"])
def test_a_single_page_of_2_4_is_no_matter_of_blocks(gfp):
    answer = told(f"__alloc_pages: 0-order allocation failed (gfp={gfp})\n")
    assert "no matter of large blocks" in answer
    assert "no block of this size" not in answer
    assert ("do no harm" in answer) == (gfp == "0x20/0")


PANIC = "Kernel panic - not syncing: No working init found.  Try passing init= option to kernel.\n"
LOADER = "binfmt_flat: Unable to allocate RAM for process text/data, errno -12\n"
FIRST = (
    "nommu: Allocation of length 712704 from process 1 (init) failed\n unevictable:525 dirty:0\n free:738 free_pcp:0\n"
    "Normal free:2952kB min:268kB low:332kB high:396kB unevictable:2100kB present:8188kB managed:5992kB\n"
    "lowmem_reserve[]: 0 0\nNormal: 4*4kB 5*8kB 3*16kB 3*32kB 1*64kB 3*128kB 3*256kB 3*512kB 0*1024kB 0*2048kB "
    "0*4096kB = 2952kB\n"
)


@pytest.mark.parametrize("text", [LOADER + PANIC, FIRST + LOADER + PANIC, LOADER.replace("-12", "12") * 3 + PANIC])
def test_without_an_init_nothing_can_be_typed(text):
    answer = told(text)
    assert all(command not in answer for command in ("`dmesg", ": >FILE", "nr_trim_pages", "drop_caches"))
    assert "root file system" in answer


def test_with_an_init_there_is_a_shell():
    assert "`dmesg" in told(LOADER)
    assert ": >FILE" in told(FIRST + LOADER)


@pytest.mark.parametrize(
    ("errno", "ranges", "says"),
    [
        (16, "3@125+20@172+7188@58348=> 33161 free of 81920", True),
        (16, "3@125+20@172=> 23 free of 81920", False),
        (12, "3@125+20@172+7188@58348=> 33161 free of 81920", False),
    ],
)
def test_an_area_with_room_is_not_too_small(errno, ranges, says):
    text = (
        f"cma: cma_alloc: linux,cma: alloc failed, req-size: 148 pages, ret: -{errno}\ncma: number of available pages:"
    )
    assert ("the area itself had room" in told(f"{text} {ranges} total pages\n")) == says


def test_a_map_of_cma_on_lines_of_its_own_is_no_prompt():
    text = (
        "cma: cma_alloc: linux,cma: alloc failed, req-size: 148 pages, ret: -16\ncma: number of available pages:\n"
        "3@125+20@172+12@236+4@380+32@736+17@2287+23@2473+\n7188@58348+84@66220=> 7403 free of 81920 total pages\n"
    )
    assert "7403 of the area's 81920 pages were free, the largest run of them 7188" in told(text)


CPUSET = (
    "sh invoked oom-killer: gfp_mask={}, order=0, oom_score_adj=0\nMem-Info:\n"
    "Node 4 {} free:130021408kB min:9140kB low:139160kB high:269180kB present:130023424kB managed:130023424kB\n"
    "lowmem_reserve[]: 0 0 0 0 0\nNode 4 {}: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB "
    "0*2048kB 31743*4096kB (M) = 130019328kB\n"
    "oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null),cpuset=a,mems_allowed=4,global_oom,task_memcg=/,task=sh,pid=1\n"
)


@pytest.mark.parametrize(
    ("mode", "zone", "is_cpuset"),
    [
        ("0x500cc2(GFP_HIGHUSER|__GFP_ACCOUNT)", "Movable", True),
        ("0xcc0(GFP_KERNEL)", "Movable", True),
        ("0x100cca(GFP_HIGHUSER_MOVABLE)", "Movable", False),
        ("0xcc0(GFP_KERNEL)", "Normal", False),
    ],
)
def test_a_cpuset_of_a_movable_node_serves_no_kernel_page(mode, zone, is_cpuset):
    text = CPUSET.format(mode, zone, zone)
    assert ("cpuset.mems" in told(text)) == is_cpuset
    assert (failures(text)[0]["reason"] == "control-group") == is_cpuset


def test_of_two_flags_the_one_that_wins_is_told():
    line = "clinfo: page allocation failure: order:9, mode:0x194dc2({}), nodemask=(null)\n"
    both = told(line.format("GFP_HIGHUSER|__GFP_RETRY_MAYFAIL|__GFP_NORETRY"))
    assert "gives up early" in both
    assert "tries hard" not in both
    assert "tries hard" in told(line.format("GFP_HIGHUSER|__GFP_RETRY_MAYFAIL"))


EMPTY = (
    "Mem-Info:\nactive_anon:182187 inactive_anon:82354\n active_file:{0} inactive_file:{0}\n free:15\n"
    " slab_reclaimable:0\n"
    "Normal free:60kB min:2688kB low:3328kB high:3968kB present:1491520kB managed:1469632kB\nlowmem_reserve[]: 0 0\n"
    "Normal: 15*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 60kB\n"
)
TRACE = "CPU: 0 PID: 0 Comm: swapper/0 Not tainted 6.17.8 #2\nCall Trace:\n warn_alloc+0x114/0x1bc\n"


@pytest.mark.parametrize(("trace", "is_bad_news"), [("", False), (TRACE, True), (TRACE.replace("+0x", "_x+0x"), False)])
def test_a_state_that_refuses_everything_is_said_so(trace, is_bad_news):
    text = trace + EMPTY.format(0)
    answer = told(text)
    assert "too little memory, whatever its pieces" in answer
    assert "1058164 of" in answer
    assert ("failed allocation" in answer) == is_bad_news
    assert explain(text).is_bad_news == is_bad_news


def test_a_dump_with_its_header_has_no_lost_line():
    text = "sh: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL)\n" + TRACE + EMPTY.format(0)
    assert "first line" not in told(text)


SLAB = "SLAB: Unable to allocate memory on node 0 (gfp=0xd0)\n  cache: size-65536, object size: 65536, order: 4\n"


@pytest.mark.parametrize(("between", "owned"), [("", True), ("1572848 pages RAM\n", True), ("x\n" * 2000, False)])
def test_the_slab_allocators_line_belongs_to_the_dump_above(between, owned):
    answer = told(EMPTY.format(0) + between + SLAB)
    assert ("Free then" in answer) == owned
    assert len(parts(EMPTY.format(0) + between + SLAB)) == 1


def test_a_control_groups_own_programs_are_named():
    text = (
        "Memory cgroup stats for /a: cache:0KB rss:613460KB\n"
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
        "[  19331]  1000 19331   226026    29603  1314816        0           999 npm start\n"
        "[  19388]  1000 19388  5588434   138005  8069120        0           999 node\n"
    )
    assert "in pages: node (19388) 138005, npm start (19331) 29603" in told(text)


@pytest.mark.parametrize(("letters", "is_empty"), [(("M", "U"), True), (("M", "UH"), False), (("H", "M"), False)])
def test_a_reserve_of_which_nothing_is_free_is_named(letters, is_empty):
    text = (
        "... invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0 ...\n"
        "Normal free:1200kB boost:0kB min:800kB low:900kB high:1000kB reserved_highatomic:600KB present:9000kB\n"
        f"Normal: 100*4kB ({letters[0]}) 100*8kB ({letters[1]}) 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB "
        "0*2048kB 0*4096kB = 1200kB\n"
    )
    assert failures(text)[0]["reason"] == "atomic-reserve"
    assert ("though none of it is" in told(text)) == is_empty


def test_what_gives_up_early_needs_no_cure():
    line = "clinfo: page allocation failure: order:9, mode:0x194dc2(GFP_HIGHUSER|__GFP_NORETRY), nodemask=(null)\n"
    assert "First: nothing, unless what asked for it failed" in told(line)
    assert "First: nothing" not in told(line.replace("|__GFP_NORETRY", ""))


def test_space_for_the_kernels_own_code_is_told_by_the_trace():
    trace = "[<c0320340>] (__vmalloc_node_range) from [<c020c108>] (module_alloc+0x44/0x4c)\n"
    assert "bpf_jit_enable" in told(VMAP.format(36864) + VMALLOC.format(32768) + trace)
    assert "bpf_jit_enable" not in told(VMAP.format(36864) + VMALLOC.format(32768))
