"""Texts that pages, mails and people cut, folded and joined; what is said of memory where the dump is not whole."""

import pytest
from buddyd import watermark
from buddywatch.explain.answers import explain
from buddywatch.explain.report import report_lines


def told(text):
    return " ".join(" ".join(report_lines(explain(text))).split())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("httpd invoked oom-killer:gfp_mask=0x201da, order=0, oom_adj=0", "httpd"),
        ("httpd invoked oom-killer: gfp_mask=0x201da,order=0,oom_adj=0", "httpd"),
    ],
)
def test_blanks_that_a_page_took_away_are_not_needed_in_a_header(line, name):
    (failure,) = explain(f"{line}\n").failures
    assert (failure.name, failure.order) == (name, 0)


@pytest.mark.parametrize(
    "line",
    [
        "Out of memory: Kill process 9682(mysqld) score 9 or sacrifice child",
        "Out of memory: Kill process 9682 (mysqld) score 9 or sacrifice child",
        "Killed process 9682, UID 27,(mysqld) total-vm:47388kB, anon-rss:3744kB, file-rss:80kB",
        "Killed process 9682, UID 27, (mysqld) total-vm:47388kB, anon-rss:3744kB, file-rss:80kB",
        "Killed process 9682(mysqld)",
    ],
)
def test_blanks_that_a_page_took_away_are_not_needed_in_a_kill(line):
    (failure,) = explain(f"{line}\n").failures
    assert failure.message.killed == ["mysqld (9682)"]


@pytest.mark.parametrize(
    ("constraint", "group"),
    [
        ("nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a/b,task_memcg=/a/b,task=sh,pid=7,uid=0", "/a/b"),
        ("oom_memcg=/a/b,\n               task=sh,pid=7,uid=0", "/a/b"),
        (" oom_memcg=/a/b, task=sh, pid=7, uid=0", "/a/b"),
        ("nodemask=(null),cpuset=x,mems_allowed=0-1,oom_memcg=/a/b", "/a/b"),
        ("nodemask=0,2,cpuset=a,b,mems_allowed=0,oom_memcg=/a/b,task=sh,pid=7", "/a/b"),
    ],
)
def test_a_constraint_may_lack_parts_or_be_folded(constraint, group):
    text = (
        "sh invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0\n"
        f"oom-kill:constraint=CONSTRAINT_MEMCG,{constraint}\nKilled process 7 (sh) total-vm:9kB, anon-rss:8kB\n"
    )
    assert f"the control group {group}, whose" in told(text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        # 76 columns and a soft break within the number; nothing else in the text is encoded
        (
            "> > [    2.710949] cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -1=\n6\n",
            "-16 (EBUSY)",
        ),
        ("[ 2.710949] cma: cma_alloc: alloc failed, req-size: 1 pages, ret: -12\nCONFIG_CMDLINE=\nx\n", "-12 (ENOMEM)"),
    ],
)
def test_a_soft_break_is_seen_without_an_encoded_sign(text, answer):
    assert answer in told(text)


@pytest.mark.parametrize(("mask", "told_nodes"), [("1", "Only node 1 may"), ("0,2-3", "Only the nodes 0, 2, 3 may")])
def test_the_nodes_of_a_request_are_told(mask, told_nodes):
    text = f"ld invoked oom-killer: gfp_mask=0x16080c0(GFP_KERNEL|__GFP_ZERO), nodemask={mask},  order=0, oom_adj=0\n"
    assert told_nodes in told(text)


@pytest.mark.parametrize(("order", "is_short"), [(0, True), (1, True), (3, True), (4, False)])
def test_the_last_try_at_the_high_mark_is_for_all_orders_that_end_in_a_kill(order, is_short):
    text = (
        f"kworker/u8:2 invoked oom-killer: gfp_mask=0x15080c0(GFP_KERNEL_ACCOUNT|__GFP_ZERO), order={order}, "
        "oom_score_adj=0\nCPU: 0 PID: 56 Comm: kworker/u8:2 Not tainted 4.14.65 #6\nMem-Info:\n"
        "DMA free:17960kB min:16384kB low:25664kB high:29760kB active_anon:3556kB present:458752kB managed:422896kB\n"
        "lowmem_reserve[]: 0 0 579 579\nDMA: 71*4kB (U) 113*8kB (U) 207*16kB (U) 103*32kB (U) 70*64kB (U) 27*128kB (U) "
        "5*256kB (U) 1*512kB (U) 0*1024kB 0*2048kB 0*4096kB = 17524kB\n"
    )
    assert ("the last try before a kill is at the high mark" in told(text)) == is_short


def test_a_table_without_zones_tells_what_held_the_memory():
    text = (
        "ip invoked oom-killer: gfp_mask=0xc2cc0(GFP_KERNEL|__GFP_NOWARN|__GFP_COMP|__GFP_NOMEMALLOC), order=3, "
        "oom_score_adj=0\n...\nUnreclaimable slab info:\nName                      Used          Total\n"
        "dentry                       10KB         16KB\nbtrfs_extent_map     3207098KB    3375622KB\n"
        "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
        "[ 1905]     0  1905     3236     1714      10        0             0 systemd-journal\n"
    )
    assert "memory ran out, and the kernel objects btrfs_extent_map hold 3375622 kB" in told(text)
    assert "systemd-journal (1905) 1714" in told(text)


CMA_FAILED = "[ 1.5] cma: cma_alloc: alloc failed, req-size: 1231 pages, ret: -16\n"


@pytest.mark.parametrize(
    "line",
    [
        "sun6i-csi 1cb4000.camera: dma_alloc_coherent of size 5042176 failed",
        "sun6i-csi 1cb4000.camera: dma alloc of size 5042176 failed",
        "sun6i-csi 1cb4000.camera: dma_alloc_attrs of size 5042176 failed",
        "sun6i-csi 1cb4000.camera: failed to allocate buffer with size 5042176",
    ],
)
def test_the_driver_of_a_cma_failure_is_told(line):
    assert "1231 pages of CMA (4924 kB, pages of 4 kB) for sun6i-csi 1cb4000.camera" in told(
        f"{CMA_FAILED}[ 1.6] {line}\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "number of available pages: 4+7+7+8+38+166+127=>357 pages, total: 2048 pages",
        "cma: number of available pages: 4@1+166@9+187@300=> 357 free of 2048 total pages",
    ],
)
@pytest.mark.parametrize("prefix", ["[   11.6] ", "[   11.616365]  [2:   Binder:711_1:  740] "])
def test_the_map_of_a_cma_area_is_read_in_both_spellings(prefix, line):
    text = f"{prefix}cma: cma_alloc: alloc failed, req-size: 256 pages, ret: -12\n{prefix}{line}\n"
    assert "357 of the area's 2048 pages were free, the largest run of them 1" in told(text)


@pytest.mark.parametrize(
    ("free_kb", "first"),
    [(655760, "ask for the large buffer before the small ones"), (9000, "a larger area")],
)
def test_an_area_with_much_free_is_not_too_small(free_kb, first):
    text = f"CmaFree: {free_kb} kB\n{CMA_FAILED}"
    assert first in " ".join(report_lines(explain(text))[:4])


def test_a_row_of_zones_without_numbers_is_no_state():
    assert explain(f"{CMA_FAILED}Node 0, zone DMA32, type CMA:\n  order 10: 148\n").states == []


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ("Kernel panic - not syncing: ERROR: Failed to allocate 0x00002000 bytes below 0x00000000.", "8192 bytes"),
        ("Kernel panic - not syncing: early_alloc: Failed to allocate 8192 bytes align=0x1000", "8192 bytes"),
        ("bootmem alloc of 8192 bytes failed!", "8192 bytes"),
    ],
)
def test_what_boot_could_not_get_is_told(line, amount):
    assert f"{amount} at boot" in told(f"{line}\n")


def test_samsungs_prefix_is_no_part_of_a_name():
    (failure,) = explain(
        "[ 11.616321]  [2:   Binder:711_1:  740] rm: page allocation failure: order:1, mode:0x20\n"
    ).failures
    assert failure.name == "rm"


SLAB = "SLUB: Unable to allocate memory on node -1 (gfp=0x20)\n  cache: kmalloc-6"


@pytest.mark.parametrize(
    ("pages", "verdict", "words"),
    [
        (400, watermark.REFUSED, "too little memory"),  # 3306 / 2 * 3 / 4 = 1240 have to stay
        (1240, watermark.REFUSED, "too little memory"),
        (1244, None, "one page would have succeeded"),
    ],
)
def test_a_slab_of_unknown_size_needs_a_page_at_least(pages, verdict, words):
    text = (
        "Linux version 3.2.0\nMem-Info:\nNormal free:4552kB min:13224kB low:16528kB high:19836kB present:13445120kB\n"
        f"lowmem_reserve[]: 0 0 0 0\nNormal: {pages}*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB "
        f"0*2048kB 0*4096kB = {pages * 4}kB\n{SLAB}\n"
    )
    (failure,) = explain(text).failures
    assert failure.answer.verdict == verdict
    assert words in told(text)


def test_memory_that_no_list_has_is_seen_without_the_end_of_a_dump():
    text = (
        "Mem-Info:\nDMA32 free:0kB min:3984kB low:4980kB high:5976kB active_anon:0kB inactive_anon:28kB "
        "active_file:620kB inactive_file:504kB unevictable:0kB present:1008860kB slab_unreclaimable:87656kB\n"
        "lowmem_reserve[]: 0 0 0 0\n"
        " free:31 slab_reclaimable:1206 slab_unreclaimable:22148\n"
        "DMA32: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 0kB\n"
    )
    assert "look for what the kernel does not list" in told(text)


KILL = "Out of Memory: Killed process 11648 (ld).\n"


@pytest.mark.parametrize(("free", "is_low"), [(184, True), (272, False)])
def test_a_kill_below_its_dump_tells_how_little_was_free(free, is_low):
    text = (
        f"Normal free:{free}kB min:188kB low:376kB high:564kB active:36104kB present:49144kB\nprotections[]: 0 0 0\n"
        f"Normal: {free // 4}*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = "
        f"{free}kB\n{KILL}"
    )
    assert f"Memory ran out: {free} kB were free" in told(text)
    assert ("each zone was below its min mark" in told(text)) == is_low


@pytest.mark.parametrize(("high", "is_start"), [(0, True), (4, False)])
def test_a_kernel_without_marks_was_starting(high, is_start):
    text = (
        f"Normal free:0kB boost:0kB min:0kB low:0kB high:{high}kB present:1048576kB managed:1039360kB\n"
        "lowmem_reserve[]: 0 0\nNormal: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB "
        "0*4096kB = 0kB\n"
    )
    assert ("had not given its memory to the page allocator" in told(text)) == is_start


HIGHMEM = (
    "DMA free:3588kB min:68kB low:84kB high:100kB present:16384kB\nlowmem_reserve[]: 0 0 880 17392\n{dma32}"
    "Normal free:3664kB min:3756kB low:4692kB high:5632kB present:901120kB\nlowmem_reserve[]: 0 0 0 132096\n"
    "HighMem free:5941944kB min:512kB low:18148kB high:35784kB present:16908288kB\nlowmem_reserve[]: 0 0 0 0\n"
    "DMA: 1*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 1*512kB 1*1024kB 1*2048kB 0*4096kB = 3588kB\nDMA32: empty\n"
    "Normal: 0*4kB 0*8kB 1*16kB 0*32kB 1*64kB 0*128kB 0*256kB 1*512kB 1*1024kB 1*2048kB 0*4096kB = 3664kB\n"
    "HighMem: 1485486*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 5941944kB\n"
    "oom-killer: gfp_mask=0x84d0, order=0\n"
)
EMPTY = "DMA32 free:0kB min:0kB low:0kB high:0kB present:0kB\nlowmem_reserve[]: 0 0 880 17392\n"


def test_a_zone_without_memory_has_its_place_among_the_reserves():
    (failure,) = explain(HIGHMEM.format(dma32=EMPTY)).failures
    assert (failure.answer.verdict, failure.answer.margin_pages) == (watermark.REFUSED, -1)  # 897 - 1 - 17 - 880
    assert "free in zone HighMem cannot serve it" in told(HIGHMEM.format(dma32=EMPTY))


TYPES = (
    "Page block order: 9 Pages per block: 512 Free pages count per migrate type at order 0 1 2 3 4 5 6 7 8 9 10 "
    "Node 0, zone DMA, type Unmovable 0 0 0 1 1 1 1 1 1 1 0 Node 0, zone DMA, type Movable 1 1 2 1 2 1 1 0 1 0 2 "
    "Number of blocks type Unmovable Reclaimable Movable Reserve Isolate Node 0, zone DMA 2 0 5 1 0"
)


def test_a_pagetypeinfo_in_one_line_is_read():
    (state,) = explain(TYPES).states
    assert [zone.nr_free for zone in state.zones] == [[1, 1, 2, 2, 3, 2, 2, 1, 2, 1, 2]]


@pytest.mark.parametrize(("row", "gaps"), [("1348 491 359 179 42 13 2 1", 3), ("1348 491 359 179 42 13 2 1 0 0 0", 0)])
def test_a_row_with_fewer_sizes_than_the_others_was_cut(row, gaps):
    text = f"Node 0, zone DMA 0 1 0 0 2 1 1 0 1 1 3\nNode 0, zone Normal {row}\n"
    normal = next(zone for zone in explain(text).states[0].zones if zone.name == "Normal")
    assert len([order for order in normal.gaps if order < 11]) == gaps


@pytest.mark.parametrize("number", ["[12345]", "[  345]"])
def test_seconds_alone_are_no_part_of_a_name(number):
    (failure,) = explain(f"{number} mysqld: page allocation failure: order:4, mode:0x40d0\n").failures
    assert failure.name == "mysqld"


def test_a_zone_that_no_kernel_has_is_none():
    text = (
        "Node 0 Zones free:18212kB DMA:412kB Normal:17800kB Movable:0kB\n"
        "Node 0 Normal: 4450*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = "
        "17800kB\n"
    )
    assert [zone.name for zone in explain(text).states[0].zones] == ["Normal"]


HEADER = "sh invoked oom-killer: gfp_mask=0xd0, order={}, oom_score_adj=0\nsh cpuset={} mems_allowed=0\n"


@pytest.mark.parametrize(
    ("order", "cpuset", "words"),
    [
        (0, "/", "memory ran out, and the kernel called the OOM killer"),
        (0, "91091d53", "memory ran out, of the machine or of its container, and"),
        (2, "/", "no block of 4 pages could be had (memory ran out, or was in pieces)"),
    ],
)
def test_a_header_alone_proves_no_more_than_it_says(order, cpuset, words):
    assert words in told(HEADER.format(order, cpuset))


VMALLOC = "python3: vmalloc: allocation failure, allocated {} of 20480 bytes, mode:{}, nodemask=(null)\n"


@pytest.mark.parametrize(
    ("got", "mode", "is_mapping"),
    [
        (12288, "0x14080c0(GFP_KERNEL|__GFP_ZERO)", False),  # 3 of 4 pages; no page has 8192 bytes in 20480
        (16384, "0x14080c0(GFP_KERNEL|__GFP_ZERO)", True),
        (4096, "0x14080c0(GFP_KERNEL|__GFP_ZERO)", False),
    ],
)
def test_only_the_guard_page_has_no_memory(got, mode, is_mapping):
    assert ("what failed was mapping them" in told(VMALLOC.format(got, mode))) == is_mapping


@pytest.mark.parametrize(
    ("mode", "is_limit"),
    [("0x14080c0(GFP_KERNEL|__GFP_ZERO)", False), ("0x15080c0(GFP_KERNEL_ACCOUNT|__GFP_ZERO)", True)],
)
def test_what_is_accounted_may_have_met_a_limit(mode, is_limit):
    assert ("or a control group was at its limit" in told(VMALLOC.format(4096, mode))) == is_limit
