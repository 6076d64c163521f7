"""Plays a board for a demonstration or a test: a /proc folder whose figures change, and a kernel log.

The reference story is the field report that started this project: an XPort Pro (MCF5208, 8 MB, no MMU, 2.6.30) goes
from its state after a reboot to the state in which `rm` could not get its 61440 bytes. Both states and the kernel's
line are from the report; the states between them are invented: the largest blocks are split first.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path

REBOOT = (2, 8, 3, 12, 0, 1, 0, 1, 0, 1, 0)
FAILING = (31, 47, 42, 64, 1, 0, 0, 0, 0, 0, 0)
MARKS = (90, 112, 135)  # min, low, high in pages, from "min:360kB low:448kB high:540kB"
KERNEL_LINE = "Allocation of length 61440 from process 6821 (rm) failed"
LAST_BLOCK_SEEN = {9: 0.35, 7: 0.55, 5: 0.75, 4: 1.1}  # fraction of the run after which an order has its final count

_ZONEINFO = """Node 0, zone      DMA
  pages free     {free}
        min      {min}
        low      {low}
        high     {high}
        scanned  0
        spanned  2048
        present  2032
    nr_free_pages {free}
        protection: (0, 0, 0)
  pagesets
    cpu: 0
              count: 0
              high:  0
              batch: 1
  all_unreclaimable: 0
  start_pfn:         262144
"""
_MEMINFO = """MemTotal:           6580 kB
MemFree:        {free_kb:8d} kB
Buffers:               0 kB
Cached:         {cached_kb:8d} kB
Active(file):   {reclaimable_kb:8d} kB
Inactive(file):        0 kB
MmapCopy:            844 kB
Slab:           {slab_kb:8d} kB
SReclaimable:          0 kB
"""


@dataclass(frozen=True)
class State:
    """The board at one moment. free_kb: MemFree; None: the sum of the blocks."""

    nr_free: tuple[int, ...]
    processes: int
    reclaimable_kb: int = 0
    marks: tuple[int, int, int] = MARKS
    free_kb: int | None = None
    cached_kb: int = 728
    slab_kb: int = 1268


def way_to_failure(steps: int, seed: int = 1) -> list[State]:
    """The states from REBOOT to FAILING, both included."""
    chance = random.Random(seed)
    states = []
    for step in range(steps):
        part = step / (steps - 1)
        counts = []
        for order, (first, last) in enumerate(zip(REBOOT, FAILING, strict=True)):
            if order in LAST_BLOCK_SEEN:
                counts.append(first if part < LAST_BLOCK_SEEN[order] and part < 1 else last)
            else:
                noise = chance.choice((-1, 0, 0, 1)) if order < 4 and 0 < step < steps - 1 else 0
                counts.append(max(0, round(first + (last - first) * part) + noise))
        if 0.75 <= part < 1:
            counts[4] = max(1, round(4 * (1 - part) / 0.25))  # 64 kB blocks go one by one at the end
        states.append(State(tuple(counts), 400 + 20 * step, 728 - round(720 * part)))
    return states


class Board:
    """A folder with the /proc files of a board. Its uptime is real time."""

    def __init__(self, proc: Path, release: str = "2.6.30", uptime_s: float = 60.0) -> None:
        self.proc = proc
        self.release = release
        for folder in ("sys/vm", "sys/kernel/random"):
            (proc / folder).mkdir(parents=True, exist_ok=True)
        self._write("sys/vm/nr_trim_pages", "1\n")
        self._write("sys/vm/min_free_kbytes", "360\n")
        self._write("sys/kernel/osrelease", release + "\n")
        self._write("sys/kernel/hostname", "xport\n")
        self._write("version", f"Linux version {release} (board) #1\n")
        self._write("cpuinfo", "CPU:\t\tCOLDFIRE(m520x)\nMMU:\t\tnone\nFPU:\t\tnone\n")
        self.boot(uptime_s)

    def boot(self, uptime_s: float) -> None:
        """Restart the kernel."""
        self._booted = time.monotonic() - uptime_s
        self._write("sys/kernel/random/boot_id", f"{random.getrandbits(32):08x}-0000-4000-8000-000000000000\n")
        self._write("kmsg", "")

    def uptime_s(self) -> float:
        return time.monotonic() - self._booted

    def show(self, state: State) -> None:
        """Make the folder show a state, now."""
        pages = sum(count << order for order, count in enumerate(state.nr_free))
        low_high = dict(zip(("min", "low", "high"), state.marks, strict=True))
        self._write("zoneinfo", _ZONEINFO.format(free=pages, **low_high))
        self._write("meminfo", _MEMINFO.format(**{**asdict(state), "free_kb": state.free_kb or pages * 4}))
        self._write("stat", f"cpu 0 0 0 0\nbtime 0\nprocesses {state.processes}\n")
        self._write("uptime", f"{self.uptime_s():.2f} 0.00\n")
        counts = "".join(f"{count:6d} " for count in state.nr_free)
        self._write("buddyinfo", f"Node 0, zone      DMA {counts}\n")

    def kernel_says(self, line: str) -> None:
        """Append a line to the kernel log."""
        with (self.proc / "kmsg").open("a") as log:
            log.write(f"<4>{line}\n")

    def _write(self, name: str, text: str) -> None:
        # Replaced in one step: a reader sees the old file or the new one, never a part of it.
        target = self.proc / name
        if name == "kmsg":
            target.write_text(text)
            return
        new = target.with_name(target.name + ".new")
        new.write_text(text)
        os.replace(new, target)
