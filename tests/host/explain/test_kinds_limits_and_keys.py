"""Kinds of fault that forty-eight more unseen texts showed: a table for each."""

import pytest
from asking import failures, told
from buddywatch.explain.marks import is_of_huge_pages
from kernel_dumps import advice, case, dump, page, zone

# --- vm.min_free_kbytes that the kernel set itself ---

GB = 1 << 20  # in kB


@pytest.mark.parametrize(
    ("now_kb", "zones", "is_own"),
    [
        pytest.param(22528, [("Normal", GB)], True, id="one-zone"),
        pytest.param(45052, [("DMA", 15360), ("DMA32", 2 * GB)], True, id="two-zones"),
        pytest.param(67580, [("DMA", 15360), ("DMA32", 3 * GB), ("Normal", 12 * GB)], True, id="three-zones"),
        pytest.param(45000, [("DMA", 15360), ("DMA32", 2 * GB)], False, id="another-value"),
        pytest.param(131072, [("DMA", 15360), ("DMA32", 2 * GB)], False, id="set-by-hand"),
        pytest.param(33000, [("DMA", 15360), ("DMA32", 700000)], True, id="a-twentieth-of-low-memory"),
        pytest.param(44000, [("DMA", 15360), ("DMA32", 700000)], False, id="more-than-a-twentieth"),
        pytest.param(22528, [("Normal", 400000)], False, id="too-small-for-huge-pages"),
    ],
)
def test_what_transparent_huge_pages_set_is_no_setting_of_a_person(now_kb, zones, is_own):
    lines = [zone([9], now_kb if name == zones[-1][0] else 0, name=name, managed=size) for name, size in zones]
    assert is_of_huge_pages(case(page(0) + dump(*lines)), now_kb) is is_own


def test_a_setting_is_no_cause_where_the_kernel_made_it():
    free = [22528 // 16 - 20]
    remedy = advice(case(page(0) + dump(zone(free, 22528, managed=GB))))["min_free_kbytes"]
    assert "likely cause" not in remedy.text and "formula_kb" not in remedy.numbers


# --- a kill that somebody asked for ---

KILL = "Out of memory: Killed process 651 (xyz) total-vm:1kB, anon-rss:8kB, file-rss:1kB, shmem-rss:0kB\n"
HEADER = "kworker/0:2 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order={}, oom_score_adj=0\n"


@pytest.mark.parametrize(
    ("text", "is_by_hand"),
    [
        (HEADER.format(-1) + KILL, True),
        (HEADER.format(-1), True),
        (
            HEADER.format(0) + " out_of_memory+0x1/0x2\n moom_callback+0x3a/0x70\n process_one_work+0x1/0x2\n" + KILL,
            True,
        ),
        (
            "events/0 invoked oom-killer: gfp_mask=0xd0, order=0, oomkilladj=0\n [<c012>] moom_callback+0x13/0x20\n",
            True,
        ),
        ("sysrq: Manual OOM execution\n" + KILL, True),
        ("SysRq : Manual OOM execution\n" + HEADER.format(0) + KILL, True),
        (HEADER.format(0) + KILL, False),
        ("sysrq: Show Memory\n" + HEADER.format(0) + KILL, False),
        ("# echo m > /proc/sysrq-trigger\n" + KILL, False),
    ],
)
def test_a_kill_by_sysrq_f_is_no_lack_of_memory(text, is_by_hand):
    (failure,) = failures(text)
    assert (failure["reason"] == "by-hand") is is_by_hand
    assert ("called by hand" in told(text)) is is_by_hand
    assert ("Memory ran out" in told(text) or "memory ran out" in told(text)) is not is_by_hand


# --- a message of CMA that was cut ---

CMA = "cma: cma_alloc: alloc failed, req-size: 2025 pages, ret: -12"


@pytest.mark.parametrize("cut", range(CMA.index("req-size:") + len("req-size:"), len(CMA) + 1))
def test_a_number_of_cma_is_whole_or_unknown(cut):
    text = told(CMA[:cut])
    assert ("2025 pages" in text) is (cut >= CMA.index(" pages") + 2)
    assert not any(wrong in text for wrong in ("2 pages", "20 pages", "202 pages"))
    assert ("ENOMEM" in text) is (cut == len(CMA))


# --- address space for more than all memory ---

HEAD = "active_anon:1 inactive_anon:1 isolated_anon:0\n free:{} free_pcp:0 free_cma:0\n"
ZONES = "Node 0 Normal free:40000kB min:100kB low:120kB high:140kB present:900000kB managed:800000kB\n"


@pytest.mark.parametrize(
    ("size", "free_pages", "is_wrong"),
    [
        (819200001, 10000, True),  # 800000 kB and a byte
        (819200000, 10000, False),
        (819200001, 20000, False),  # the zone of the other pages is not in the text
        (17178820608, 10000, True),
    ],
)
def test_more_address_space_than_memory_is_a_wrong_size(size, free_pages, is_wrong):
    text = f"modprobe: vmalloc: allocation failure: {size} bytes, mode:0xcc0(GFP_KERNEL), nodemask=(null)\n"
    text += f"Mem-Info:\n{HEAD.format(free_pages)}{ZONES}"
    assert [failure["reason"] for failure in failures(text)] == ["too-large" if is_wrong else "address-space"]


# --- a control group: advice by size ---


@pytest.mark.parametrize(
    ("anon_kb", "cache_kb", "shmem_kb", "dirty_kb", "first"),
    [
        (30_000_000, 671_000, 670_000, 0, "raise the group's limit"),
        (500_000, 671_000, 670_000, 0, "Remove files from the group's tmpfs"),
        (500, 507_172, 28, 503_316, "let the group write less at a time"),
        (9_000_000, 507_172, 28, 503_316, "raise the group's limit"),
    ],
)
def test_a_small_part_of_a_group_is_not_advised_first(anon_kb, cache_kb, shmem_kb, dirty_kb, first):
    text = "memory: usage 9kB, limit 9kB, failcnt 1\nMemory cgroup stats for /b: "
    text += f"cache:{cache_kb}KB rss:{anon_kb}KB shmem:{shmem_kb}KB dirty:{dirty_kb}KB\n"
    text += "Memory cgroup out of memory: Killed process 77 (sh) total-vm:1kB, anon-rss:1kB, file-rss:1kB\n"
    assert f"First: {first}" in told(text)


# --- memory that only programs may have ---

LOW = "Normal free:{}kB min:936kB low:1872kB high:2808kB present:901120kB\nlowmem_reserve[]: 0 0\n"
HIGH = "HighMem free:{}kB min:512kB low:1024kB high:1536kB present:3080192kB\nlowmem_reserve[]: 0 0\n"


@pytest.mark.parametrize(
    ("low_kb", "high_kb", "words"),
    [
        (696, 875776, "875776 kB of it in zone HighMem, for programs only"),
        (696, 400, "too little memory, whatever its pieces"),
        (96000, 875776, "the largest block"),
    ],
)
def test_high_memory_is_not_called_too_little(low_kb, high_kb, words):
    lists = f"Normal: {low_kb // 4}*4kB 0*8kB = {low_kb}kB\nHighMem: {high_kb // 4}*4kB 0*8kB = {high_kb}kB\n"
    assert words in told(f"Linux version 3.10.0\n{LOW.format(low_kb)}{HIGH.format(high_kb)}{lists}")


# --- strings of a program's source ---


@pytest.mark.parametrize("form", ['\t\t"{}",', '"{}"', '    "{}",', "{}"])
def test_strings_between_commas_are_lines(form):
    lines = [
        "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
        "[13536] 275858 13536  8389663   300343   16267  8324326             0 memorymonster",
    ]
    before = ["sh invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0"]
    before += ["active_anon:300000 inactive_anon:0", " active_file:1", " free:9"]
    before += [*LOW.format(36).splitlines()[:1], "Normal: 9*4kB 0*8kB = 36kB"]
    text = "\n".join(form.replace("{}", line) for line in [*before, *lines]) + "\n"
    assert "memorymonster (13536)" in told(text) and 'monster"' not in told(text)


# --- the same report in short and whole ---

SHORT = "app invoked oom-killer: gfp_mask=0x200da, order=0, oom_adj=0\n"
END = "Killed process 957 (app) total-vm:67472kB, anon-rss:14496kB, file-rss:516kB\n"
TRACE = "Backtrace:\n" + "[<c0062a94>] (out_of_memory+0x2e8/0x32c) from [<c0065f88>] (x+0x1/0x2)\n" * 8


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (SHORT + END + "All of it:\n" + SHORT + TRACE + LOW.format(36) + END, 1),
        (SHORT + END + "All of it:\n" + SHORT + TRACE, 1),
        (SHORT + TRACE + LOW.format(36) + END + SHORT + TRACE + LOW.format(36) + END, 2),  # two real ones
        (SHORT + END + SHORT.replace("app", "other") + TRACE, 2),
    ],
)
def test_a_report_in_short_and_whole_is_one(text, count):
    assert len(failures(text)) == count


# --- a header without its order ---


@pytest.mark.parametrize(
    ("line", "process"),
    [
        ("dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), oom_score_adj=-997", "dd"),
        ("guest dmesg: dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), oom_score_adj=-997", "dd"),
        ("sh invoked oom-killer: gfp_mask=0xd0, oom_adj=0", "sh"),
    ],
)
def test_a_header_whose_order_was_left_out_is_a_failure(line, process):
    (failure,) = failures(f"{line}\n oom_kill_process+0xef/0x1f0\n")
    assert (failure["process"], failure["kind"], failure["verdict"]) == (process, "oom", None)
    assert "how many is not in the text" in told(f"{line}\n")


# --- the end of the very process by its group, in another line ---

ENDED = "Memory cgroup out of memory: Killed process {} (bash) total-vm:1kB, anon-rss:1kB, file-rss:1kB\n"
ALONE = "bash invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=1000\n"
ALONE += "CPU: 0 PID: 7788 Comm: bash Not tainted 5.15.0 #96\n dump_header+0x53/0x228\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ENDED.format(7788) + "elsewhere:\n" + ALONE, "control-group"),
        (ENDED.format(77) + "elsewhere:\n" + ALONE, "unknown"),
        (ALONE, "unknown"),
    ],
)
def test_a_header_of_a_process_that_its_group_ended_is_of_the_group(text, reason):
    assert failures(text)[-1]["reason"] == reason


# --- zones whose marks are not in the text ---


@pytest.mark.parametrize(
    ("dma", "words"),
    [
        ("DMA: 0*4kB 1*8kB 0*16kB = 8kB\n", "succeeds: 32 kB"),
        ("DMA: 0*4kB 0*8kB 1*16kB 1*32kB = 48kB\n", "succeeds: 32 kB"),
        ("DMA: 0*4kB 0*8kB 0*16kB 0*32kB 1*64kB = 64kB\n", "succeeds: unknown"),
        ("DMA: 0*4kB 1*8kB 0*16kB", "succeeds: unknown"),  # its end was cut
    ],
)
def test_a_zone_without_marks_matters_if_its_blocks_are_larger(dma, words):
    normal = LOW.format(8000) + "Normal: 1000*4kB 460*8kB 0*16kB 10*32kB 0*64kB = 8000kB\n"
    assert words in told(f"Linux version 5.10.0\n{normal}{dma}")


# --- swap that was used up, where marks are missing ---


@pytest.mark.parametrize(
    ("free_kb", "is_said"),
    [(0, True), (900000, False)],
)
def test_swap_that_is_full_explains_a_kill_without_marks(free_kb, is_said):
    text = SHORT + "DMA32: 10*4kB 1*8kB 0*16kB = 48kB\n" + f"Free swap  = {free_kb}kB\nTotal swap = 1023996kB\n"
    assert ("Why: memory and swap were used up" in told(text)) is is_said


# --- a cache that holds much, in a dump without a failure ---


@pytest.mark.parametrize(("kb", "is_told"), [(2144352, True), (214435, False)])
def test_a_large_cache_is_told_without_a_failure(kb, is_told):
    text = LOW.format(96000) + "Normal: 24000*4kB 0*8kB = 96000kB\n901120 pages RAM\n41108 pages reserved\n"
    text = text.replace("present:901120kB", "present:3604480kB")
    text += f"Unreclaimable slab info:\nkmalloc-512          {kb}KB    {kb}KB\n"
    assert (f"kmalloc-512 {kb} kB" in told(text)) is is_told


# --- Android's killer, as people tell it ---


def test_androids_killer_without_a_number():
    line = "08-14 14:22:01.340 1450 1450 I lowmemorykiller: Killing 'com.kiosk.app' (adj 905), to free 412032kB on low"
    (failure,) = failures(f'    ("{line}", "LOW"),\n')
    assert failure["reason"] == "low-memory-killer" and "412032 kB" in told(line)


# --- dumps that end behind their first zone ---

FIRST = "Node 0 DMA free:7088kB min:412kB low:512kB high:612kB present:15992kB managed:15908kB\n"


@pytest.mark.parametrize(
    ("header", "behind", "verdict"),
    [
        ("free:12929 free_pcp:0", "", None),  # 7088 kB are 1772 pages: other zones have the rest
        ("active_anon:98024 inactive_anon:167006", "", None),  # more than the zone has in all
        ("free:1772 free_pcp:0", "", "ok"),  # a board with this zone alone
        ("free:12929 free_pcp:0", "lowmem_reserve[]: 0 1670 1670 1670\n", None),  # other zones may serve it
    ],
)
def test_a_zone_may_keep_what_a_cut_text_does_not_tell(header, behind, verdict):
    text = f"app: page allocation failure: order:0, mode:0x14200ca(GFP_HIGHUSER_MOVABLE)\nMem-Info:\n{header}\n{FIRST}"
    found = failures(f"Linux version 4.16.0\n{text}{behind}")[0]
    assert found["verdict"] == verdict


def test_a_zone_cut_before_its_size_may_keep_much():
    text = "app: page allocation failure: order:0, mode:0x14200ca(GFP_HIGHUSER_MOVABLE)\nMem-Info:\n"
    text += f"active_anon:98024 inactive_anon:167006\n{FIRST.partition(' present')[0]}"
    assert failures(f"Linux version 4.16.0\n{text}")[0]["verdict"] is None


@pytest.mark.parametrize(("protections", "verdict"), [("protections[]: 0 0 0", None)])
def test_protections_of_nothing_do_not_prove_that_no_zone_is_missing(protections, verdict):
    text = "swapper: page allocation failure. order:0, mode:0x20\n"
    text += "Active:39820 inactive:208936 dirty:104508 writeback:672 unstable:0 free:133 slab:7779 mapped:1\n"
    text += f"DMA free:8kB min:12kB low:24kB high:36kB active:384kB present:16384kB\n{protections}\n"
    text += "DMA: 0*4kB 1*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 8kB\n"
    assert [failure["verdict"] for failure in failures(text)] == [verdict]
