"""buddyinfo: any number of nodes, zones and orders; a damaged line costs its zone only."""

from buddyd.sources.buddyinfo import BuddyInfo, parse_line
from harness import fixture, raises
from scratch import Scratch

LINES = (
    ("after-reboot", b"Node 0, zone DMA 2 8 3 12 0 1 0 1 0 1 0", (0, "DMA", [2, 8, 3, 12, 0, 1, 0, 1, 0, 1, 0])),
    ("6-orders", b"Node 0, zone   Normal     1     2     3     4     5     6 ", (0, "Normal", [1, 2, 3, 4, 5, 6])),
    ("14-orders", b"Node 0, zone      DMA " + b"     9 " * 14, (0, "DMA", [9] * 14)),
    ("node-12", b"Node 12, zone    DMA32 123456 1234567 ", (12, "DMA32", [123456, 1234567])),
    ("unknown-zone", b"Node 0, zone Flash\xff 7 ", (0, "Flash?", [7])),
)

DAMAGED = (
    ("empty", b""),
    ("no-counts", b"Node 0, zone      DMA"),
    ("no-node", b"zone      DMA      1      2"),
    ("no-zone", b"Node 0, zine      DMA      1      2"),
    ("node-is-no-number", b"Node A, zone      DMA      1      2"),
    ("count-is-no-number", b"Node 0, zone      DMA      1     2x      3"),
    ("negative-count", b"Node 0, zone      DMA      1     -2      3"),
    ("other-file", b"MemTotal:           6580 kB"),
    ("nul", b"Node 0, zone      DMA      1     2\0      3"),
)

CAPTURES = (
    ("fresh-4k-bflt", [(0, "DMA")], 691),
    ("frag-4k-bflt", [(0, "DMA")], 228),
    ("fresh-8k-elf", [(0, "DMA")], 296),
    ("frag-8k-elf", [(0, "DMA")], None),
    ("pc-3zones", [(0, "DMA"), (0, "DMA32"), (0, "Normal")], None),
    ("fresh-4k-bflt-2.6.30", [(0, "DMA")], 1441),
    ("frag-4k-bflt-2.6.30-files", [(0, "DMA")], 565),
    ("frag-4k-bflt-2.6.30-cron", [(0, "DMA")], 1188),
    ("frag-4k-bflt-2.6.30-noagent", [(0, "DMA")], 583),
    ("ramfs-2.6.30", [(0, "DMA")], 884),
    ("fresh-rv64", [(0, "DMA32")], 1534),
    ("frag-rv64", [(0, "DMA32")], 811),
    ("fresh-rv64-2-cpus", [(0, "DMA32")], 1484),
    ("frag-rv64-2-cpus", [(0, "DMA32")], 758),
    ("fresh-rv32", [(0, "Normal")], 1827),
    ("frag-rv32", [(0, "Normal")], 905),
    ("fresh-arm", [(0, "Normal")], 3079),
    ("frag-arm", [(0, "Normal")], 497),
)

TWO_NODES = b"""\
Node 0, zone      DMA      1      2      3
Node 0, zone   Normal      4      5      6
Node 1, zone   Normal      7      8      9
"""


def read_text(text):
    with Scratch() as scratch:
        scratch.write("buddyinfo", text)
        info = BuddyInfo(scratch.path)
        info.read()
    return info


def test_parse_line_gives_node_zone_and_counts():
    for name, line, expected in LINES:
        assert parse_line(line) == expected, name


def test_parse_line_refuses_damaged_lines():
    for name, line in DAMAGED:
        assert raises(ValueError, parse_line, line), name


def test_captures_hold_their_zones_and_pages():
    for name, zones, pages in CAPTURES:
        info = BuddyInfo(fixture("captures/%s/proc" % name))
        info.read()
        assert (info.zones, info.orders, info.first_error) == (zones, 11, None), name
        assert len(info.counts) == 11 * len(zones), name
        assert pages is None or info.free_pages() == pages, name


def test_machine_itself_can_be_read():
    info = BuddyInfo("/proc")
    for _ in range(3):
        info.read()
        assert info.zones and info.orders > 4 and info.first_error is None
        assert len(info.counts) == info.orders * len(info.zones)
    info.close()


def test_counts_stand_zone_after_zone():
    info = read_text(TWO_NODES)
    assert info.zones == [(0, "DMA"), (0, "Normal"), (1, "Normal")]
    assert info.orders == 3
    assert info.counts == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert info.free_pages() == 1 + 4 + 12 + 4 + 10 + 24 + 7 + 16 + 36


def test_pages_after_reboot_are_those_of_the_seed():
    assert read_text(LINES[0][1] + b" \n").free_pages() == 798


def test_file_of_any_length_is_read():
    zones = [(node, "Normal") for node in range(64)]
    text = b"".join([b"Node %d, zone   Normal %s\n" % (node, b"     1 " * 11) for node in range(64)])
    info = read_text(text)
    assert info.zones == zones
    assert info.counts == [1] * (64 * 11)


def test_damaged_line_costs_its_zone_only():
    lines, all_zones = TWO_NODES.split(b"\n"), read_text(TWO_NODES).zones
    for at in range(3):
        zones = all_zones[:at] + all_zones[at + 1 :]
        for damage in (lines[at][:20], lines[at] + b"x", lines[at][:-7], b"\xff\0"):
            damaged = list(lines)
            damaged[at] = damage
            info = read_text(b"\n".join(damaged))
            assert info.zones == zones, (at, damage)
            assert info.orders == 3 and len(info.counts) == 6, (at, damage)
            assert "buddyinfo: " in info.first_error, (at, damage)


def test_damaged_line_is_quoted():
    assert "cannot read `Node 0, zone   Normal      4      5x" in read_text(TWO_NODES.replace(b"5", b"5x")).first_error
    assert read_text(TWO_NODES).first_error is None


def test_figures_follow_the_file():
    with Scratch() as scratch:
        scratch.write("buddyinfo", TWO_NODES)
        info = BuddyInfo(scratch.path)
        info.read()
        scratch.write("buddyinfo", b"Node 1, zone   Normal      0      1 \n")
        info.read()
        assert (info.zones, info.orders, info.counts) == ([(1, "Normal")], 2, [0, 1])


def test_file_without_a_zone_has_no_zone():
    for text in (b"", b"\n\n", b"buddyinfo: no such thing\n", bytes(range(256))):
        info = read_text(text)
        assert (info.zones, info.counts, info.free_pages()) == ([], [], 0), text


def test_missing_file_is_the_kernels_error():
    with Scratch() as scratch:
        assert raises(OSError, BuddyInfo(scratch.path).read).errno == 2
