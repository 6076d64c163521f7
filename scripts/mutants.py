"""Puts small faults into the core rooms, one at a time, and reports which of them no test notices.

    python scripts/mutants.py [--rooms wire ring ...] [--count 50] [--seed 1] [--jobs 2]

Each fault is made in a copy of the tree, where the tests of its room run up to the first failure. The faults are a
sample: the same for the same seed and source. tests/mutants-explained.txt names the survivors that no test should
notice, and why. Exit code 0: enough were noticed, and each survivor is explained; 1: not so; 2: the tests of a room
fail without any fault.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import mutations

TOP = Path(__file__).resolve().parent.parent
EXPLAINED = TOP / "tests" / "mutants-explained.txt"
NOT_COPIED = (".*", "build", "dist", "__pycache__")
NOTICED_MIN = 0.9
PYTEST = ("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", "-m", "not slow")


@dataclass(frozen=True)
class Room:
    """The files to mutate, and the tests that guard them, fast and sensitive ones first."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


AGENT_TESTS = ("tests/agent/test_agent.py", "tests/agent/test_agent_starved.py")
ROOMS = {
    "wire": Room(
        ("agent/buddyd/wire.py",),
        (
            "tests/agent/test_wire.py",
            "tests/agent/test_wire_cpython.py",
            "tests/agent/test_wire_damage.py",
            "tests/agent/test_protocol_page_cpython.py",
            "tests/host/protocol/test_line_stream.py",
            "tests/host/protocol/test_reassembly.py",
        ),
    ),
    "ring": Room(
        ("agent/buddyd/ring.py",),
        (
            "tests/agent/test_ring.py",
            "tests/agent/test_ring_cpython.py",
            *AGENT_TESTS,
            "tests/agent/talk/test_conversation.py",
        ),
    ),
    "talk": Room(("agent/buddyd/talk",), ("tests/agent/talk", *AGENT_TESTS, "tests/agent/links")),
    "protocol": Room(("host/buddywatch/protocol",), ("tests/host/protocol", "tests/host/commands/test_decode.py")),
    "alerts": Room(
        ("host/buddywatch/alerts",),
        ("tests/host/alerts", "tests/host/notify/test_digest.py", "tests/host/commands/test_alerts.py"),
    ),
    "store": Room(
        ("host/buddywatch/store",),
        ("tests/host/store", "tests/host/commands/test_history.py", "tests/host/commands/test_alerts.py"),
    ),
}


@dataclass(frozen=True)
class Fault:
    """One mutant of a file of a room."""

    room: str
    path: str
    mutant: mutations.Mutant
    number: int
    old: str
    new: str

    @property
    def entry(self) -> str:
        """Its name in the file of explanations: without the line number, which changes."""
        return f"{self.path}\n- {self.old}\n+ {self.new}"


def faults_of(room: str, top: Path = TOP) -> list[Fault]:
    """All faults of a room."""
    found = []
    for name in ROOMS[room].sources:
        path = top / name
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            source = file.read_text()
            found += [
                Fault(room, str(file.relative_to(top)), mutant, *mutant.lines(source))
                for mutant in mutations.mutants(source)
            ]
    return found


def sample(faults: list[Fault], count: int, seed: int) -> list[Fault]:
    """A sample of them, the same for the same seed, in the order of the files."""
    chosen = random.Random(seed).sample(range(len(faults)), min(count, len(faults)))
    return [faults[index] for index in sorted(chosen)]


def explanations(text: str) -> dict[str, str]:
    """The reasons why faults may survive, by Fault.entry. ValueError names an entry without a reason."""
    found = {}
    for block in text.split("\n\n"):
        lines = [line for line in block.strip().splitlines() if not line.startswith("#")]
        if not lines:
            continue
        if len(lines) < 4 or not (lines[1].startswith("- ") and lines[2].startswith("+ ")):
            raise ValueError(f"expected a path, `- line`, `+ line` and a reason, found: {lines}")
        found["\n".join(lines[:3])] = " ".join(lines[3:])
    return found


class Tree:
    """A copy of the tree in which faults are made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(TOP, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))

    def passes(self, tests: Iterable[str], limit_s: float | None = None) -> bool:
        """True if the tests pass. Tests that take longer than the limit count as failed."""
        # No bytecode: Python would use it for a fault of the same length that is made within the same second.
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            [sys.executable, *PYTEST, *tests],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return process.wait(limit_s) == 0
        except subprocess.TimeoutExpired:
            return False
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def survives(self, fault: Fault, limit_s: float) -> bool:
        """True if the room's tests pass with the fault."""
        path = self.folder / fault.path
        source = path.read_text()
        path.write_text(fault.mutant.of(source))
        try:
            return self.passes(ROOMS[fault.room].tests, limit_s)
        finally:
            path.write_text(source)


class Trial:
    """Runs faults in several trees at once."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._trees: SimpleQueue[Tree] = SimpleQueue()
        for number in range(jobs):
            self._trees.put(Tree(folder / str(number)))
        self._pool = ThreadPoolExecutor(jobs)

    def patience_s(self, room: str) -> float:
        """The time limit for the tests of a room with a fault. ValueError if they fail without any fault."""
        tree, begin = self._trees.get(), time.monotonic()
        try:
            if not tree.passes(ROOMS[room].tests):
                raise ValueError(f"{room}: its tests fail without any fault: pytest {' '.join(ROOMS[room].tests)}")
        finally:
            self._trees.put(tree)
        return 20 + 4 * (time.monotonic() - begin)

    def survivors(self, faults: Iterable[Fault], limit_s: float) -> Iterator[Fault]:
        """Yield the faults that no test notices, as they are found."""

        def survives(fault: Fault) -> bool:
            tree = self._trees.get()
            try:
                return tree.survives(fault, limit_s)
            finally:
                self._trees.put(tree)

        faults = list(faults)
        for fault, alive in zip(faults, self._pool.map(survives, faults), strict=True):
            if alive:
                yield fault


def report(survivors: dict[str, list[Fault]], tried: dict[str, int], why: dict[str, str]) -> tuple[list[str], bool]:
    """(the table and the list of survivors, True if enough were noticed)."""
    lines = ["| room | faults | noticed | explained | share noticed |", "|---|--:|--:|--:|--:|"]
    every = [fault for room in survivors.values() for fault in room]
    for room, faults in [*survivors.items(), ("all", every)]:
        count = tried[room] if room in tried else sum(tried.values())
        explained = sum(fault.entry in why for fault in faults)
        share = (count - len(faults)) / count if count else 1.0
        lines.append(f"| {room} | {count} | {count - len(faults)} | {explained} | {share:.0%} |")
    unexplained = [fault for fault in every if fault.entry not in why]
    for fault in unexplained:
        lines += ["", f"{fault.path}:{fault.number} ({fault.mutant.kind})", *fault.entry.splitlines()[1:]]
    total = sum(tried.values())
    return lines, not unexplained and total - len(every) >= NOTICED_MIN * total


def outdated(why: dict[str, str]) -> list[str]:
    """Messages about explanations whose line has changed: they explain nothing any more."""
    possible = {fault.entry for room in ROOMS for fault in faults_of(room)}
    return [
        f"{EXPLAINED.name}: no longer a fault that can be made: {' '.join(entry.split())}"
        for entry in why.keys() - possible
    ]


def run(trial: Trial, chosen: dict[str, list[Fault]]) -> tuple[dict[str, list[Fault]], list[str]]:
    """(the survivors of each room that could be tried, messages about the others)."""
    survivors: dict[str, list[Fault]] = {}
    complaints = []
    for room, faults in chosen.items():
        print(f"{room}: {len(faults)} faults ...", file=sys.stderr, flush=True)
        try:
            survivors[room] = list(trial.survivors(faults, trial.patience_s(room)))
        except ValueError as error:
            complaints.append(f"mutants: {error}")
    return survivors, complaints


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description="Puts small faults into the core rooms; reports those that no test notices."
    )
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS), help="default: all")
    parser.add_argument("--count", type=int, default=50, help="faults for each room")
    parser.add_argument("--seed", type=int, default=1, help="another seed chooses other faults")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at once")
    options = parser.parse_args(arguments)
    try:
        why = explanations(EXPLAINED.read_text())
    except ValueError as error:
        print(f"{EXPLAINED}: {error}", file=sys.stderr)
        return 2
    chosen = {room: sample(faults_of(room), options.count, options.seed) for room in options.rooms}
    with tempfile.TemporaryDirectory(prefix="buddywatch-mutants-") as folder:
        survivors, complaints = run(Trial(Path(folder), options.jobs), chosen)
    lines, good = report(survivors, {room: len(chosen[room]) for room in survivors}, why)
    print("\n".join([*lines, *complaints, *outdated(why)]))
    return 2 if complaints else 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
