"""Who tears memory up, on the board: three jobs of known guilt are named in the order of their guilt.

Each job takes 15 of 16 pages, runs once a minute and overlaps with the others. A guilty one writes a line to a new file
in most or in some of its runs. The page of that file tears a block, often another job's, as the kernel takes the single
page that it got back last. Which job is how guilty is another with each seed. The board skips the time in which it has
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

JOBS = ("logger", "fetcher", "clock")
GUILT = (0.8, 0.3, 0.0)  # the share of the runs that leave a file
CYCLES, CYCLE_S, JITTER_S = 30, 60, 1
RUN_S = ((3, 25), (10, 50), (5, 40))
SEEDS, LEAST_RIGHT = 10, 19  # on each of two kernels, and of all
FLAVOURS = ("4k", "2.6.30")
TRIED: Counter[str] = Counter()


def schedule(seed: int) -> tuple[list[str], list[tuple[float, str]]]:
    """(jobs, the guiltiest first; what is typed at which second)."""
    chance = random.Random(seed)
    jobs = chance.sample(JOBS, len(JOBS))
    lines: list[tuple[float, str]] = []
    files = 0
    for at, (job, guilt, run_s) in enumerate(zip(jobs, GUILT, RUN_S, strict=True)):
        phase_s, over_s = chance.uniform(0, CYCLE_S), 0.0
        for cycle in range(CYCLES):
            start_s = max(over_s, cycle * CYCLE_S + phase_s + chance.uniform(-JITTER_S, JITTER_S))
            files += (is_guilty := chance.random() < guilt)
            lines.append((start_s, f"{job} x{f' /tmp/{files}' if is_guilty else ''} & P{at}=$!"))
            over_s = start_s + chance.uniform(*run_s)
            lines.append((over_s, f"kill $P{at}; wait $P{at}"))
    return jobs, sorted(lines)


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
    """What `who` says of the jobs by all that the agent's ring holds."""
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
    return [program for program in programs if program["name"] in JOBS]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_jobs_are_ranked_by_their_guilt(board_out: Path, flavour: str, seed: int, tmp_path: Path) -> None:
    jobs, lines = schedule(seed)
    with Machine(board_out, flavour_or_skip(board_out, flavour), skips_idle=True) as board:
        wait_for_agent(board)
        play(board, lines)
        found = ranking(board, tmp_path)
    print(flavour, seed, [(one["name"], one["starts"], one["left_bytes_per_run"], one["lost_bytes"]) for one in found])
    order = [one["name"] for one in found]
    TRIED[flavour] += 1
    TRIED["wrong"] += order != jobs
    assert sorted(order) == sorted(jobs)
    assert TRIED["wrong"] <= len(FLAVOURS) * SEEDS - LEAST_RIGHT, f"{jobs} were ranked {order}: {found}"
