"""What people paste: markup of forums, names that look like tags, dumps of kernels before 2.6.11, lists left out."""

import pytest
from buddyd import watermark
from buddywatch.explain import reasons
from buddywatch.explain.answers import explain
from buddywatch.explain.report import report_lines
from runner import Runner

LIST = "Normal: 456*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 1824kB\n"


def told(text):
    return " ".join(" ".join(report_lines(explain(text))).split())


@pytest.mark.parametrize(
    "line",
    [
        '[ 12.345678][COLOR="Red"] rm invoked oom-killer: gfp_mask=0x280d2, order=0, oomkilladj=-17[/COLOR]',
        "[ 12.345678] [B]rm[/B] invoked oom-killer: gfp_mask=0x280d2, order=0, oomkilladj=-17",
        "[SIZE=3][ 12.345678] rm invoked oom-killer: gfp_mask=0x280d2, order=0[/SIZE], oomkilladj=-17",
        "[ 12.345678] <b>rm</b> invoked oom-killer: gfp_mask=0x280d2, order=0, oomkilladj=-17<br />",
        '[ 12.345678] rm invoked <span style="color:red">oom-killer</span>: gfp_mask=0x280d2, order=0, oomkilladj=-17',
        "<code>[ 12.345678] rm invoked oom-killer: gfp_mask=0x280d2, order=0, oomkilladj=-17</code>",
    ],
)
def test_markup_of_forums_is_no_part_of_a_line(line):
    failures = explain(f"{line}\n").failures
    assert [(failure.name, failure.order) for failure in failures] == [("rm", 0)]


@pytest.mark.parametrize("name", ["klogd", "a.out", "console", "dmesg", "netconsole", "x.log"])
@pytest.mark.parametrize("prefix", ["", "[ 12.345678] ", "Jan  1 00:00:01 host kernel: ", "<4>"])
def test_a_process_may_be_called_as_a_log_is(prefix, name):
    (failure,) = explain(f"{prefix}{name}: page allocation failure. order:0, mode:0x20\n").failures
    assert failure.name == name


@pytest.mark.parametrize("tag", ["klogd: ", "console: ", "a.log:12: ", "dmesg: "])
def test_a_tag_before_a_process_is_none(tag):
    (failure,) = explain(f"{tag}rm: page allocation failure. order:0, mode:0x20\n").failures
    assert failure.name == "rm"


ZONE = "Normal free:1824kB min:936kB low:1872kB high:2808kB active:84kB inactive:284kB present:901120kB\n"


@pytest.mark.parametrize(
    ("header", "protections", "verdict", "margin_pages"),
    [
        # to 2.6.8 a zone's own protection has its low mark in it: 456 pages are free
        ("oom-killer: gfp_mask=0xd0", "protections[]: 0 455 724", None, None),
        ("oom-killer: gfp_mask=0xd0", "protections[]: 0 456 724", watermark.REFUSED, -1),
        ("rm: page allocation failure. order:0, mode:0xd0", "protections[]: 0 455 724", watermark.TIGHT, 0),
        ("rm: page allocation failure. order:0, mode:0xd0", "protections[]: 0 468 724", watermark.REFUSED, -13),
        ("rm: page allocation failure. order:0, mode:0x20", "protections[]: 0 468 724", watermark.TIGHT, 104),
        # later ones have the mark beside it
        ("rm: page allocation failure. order:0, mode:0xd0", "protections[]: 0 0 0", watermark.TIGHT, 221),
    ],
)
def test_protections_of_kernels_to_2_6_10(header, protections, verdict, margin_pages):
    dma = "DMA free:4kB min:16kB low:32kB high:48kB active:0kB inactive:0kB present:16384kB\nprotections[]: 8 476 540\n"
    text = f"{header}\ncpu 0 hot: low 2, high 6, batch 1\nMem-info:\n{dma}{ZONE}{protections}\n{LIST}"
    (failure,) = explain(text).failures
    if verdict == watermark.TIGHT:
        assert failure.answer.verdict in (watermark.TIGHT, watermark.OK)
        assert failure.answer.margin_pages >= 0
    else:
        assert (failure.answer.verdict, failure.answer.margin_pages) == (verdict, margin_pages)


@pytest.mark.parametrize(
    ("release", "verdict"),
    [("2.6.8", watermark.OK), ("2.6.10", watermark.OK), ("2.6.11", watermark.REFUSED), ("2.6.27", watermark.REFUSED)],
)
def test_kernels_to_2_6_10_look_at_no_size_but_the_one_asked_for(release, verdict):
    text = (
        f"Linux version {release}\nrm: page allocation failure. order:3, mode:0xd0\n"
        "Normal free:8032kB min:3840kB low:4800kB high:5760kB present:131072kB\nlowmem_reserve[]: 0 0\n"
        "Normal: 2000*4kB 0*8kB 0*16kB 1*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 8032kB\n"
    )
    assert explain(text).failures[0].answer.verdict == verdict


@pytest.mark.parametrize("note", ["", "  (__GFP_FS|__GFP_IO|__GFP_WAIT)", " (__GFP_FS | __GFP_IO)"])
def test_a_request_whose_size_is_not_printed_is_not_said_to_succeed(note):
    text = f"oom-killer: gfp_mask=0xd0{note}\n{ZONE.replace('1824', '9824')}{LIST.replace('456', '2456')}"
    text = text.replace("= 1824", "= 9824")
    (failure,) = explain(text).failures
    assert (failure.answer.verdict, failure.answer.reason) == (None, reasons.UNKNOWN)
    assert "is not printed" in told(text)


CMA = (
    "rm: page allocation failure: order:{order}, mode:{mode}\nCPU: 0 PID: 9 Comm: rm Not tainted 4.9.56 #1\nMem-Info:\n"
    "active_anon:3268 inactive_anon:2 isolated_anon:0\n free:62086 free_pcp:199 free_cma:{cma}\n"
    "Normal free:248344kB min:2444kB low:3052kB high:3660kB active_anon:13072kB present:1048572kB managed:73"
)


@pytest.mark.parametrize(
    ("order", "mode", "cma", "verdict"),
    [
        (10, "0x2084020(GFP_ATOMIC|__GFP_COMP)", 60234, None),  # 1852 are left: a block of 1024, or none
        (10, "0x2084020(GFP_ATOMIC|__GFP_COMP)", 61400, watermark.REFUSED),
        (0, "0x24000c0(GFP_KERNEL)", 61600, watermark.REFUSED),  # 486 are left, of which min is 611
        (0, "0x24200ca(GFP_HIGHUSER_MOVABLE)", 61600, watermark.OK),  # which may have CMA's
    ],
)
def test_pages_of_cma_are_taken_off_where_the_lists_are_missing(order, mode, cma, verdict):
    text = CMA.format(order=order, mode=mode, cma=cma)
    assert explain(text).failures[0].answer.verdict == verdict


SWAP = "Free swap  = {free}kB\nTotal swap = 746980kB\n"


@pytest.mark.parametrize(("free", "is_full"), [(0, True), (10000, True), (20000, False), (746980, False)])
def test_full_swap_is_told_of_a_kill(free, is_full):
    text = (
        "amule invoked oom-killer: gfp_mask=0x280d2, order=0, oomkilladj=0\n"
        "Normal free:4440kB min:3456kB low:4320kB high:4400kB active:360968kB inactive:359620kB present:763524kB\n"
        "lowmem_reserve[]: 0 0 0\nNormal: 1110*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB "
        f"0*2048kB 0*4096kB = 4440kB\n{SWAP.format(free=free)}"
    )
    assert ("memory and swap were used up" in told(text)) == is_full


def test_no_block_and_hardly_any_memory_are_told_together():
    text = (
        "Linux version 4.8.0\nsh invoked oom-killer: gfp_mask=0x27000c0, order=2, oom_score_adj=0\nMem-Info:\n"
        "active_anon:622526 inactive_anon:154230 isolated_anon:0\n free:15684 free_pcp:0 free_cma:0\n"
        "DMA32 free:62736kB min:41984kB low:47480kB high:52976kB present:3578492kB managed:3512924kB\n"
        "lowmem_reserve[]: 0 0\nDMA32: 15684*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB "
        "0*4096kB = 62736kB\n"
    )
    assert "no free block of 16 kB, and memory was nearly used up" in told(text)


@pytest.mark.parametrize(
    ("text", "is_part"),
    [
        (" [<c013fa77>] __alloc_pages+0x28b/0x29d\n [<c01423f8>] kmem_getpages+0x1c/0xbb\n", True),
        ("Mem-info:\nDMA per-cpu:\ncpu 0 hot: low 2, high 6, batch 1\n", True),
        ("[   12.3]  warn_alloc+0xc8/0x17c\n", True),
        ("hello\n", False),
    ],
)
def test_a_part_of_a_report_without_its_facts_is_said_to_be_one(tmp_path, capsys, text, is_part):
    file = tmp_path / "part.txt"
    file.write_text(text)
    result = Runner(tmp_path, capsys)("explain", str(file))
    assert result.code == 2
    assert ("the input has a part of a report" in result.err) == is_part
