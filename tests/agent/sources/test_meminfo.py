"""meminfo: free, slab and reclaimable kB on every kernel."""

from buddyd.sources.meminfo import MemInfo, parse_line
from harness import fixture, raises
from scratch import Scratch

# What the board of the story printed after its reboot, 2.6.30.
KERNEL_2_6_30 = b"""\
MemTotal:           6580 kB
MemFree:            3164 kB
Buffers:               0 kB
Cached:              728 kB
SwapCached:            0 kB
Active:              176 kB
Inactive:            524 kB
Active(anon):          0 kB
Inactive(anon):        0 kB
Active(file):        176 kB
Inactive(file):      524 kB
Unevictable:           0 kB
Mlocked:               0 kB
MmapCopy:            844 kB
SwapTotal:             0 kB
SwapFree:              0 kB
Dirty:                 0 kB
Writeback:             0 kB
AnonPages:             0 kB
Mapped:                0 kB
Slab:               1268 kB
SReclaimable:        196 kB
SUnreclaim:         1072 kB
PageTables:            0 kB
"""

# Before 2.6.28 the lists were not split: 2.6.24's rows.
KERNEL_2_6_24 = b"""\
MemTotal:         6580 kB
MemFree:          3164 kB
Buffers:            12 kB
Cached:            728 kB
SwapCached:          0 kB
Active:            176 kB
Inactive:          524 kB
Slab:             1268 kB
SReclaimable:      196 kB
SUnreclaim:       1072 kB
"""

# (capture, free, reclaimable, slab, files in memory). On 6.1 Cached is 832 to 1872 kB, all of it Unevictable ramfs.
# 2.6.30 moves ramfs's pages there when it scans its lists, and the lists of ramfs-2.6.30 were never scanned.
CAPTURES = (
    ("frag-4k-bflt", 912, 0, 924, 1872),
    ("fresh-8k-elf", 2368, 0, 632, 832),
    ("fresh-4k-bflt-2.6.30", 5756, 84 + 28 + 84, 544, 124),
    ("frag-4k-bflt-2.6.30-files", 2236, 32 + 564, 1028, 2548),
    ("frag-4k-bflt-2.6.30-cron", 4744, 8 + 116, 592, 344),
    ("ramfs-2.6.30", 3520, 32 + 1992 + 448, 876, 2028),
)


def read_text(text):
    with Scratch() as scratch:
        scratch.write("meminfo", text)
        info = MemInfo(scratch.path)
        info.read()
    return info


def test_parse_line_gives_key_and_kb():
    for line, expected in (
        (b"MemFree:             912 kB", (b"MemFree", 912)),
        (b"Active(file):          0 kB", (b"Active(file)", 0)),
        (b"HugePages_Total:       7", (b"HugePages_Total", 7)),
        (b"VmallocTotal:   34359738367 kB", (b"VmallocTotal", 34359738367)),
    ):
        assert parse_line(line) == expected


def test_parse_line_refuses_other_lines():
    for line in (b"", b"MemFree", b"MemFree:", b"MemFree: kB", b"MemFree: 12 MB", b"MemFree: 1 2 kB", b"Slab: \xff kB"):
        assert raises(ValueError, parse_line, line), line


def test_captures_give_their_figures():
    for name, *expected in CAPTURES:
        info = MemInfo(fixture("captures/%s/proc" % name))
        info.read()
        assert [info.free_kb, info.reclaimable_kb, info.slab_kb, info.cached_kb] == expected, name
        assert info.first_error is None, name


def test_machine_itself_can_be_read():
    info = MemInfo("/proc")
    for _ in range(3):
        info.read()
        assert info.free_kb > 0 and info.reclaimable_kb > 0 and info.slab_kb > 0
    info.close()


def test_reclaimable_is_file_pages_and_slab():
    info = read_text(KERNEL_2_6_30)
    assert (info.free_kb, info.reclaimable_kb, info.slab_kb) == (3164, 176 + 524 + 196, 1268)


def test_reclaimable_is_buffers_and_cached_without_split_lists():
    info = read_text(KERNEL_2_6_24)
    assert (info.free_kb, info.reclaimable_kb, info.slab_kb) == (3164, 12 + 728, 1268)


def test_row_that_is_not_printed_is_none():
    info = read_text(b"MemTotal:         6580 kB\n")
    assert (info.free_kb, info.reclaimable_kb, info.slab_kb, info.cached_kb) == (None, None, None, None)
    assert read_text(b"MemFree: 1 kB\nCached: 5 kB\n").reclaimable_kb == 5


def test_damaged_row_is_none_and_told():
    info = read_text(KERNEL_2_6_30.replace(b"3164", b"31x4"))
    assert (info.free_kb, info.slab_kb) == (None, 1268)
    assert "cannot read `MemFree:            31x4 kB`" in info.first_error


def test_figures_follow_the_file():
    with Scratch() as scratch:
        scratch.write("meminfo", KERNEL_2_6_30)
        info = MemInfo(scratch.path)
        info.read()
        scratch.write("meminfo", b"MemFree: 5 kB\n")
        info.read()
        assert (info.free_kb, info.slab_kb) == (5, None)


def test_half_of_the_file_lists_is_no_better_than_none():
    for name in (b"Active(file):", b"Inactive(file):"):
        info = read_text(KERNEL_2_6_30.replace(b"\n" + name, b"\nX" + name))
        assert info.reclaimable_kb == 728, name
