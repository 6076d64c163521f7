"""Plays one measure with one seed on the emulated board, until a start is refused and some steps more."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from scripts import rig
from scripts.board_experiments.measures import LATE_STEP, Measure
from scripts.board_experiments.sessions import Sessions
from scripts.board_experiments.workload import Workload

sys.path.insert(0, str(rig.TOP / "agent" / "board"))

import machine

REFUSED = "Allocation of length"
AFTER_STEPS = 50  # played after the first refusal
DAMAGED_S = 30.0  # a refused start damages the shell before Linux 3.18 (docs/how-it-works/refused-start.md)
LOOK_STEPS = 10  # between two looks at free memory
_SHOW = "read_one() { read -r l <$1; echo $l; }"


@dataclass
class Outcome:
    """first_refused: the step, None if no start was refused in `steps`. free_pages: then, or at the end. after: of
    AFTER_STEPS steps after it, how many were refused. curve: (step, free kB, kB in blocks of 64 kB or larger)."""

    flavour: str
    measure: str
    seed: int
    steps: int = 0
    first_refused: int | None = None
    free_kb: int = 0
    after: int | None = None
    ended: str = ""
    curve: list[tuple[int, int, int]] = field(default_factory=list)


def play(out: Path, flavour: str, measure: Measure, seed: int, steps_max: int) -> Outcome:
    outcome = Outcome(flavour, measure.name, seed)
    with machine.Machine(out, flavour) as board:
        board.console.wait_for(r"buddyd: board: \d+ zones")
        if measure.is_nofork:
            change_shell(board)
        board.console.run(_SHOW)
        if measure.at_boot:
            type_line(board, measure.at_boot)
        try:
            with Sessions(measure.sessions, board.port(machine.SHELL_PORT)) as sessions:
                _play(board, outcome, measure, sessions, Workload(seed, measure.habits), steps_max)
        except machine.MachineError as error:
            outcome.ended = str(error).splitlines()[0][:80]
    return outcome


def change_shell(board: machine.Machine) -> None:
    """For the one that runs small commands itself; it says who it is before its first prompt."""
    start = len(board.console.text)
    board.console.send("exec busybox-nofork sh\n")
    board.console.wait_for(rf"the humble shell\s+{machine.PROMPT}", start)


def _play(
    board: machine.Machine,
    outcome: Outcome,
    measure: Measure,
    sessions: Sessions,
    workload: Workload,
    steps_max: int,
) -> None:
    until = steps_max
    for step, lines in enumerate(workload.steps(), 1):
        if step > until:
            return
        before = len(board.console.text)
        for line in (*lines, measure.late) if step == LATE_STEP and measure.late else lines:
            type_line(board, line, machine.DEADLINE_S if outcome.first_refused is None else DAMAGED_S)
        sessions.step(step)
        is_refused = REFUSED in board.console.text[before:]
        outcome.steps = step
        if step % LOOK_STEPS == 0 or (is_refused and outcome.first_refused is None):
            outcome.curve.append((step, *_look(board)))
            if outcome.first_refused is None:
                outcome.free_kb = outcome.curve[-1][1]
        if is_refused and outcome.first_refused is None:
            outcome.first_refused, outcome.after = step, 0
            until = step + AFTER_STEPS
            if measure.when_refused:
                type_line(board, measure.when_refused)
        elif is_refused and outcome.after is not None:
            outcome.after += 1


def type_line(board: machine.Machine, line: str, deadline_s: float = machine.DEADLINE_S) -> None:
    """A long line is typed in parts: the board's shell takes 250 characters."""
    part = ""
    for command in line.split("; "):
        if len(part) + len(command) > machine.COMMAND_MAX_CHARS - 80:
            board.console.run(part, deadline_s)
            part = ""
        part = f"{part}; {command}" if part else command
    board.console.run(part, deadline_s)


def _look(board: machine.Machine) -> tuple[int, int]:
    """(free kB, kB in blocks of 64 kB or larger)."""
    counts = [int(count) for count in board.console.run("read_one /proc/buddyinfo").text.split()[4:]]
    page_kb = 8 if board.flavour == "8k" else 4
    sizes_kb = [page_kb << order for order in range(len(counts))]
    free = sum(count * size for count, size in zip(counts, sizes_kb, strict=True))
    large = sum(count * size for count, size in zip(counts, sizes_kb, strict=True) if size >= 64)
    return free, large
