"""The sampler if zoneinfo has only some marks, or if the page size is unknown, and its clock."""

from buddyd import compat, watermark
from harness import read
from test_sample import Board

PC = "captures/pc-3zones/proc/"
NORMAL_MARKS = [5355, 6693, 8031, 0]


def without_zone(text, name):
    """zoneinfo without the section of a zone."""
    sections = text.split(b"Node ")
    return b"Node ".join([section for section in sections if not section.startswith(b"0, zone%9s" % name)])


class Partial(Board):
    """A machine with three zones, whose zoneinfo does not know DMA32."""

    def write(self, name, data):
        return super().write(name, without_zone(data, b"DMA32") if name == "zoneinfo" else data)


def test_zone_without_marks_costs_its_marks_only():
    with Partial("pc-3zones") as board:
        board.poll_marks()
        sampler, facts = board.sampler, board.facts()
        assert facts["z1"] == "0/DMA32/11/-/-/-/-"
        assert facts["z2"] == "0/Normal/11/5355/6693/8031/0"
        assert [zone.marks(sampler.vector) is None for zone in sampler.zones] == [False, True, False]
        assert len(sampler.vector) == len(sampler.columns) + 4 + 11 + 11 + 4 + 11
        assert sampler.zones[1].nr_free(sampler.vector)[10] == 752
        assert sampler.zones[2].nr_free(sampler.vector)[10] == 58
        assert len(watermark.kernel_zones(sampler)) == 2
        assert "zoneinfo" not in sampler.missing()


def test_mark_that_is_lost_keeps_its_last_value_and_the_others_change():
    with Board("pc-3zones") as board:
        board.poll()
        text = read(PC + "zoneinfo")
        text = text.replace(b"low      6693", b"low      oops").replace(b"min      5355", b"min      99")
        board.write("zoneinfo", text)
        board.poll_marks()
        marks = [zone.marks(board.sampler.vector) for zone in board.sampler.zones]
        assert marks[2] == [99, 6693, 8031, 0]
        assert marks[0] == [57, 71, 85, 4427]


def test_zone_whose_marks_come_later_stays_without():
    """The hello has named the columns, and they never change."""
    with Partial("pc-3zones") as board:
        board.poll()
        width = len(board.sampler.vector)
        Board.write(board, "zoneinfo", read(PC + "zoneinfo"))
        board.poll_marks()
        assert board.sampler.zones[1].marks(board.sampler.vector) is None
        assert board.sampler.zones[2].marks(board.sampler.vector) == NORMAL_MARKS
        assert len(board.sampler.vector) == width


def test_memory_columns_need_the_page_size():
    with Board("fresh-4k-bflt", ("vmstat", "meminfo")) as board:
        board.write("meminfo", b"MemFree: 1 kB\nSlab: 5 kB\n")
        sampler = type(board.sampler)(board.path)
        assert sampler.system.page_bytes is None
        assert sampler.columns == ["up", "proc"]
        assert "meminfo" not in sampler.missing()


def test_each_missing_source_is_named_once():
    for name in ("meminfo", "stat", "uptime", "zoneinfo"):
        with Board("fresh-4k-bflt", (name,)) as board:
            assert board.sampler.missing().count(name) == 1, name


def test_lost_uptime_is_counted_on_by_the_clock():
    with Board("fresh-4k-bflt") as board:
        board.write("uptime", b"")
        board.poll()
        sampler = board.sampler
        began_ms, began_cs = compat.ticks_ms(), sampler.uptime_cs()
        passed_ms = passed_cs = 0
        while passed_ms < 300:
            passed_cs = sampler.uptime_cs() - began_cs
            passed_ms = compat.ticks_diff(compat.ticks_ms(), began_ms)
        assert passed_cs <= passed_ms // 10 + 1
        late_cs = compat.ticks_diff(compat.ticks_ms(), began_ms) // 10 - (sampler.uptime_cs() - began_cs)
        assert late_cs <= 1
