"""Records a workload on the emulated board: `python scripts/forecast/record.py FLAVOUR CLASS SEED...`.

It plays the workload (workloads.py) of that class and seed until the need is refused, or for so many steps, and writes
tests/fixtures/traces/board/CLASS-SEED-FLAVOUR.tsv.gz. The board must have been built before (`make board`).
"""

from __future__ import annotations

import argparse
import gzip
import re
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "host"), str(ROOT / "agent"), str(ROOT / "agent" / "board")]

from buddyd import watermark  # noqa: E402
from machine import SHELL_PORT, Console, Machine, MachineError  # noqa: E402

from scripts.forecast.emulated import SNAPSHOT, EmulatedMemory, Row, Shell, rows_in  # noqa: E402
from scripts.forecast.histories import Facts  # noqa: E402
from scripts.forecast.workloads import CLASSES, Board  # noqa: E402

TRACES = ROOT / "tests" / "fixtures" / "traces" / "board"
FREE_BYTES = 2_000_000  # when the workload begins; residents take the rest
RESIDENT_BYTES = 72_000  # of one of them, with its kernel stack
LARGEST, FOREVER = 26, 10**9  # pages of a resident in workloads.py, steps
REFUSAL = re.compile(r"Allocation of length \d+ from process \d+ \(\S+\) failed|\S+ invoked oom-killer")
RULES = {"4k": "new", "8k": "new", "4k-2.6.30": "old", "2.6.30": "old"}


def facts_of(console: Console, flavour: str) -> Facts:
    """What the verdict needs, as the running kernel says it."""
    zones = console.run("cat /proc/zoneinfo").text
    marks = [int(re.search(rf"^ +{mark} +(\d+)$", zones, re.MULTILINE)[1]) for mark in ("min", "low")]  # type: ignore[index]
    return Facts(RULES[flavour], 8192 if flavour == "8k" else 4096, *marks)


def play(machine: Machine, kind: str, seed: int, facts: Facts, steps: int) -> tuple[list[Row], str]:
    """(the snapshots of the workload, one for each step; the kernel's line about the refusal that ended it, or "")"""
    name, shell = f"{kind} {seed}", Shell(machine)
    memory = EmulatedMemory(shell, name)
    board = Board(name, memory, resident_pages=0)
    free_bytes = watermark.free_pages(memory.nr_free) * facts.page_bytes
    for _ in range((free_bytes - FREE_BYTES) // RESIDENT_BYTES):
        board.run(LARGEST, FOREVER)
    try:
        for _ in CLASSES[kind](board):
            if board.step >= steps or REFUSAL.search(machine.console.text):
                break
        memory.finish()
    except MachineError:  # on Linux 2.6.30 a refused start may end the shell; that of the console is another one
        with suppress(MachineError):  # unless the whole board hangs for want of memory
            shell.rows += rows_in(machine.console.run(SNAPSHOT).text)
    shell.close()
    refusal = REFUSAL.search(machine.console.text)
    return shell.rows, refusal[0] if refusal else ""


def record(out: Path, flavour: str, kind: str, seed: int, steps: int) -> str:
    """One board from its boot on; returns a line that says what came of it."""
    with Machine(out, flavour, ports=(SHELL_PORT,)) as machine:
        facts = facts_of(machine.console, flavour)
        rows, refusal = play(machine, kind, seed, facts, steps)
    orders = [f"order{order}" for order in range(len(rows[0].nr_free))]
    lines = ["\t".join(map(str, [row.up_ms, *row.nr_free, ""])) for row in rows]
    path = TRACES / f"{kind}-{seed}-{flavour}.tsv.gz"
    text = "\n".join([facts.line(), "\t".join(["up_ms", *orders, "event"]), *lines])
    path.write_bytes(gzip.compress(f"{text}{refusal}\n".encode(), 9, mtime=0))
    end = facts.verdict(rows[-1].nr_free)
    return f"{path.name}: {len(rows)} snapshots, {path.stat().st_size} bytes, {end[0]} ({end[1]} pages); {refusal}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flavour", choices=RULES)
    parser.add_argument("kind", choices=CLASSES, metavar="CLASS", help=", ".join(CLASSES))
    parser.add_argument("seeds", type=int, nargs="+", metavar="SEED")
    parser.add_argument("--board", type=Path, default=ROOT / "build" / "board", help="what `make board` built")
    parser.add_argument("--steps", type=int, default=1000, help="(default: %(default)s)")
    args = parser.parse_args()
    TRACES.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        print(record(args.board, args.flavour, args.kind, seed, args.steps), flush=True)


if __name__ == "__main__":
    main()
