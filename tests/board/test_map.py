"""The map on the board: it is what /proc says, and no end of a program makes less than was said."""

import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from boardside import Visitor, flavour_or_skip, wait_for_agent
from buddyd import watermark, wire, wire_host
from buddyd.sources.programs import parse_region, parse_stat
from buddywatch.model.memory_map import MappedProgram
from buddywatch.model.samples import Event
from buddywatch.protocol.map_text import maps_of
from buddywatch.verdict.ends import freed
from machine import Machine

FLAVOURS = ["4k", "2.6.30"]
PAGE_BYTES = 4096
STATES = 150  # on each of two kernels
RUNNING = range(6, 14)  # programs in a state
# The kernel takes single pages for itself at any time, also between the two looks (a slab, a file of /proc being read).
OWN_PAGES = 2
SIZES = ("40k", "40k", "60k", "60k", "60k", "100k", "120k")
# The shell's own words: a program that looks would change what it looks at.
SHOW = 'show() { exec 3<$1; while read -r line <&3; do echo "$line"; done; exec 3<&-; }'


def programs_of(board: Machine) -> list[MappedProgram]:
    """By the shell."""
    found = []
    stats = board.console.run("for p in /proc/[0-9]*/stat; do read -r line <$p; echo $line; done").text
    for line in stats.splitlines():
        name, start_cs, mapped = parse_stat(line.encode())
        if mapped:
            pid = int(line.split()[0])
            answer = board.console.run(f"show /proc/{pid}/maps").text
            if answer.startswith("sh: can't open"):
                continue  # it has ended meanwhile
            rows = answer.splitlines()
            regions = tuple(region for row in rows if (region := parse_region(row.encode() + b" ", PAGE_BYTES)))
            found.append(MappedProgram(pid, name, start_cs // 100, regions))
    return found


def nr_free(board: Machine) -> list[int]:
    return [int(count) for count in board.console.run("show /proc/buddyinfo").text.split()[4:]]


def joined(program: MappedProgram) -> MappedProgram:
    """Regions that touch are one on the wire."""
    runs: list[tuple[int, int]] = []
    for first, pages in program.regions:
        if runs and sum(runs[-1]) == first:
            first, pages = runs[-1][0], runs.pop()[1] + pages
        runs.append((first, pages))
    return replace(program, regions=tuple(runs))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_map_of_the_agent_is_what_proc_says(board_out: Path, flavour: str) -> None:
    with Machine(board_out, flavour_or_skip(board_out, flavour)) as board:
        wait_for_agent(board)
        board.console.run(SHOW)
        with Visitor(board) as visitor:
            boot_id, last = visitor.fetch()
            events = []
            for seq in range(1, last + 1):
                content = wire.unseal(visitor.frames[wire.short_sequence(seq)], wire.context(boot_id, seq))
                if content[1:2] == wire.EVENT:
                    uptime_cs, *rest = wire_host.parse_event(content[4:])
                    events.append(Event(boot_id, seq, 0.0, uptime_cs * 10, *rest))
        (found,) = maps_of(events)
        by_pid = {program.pid: program for program in found.programs}
        (text_bytes,) = [len(event.text) for event in events if event.kind == "map"]
        print(f"a map of {len(by_pid)} programs on the kernel {flavour} takes {text_bytes} bytes")
        assert found.is_whole
        others = [program for program in programs_of(board) if program.pid != 1]  # the shell that looks takes memory
        assert {program.name for program in others} >= {"buddyd", "telnetd"}
        for program in others:
            assert by_pid[program.pid] == joined(program)


class Workload:
    """Programs that come and go, and files that stay, from a seed."""

    def __init__(self, board: Machine, seed: int) -> None:
        self._board = board
        self._chance = random.Random(seed)
        self._files = 0
        self.pids: list[int] = []

    def turn(self) -> None:
        """Until another number of programs run; with each, perhaps a file that takes a page."""
        wanted = self._chance.choice(RUNNING)
        while len(self.pids) < wanted:
            started = self._board.console.run(f"start-{self._chance.choice(SIZES)} x & echo pid $!").text
            self.pids.append(int(re.findall(r"pid (\d+)", started)[-1]))
            if self._chance.random() < 0.7:
                self._files += 1
                self._board.console.run(f"echo x >/tmp/{self._files % 40}")
            if self._chance.random() < 0.2:
                self._board.console.run(f": >/tmp/{self._files % 40}")
        while len(self.pids) > wanted:
            self.end(self._chance.choice(self.pids))

    def pick(self) -> int:
        return self._chance.choice(self.pids)

    def end(self, pid: int) -> None:
        self.pids.remove(pid)
        self._board.console.run(f"kill {pid}; wait {pid}")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_end_of_a_program_makes_no_less_than_was_said(board_out: Path, flavour: str) -> None:
    with Machine(board_out, flavour_or_skip(board_out, flavour)) as board:
        wait_for_agent(board)
        board.console.run(SHOW)
        work = Workload(board, 1)
        outcomes: Counter[str] = Counter()
        taken = 0
        for _ in range(STATES):
            work.turn()
            programs = programs_of(board)
            pid = work.pick()
            (ending,) = [program for program in programs if program.pid == pid]
            before = nr_free(board)
            promise = freed([ending], programs, len(before))
            work.end(pid)
            after = nr_free(board)
            gained = [watermark.pages_from(after, o) - watermark.pages_from(before, o) for o in range(len(before))]
            promised = [watermark.pages_from(promise.blocks, o) for o in range(len(before))]
            pairs = list(zip(gained, promised, strict=True))
            assert all(gain >= least for gain, least in pairs[1:]), (before, after, ending)
            assert gained[0] >= promised[0] - OWN_PAGES, (before, after, ending)
            taken += gained[0] < promised[0]
            largest = promise.largest_order
            outcomes["a larger block" if gained[largest + 1] > 0 else "just that"] += 1
        made = ", ".join(f"{count} made {what}" for what, count in outcomes.items())
        print(f"kernel {flavour}, {STATES} ends: {made}; in {taken} the kernel took a page for itself meanwhile")
