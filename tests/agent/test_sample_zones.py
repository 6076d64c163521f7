"""The sampler where buddyinfo shows other zones or orders than at the start, or a line of it is damaged."""

from buddyd.sample import Sampler
from harness import read
from test_sample import FILES, Board


def test_malformed_line_costs_its_zone_and_is_told_once():
    with Board("pc-3zones") as board:
        board.poll()
        sampler = board.sampler
        dma32 = sampler.zones[1].nr_free(sampler.vector)
        lines = read("captures/pc-3zones/proc/buddyinfo").split(b"\n")
        lines[1] = b"Node 0, zone    DMA32      1      2 oops"
        lines[2] = lines[2].replace(b" 58", b" 59")
        board.write("buddyinfo", b"\n".join(lines))
        assert board.poll(3)
        assert sampler.zones[1].nr_free(sampler.vector) == dma32
        assert sampler.zones[2].nr_free(sampler.vector)[10] == 59
        assert len(board.news) == 1
        assert "oops" in board.news[0]


NORMAL = b"Node 0, zone   Normal      1      2      3\n"
CHANGED = (
    # (buddyinfo at the start, later)
    (NORMAL, NORMAL + NORMAL.replace(b" Normal", b"Movable")),
    (NORMAL + NORMAL.replace(b" Normal", b"Movable"), NORMAL),
    (NORMAL, NORMAL.replace(b" Normal", b"Movable")),
    (NORMAL, NORMAL.replace(b"Node 0", b"Node 1")),
    (NORMAL, NORMAL.replace(b"\n", b"      4\n")),
    (NORMAL, NORMAL.replace(b"      3", b"")),
)


def test_changed_zones_are_missing_until_they_are_as_before():
    for before, after in CHANGED:
        with Board("fresh-4k-bflt", FILES[1:]) as board:
            board.write("buddyinfo", before)
            board.sampler = Sampler(board.path)
            assert board.poll()
            assert "memory-zones" not in board.sampler.missing()
            board.write("buddyinfo", after)
            assert board.poll(3)
            assert board.sampler.missing().count("memory-zones") == 1, after
            assert len(board.news) == 1, board.news
            assert board.news[0].startswith("memory zones changed: restart buddyd to read the new ones; found: 0/") or (
                after.startswith(b"Node 1") and board.news[0].endswith("found: 1/Normal")
            ), board.news
            board.write("buddyinfo", before)
            assert board.poll(2)
            assert board.news[1:] == ["back memory-zones"]
            assert "memory-zones" not in board.sampler.missing()


def test_marks_stay_with_their_zones_when_a_line_is_malformed():
    with Board("pc-3zones") as board:
        board.poll()
        marks = [zone.marks(board.sampler.vector) for zone in board.sampler.zones]
        lines = read("captures/pc-3zones/proc/buddyinfo").split(b"\n")
        board.write("buddyinfo", b"\n".join(lines[1:]))
        board.poll_marks()
        assert [zone.marks(board.sampler.vector) for zone in board.sampler.zones] == marks


def test_free_column_fits_the_figures_that_are_kept():
    with Board("pc-3zones") as board:
        board.poll()
        mem_free = board.sampler.value("free")
        lines = read("captures/pc-3zones/proc/buddyinfo").split(b"\n")
        board.write("buddyinfo", b"\n".join(lines[:2]) + b"\n")
        board.poll()
        assert board.sampler.value("free") == mem_free
