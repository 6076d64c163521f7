"""How a board wears out its memory: a day of small jobs, played on the board's shell, and the same day without exec.

In both, RUNNING jobs run at any time, each with 60 kB, and with each step a line goes to a log of its own in a RAM disk
and stays there. Started anew, as cron does it, each job takes a block of 64 kB and gives back the page that it does not
need; the log settles there, and when the job ends its block cannot be joined again. Where the jobs are resident, they
got their memory at the start, and the logs share what is left.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from boardside import NAME, Visitor, restart_agent
from machine import Machine
from runner import Result
from system_parts import Collector, buddywatch
from system_truth import Record, has
from waiting import wait_for

INTERVAL_S = 0.1
SNAPSHOTS = 3  # between two steps: what is a minute for cron
RUNNING = 12
FUNCTIONS = (  # of the board's shell; N: logs, P: jobs that run
    "N=0 P=; echo >/tmp/t",
    'start() { start-60k stay & P="$P $!"; }',
    'end() { set -- $P; kill $1; shift; P="$*"; }',
    "log() { N=$((N+1)); echo $N >/tmp/$N; echo >/tmp/t; }",
)
CRON_STEP = "rm /tmp/t; start; log; end"
RESIDENT_STEP = ": >/tmp/t; log"
FAILURE = r"Allocation of length 61440 from process \d+ \(rm\) failed"
BARS = "▁▂▃▄▅▆▇█"


def prepare(board: Machine) -> None:
    """Start the agent anew, in a hurry, and the first jobs."""
    restart_agent(board, INTERVAL_S)
    for line in (*FUNCTIONS, "start; " * RUNNING):
        board.console.run(line)


@dataclass
class Day:
    """One board with its collector, and what was to be seen after each step."""

    board: Machine
    db: Path
    config: Path
    collector: Collector
    steps: list[int] = field(default_factory=list)  # number of the newest frame in the store when it was over

    def step(self, command: str) -> None:
        """One step, and then time enough that all is judged and told."""
        self.board.console.run(command)
        newest = self._number("SELECT max(seq) FROM journal")
        wait_for(lambda: self._is_told(newest + SNAPSHOTS), lambda: self._not_told(newest + SNAPSHOTS))
        self.steps.append(newest + SNAPSHOTS)

    def cli(self, *arguments: str) -> Result:
        return buddywatch(self.db, self.config, *arguments)

    def record(self, path: Path) -> tuple[Record, dict[str, int]]:
        """What the agent has recorded, by its own ring; all of it is in the store, or told as lost."""
        with Visitor(self.board) as visitor:
            record, lasts = visitor.record(path)
        wait_for(lambda: has(self.db, NAME, lasts), f"frames {lasts} in the store")
        return record, lasts

    def _is_told(self, seq: int) -> bool:
        if self._number("SELECT max(seq) FROM judged") < seq:
            return False
        # What is tight waits for as long as it is refused, too.
        untold = self._number("SELECT count(*) FROM transitions WHERE told = 0 AND rule <> 'tight'")
        return not untold + self._number("SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending')")

    def _not_told(self, seq: int) -> str:
        unsent = self._number(
            "SELECT group_concat(subject || coalesce(last_error, '')) FROM outbox WHERE state <> 'sent'"
        )
        said = f"{self.collector.out[-1000:]}{self.collector.err}{self.board.console.text[-300:]}"
        return f"frame {seq} judged (now {self._number('SELECT max(seq) FROM judged')}), mails sent ({unsent}): {said}"

    def _number(self, sql: str) -> int:
        if not self.db.exists():
            return 0
        with closing(sqlite3.connect(f"{self.db.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql).fetchone()[0] or 0

    def curve(self) -> list[tuple[int, int]]:
        """(free kB, largest block in kB that the kernel would hand out) after each step, as the store has it."""
        rows = {row["seq"]: row for row in self.cli("history", NAME, "--json").json["rows"]}
        seen = [max(seq for seq in rows if seq <= step) for step in self.steps]
        return [(rows[seq]["free_bytes"] >> 10, rows[seq]["serviceable_bytes"] >> 10) for seq in seen]


def play_until_it_fails(day: Day, steps_max: int) -> int:
    """Play cron's day until the kernel refuses `rm`; how many steps it took."""
    for number in range(1, steps_max + 1):
        day.step(CRON_STEP)
        if "(rm) failed" in day.board.console.kernel_log():
            return number
    raise AssertionError(f"rm was never refused in {steps_max} steps")


def side_by_side(cron: list[tuple[int, int]], resident: list[tuple[int, int]]) -> str:
    """Both curves as text: what is free, and the largest block that would be handed out."""
    lines = [
        "        jobs started by cron             the same jobs, resident",
        "step   free kB  in one piece kB        free kB  in one piece kB",
    ]
    for step in range(0, len(cron), max(1, len(cron) // 16)):
        lines.append(f"{step + 1:4} {cron[step][0]:9} {cron[step][1]:16} {resident[step][0]:14} {resident[step][1]:16}")
    for title, at, scale in (("free", 0, _linear), ("in one piece", 1, _doublings)):
        lines += ["", f"{title}:"]
        lines += [
            f"  {name:9} {''.join(scale(point[at]) for point in curve)}"
            for name, curve in (("cron", cron), ("resident", resident))
        ]
    return "\n".join(lines)


def _linear(kilobytes: int) -> str:
    return _bar(kilobytes * len(BARS) // 5000)


def _doublings(kilobytes: int) -> str:
    return _bar(kilobytes.bit_length() - 5)


def _bar(level: int) -> str:
    return BARS[max(0, min(level, len(BARS) - 1))]
