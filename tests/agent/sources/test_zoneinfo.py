"""zoneinfo: min, low, high and reserve of every zone, in the format of every kernel."""

from buddyd.sources.zoneinfo import MARKS_PER_ZONE, ZoneInfo, normal_reserve, parse_line
from harness import fixture, raises, read
from scratch import Scratch

# As mm/vmstat.c of 2.6.30 prints it, with the marks of the board in the story: protection comes after the counters, and
# only populated zones are listed.
KERNEL_2_6_30 = b"""\
Node 0, zone      DMA
  pages free     821
        min      90
        low      112
        high     135
        scanned  0 (aa: 0 ia: 0 af: 0 if: 0)
        spanned  2048
        present  2032
    nr_free_pages 821
    nr_inactive_anon 0
    nr_active_anon 0
    nr_slab_reclaimable 49
    nr_slab_unreclaimable 304
    nr_vmscan_write 0
        protection: (0, 0, 0)
  pagesets
    cpu: 0
              count: 0
              high:  0
              batch: 1
  all_unreclaimable: 0
  prev_priority:     12
  start_pfn:         262144
  inactive_ratio:    1
"""

# The same kernel's format on two nodes: only node 0 has DMA and DMA32.
NUMA_2_6_30 = b"""\
Node 0, zone      DMA
  pages free     3900
        min      20
        low      25
        high     30
        scanned  0 (aa: 0 ia: 0 af: 0 if: 0)
    nr_free_pages 3900
        protection: (0, 2900, 3900, 3900)
  pagesets
    cpu: 0
              high:  7
Node 0, zone    DMA32
  pages free     5000
        min      40
        low      50
        high     60
    nr_free_pages 5000
        protection: (0, 0, 1000, 1000)
  pagesets
Node 1, zone   Normal
  pages free     6000
        min      70
        low      80
        high     90
    nr_free_pages 6000
        protection: (0, 0, 0, 0)
  pagesets
"""

LINES = (
    ("header", b"Node 0, zone      DMA", (b"Node", (0, "DMA"))),
    ("header-with-node", b"Node 10, zone   Normal", (b"Node", (10, "Normal"))),
    ("min", b"        min      90", (b"min", 90)),
    ("protection", b"        protection: (0, 2900, 3900)", (b"protection:", [0, 2900, 3900])),
    ("protection-of-one", b"        protection: (0)", (b"protection:", [0])),
    ("high-of-pagesets", b"              high:  42", None),
    ("high-min-of-pagesets", b"              high_min: 42", None),
    ("counter", b"      nr_free_pages 228", None),
    ("per-node", b"  per-node stats", None),
    ("boost", b"        boost    7", None),
    ("one-word", b"  pagesets", None),
    ("empty", b"", None),
)

DAMAGED = (
    ("min-is-no-number", b"        min      9x"),
    ("high-of-two-numbers", b"        high      9 9"),
    ("node-is-no-number", b"Node x, zone      DMA"),
    ("node-alone", b"Node 0,"),
    ("protection-empty", b"        protection: ()"),
    ("protection-of-words", b"        protection: (a, b)"),
)

CAPTURES = (
    ("fresh-4k-bflt", [(0, "DMA")], [70, 87, 104, 0]),
    ("frag-4k-bflt", [(0, "DMA")], [70, 87, 104, 0]),
    ("fresh-8k-elf", [(0, "DMA")], [35, 43, 51, 0]),
    ("frag-8k-elf", [(0, "DMA")], [35, 43, 51, 0]),
    ("fresh-4k-bflt-2.6.30", [(0, "DMA")], [90, 112, 135, 0]),
    ("frag-4k-bflt-2.6.30-files", [(0, "DMA")], [90, 112, 135, 0]),
    ("ramfs-2.6.30", [(0, "DMA")], [90, 112, 135, 0]),
    ("fresh-rv64", [(0, "DMA32")], [113, 141, 169, 0]),
    ("frag-rv64", [(0, "DMA32")], [113, 141, 169, 0]),
    ("fresh-rv64-2-cpus", [(0, "DMA32")], [113, 141, 169, 0]),
    ("frag-rv64-2-cpus", [(0, "DMA32")], [113, 141, 169, 0]),
    ("fresh-rv32", [(0, "Normal")], [115, 143, 171, 0]),
    ("frag-rv32", [(0, "Normal")], [115, 143, 171, 0]),
    ("fresh-arm", [(0, "Normal")], [117, 146, 175, 0]),
    ("frag-arm", [(0, "Normal")], [117, 146, 175, 0]),
    ("frag-4k-bflt", [(0, "Normal"), (0, "DMA"), (1, "DMA")], [0, 0, 0, 0, 70, 87, 104, 0, None, None, None, None]),
)

# (name, protection, zones of the node, zones of all nodes, reserve)
RESERVES = (
    ("listed-all", [0, 3019, 3659, 3660, 3661], ["DMA", "DMA32", "Normal", "Movable", "Device"], None, 3659),
    ("listed-all-but-no-dma", [0, 5, 6], ["Normal", "HighMem", "Movable"], None, 0),
    ("populated-only", [0, 2900, 3900, 4000], ["DMA", "DMA32"], ["DMA", "DMA32", "Normal"], 3900),
    ("dma-alone", [0, 0, 0], ["DMA"], None, 0),
    ("highmem", [0, 865, 2000, 2000], ["DMA", "Normal", "HighMem"], None, 865),
    ("normal-alone", [0, 8], ["Normal"], None, 0),
    ("empty-dma32-does-not-show", [0, 7, 8, 9], ["DMA", "Normal"], None, 9),
    ("single-entry", [4], ["DMA"], None, 4),
    ("more-types-than-known", [0, 1, 2, 3, 4, 5, 6, 7], ["DMA"], None, 7),
)


def read_text(text, zones):
    with Scratch() as scratch:
        scratch.write("zoneinfo", text)
        info = ZoneInfo(scratch.path)
        info.read(zones)
    return info


def test_parse_line_gives_what_matters():
    for name, line, expected in LINES:
        assert parse_line(line) == expected, name


def test_parse_line_refuses_damaged_lines():
    for name, line in DAMAGED:
        assert raises(ValueError, parse_line, line), name


def test_captures_give_their_marks():
    for name, zones, marks in CAPTURES:
        info = ZoneInfo(fixture("captures/%s/proc" % name))
        info.read(zones)
        assert (info.marks, info.first_error) == (marks, None), name


def test_pc_gives_marks_and_reserve_of_three_zones():
    info = ZoneInfo(fixture("captures/pc-3zones/proc"))
    info.read([(0, "DMA"), (0, "DMA32"), (0, "Normal")])
    lines = read("captures/pc-3zones/proc/zoneinfo").split(b"\n")
    for i, mark in enumerate((b"min", b"low", b"high")):
        expected = [int(line.split()[1]) for line in lines if line.split()[:1] == [mark]][:3]
        assert [info.marks[zone * MARKS_PER_ZONE + i] for zone in range(3)] == expected, mark
    protection = [line.split(b"(")[1] for line in lines if b"protection:" in line]
    assert [info.marks[zone * MARKS_PER_ZONE + 3] for zone in range(3)] == [
        int(entries.rstrip(b")").split(b", ")[2]) for entries in protection[:3]
    ]


def test_kernel_2_6_30_gives_the_marks_of_the_story():
    info = read_text(KERNEL_2_6_30, [(0, "DMA")])
    assert (info.marks, info.first_error) == ([90, 112, 135, 0], None)


def test_nodes_are_kept_apart():
    info = read_text(NUMA_2_6_30, [(0, "DMA"), (0, "DMA32"), (1, "Normal"), (1, "DMA")])
    assert info.marks == [20, 25, 30, 3900, 40, 50, 60, 1000, 70, 80, 90, 0, None, None, None, None]


def test_boost_is_not_added_to_the_marks():
    text = KERNEL_2_6_30.replace(b"        min      90", b"        boost    8\n        min      98")
    assert read_text(text, [(0, "DMA")]).marks == [98, 112, 135, 0]


def test_high_of_pagesets_is_no_mark():
    text = KERNEL_2_6_30.replace(b"        high     135\n", b"").replace(b"high:  0", b"high:  186")
    assert read_text(text, [(0, "DMA")]).marks == [90, 112, None, 0]


def test_damaged_mark_is_unknown_and_told():
    for damaged, marks in (
        (KERNEL_2_6_30.replace(b"  90", b"  9O"), [None, 112, 135, 0]),
        (KERNEL_2_6_30.replace(b"  135", b"  x135"), [90, 112, None, 0]),
        (KERNEL_2_6_30.replace(b"(0, 0, 0)", b"(0, 0"), [90, 112, 135, 0]),
        (KERNEL_2_6_30.replace(b"(0, 0, 0)", b"()"), [90, 112, 135, None]),
    ):
        info = read_text(damaged, [(0, "DMA")])
        assert info.marks == marks, damaged
        assert (info.first_error is None) == (b"(0, 0\n" in damaged), damaged


def test_damaged_header_does_not_give_its_marks_to_the_zone_before():
    info = read_text(NUMA_2_6_30.replace(b"Node 0, zone    DMA32", b"Node 0, z"), [(0, "DMA"), (0, "DMA32")])
    assert info.marks[:3] == [20, 25, 30]
    assert info.marks[4:] == [None] * 4
    assert "cannot read `Node 0, z`" in info.first_error


def test_reserve_is_the_entry_of_normal():
    for name, protection, node_zones, all_zones, reserve in RESERVES:
        assert normal_reserve(protection, node_zones, all_zones or node_zones) == reserve, name


def test_marks_follow_the_file():
    with Scratch() as scratch:
        scratch.write("zoneinfo", KERNEL_2_6_30)
        info = ZoneInfo(scratch.path)
        info.read([(0, "DMA")])
        scratch.write("zoneinfo", KERNEL_2_6_30.replace(b"min      90", b"min      63"))
        info.read([(0, "DMA")])
        assert info.marks == [63, 112, 135, 0]


def test_missing_or_foreign_file():
    with Scratch() as scratch:
        assert raises(OSError, ZoneInfo(scratch.path).read, [(0, "DMA")]).errno == 2
    assert read_text(b"min 5\nhigh 6\nprotection: (1)\n", [(0, "DMA")]).marks == [None] * 4
    assert read_text(bytes(range(256)), [(0, "DMA")]).marks == [None] * 4
