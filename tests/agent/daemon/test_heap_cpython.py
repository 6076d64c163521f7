"""The frozen agent as a process in a small heap: everything at once, until the ring has wrapped.

On 64 bit a heap is in blocks of 32 bytes, on 32 bit in blocks of 16: all but the ring takes half of it on a board.
tests/bench/heap.py finds the smallest heap.
"""

import os
import re
from pathlib import Path

import heaptrial
import pytest

ONE_LINK_HEAP = "64k"  # it streams in it; a person's question, on a second link, takes 4 kB more
BOARD_HEAP, PC_HEAP = "74k", "79k"  # a PC has three zones or more; the least that always passed: 73 kB, a board's files
ROOMY_HEAP = "2M"
# In use there with standard output and telnet, at the start and after a person has asked: as measured on 64 bit, and
# 0.1 kB; for what is on its way at the start, 0.7 kB when frozen.
FROZEN_BYTES, MPY_BYTES = (66300, 67650), (123650, 137250)


def frozen(interpreter: str, heap: str) -> list[str]:
    return [interpreter, "-X", f"heapsize={heap}", "-m", "buddyd"]


def check(outcome: heaptrial.Outcome) -> None:
    """The agent did everything, and stopped after SIGINT."""
    assert (outcome.failure, outcome.exit_code) == ("", 0), outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1  # what it watches
    assert outcome.facts["ring"] == "32768"
    assert outcome.status.startswith("trial: Linux ")
    assert len(outcome.recent) == heaptrial.RECENT


def test_agent_with_one_link_fits_in_64_kb_while_its_ring_wraps(frozen_micropython: str, proc_dir: Path) -> None:
    outcome = heaptrial.trial_of_one_link(frozen(frozen_micropython, ONE_LINK_HEAP), os.environ, proc_dir, 1500)
    assert (outcome.failure, outcome.exit_code) == ("", 0), outcome.stderr
    assert outcome.facts["ring"] == "32768"
    assert int(outcome.facts["dropped"]) > 0


def test_agent_on_a_boards_proc_fits_while_its_ring_wraps(frozen_micropython: str, proc_dir: Path) -> None:
    outcome = heaptrial.trial(frozen(frozen_micropython, BOARD_HEAP), os.environ, proc_dir, 1000)
    check(outcome)
    overwritten = re.search(r"(\d+) overwritten", outcome.status)
    assert overwritten
    assert int(overwritten[1]) > 0


def test_agent_on_this_machines_proc_fits(frozen_micropython: str) -> None:
    outcome = heaptrial.trial(frozen(frozen_micropython, PC_HEAP), os.environ, Path("/proc"), 500)
    check(outcome)
    assert outcome.sequence >= 500


@pytest.mark.parametrize(
    ("heap", "complaint"),
    [
        pytest.param("36k", "no room for a ring of 32768 bytes", id="ring"),
        pytest.param("56k", "the heap is too small", id="agent"),
    ],
)
def test_heap_that_is_too_small_is_named_in_one_line(
    frozen_micropython: str, proc_dir: Path, heap: str, complaint: str
) -> None:
    outcome = heaptrial.trial(frozen(frozen_micropython, heap), os.environ, proc_dir, 1)
    assert outcome.exit_code == 2
    assert re.fullmatch(f"buddyd: {complaint}; .*-X heapsize=.*\n", outcome.stderr)


def test_heap_in_use_has_not_grown_frozen(frozen_micropython: str, proc_dir: Path) -> None:
    at_start, asked = heaptrial.heap_in_use(frozen(frozen_micropython, ROOMY_HEAP), os.environ, proc_dir)
    assert (at_start <= FROZEN_BYTES[0], asked <= FROZEN_BYTES[1]) == (True, True), (at_start, asked)


def test_heap_in_use_has_not_grown_from_mpy(micropython: str, compiled_agent: str, proc_dir: Path) -> None:
    (proc_dir.parent / "a").symlink_to(compiled_agent)  # the names of its modules are in the heap
    env = os.environ | {"MICROPYPATH": "a"}
    at_start, asked = heaptrial.heap_in_use(frozen(micropython, ROOMY_HEAP), env, proc_dir)
    assert (at_start <= MPY_BYTES[0], asked <= MPY_BYTES[1]) == (True, True), (at_start, asked)
