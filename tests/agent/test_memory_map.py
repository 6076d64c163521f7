"""The map of who holds which pages: read from /proc, and written into events."""

from agents import agent_on, events
from buddyd import compat, wire
from buddyd.sources import memory_map, programs
from buddyd.sources.programs import REGIONS_MAX, Programs, parse_region, parse_stat
from harness import raises, read, vectors
from scratch import Scratch

PROC = "captures/frag-4k-bflt-2.6.30-cron/proc/"
STAT = b"%d (%s) S 1 0 0 0 -1 256 0 0 0 0 11 4 0 0 20 0 1 0 %d %d 0 4294967295 507408 688736 1076154144\n"
MAPS = b"0007bdd0-000a8260 r-xs 00000000 1f:00 441776     /bin/buddyd\n40240000-4024d000 rwxp 00000000 00:00 0 \n"


def a_process(scratch, pid, name, start_cs, maps, mapped=316560):
    scratch.write("%d/stat" % pid, STAT % (pid, name, start_cs, mapped))
    scratch.write("%d/maps" % pid, maps)


def test_stat_has_name_start_and_size():
    assert parse_stat(read(PROC + "agent/stat")) == ("buddyd", 49, 316560)
    assert parse_stat(STAT % (7, b"a) b (c", 5, 0)) == ("a) b (c", 5, 0)
    assert parse_stat(STAT % (7, b"\xff~", 5, 0)) == ("?~", 5, 0)
    for line in (b"", b"7 (rm", b"7 (rm) S 1", b")("):
        raises(ValueError, parse_stat, line)


def test_region_is_memory_of_its_own():
    assert parse_region(b"40240000-4024d000 rwxp 00000000 00:00 0 ", 4096) == (0x40240, 13)
    assert parse_region(b"40240000-4024c010 rwxp 00000000 00:00 0 ", 4096) == (0x40240, 13)
    assert parse_region(b"40240000-4024c000 ---p 00000000 00:00 0 ", 8192) == (0x20120, 6)
    # The file's, in the ROM or in the page cache; and what a private mapping never is.
    for line in (
        b"00030d10-00075a00 r-xs 0 1f:00 1  /bin/x",
        b"40600000-40601000 r-xs 0 00:02 51",
        b"30d10-75a00 r-xp",
    ):
        assert parse_region(line, 4096) is None
    raises(ValueError, parse_region, b"no region", 4096)


def test_programs_are_those_with_memory_of_their_own():
    with Scratch() as scratch:
        a_process(scratch, 23, b"buddyd", 49, read(PROC + "agent/maps"))
        a_process(scratch, 5, b"kswapd0", 3, b"", 0)
        a_process(scratch, 7, b"rom only", 3, MAPS[:60])
        scratch.write("stat", b"")
        scratch.write("9/maps", MAPS)  # its stat has gone meanwhile
        found = list(Programs(scratch.path + "/", 4096).read())
        assert found == [(23, "buddyd", 49, [(0x40240, 13), (0x4024E, 2), (0x40260, 18)])]
        assert programs.compat is compat


def test_neighbours_are_one_region_and_a_program_with_many_comes_again():
    lines = b"".join(
        [b"%x000-%x000 rw-p 00000000 00:00 0\n" % (page, page + 1) for page in (0x40000, 0x40001, 0x40003)]
    )
    many = b"".join([b"%x000-%x000 rw-p 00000000 00:00 0\n" % (0x40000 + 2 * i, 0x40001 + 2 * i) for i in range(90)])
    with Scratch() as scratch:
        a_process(scratch, 1, b"a", 1, lines)
        a_process(scratch, 2, b"b", 1, many)
        first, *others = Programs(scratch.path + "/", 4096).read()
        assert first == (1, "a", 1, [(0x40000, 2), (0x40003, 1)])
        assert [program[:3] for program in others] == [(2, "b", 1)] * 5
        assert [len(program[3]) for program in others] == [REGIONS_MAX] * 4 + [2]
        found = []
        for program in others:
            found += program[3]
        assert found == [(0x40000 + 2 * i, 1) for i in range(90)]


def test_texts_are_those_of_the_vectors():
    for case in vectors("wire.json")["map"]:
        sent = []
        writer = memory_map.MapWriter(lambda part, text, sent=sent: sent.append(str(text, "ascii")))
        for program in case["programs"]:
            writer.add(program)
        writer.end()
        assert sent == case["texts"], case["name"]


def test_texts_fit_into_events_whatever_the_numbers():
    sent = []
    writer = memory_map.MapWriter(lambda part, text: sent.append((part, text)))
    for pid in range(40):
        far = [(0xFFFFF if i % 2 == 0 else 0, 0xFFFFF) for i in range(REGIONS_MAX)]
        writer.add((32767 * (pid % 2), "n" * 15, 4294967295 * (pid % 2), far))
    writer.end()
    assert [part for part, _ in sent] == list(range(len(sent)))
    assert [text[-1:] == b"}" for _, text in sent] == [False] * (len(sent) - 1) + [True]
    for part, text in sent:
        body = wire.event_text(429496729500, "map", part, None, None, str(text, "ascii"))
        assert wire.printable(str(text, "ascii")) == text
        assert len(body) <= wire.LINE_MAX - 10


def mapped_agent(scratch, interval="600"):
    scratch.write("buddyinfo", read(PROC + "buddyinfo"))
    scratch.write("meminfo", read(PROC + "meminfo"))
    a_process(scratch, 23, b"buddyd", 49, MAPS)
    return agent_on(scratch.path, "4096", interval)


def maps(here):
    return [event for event in events(here) if event[1] == "map"]


class Later:
    """compat's clock, so many ms later."""

    def __init__(self, ms):
        self.ms = ms

    def __enter__(self):
        self.real = compat.ticks_ms
        compat.ticks_ms = lambda: compat.ticks_add(self.real(), self.ms)

    def __exit__(self, *exc):
        compat.ticks_ms = self.real


def test_map_is_made_at_the_start_then_after_each_interval():
    with Scratch() as scratch:
        here = mapped_agent(scratch)
        here.poll()
        assert len(maps(here)) == 1
        here.poll()
        with Later(599000):
            here.poll()
        assert len(maps(here)) == 1
        with Later(600000):
            here.poll()
            here.poll()
        assert len(maps(here)) == 2


def test_failure_asks_for_a_map_but_not_more_than_one_in_ten_seconds():
    with Scratch() as scratch:
        here = mapped_agent(scratch)
        here.poll()
        for _ in range(3):
            here._kernel_line("Allocation of length 61440 from process 24 (rm) failed", 500)
            here.poll()
        assert len(maps(here)) == 1
        with Later(10000):
            assert here.failures.is_map_due()
            here.poll()
            here.poll()
        assert len(maps(here)) == 2


def test_interval_of_0_makes_none_and_fails_at_nothing():
    with Scratch() as scratch:
        here = mapped_agent(scratch, "0")
        here._kernel_line("Allocation of length 61440 from process 24 (rm) failed", 500)
        with Later(700000):
            here.poll()
        assert maps(here) == []


def test_maps_by_themselves_take_an_eighth_of_the_ring():
    with Scratch() as scratch:
        here = mapped_agent(scratch)
        for number in range(300):
            with Later(600000 * number):
                here.poll()
            assert here.ring.event_bytes <= here.ring.size_bytes // 8 + 255
        assert len(maps(here)) > 3


def test_folder_that_cannot_be_listed_is_told():
    with Scratch() as scratch:
        here = mapped_agent(scratch)
        here.sampler.system.root = scratch.path + "/none/"
        here.poll()
        assert [event[5] for event in events(here)] == [
            "the map: no processes can be listed in " + here.sampler.system.root
        ]


def test_proc_without_processes_makes_no_event():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read(PROC + "buddyinfo"))
        scratch.write("meminfo", read(PROC + "meminfo"))
        here = agent_on(scratch.path, "4096", "600")
        here.poll()
        assert events(here) == []
