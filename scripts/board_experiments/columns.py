"""What more columns of a snapshot would cost, measured: `make board-columns`.

A board with the load of the experiments is polled every 5 s of its time. Each poll is encoded with the agent's own
columns, and again with one more. The heap is that of a 32-bit MicroPython: for the code, which a frozen agent has in
the ROM, and for the object with its open file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from scripts import rig
from scripts.board_experiments.play import machine, type_line
from scripts.board_experiments.workload import Habits, Workload

sys.path.insert(0, str(rig.TOP / "agent"))

from buddyd import wire

PERIOD_CS = 500
PAGE_KB = 4
RING_GROUP_BYTES = 32768 // 4
MARKS = (90, 112, 135, 0)
COLUMNS = {
    "load": "the load of the last minute, in hundredths",
    "load10": "the same, in tenths",
    "slab": "reclaimable slab, apart from the whole",
    "shmem": "Shmem: files in RAM, where there is an MMU",
    "net": "packets dropped by the network",
}
# Functions of the board's shell: only its built-ins, so that a look starts nothing.
_READ = (
    "one() { read -r l <$1; echo $l; }",
    "mem() { exec 3</proc/meminfo; while read -r k v u <&3; do echo $k $v; done; exec 3<&-; }",
    "net() { exec 3</proc/net/dev; while read -r l <&3; do case $l in *eth0*) echo $l;; esac; done; exec 3<&-; }",
    "pro() { exec 3</proc/stat; while read -r k v u <&3; do case $k in processes) echo $k $v;; esac; done }",
    "look() { one /proc/uptime; one /proc/buddyinfo; one /proc/loadavg; mem; net; pro; }",
)
_CODE = {
    "load": """
class Load(ProcFile):
    def __init__(self, proc):
        ProcFile.__init__(self, proc, "/loadavg")
    def read(self):
        line = self.first_line()
        self.load = int(line[: line.find(b" ")].replace(b".", b""))
""",
    "net": """
class Net(ProcFile):
    def __init__(self, proc):
        ProcFile.__init__(self, proc, "/net/dev")
    def read(self):
        self.dropped = 0
        self.lines(self._line)
    def _line(self, line):
        words = line[line.find(b":") + 1 :].split()
        if len(words) > 11 and words[3].isdigit():
            self.dropped += int(words[3]) + int(words[11])
""",
}
_HEAP = """
import gc
from buddyd.sources.procfile import ProcFile
CODE = %r
kept = []
def used():
    gc.collect()
    return gc.mem_alloc()
def make():
    kept.append(%s("/proc"))
    kept[-1].read()
begin = used()
exec(CODE)
code = used()
make()
one = used()
make()
print(code - begin, used() - one)
"""


def polls(board: machine.Machine, count: int) -> Iterator[tuple[list[int], dict[str, int]]]:
    """(the agent's columns, the others by name), every 5 s of the board's time."""
    for line in _READ:
        board.console.run(line)
    steps = Workload(1, Habits()).steps()
    for _ in range(count):
        for line in next(steps):
            type_line(board, line)
        board.console.run("read -r -t 5 x </dev/ptmx")
        lines = board.console.run("look").text.splitlines()
        values = {words[0].rstrip(":"): int(words[1]) for line in lines[3:] if len(words := line.split()) == 2}
        free = [int(word) for word in lines[1].split()[4:]]
        pages = sum(blocks << order for order, blocks in enumerate(free))
        up_cs = round(float(lines[0].split()[0]) * 100)
        listed = [values.get(name, 0) // PAGE_KB for name in ("MemFree", "Inactive(file)", "Slab", "Cached")]
        vector = [up_cs, values["processes"], listed[0] - pages, *listed[1:]]
        load = round(float(lines[2].split()[0]) * 100)
        net = next(line for line in lines if line.startswith("eth0")).partition(":")[2].split()
        more = {"load": load, "load10": load // 10, "slab": values.get("SReclaimable", 0) // PAGE_KB}
        more |= {"shmem": values.get("Shmem", 0) // PAGE_KB, "net": int(net[3]) + int(net[11])}
        yield [*vector, *MARKS, *free], more


def bytes_each(vectors: list[list[int]]) -> float:
    """Of a snapshot on the wire, in the mean."""
    encoder, sizes = wire.Encoder("3f9a0c52", len(vectors[0]), PERIOD_CS, RING_GROUP_BYTES), []
    for vector in vectors:
        encoder.snapshot(vector, lambda frame: sizes.append(len(frame) + 1))
    return sum(sizes) / len(vectors)


def with_one_more(played: list[tuple[list[int], dict[str, int]]], name: str) -> list[list[int]]:
    """Behind `file`, the last of the columns that are not of a zone."""
    return [[*vector[:6], more[name], *vector[6:]] for vector, more in played]


def heap_bytes(interpreter: Path, name: str) -> str:
    """ "code + object"; a column of /proc/meminfo needs two words in the vectors, and a comparison."""
    if name not in _CODE:
        return "8"
    program = _HEAP % (_CODE[name], name.title())
    command = ["qemu-m68k", "-E", f"MICROPYPATH={rig.TOP / 'agent'}", str(interpreter), "-c", program]
    code, source = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return f"{code} + {source}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="board-columns", description=__doc__)
    parser.add_argument("--flavour", default="4k")
    parser.add_argument("--polls", type=int, default=200)
    parser.add_argument("--board", type=Path, default=rig.TOP / "build" / "board")
    options = parser.parse_args()
    with machine.Machine(options.board, options.flavour, skips_idle=True) as board:
        board.console.wait_for(r"buddyd: board: \d+ zones")
        played = list(polls(board, options.polls))
    now = bytes_each([vector for vector, _ in played])
    print(f"{options.flavour}: {len(played)} snapshots, {now:.2f} bytes each\n")
    print("| column | changes | bytes more for each snapshot | heap, bytes |\n|---|---|---|---|")
    for name, what in COLUMNS.items():
        changes = sum(before[1][name] != after[1][name] for before, after in pairwise(played))
        more = bytes_each(with_one_more(played, name)) - now
        heap = heap_bytes(options.board / "micropython-m68k", name.removesuffix("10"))
        print(f"| {what} | {changes} | {more:.2f} | {heap} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
