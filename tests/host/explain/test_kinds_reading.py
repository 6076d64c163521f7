"""Kinds of damage and of wording that reports of other machines had: a table for each."""

import pytest
from asking import failures, parts, told
from buddywatch.explain.answer_json import explanation_json
from buddywatch.explain.answers import explain

LIST = "DMA: 3*4kB 1*8kB 1*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 36kB\n"
ZONE = "DMA free:36kB min:4kB low:4kB high:4kB present:8128kB\nlowmem_reserve[]: 0 0 0\n"
LENGTH = "nommu: Allocation of length 884736 from process 63 ({}) failed\n"


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("Running sysctl: echo", "echo"),
        ("boot log: sh", "sh"),
        ("see rc.local: a b", "a b"),
        ("echo", "echo"),
    ],
)
def test_words_before_a_process_do_not_make_a_second_failure(before, name):
    text = f"{before}: page allocation failure: order:7, mode:0xcc0(GFP_KERNEL)\n...\n" + LENGTH.format(name)
    assert parts(text) == [(name, 63, 884736, 7, "unknown")]


def test_another_program_is_another_failure():
    text = "cat: page allocation failure: order:7, mode:0xcc0(GFP_KERNEL)\n" + LENGTH.format("at")
    assert [failure["process"] for failure in failures(text)] == ["cat", "at"]


@pytest.mark.parametrize(
    ("header", "order"),
    [
        ("... invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOVABLE), order=0 ...", 0),
        ("> invoked oom-killer: gfp_mask=0x201da, order=1, oom_adj=0", 1),
        ("oom-killer: gfp_mask=0xd0", 0),  # 2.6.7: no order
        ("host kernel: oom-killer: gfp_mask=0x1d2, order=0", 0),  # 2.6.11
        ("[ 12.345678] oom-killer: gfp_mask=0xd0, order=2", 2),
    ],
)
def test_a_header_without_a_name_heads_its_dump(header, order):
    found = failures(f"{header}\nMem-Info:\nDMA free:36kB min:4kB low:4kB high:4kB present:8128kB\n{LIST}")
    assert [(failure["process"], failure["order"]) for failure in found] == [(None, order)]


def test_an_order_that_is_not_printed_is_said_to_be_assumed():
    assert "one page is assumed" in told(f"oom-killer: gfp_mask=0xd0\n{ZONE}{LIST}")
    assert "one page is assumed" not in told(f"oom-killer: gfp_mask=0xd0, order=0\n{ZONE}{LIST}")


@pytest.mark.parametrize("joined", ["0*2048kB0*4096kB", "0*2048kB  0*4096kB", "0*2048kB (U)0*4096kB"])
def test_a_lost_blank_between_two_blocks_costs_no_block(joined):
    text = "Mem-Info:\n" + LIST.replace("0*2048kB 0*4096kB", joined)
    assert explain(text).states[0].zones[0].nr_free == [3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("sign", "newest"),
    [
        ("Active:631 inactive:4 dirty:0 writeback:0\n", (2, 6, 27)),
        ("CPU    0: Hot: hi:    0, btch:   1 usd:   0   Cold: hi:    0, btch:   1 usd:   0\n", (2, 6, 24)),
        ("cpu 0 hot: low 2, high 6, batch 1\n", (2, 6, 20)),
        ("protections[]: 8 476 540\n", (2, 6, 11)),
    ],
)
def test_older_wordings_have_no_compaction_to_offer(sign, newest):
    header = "swapper: page allocation failure. order:3, mode:0x4020\nMem-info:\n"
    text = header + sign + ZONE + LIST.replace("3*4kB", "300*4kB").replace("= 36kB", "= 1224kB")
    assert explain(text).failures[0].kernel.span[1] == newest
    assert "compact_memory" not in told(text)


def test_a_dump_from_before_the_failure_is_not_called_later():
    text = (
        "[   45.073877] kswapd0: page allocation failure: order:0, mode:0x1080020(GFP_ATOMIC), nodemask=(null)\n"
        "[   44.966861] Mem-Info:\n[   44.966889] Normal free:9348kB min:3772kB low:4684kB high:5624kB present:9999kB\n"
        "[   44.966890] lowmem_reserve[]: 0 0\n[   44.966909] Normal: 2337*4kB (UM) 0*8kB 0*16kB 0*32kB 0*64kB "
        "0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 9348kB\n"
    )
    assert "0.1 s before there was enough" in told(text)
    assert "later there was enough" not in told(text)
    at_once = text.replace("44.966", "45.073")
    assert "later there was enough" in told(at_once)


@pytest.mark.parametrize(
    ("mode", "missing_kb"),
    [
        ("0x60c40(GFP_NOFS|__GFP_COMP|__GFP_MEMALLOC)", 4),
        ("0x40cc0(GFP_KERNEL|__GFP_COMP)", 952),
        ("0xe0c40(GFP_NOFS|__GFP_COMP|__GFP_MEMALLOC|__GFP_NOMEMALLOC)", 952),
    ],
)
def test_memalloc_knows_no_marks(mode, missing_kb):
    text = (
        f"kworker/u2:7: page allocation failure: order:0, mode:{mode}, nodemask=(null)\nMem-Info:\n"
        "Normal free:0kB boost:0kB min:948kB low:1184kB high:1420kB present:65536kB managed:57428kB\n"
        "Normal: 0*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 0kB\n"
    )
    assert f"{missing_kb} kB short" in told(text)


def test_a_zone_is_missing_only_if_the_lines_of_the_others_do_not_add_up():
    text = (
        "page01 invoked oom-killer: gfp_mask=0x1201d2, order=0, oomkilladj=0\n free:288 slab:1 mapped:8\n"
        "Node 2 Normal free:18432kB min:25600kB low:32000kB high:38400kB present:1802240kB\nlowmem_reserve[]: 0 0 0\n"
        "Node 2 Normal: 5*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB 0*8192kB 0*16384kB = 320kB\n"
    )
    assert failures(text)[0]["verdict"] == "refused"
    assert "A zone is missing" not in told(text)
    assert "have other sums: zone Normal 18432 kB for 320 kB" in told(text)
    assert "A zone is missing" in told(text.replace("free:18432kB", "free:320kB"))


def test_the_nodes_of_one_pagetypeinfo_are_one_state():
    head = "Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order       0      1\n"
    row = (
        "Node    {}, zone   Normal, type    Unmovable     {}      0      0      0      0      0      0      0      0 \n"
    )
    tail = "\nNumber of blocks type     Unmovable\nNode {}, zone   Normal            1\n"
    file = "".join(head + row.format(node, 5 + node) + tail.format(node) for node in (0, 1, 2))
    states = explain(file + file).states
    assert [[zone.node for zone in state.zones] for state in states] == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize(
    ("between", "count"),
    [
        ("", 4),
        ("x\n", 1),  # another line is what was repeated
    ],
)
def test_syslogd_leaves_lines_out_and_counts_them(between, count):
    line = "Oct 28 11:51:07 host kernel: __alloc_pages: 0-order allocation failed (gfp=0x1d2/0)\n"
    assert len(failures(f"{line}{between}Oct 28 11:51:08 host last message repeated 3 times\n")) == count


def test_two_dot_four_prints_lists_without_names():
    text = (
        "Mem-info:\nZone:DMA freepages:   120kB min:   128kB low:   256kB high:   384kB\n"
        "Zone:Normal freepages:    96kB min:   576kB low:  1152kB high:  1728kB\n"
        "Zone:HighMem freepages:     0kB min:     0kB low:     0kB high:     0kB\n"
        "0*4kB 1*8kB 1*16kB 1*32kB 1*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB = 120kB)\n"
        "0*4kB 0*8kB 0*16kB 1*32kB 1*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB = 96kB)\n= 0kB)\n"
    )
    rows = explanation_json(explain(text))["states"]
    assert [(row["zone"], row["nr_free"][:5], row["min_pages"]) for row in rows] == [
        ("DMA", [0, 1, 1, 1, 1], 32),
        ("Normal", [0, 0, 0, 1, 1], 144),
    ]
    assert "Linux 2.4 decides by another rule" in told(text)


@pytest.mark.parametrize(
    "prefix",
    [
        "2023-12-04T10:49:30.127Z In(05) vcpu-5 - Guest: <6>[39291577.009360] ",
        "lava: target: <4>[   12.345678] ",
        "(XEN) d1v0 <3>[    1.000000] ",
    ],
)
def test_before_level_and_stamp_together_anything_may_stand(prefix):
    table = "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
    row = "[  656]     0   656     2043      412       8        0             0 mmcqd\n"
    text = "".join(f"{prefix}{line}" for line in (LIST, table, row))
    holders = explain("Mem-Info:\n" + text).states[0].holders
    assert [(holder.name, holder.kb) for holder in holders] == [("mmcqd", 1648)]


@pytest.mark.parametrize(
    ("reserves", "is_known"),
    [
        ("", False),
        ("protections[]: 8 476 540\n", True),
        ("lowmem_reserve[]: 0 0 0\n", True),
    ],
)
def test_what_a_zone_keeps_for_others_decides_the_largest_request(reserves, is_known):
    text = (
        f"Mem-info:\nDMA free:1904kB min:16kB low:32kB high:48kB present:16384kB\n{reserves}"
        "Normal free:1824kB min:936kB low:1872kB high:2808kB present:901120kB\nlowmem_reserve[]: 0 0 0\n"
        "DMA: 6*4kB 3*8kB 2*16kB 1*32kB 0*64kB 0*128kB 1*256kB 1*512kB 1*1024kB 0*2048kB 0*4096kB = 1904kB\n"
        "Normal: 456*4kB 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 1824kB\n"
    )
    assert ("reserves or blocks are not in the text" in told(text)) == (not is_known)


@pytest.mark.parametrize(
    ("release", "page_bytes"),
    [("5.4.19-100.fc30.x86_64", 4096), ("6.1.0-18-amd64", 4096), ("2.6.32-754.el6.i686", 4096), ("6.1.21-v8+", None)],
)
def test_the_architecture_in_a_release_gives_the_page_size(release, page_bytes):
    text = (
        "sh: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL|__GFP_COMP|__GFP_ZERO), nodemask=(null)\n"
        f"CPU: 1 PID: 7 Comm: sh Not tainted {release} #1\n"
    )
    assert explain(text).page_bytes == page_bytes


def test_compressed_pages_are_what_holds_the_memory():
    text = (
        "Node 0 DMA32 free:3512kB boost:0kB min:3912kB low:4888kB high:5864kB zspages:916780kB present:1032064kB "
        "managed:978944kB\nlowmem_reserve[]: 0 0 0 0 0\nNode 0 DMA32: 878*4kB (U) 0*8kB 0*16kB 0*32kB 0*64kB 0*128kB "
        "0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 3512kB\n"
    )
    assert "916780 of 978944 kB are compressed pages (zram, zswap)" in told(text)


ZONEINFO = (
    "Node 0, zone      DMA\n  pages free     {0}\n        min      3\n        low      3\n        high     4\n"
    "        present  2761\n        protection: (0, 0, 0)\n  pagesets\n"
    "Node 0, zone   Normal\n  pages free     {1}\n        min      3\n        low      3\n        high     4\n"
    "        present  2761\n        protection: (0, 0, 0)\n  pagesets\n"
)


def test_a_zoneinfo_beside_a_dump_is_told():
    text = ZONEINFO.format(11, 12) + ZONEINFO.format(2854, 2143) + "Mem-Info:\n" + ZONE + LIST
    assert (
        "/proc/zoneinfo in line 17, of another moment and without blocks: free 0/DMA 11416 kB, 0/Normal 8572 kB"
        in told(text)
    )
    table = "Node 0, zone      DMA      3      1      1      0      0      0      0      0      0      0      0 \n"
    assert "of another moment" not in told(text + table)
