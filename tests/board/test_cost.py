"""What buddyd costs the board: its memory, its largest request, its processes, its time, and its growth over hours."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from boardside import Visitor, flavour_or_skip, let_pass, pid_of_agent, wait_for_agent
from machine import Machine

RAM_START = 0x40000000  # below lies the ROM, whose pages cost nothing
BUDGET_BYTES = 256 * 1024
BLOCK_BUDGET_BYTES = 256 * 1024
HOURS = 4
CLOCK_TICKS_PER_S = 100


class Region(NamedTuple):
    """A piece of memory of /proc/maps."""

    start: int
    size_bytes: int


class Cost(NamedTuple):
    """Figures of the board at one moment."""

    uptime_s: float
    regions: list[Region]
    free_kb: int
    cpu_ticks: int
    heap_used: int
    processes: int
    frames: int


@pytest.fixture(scope="module", params=["4k", "2.6.30"])
def board(request, board_out) -> Iterator[Machine]:
    with Machine(board_out, flavour_or_skip(board_out, request.param), skips_idle=True) as machine:
        wait_for_agent(machine)
        yield machine


@pytest.fixture(scope="module")
def hours(board) -> tuple[Cost, Cost]:
    """The cost after a few polls, and hours later on the board's clock."""
    let_pass(board, 60)
    before = measured(board)
    let_pass(board, HOURS * 3600)
    return before, measured(board)


def regions_in_ram(board: Machine, pid: int) -> list[Region]:
    """What /proc/PID/maps shows of the agent, its text in the ROM left out."""
    found = []
    for line in board.console.run(f"cat /proc/{pid}/maps").text.splitlines():
        start, end = (int(part, 16) for part in line.split()[0].split("-"))
        if start >= RAM_START:
            found.append(Region(start, end - start))
    return found


def free_kb(board: Machine) -> int:
    memory = board.console.run("cat /proc/meminfo").text
    return int(memory.split("MemFree:")[1].split()[0])


def measured(board: Machine) -> Cost:
    pid = pid_of_agent(board)
    stat = board.console.run(f"cat /proc/{pid}/stat").text.rpartition(")")[2].split()
    processes = int(board.console.run("cat /proc/stat").text.split("processes")[1].split()[0])
    with Visitor(board) as visitor:
        facts = visitor.ask_hello()
    return Cost(
        float(facts["up"]) / 100,
        regions_in_ram(board, pid),
        free_kb(board),
        int(stat[11]) + int(stat[12]),
        int(facts["heap_used"]),
        processes,
        int(facts["next"]) - 1,
    )


def block_bytes(size_bytes: int) -> int:
    """The block that the kernel takes for a request: the next power of two."""
    return 1 << (size_bytes - 1).bit_length()


def test_whole_agent_stays_within_its_budget_of_ram(hours):
    total = sum(region.size_bytes for region in hours[1].regions)
    largest = max(region.size_bytes for region in hours[1].regions)
    print(f"RAM of buddyd, interpreter included: {total // 1024} kB", end="")
    print(f" (in pieces of {', '.join(str(r.size_bytes // 1024) for r in hours[1].regions)} kB)")
    print(f"largest block asked for: {block_bytes(largest) // 1024} kB; heap in use {hours[1].heap_used} bytes")
    assert 0 < total <= BUDGET_BYTES
    assert block_bytes(largest) <= BLOCK_BUDGET_BYTES


def test_text_is_executed_in_the_rom(board):
    text = board.console.run(f"cat /proc/{pid_of_agent(board)}/maps").text.splitlines()
    in_rom = [line for line in text if line.endswith("/bin/buddyd")]
    assert len(in_rom) == 1 and "r-x" in in_rom[0]
    assert int(in_rom[0].split("-")[0], 16) < RAM_START


def test_hours_add_nothing(hours):
    before, after = hours
    passed_s = after.uptime_s - before.uptime_s
    polls = after.frames - before.frames
    ticks = after.cpu_ticks - before.cpu_ticks
    print(f"{passed_s / 3600:.1f} hours, {polls} frames:", end=" ")
    print(f"{ticks * 1000 / CLOCK_TICKS_PER_S / polls:.1f} ms of processor time each, at 250 million instructions/s")
    assert passed_s >= HOURS * 3600
    assert polls >= HOURS * 3600 / 5 * 0.95
    assert after.regions == before.regions
    assert abs(after.heap_used - before.heap_used) < 1024, "the heap grew"


def test_agent_creates_no_process(hours, board):
    """Of those that were made between the two looks the second look is the only one."""
    start = board.console.run("cat /proc/stat").text.split("processes")[1].split()[0]
    with Visitor(board) as visitor:
        first = int(visitor.ask_hello()["next"])
        while int(visitor.ask_hello()["next"]) < first + 20:
            pass
    end = board.console.run("cat /proc/stat").text.split("processes")[1].split()[0]
    assert int(end) - int(start) == 1  # the second `cat` itself


def test_memory_comes_back_when_it_ends(board):
    """Last: it stops the agent. What the kernel has free grows by about what the agent's own regions take."""
    pid = pid_of_agent(board)
    own_kb = sum(region.size_bytes for region in regions_in_ram(board, pid)) // 1024
    before_kb = free_kb(board)
    board.console.run(f"kill -INT {pid}")
    while "/bin/buddyd" in board.console.run("ps").text:
        pass
    got_back_kb = free_kb(board) - before_kb
    print(f"MemFree when buddyd ends: {got_back_kb:+d} kB, of which {own_kb} kB were its regions")
    assert own_kb <= got_back_kb <= own_kb + 128
