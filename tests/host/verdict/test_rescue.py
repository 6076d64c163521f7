"""Whose end lets a refused need succeed: by the newest map, for refused needs only."""

from boards import SEED_FREE, SEED_REBOOTED, snapshot
from buddywatch.config.sections import Need
from buddywatch.model.memory_map import MappedProgram, MemoryMap
from buddywatch.verdict.rescue import programs_to_end, rescues

RM, HTTPD, LS = Need("rm", 61440), Need("httpd", 600_000), Need("ls", 8192)
SH = MappedProgram(1, "sh", 0, ((0x40400, 64),))
BUDDYD = MappedProgram(23, "buddyd", 1, ((0x40500, 64),))
SMALL = MappedProgram(31, "start-60k", 600, ((0x403C0, 15),))
LARGE = MappedProgram(40, "httpd", 1200, ((0x40600, 40),))
MAP = MemoryMap("b", 1000.0, 5000, (SH, BUDDYD, SMALL, LARGE), True)


def test_refused_need_has_the_program_whose_end_serves_it():
    (rescue,) = rescues(MAP, snapshot(1, SEED_FREE), [RM, HTTPD, LS], 4096, "old")
    assert (rescue.need, rescue.programs, rescue.page_bytes, rescue.map_time) == ("rm", (LARGE,), 4096, 1000.0)


def test_need_that_is_served_or_unknown_has_none():
    assert rescues(MAP, snapshot(1, SEED_REBOOTED), [RM], 4096, "old") == ()
    assert rescues(MAP, snapshot(1, SEED_FREE), [RM], 4096, None) == ()


def test_agent_and_first_process_are_not_to_end():
    assert programs_to_end(MAP) == [SMALL, LARGE]
