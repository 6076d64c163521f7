"""A week of twelve boards, as a database: what `replay` costs on it, and which messages it would have brought.

    python scripts/week.py [--messages] [--days 7] [--keep week.db]

The boards are the model of forecast/workloads.py under its eight kinds of work, a snapshot each 5 s. Programs are
refused now and then, somebody reboots a board that has failed, a switch dies, a board has no power for a night, one
reboots itself. The same on each run.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from buddyd import watermark  # noqa: E402
from buddywatch.model.batch import Batch, StoredEvent, VectorRow  # noqa: E402
from buddywatch.model.samples import OVERWRITTEN, Boot, Event, Gap  # noqa: E402
from buddywatch.store.store import Store  # noqa: E402

from scripts.forecast.allocator import BuddyAllocator  # noqa: E402
from scripts.forecast.workloads import CLASSES, PAGES, Board  # noqa: E402

DAY_S, DAYS, INTERVAL_S, STEP_S = 86_400, 7, 5, 60
START = 1_784_505_600.0  # a Monday, 0:00 UTC
MIN_PAGES, LOW_PAGES, HIGH_PAGES = 90, 112, 135
ORDER, BYTES = 4, 61_440  # `rm`
TRIES = 0.05  # of the steps in which somebody starts a program
FACTS = {
    "v": "1", "kernel": "2.6.30-uc0", "machine": "MCF5208", "page_bytes": "4096", "nommu": "1",
    "compaction": "impossible", "cols": "up,proc,free,recl,slab", "zones": "1",
    "z0": f"0/DMA/11/{MIN_PAGES}/{LOW_PAGES}/{HIGH_PAGES}/0", "interval_cs": str(INTERVAL_S * 100), "kboot": "-",
    "ring": "32768",
}  # fmt: skip
# Name, kind of work, seed. roof-* hang on one switch; they keep an hour of its outage, and lose the rest.
BOARDS = (
    ("roof-1", "cron", 3), ("roof-2", "daemons", 1), ("roof-3", "resident", 1), ("roof-4", "saw-tooth", 2),
    ("gate-1", "staircase", 1), ("gate-2", "regime", 1), ("gate-3", "recovery", 1), ("gate-4", "slow", 1),
    ("lab-1", "cron", 5), ("lab-2", "slow", 4), ("lab-3", "daemons", 6), ("lab-4", "resident", 2),
)  # fmt: skip
SWITCH_DEAD = (2 * DAY_S + 14 * 3600, 2 * DAY_S + 17 * 3600)
NO_POWER = {"gate-3": (3 * DAY_S + 22 * 3600, 4 * DAY_S + 6 * 3600)}
RESETS = {"lab-3": [5 * DAY_S + 11 * 3600 + 900 * number for number in range(4)]}
REBOOTED_AT_S = 9 * 3600  # in the morning after a board has failed


class Life:
    """One board through the week: its boots, and what it sent."""

    def __init__(self, name: str, kind: str, seed: int) -> None:
        self.name = name
        self._kind = kind
        self._seed = seed
        self._random = random.Random(name)
        self._boots = 0
        self.rows: list[VectorRow] = []
        self.boots: list[Boot] = []
        self.events: list[StoredEvent] = []
        self.gaps: list[Gap] = []

    def live(self, days: int) -> None:
        self._boot(0)
        failed_s: float | None = None
        for at_s in range(0, days * DAY_S, STEP_S):
            if self._is_off(at_s):
                failed_s = None
                continue
            if self._starts_anew(at_s, failed_s):
                failed_s = None
                self._boot(at_s)
            blocks = next(self._blocks)
            self._processes += self._random.choice((0, 1, 1, 2, 3))
            refused = watermark.judge([(blocks, MIN_PAGES, LOW_PAGES, 0, 0)], ORDER, "old", 0)[0] == watermark.REFUSED
            self._step(at_s, blocks)
            if refused and self._random.random() < TRIES:
                failed_s = failed_s or at_s
                self._fail(at_s)

    def _is_off(self, at_s: int) -> bool:
        begin, end = NO_POWER.get(self.name, (0, 0))
        return begin <= at_s < end

    def _starts_anew(self, at_s: int, failed_s: float | None) -> bool:
        power_back = self.name in NO_POWER and at_s == NO_POWER[self.name][1]
        is_morning = failed_s is not None and at_s % DAY_S == REBOOTED_AT_S
        return power_back or is_morning or at_s in RESETS.get(self.name, ())

    def _boot(self, at_s: int) -> None:
        self._boots += 1
        boot_id = f"{random.Random(f'{self.name} {self._boots}').randrange(1 << 32):08x}"
        facts = {**FACTS, "name": self.name, "kboot": boot_id[:4]}
        self.boots.append(Boot(boot_id, facts, START + at_s, "reboot" if self._boots > 1 else "first"))
        self._booted_s, self._seq, self._processes = at_s, 0, 40
        work = Board(f"{self._kind} {self._seed + 100 * self._boots}", BuddyAllocator(PAGES))
        self._blocks: Iterator[list[int]] = CLASSES[self._kind](work)

    def _step(self, at_s: int, blocks: list[int]) -> None:
        for more_s in range(0, STEP_S, INTERVAL_S):
            self._seq += 1
            uptime_s = at_s + more_s - self._booted_s + INTERVAL_S
            if self.name.startswith("roof") and SWITCH_DEAD[0] <= at_s < SWITCH_DEAD[1] - 3600:
                continue
            blocks = [*blocks, *[0] * (11 - len(blocks))]
            free = watermark.free_pages(blocks)
            marks = (MIN_PAGES, LOW_PAGES, HIGH_PAGES, 0)
            vector = [uptime_s * 100, self._processes, free, 30, 350, *marks, *blocks]
            time_ms = round((START + self._booted_s + uptime_s) * 1000)
            self.rows.append(VectorRow(self.boots[-1].boot_id, self._seq, self._seq, time_ms, vector))
        if self.name.startswith("roof") and at_s == SWITCH_DEAD[1] - 3600:
            lost = (SWITCH_DEAD[1] - SWITCH_DEAD[0] - 3600) // INTERVAL_S
            first = self._seq - STEP_S // INTERVAL_S - lost + 1
            self.gaps.append(Gap(self.boots[-1].boot_id, first, first + lost - 1, OVERWRITTEN, START + at_s))

    def _fail(self, at_s: int) -> None:
        self._seq += 1
        uptime_ms, pid = (at_s - self._booted_s + STEP_S) * 1000 + 500, self._random.randrange(100, 9999)
        text = f"Allocation of length {BYTES} from process {pid} (rm) failed"
        boot = self.boots[-1]
        time = boot.started + uptime_ms / 1000
        event = Event(boot.boot_id, self._seq, time, uptime_ms, "alloc", BYTES, pid, "rm", text)
        self.events.append(StoredEvent(event, copy=False))


def made(path: Path, days: int) -> None:
    """The database of the first days of the week."""
    with Store.open(path) as store:
        store._run("PRAGMA synchronous = OFF")
        for board in BOARDS:
            life, batch = Life(*board), Batch()
            life.live(days)
            rows = batch.of(life.name)
            rows.boots, rows.vectors, rows.events, rows.gaps = life.boots, life.rows, life.events, life.gaps
            store.write(batch)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", action="store_true", help="print the messages in full")
    parser.add_argument("--days", metavar="N", type=int, default=DAYS, help="only the first N days of it")
    parser.add_argument("--keep", metavar="FILE", type=Path, help="where to keep the database; it is used again")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="buddywatch-week-") as folder:
        path = args.keep or Path(folder) / "week.db"
        if not path.exists():
            made(path, args.days)
        found = replayed(path)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
    if args.messages:
        for number, sent in enumerate(found["messages"], 1):
            when = time.strftime("%a %H:%M", time.gmtime(sent["time"]))
            print(f"--- {number} of {len(found['messages'])}: {when}", sent["subject"], "", sent["body"], sep="\n")
    print("\n".join(table(found["messages"])))
    used_s = used.ru_utime + used.ru_stime
    print(f"{args.days} days of {len(BOARDS)} boards replayed in {used_s:.1f} s of processor time")


def replayed(path: Path) -> dict[str, Any]:
    """What `replay --json` says."""
    command = [sys.executable, "-m", "buddywatch", "--db", str(path), "replay", "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return found


def kind_of(subject: str) -> str:
    """What a message is about, without names and numbers."""
    text = re.sub(r"\(\+\d+ more\)|\(\d+ still open\)|\([^)]*block\)", "", subject.removeprefix("[buddywatch] "))
    text = re.sub(r"\b(roof|gate|lab)-\d: ", "", text)
    text = re.sub(r"(resolved after|in about|for|over after|within|in) [~\d][\w .]*( \(.*?\))?", r"\1 ...", text)
    return re.sub(r"\d+", "N", text).strip()[:60]


def table(messages: list[dict[str, Any]]) -> list[str]:
    counts = Counter(kind_of(sent["subject"]) for sent in messages)
    return [f"{count:5}  {kind}" for kind, count in counts.most_common()] + [f"{len(messages):5}  in all"]


if __name__ == "__main__":
    main()
