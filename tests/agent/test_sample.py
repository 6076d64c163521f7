"""The sampler on captures of real boards, with sources missing, damaged, lost and back."""

from buddyd import compat, watermark
from buddyd.sample import MARKS_EVERY_MS, Sampler
from buddyd.talk import answers
from harness import raises, read
from scratch import Scratch

FILES = ("buddyinfo", "zoneinfo", "meminfo", "stat", "uptime", "cpuinfo", "version", "vmstat", "self/smaps", "mounts")
SYSCTLS = ("sys/kernel/osrelease", "sys/vm/nr_trim_pages", "sys/vm/min_free_kbytes")
BOARD_COLUMNS = ["up", "proc", "free", "recl", "slab", "file"]


class Board(Scratch):
    """A copy of a capture's /proc, a Sampler on it, and its news."""

    def __init__(self, capture, without=()):
        super().__init__()
        self.capture = capture
        self.without = without
        self.news = []

    def __enter__(self):
        super().__enter__()
        for name in FILES + SYSCTLS:
            if name not in self.without:
                try:
                    self.write(name, read("captures/%s/proc/%s" % (self.capture, name)))
                except OSError:
                    pass  # not every kernel has every one
        self.sampler = Sampler(self.path)
        return self

    def poll(self, times=1):
        for _ in range(times):
            usable = self.sampler.read(self.news.append)
        return usable

    def poll_marks(self):
        """Poll when the marks are due."""
        self.sampler._marks_ms = compat.ticks_add(compat.ticks_ms(), -MARKS_EVERY_MS)
        return self.poll()

    def facts(self):
        found = {}
        for key, value in self.sampler.facts():
            found[key] = value
        return found


def test_vector_of_a_board_with_one_zone():
    with Board("frag-4k-bflt") as board:
        assert board.poll()
        sampler = board.sampler
        assert sampler.columns == BOARD_COLUMNS
        nr_free = [140, 32, 6, 0, 0, 0, 0, 0, 0, 0, 0]
        assert sampler.vector == [1468, 37, 0, 0, 231, 468, 70, 87, 104, 0] + nr_free
        assert board.news == []


def test_facts_of_a_board_with_one_zone():
    with Board("frag-4k-bflt") as board:
        facts = board.facts()
        expected = {
            "kernel": "6.1.192",
            "machine": "COLDFIRE(m520x)",
            "page_bytes": "4096",
            "nommu": "1",
            "compaction": "impossible",
            "kboot": "-",
            "trim": "1",
            "files": "ram",
            "cols": "up,proc,free,recl,slab,file",
            "zones": "1",
            "z0": "0/DMA/11/70/87/104/0",
        }
        assert facts == expected


def test_kernel_for_several_processors_is_a_fact():
    for capture, fact in (("frag-rv64-2-cpus", "1"), ("frag-rv64", "1"), ("frag-rv32", None), ("frag-arm", None)):
        with Board(capture) as board:
            assert board.facts().get("smp") == fact, capture


def test_vector_of_a_board_with_2_6_30():
    with Board("frag-4k-bflt-2.6.30-files") as board:
        assert board.poll()
        assert board.sampler.columns == BOARD_COLUMNS
        nr_free = [313, 94, 12, 0, 1, 0, 0, 0, 0, 0, 0]
        assert board.sampler.vector == [3163, 172, -6, 149, 257, 637, 90, 112, 135, 0] + nr_free
        facts = board.facts()
        assert (facts["kernel"], facts["trim"], facts["files"]) == ("2.6.30", "1", "ram,rom")
        assert facts["z0"] == "0/DMA/11/90/112/135/0"
        assert (board.news, board.sampler.missing()) == ([], ["sys/kernel/random/boot_id"])


def test_fact_says_where_files_lie():
    for mounts, fact in ((b"proc /proc proc rw\n", "-"), (b"tmpfs /tmp tmpfs rw\n/dev/sda / ext2 rw\n", "ram,disk")):
        with Board("fresh-4k-bflt") as board:
            board.write("mounts", mounts)
            board.sampler.refresh()
            assert board.facts()["files"] == fact
    with Board("fresh-4k-bflt", without=("mounts",)) as board:
        assert (board.facts()["files"], "mounts" in board.sampler.missing()) == ("?", False)


def test_vector_of_a_board_with_larger_pages():
    with Board("frag-8k-elf") as board:
        assert board.poll()
        assert board.facts()["page_bytes"] == "8192"
        assert board.sampler.vector[6:] == [35, 43, 51, 0] + [41, 25, 2, 0, 0, 0, 0, 0, 0, 0, 0]


def test_vector_of_a_machine_with_three_zones():
    with Board("pc-3zones") as board:
        assert board.sampler.columns == BOARD_COLUMNS[:-1], "with an MMU files do not tear memory up"
        assert board.poll()
        facts, sampler = board.facts(), board.sampler
        assert facts["zones"] == "3"
        assert [zone.name for zone in sampler.zones] == ["DMA", "DMA32", "Normal"]
        assert len(sampler.vector) == len(sampler.columns) + 3 * (4 + 11)
        reserves = [zone.marks(sampler.vector)[3] for zone in sampler.zones]
        assert reserves == [4427, 1408, 0]
        assert sampler.zones[0].nr_free(sampler.vector) == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3]
        assert [zone[0] for zone in watermark.kernel_zones(sampler)] == [
            zone.nr_free(sampler.vector) for zone in sampler.zones
        ]


def test_free_column_is_what_buddyinfo_does_not_show():
    with Board("pc-3zones") as board:
        board.poll()
        sampler = board.sampler
        pages = sum([watermark.free_pages(zone.nr_free(sampler.vector)) for zone in sampler.zones])
        kb = [line for line in read("captures/pc-3zones/proc/meminfo").split(b"\n") if line.startswith(b"MemFree:")]
        mem_free = int(kb[0].split()[1]) // 4
        assert sampler.vector[2] == mem_free - pages
        assert sampler.value("free") == mem_free


# (missing file, columns that are left)
MISSING = (
    ("zoneinfo", BOARD_COLUMNS),
    ("meminfo", ["up", "proc"]),
    ("stat", ["up", "free", "recl", "slab", "file"]),
    ("uptime", BOARD_COLUMNS),
)


def test_missing_source_costs_only_itself():
    for name, columns in MISSING:
        with Board("fresh-4k-bflt", (name,)) as board:
            assert board.poll_marks(), name
            sampler = board.sampler
            assert sampler.columns == columns, name
            assert name in sampler.missing(), name
            assert board.news == [], name
            assert sampler.zones[0].nr_free(sampler.vector) == [5, 7, 2, 7, 4, 5, 2, 2, 0, 0, 0], name
            assert (sampler.zones[0].marks(sampler.vector) is None) == (name == "zoneinfo"), name


def test_board_with_buddyinfo_alone_is_sampled():
    with Board("fresh-4k-bflt", FILES[1:] + SYSCTLS) as board:
        assert board.poll_marks()
        assert board.sampler.columns == ["up"]
        assert board.facts()["z0"] == "0/DMA/11/-/-/-/-"
        assert board.facts()["kernel"] == "?"
        assert board.facts()["page_bytes"] == "?"
        assert board.facts()["nommu"] == "?"
        assert board.facts()["compaction"] == "?"
        assert watermark.kernel_zones(board.sampler) == []
        assert watermark.rule_of(board.sampler.system) is None
        for name in ("zoneinfo", "meminfo", "stat", "uptime"):
            assert name in board.sampler.missing(), name


def test_source_without_its_figures_is_missing():
    for name in ("zoneinfo", "meminfo", "stat"):
        with Board("fresh-4k-bflt", (name,)) as board:
            board.write(name, b"nothing of use\n")
            assert name in Sampler(board.path).missing(), name
            board.write(name, b"")
            assert name in Sampler(board.path).missing(), name


def test_no_usable_buddyinfo_is_an_error():
    with Board("fresh-4k-bflt") as board:
        board.write("buddyinfo", b"Node 0, zone\n")
        assert "Node 0, zone" in str(raises(ValueError, Sampler, board.path))
        board.write("buddyinfo", b"")
        assert "no zone in it" in str(raises(ValueError, Sampler, board.path))
    raises(OSError, Sampler, "/no/such/folder")


def test_lost_source_is_told_once_and_keeps_its_last_value():
    for name, column in (("meminfo", 4), ("stat", 1)):
        with Board("fresh-4k-bflt") as board:
            board.poll()
            before = board.sampler.vector[column]
            board.write(name, b"")
            assert board.poll(3)
            assert board.news == ["lost " + name]
            assert board.sampler.vector[column] == before > 0
            assert name in board.sampler.missing()


def test_source_that_is_back_is_told_once():
    for name in ("meminfo", "stat", "uptime"):
        with Board("fresh-4k-bflt") as board:
            whole = read("captures/fresh-4k-bflt/proc/" + name)
            board.poll()
            board.write(name, b"")
            board.poll(2)
            board.write(name, whole)
            board.poll(2)
            assert board.news == ["lost " + name, "back " + name]
            assert name not in board.sampler.missing()


def test_lost_buddyinfo_gives_no_snapshot():
    with Board("fresh-4k-bflt") as board:
        whole = read("captures/fresh-4k-bflt/proc/buddyinfo")
        board.write("buddyinfo", b"")
        assert not board.poll(2)
        assert board.news == ["lost buddyinfo"]
        board.write("buddyinfo", whole)
        assert board.poll(2)
        assert board.news == ["lost buddyinfo", "back buddyinfo"]


def test_changed_marks_are_seen_in_time():
    with Board("fresh-4k-bflt") as board:
        board.poll()
        whole = read("captures/fresh-4k-bflt/proc/zoneinfo")
        board.write("zoneinfo", whole.replace(b"min      70", b"min      15").replace(b"low      87", b"low      18"))
        board.poll_marks()
        assert board.sampler.zones[0].marks(board.sampler.vector) == [15, 18, 104, 0]
        assert board.facts()["z0"] == "0/DMA/11/15/18/104/0"
        assert watermark.kernel_zones(board.sampler)[0][1:] == (15, 18, 0, 0)


def test_marks_are_read_by_time_however_many_polls_there_are():
    with Board("fresh-4k-bflt") as board:
        board.write("zoneinfo", read("captures/fresh-4k-bflt/proc/zoneinfo").replace(b"min      70", b"min      15"))
        board.poll(100)
        assert board.sampler.zones[0].marks(board.sampler.vector)[0] == 70
        board.sampler._marks_ms = compat.ticks_add(compat.ticks_ms(), -MARKS_EVERY_MS)
        board.poll()
        assert board.sampler.zones[0].marks(board.sampler.vector)[0] == 15
        board.write("zoneinfo", read("captures/fresh-4k-bflt/proc/zoneinfo"))
        board.poll(100)
        assert board.sampler.zones[0].marks(board.sampler.vector)[0] == 15, "not before a minute is over again"


def test_lost_marks_keep_their_last_values():
    with Board("fresh-4k-bflt") as board:
        board.write("zoneinfo", b"")
        board.poll_marks()
        assert board.sampler.zones[0].marks(board.sampler.vector) == [70, 87, 104, 0]
        assert board.news == ["lost zoneinfo"]


def test_rule_follows_the_release_and_the_sysctl():
    with Board("fresh-4k-bflt") as board:
        assert watermark.rule_of(board.sampler.system) == "new"
        board.write("sys/kernel/osrelease", b"2.6.30-uc0\n")
        board.sampler.refresh()
        assert watermark.rule_of(board.sampler.system) == "old"
        board.write("sys/vm/min_free_order_shift", b"4\n")
        board.sampler.refresh()
        assert watermark.rule_of(board.sampler.system) == "old4"
        assert board.facts()["shift"] == "4"


def test_other_zones_do_not_serve_the_kernel():
    with Board("fresh-4k-bflt") as board:
        for name in ("buddyinfo", "zoneinfo"):
            board.write(name, read("captures/fresh-4k-bflt/proc/" + name).replace(b"    DMA", b"Movable"))
        sampler = Sampler(board.path)
        assert [zone.name for zone in sampler.zones] == ["Movable"]
        assert watermark.kernel_zones(sampler) == []


def test_describe_says_what_is_unknown():
    with Board("fresh-4k-bflt") as board:
        assert answers.kernel(board.sampler.system) == (
            "Linux 6.1.192 on COLDFIRE(m520x), no MMU, compaction impossible, pages of 4096 bytes"
        )
    with Board("fresh-4k-bflt", FILES[1:] + SYSCTLS) as board:
        assert answers.kernel(board.sampler.system) == "Linux ? on ?, MMU unknown, compaction unknown, pages of ? bytes"
