"""The OOM killer on a board whose memory is all in use: it spares buddyd, as start-buddyd asks it to."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from boardside import Visitor, flavour_or_skip, pid_of_agent, wait_for_agent
from machine import Machine

FLAVOURS = ["4k", "2.6.30"]
FILLS = 8
FILE = "/tmp/fill"
KILLED = 128 + 9


@contextmanager
def _booted(out: Path, flavour: str) -> Iterator[Machine]:
    with Machine(out, flavour_or_skip(out, flavour)) as board:
        wait_for_agent(board)
        yield board


def _victims(board: Machine) -> list[str]:
    return re.findall(r"Killed process \d+ \((\S+?)\)", board.console.kernel_log())


def _fill(board: Machine) -> None:
    """Write to a file in RAM until the writer is killed. Others may be killed before it; the file stays."""
    assert board.console.run(f"cat /dev/zero >{FILE}").status == KILLED


def _fill_as_first_victim(board: Machine) -> None:
    """The same by a program that asks to be killed before all others (15, the most that oom_adj takes).

    Its file has no name any more, so its memory is free again as soon as the writer has ended. With memory full for
    longer, the next mmap of a program may hang Linux 6.1 for good: do_mmap() holds nommu_region_sem while it waits for
    pages, and the OOM killer's victim needs that semaphore to give its own back (delete_vma() in mm/nommu.c). Seen in 7
    of 17 boots in which the shell emptied the file; Linux 2.6.30 has the same semaphore in the same two places.
    """
    writer = "echo 15 >/proc/self/oom_adj; exec cat /dev/zero >&3"
    assert board.console.run(f"sh -c 'exec 3>{FILE}; rm {FILE}; {writer}'").status == KILLED


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_buddyd_outlives_the_oom_killer_and_goes_on(board_out: Path, flavour: str) -> None:
    with _booted(board_out, flavour) as board:
        for _ in range(FILLS):
            _fill_as_first_victim(board)
            with Visitor(board) as visitor:  # a new connection is a request for memory, too
                visitor.ask_hello()
        victims = _victims(board)
        print(f"killed in memory of the kernel {flavour}: {', '.join(victims)}")
        assert victims == ["cat"] * FILLS
        with Visitor(board) as visitor:
            first = int(visitor.ask_hello()["next"])
            while int(visitor.ask_hello()["next"]) < first + 2:
                pass


def test_without_that_linux_2_6_30_kills_buddyd_first(board_out: Path) -> None:
    with _booted(board_out, "2.6.30") as board:
        board.console.run(f"echo 0 >/proc/{pid_of_agent(board)}/oom_adj")
        _fill(board)
        assert _victims(board)[0] == "buddyd"
