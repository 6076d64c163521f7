"""Who costs the large blocks, on the board: three jobs of known guilt are named in the order of their guilt.

Each job runs once a minute. A guilty one writes a file of one page while it runs, which takes the page that the kernel
gave back behind it. Which program is how guilty is another with each seed. The board skips the time in which it has
nothing to do, and buddyd polls every 5 s of the board's time, as always.
"""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from boardside import NAME, Visitor, flavour_or_skip, wait_for_agent
from machine import Machine
from system_parts import buddywatch

PROGRAMS = ("start-40k", "start-60k", "start-100k")
GUILT = (0.9, 0.4, 0.0)  # the share of the runs that leave a file
CYCLES, CYCLE_S = 30, 60
RUN_S, WRITES_AFTER_S = (8, 25), 3
SEEDS, LEAST_RIGHT = 10, 19  # on each of two kernels, and of all
FLAVOURS = ("4k", "2.6.30")
RIGHT: Counter[str] = Counter()


def schedule(seed: int) -> tuple[list[str], list[tuple[float, str]]]:
    """(programs, the guiltiest first; what is typed at which second)."""
    chance = random.Random(seed)
    programs = chance.sample(PROGRAMS, len(PROGRAMS))
    lines: list[tuple[float, str]] = []
    files = 0
    for at, (program, guilt) in enumerate(zip(programs, GUILT, strict=True)):
        phase_s = chance.uniform(0, CYCLE_S)
        for cycle in range(CYCLES):
            start_s = cycle * CYCLE_S + phase_s + chance.uniform(-2, 2)
            lines.append((start_s, f"{program} x & P{at}=$!"))
            if chance.random() < guilt:
                files += 1
                lines.append((start_s + WRITES_AFTER_S, f"echo y >/tmp/{files}"))
            lines.append((start_s + chance.uniform(*RUN_S), f"kill $P{at}; wait $P{at}"))
    return programs, sorted(lines)


def play(board: Machine, lines: list[tuple[float, str]]) -> None:
    """Nothing but the jobs is started: the shell itself waits, for a line that never comes."""
    now_s = lines[0][0]
    for at_s, line in lines:
        pause_s = int(at_s - now_s)
        if pause_s > 0:
            board.console.run(f"read -r -t {pause_s} l </dev/ptmx")
            now_s += pause_s
        board.console.run(line)


def ranking(board: Machine, folder: Path) -> list[dict[str, object]]:
    """What `who` says of all that the agent's ring holds."""
    recording = folder / "stream"
    with Visitor(board) as visitor:
        visitor.record(recording)
    db, config = folder / "who.db", folder / "config.toml"
    config.touch()
    done = buddywatch(db, config, "import", "--board", NAME, str(recording))
    assert done.code == 0, done.err
    answer = buddywatch(db, config, "who", NAME, "--since", "2001-01-01", "--json")
    assert answer.code == 0, answer.err
    programs: list[dict[str, object]] = json.loads(answer.out)["programs"]
    return [program for program in programs if program["name"] in PROGRAMS]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_jobs_are_ranked_by_their_guilt(board_out: Path, flavour: str, seed: int, tmp_path: Path) -> None:
    programs, lines = schedule(seed)
    with Machine(board_out, flavour_or_skip(board_out, flavour), skips_idle=True) as board:
        wait_for_agent(board)
        play(board, lines)
        found = ranking(board, tmp_path)
    order = [program["name"] for program in found]
    print(flavour, seed, [(one["name"], one["starts"], one["period_s"], one["lost_bytes_per_run"]) for one in found])
    RIGHT["seeds"] += 1
    RIGHT["right"] += order == programs
    assert set(order) == set(programs), found
    assert RIGHT["seeds"] - RIGHT["right"] <= 2 * SEEDS - LEAST_RIGHT, f"{programs} were ranked {order}: {found}"
