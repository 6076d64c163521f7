"""Maps: what the agent writes is what the host reads, and damage costs a part."""

from itertools import product

import pytest
from buddyd.sources import births, memory_map
from buddywatch.model.memory_map import MappedProgram, MemoryMap
from buddywatch.model.samples import Event
from buddywatch.protocol.map_text import births_of, maps_of, programs_of
from harness import vectors
from hypothesis import given
from hypothesis import strategies as st

BOOT_ID = "0000b001"
PAGES = st.integers(1, 1 << 20)
REGIONS = st.lists(st.tuples(st.integers(0, 1 << 20), PAGES), min_size=1, max_size=22)
NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=125), max_size=15)
PROGRAMS = st.lists(
    st.builds(
        lambda pid, name, start_s, regions: (pid, name, start_s * 100, sorted(regions)),
        *(st.integers(0, 32768), NAMES, st.integers(0, 1 << 31), REGIONS),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda program: program[0],
)
SHELL, JOB = (1, "sh", 900, [(0x40210, 2), (0x40228, 6)]), (31, "start-60k", 412345, [(0x403C0, 15)])
BUDDYD = (23, "buddyd", 49, [(0x40240, 13), (0x4024E, 2), (0x40260, 18)])


def texts(programs) -> list[str]:
    sent: list[str] = []
    writer = memory_map.MapWriter(lambda part, text: sent.append(text.decode()))
    for program in programs:
        writer.add(program)
    writer.end()
    return sent


def as_read(program) -> MappedProgram:
    pid, name, start_cs, regions = program
    return MappedProgram(pid, name, start_cs // 100, tuple(regions))


def event(number: int, text: str, uptime_ms: int = 5000, boot_id: str = BOOT_ID) -> Event:
    return Event(boot_id, number + 1, 1000.0, uptime_ms, "map", number, None, None, text)


@pytest.mark.parametrize("case", vectors("wire.json")["map"], ids=lambda case: case["name"])
def test_vectors_are_read(case) -> None:
    (found,) = maps_of([event(part, text) for part, text in enumerate(case["texts"])])
    regions: dict[int, list[list[int]]] = {}
    for pid, _, _, of_program in case["programs"]:
        regions.setdefault(pid, []).extend(of_program)
    assert found.is_whole
    assert {program.pid: [list(region) for region in program.regions] for program in found.programs} == regions
    named = {(pid, name, start_cs // 100) for pid, name, start_cs, _ in case["programs"]}
    assert {(program.pid, program.name, program.started_s) for program in found.programs} == named


@given(PROGRAMS)
def test_what_the_agent_writes_is_read_back(programs) -> None:
    (found,) = maps_of([event(part, text) for part, text in enumerate(texts(programs))])
    assert found.is_whole
    assert found.programs == tuple(map(as_read, sorted(programs)))


def test_map_whose_last_event_is_full_is_whole() -> None:
    """The text of a last event may have 216 characters without its end, for which another event is sent."""
    ends = set()
    for chars, count in product(range(1, 16), range(30, 40)):
        programs = [(pid, "x" * (chars if pid == 1 else 1), 0, [(0, 1)]) for pid in range(1, count)]
        parts = texts(programs)
        ends.add(parts[-1])
        (found,) = maps_of([event(part, text) for part, text in enumerate(parts)])
        assert found.is_whole, (chars, count)
    assert "}" in ends


def test_text_of_a_board_is_short() -> None:
    jobs = [(31 + i, "start-60k", 412345 + 6000 * i, [(0x403C0 + 16 * i, 15)]) for i in range(12)]
    (text,) = texts([SHELL, BUDDYD, *jobs])
    assert len(text) <= 140


def test_parts_come_in_any_order_and_twice() -> None:
    programs = [(pid, f"program-{pid}", pid * 100, [(0x40000 + 64 * pid, 9)]) for pid in range(1, 30)]
    parts = [event(part, text) for part, text in enumerate(texts(programs))]
    assert len(parts) > 2
    (found,) = maps_of([*parts[::-1], parts[0]])
    assert found.is_whole and len(found.programs) == 29
    for left_out in range(len(parts)):
        (found,) = maps_of(parts[:left_out] + parts[left_out + 1 :])
        assert not found.is_whole and 0 < len(found.programs) < 29


def test_maps_are_told_apart_by_uptime_and_boot() -> None:
    (text,) = texts([SHELL])
    events = [event(0, text), event(0, text, 6000), event(0, text, 6000, "0000b002")]
    others = [Event(BOOT_ID, 9, 1.0, 5000, "alloc", 0, 7, "rm", text), event(0, text, 7000)]
    found = maps_of([*events, *others])
    assert [(one.boot_id, one.uptime_ms) for one in found] == [
        (BOOT_ID, 5000),
        (BOOT_ID, 6000),
        ("0000b002", 6000),
        (BOOT_ID, 7000),
    ]


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=230))
def test_any_text_is_a_map_or_no_map(text: str) -> None:
    try:
        programs, _ = programs_of(text)
    except ValueError:
        programs = []
    (found,) = maps_of([event(0, text)])
    assert isinstance(found, MemoryMap) and len(found.programs) <= len(programs)


@pytest.mark.parametrize("text", ["", "!", "~", texts([JOB])[0][:-3], "!!#a!}", "z" * 200])
def test_damaged_text_is_no_whole_map(text: str) -> None:
    (found,) = maps_of([event(0, text)])
    assert not found.is_whole and found.programs == ()


def test_program_that_comes_again_has_all_its_regions() -> None:
    first, second = [(0x40000 + 2 * i, 1) for i in range(22)], [(0x40100 + 2 * i, 1) for i in range(5)]
    parts = [event(part, text) for part, text in enumerate(texts([(7, "a", 100, first), (7, "a", 100, second), JOB]))]
    (found,) = maps_of(parts)
    assert found.is_whole
    assert [(program.pid, len(program.regions)) for program in found.programs] == [(7, 27), (31, 1)]


def born(text: str, uptime_ms: int = 500_000) -> Event:
    return Event(BOOT_ID, 7, 1000.0, uptime_ms, "born", 0, None, None, text)


class Kept:
    """As much of an agent as sources.births.Births needs to write its events."""

    def __init__(self, uptime_cs: int) -> None:
        self.sampler = self.ring = self
        self.event_bytes, self.size_bytes, self.uptime = 0, 32768, uptime_cs
        self.texts: list[str] = []

    def uptime_cs(self) -> int:
        return self.uptime

    def event(self, uptime_cs, kind, number, pid, comm, text) -> None:
        assert (uptime_cs, kind, number) == (self.uptime, "born", len(self.texts))
        self.texts.append(text)


ENDS = st.lists(st.tuples(st.integers(0, 32768), st.integers(0, 1 << 31)), max_size=24)


@given(PROGRAMS, ENDS)
def test_starts_and_ends_that_the_agent_writes_are_read_back(programs, ends) -> None:
    agent = Kept(1 << 31)
    writer = births.Births(agent, 0, 0)
    writer._born, writer._ended = programs, ends
    writer.flush()
    found = births_of([born(text, (1 << 31) * 10) for text in agent.texts])
    assert [program for one in found for program in one.programs] == [as_read(program) for program in programs]
    assert [end[0] for one in found for end in one.ended] == [pid for pid, _ in ends]
    for (_, read_s), (_, ended_cs) in zip([end for one in found for end in one.ended], ends, strict=True):
        assert abs(read_s * 100 - ended_cs) <= 100
    assert all(len(text) <= 216 for text in agent.texts)


@pytest.mark.parametrize("text", ["}!", "}\x7f", "_", "!", '_"X7%job"etp&0}_', "}}"])
def test_damaged_starts_are_left_out(text: str) -> None:
    assert births_of([born(text), born('}_"&')])[0].ended == ((31, 495),)
    assert len(births_of([born(text), born('}_"&')])) == 1


def test_starts_of_other_kinds_or_without_a_time_are_none() -> None:
    assert births_of([event(0, "}"), born("}", None)]) == []
