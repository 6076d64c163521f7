"""The fault run: real agents, bad lines and real collectors, for many seeds, and a table of what was survived.

    python tests/faultrun.py --seeds 500

For each seed a board with a scenario of its own (faultboard.SCENARIOS): its line has faults until the agent has made so
many frames, then it is good. In the midst of it agents start anew, boards reboot, and collectors are killed by SIGKILL
and started again on the same file. Then the store must hold what the agent recorded (faultverdict.py).

Nothing here decides by time. Twenty boards run at once, against two collectors, one of which is killed now and then.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host", "scripts", "tests")]

import rig  # noqa: E402
from faultboard import SCENARIOS, Command, FaultBoard  # noqa: E402
from faultverdict import Verdict, is_settled, judge  # noqa: E402
from system_parts import NEED_RM, Collector, cpython_agent  # noqa: E402

FRAMES = 200  # that each agent makes while its line is bad
TURN_S = 0.03
LOOK_S = 0.2  # between two checks of a database
DEADLINE_S = 120.0  # only a run that fails takes this long
KILLS = 3


@dataclass
class Row:
    """The results of the seeds of one scenario."""

    seeds: int = 0
    times: int = 0
    hit_bytes: int = 0
    sent_again: int = 0
    verdict: Verdict = field(default_factory=Verdict)


class Table:
    """rows: by scenario."""

    def __init__(self) -> None:
        self.rows = {scenario: Row() for scenario in SCENARIOS}
        self.injected: Counter[str] = Counter()  # by kind, in all scenarios

    @property
    def wrong(self) -> list[str]:
        return [text for row in self.rows.values() for text in row.verdict.wrong]

    def add(self, board: FaultBoard, verdict: Verdict, kills: int) -> None:
        row = self.rows[board.scenario]
        times, hit_bytes = board.line.done()
        self.injected += times
        row.seeds += 1
        row.times += times.total() + board.restarts + (kills if board.is_killed else 0)
        row.hit_bytes += hit_bytes.total()
        row.sent_again += board.tap.sent_again
        row.verdict.add(verdict)

    def lines(self) -> list[str]:
        head = ("fault", "seeds", "injected", "bytes hit", "frames", "sent again", "overwritten", "by reboot", "wrong")
        out = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
        for scenario, row in self.rows.items():
            if row.seeds:
                out.append(self._line(scenario, row))
        total = Row()
        for row in self.rows.values():
            total.seeds += row.seeds
            total.times += row.times
            total.hit_bytes += row.hit_bytes
            total.sent_again += row.sent_again
            total.verdict.add(row.verdict)
        return [*out, self._line("all seeds", total)]

    @staticmethod
    def _line(name: str, row: Row) -> str:
        lost = Counter(row.verdict.lost)
        by_reboot = lost.pop("reboot", 0)
        cells = (name, row.seeds, row.times, row.hit_bytes, row.verdict.frames, row.sent_again)
        return f"| {' | '.join(map(str, (*cells, lost.total(), by_reboot, len(row.verdict.wrong))))} |"


class Batch:
    """Boards that run at once."""

    def __init__(self, folder: Path, seeds: Sequence[int], commands: Sequence[Command]) -> None:
        self._folder = folder
        self._chance = random.Random(f"batch {seeds[0]}")
        self._boards = [FaultBoard(folder / str(seed), seed, commands) for seed in seeds]
        self._config = folder / "config.toml"
        self._config.write_text(NEED_RM)
        self._collectors: dict[bool, Collector] = {}  # the one that is killed, and the other
        self.kills = 0

    def run(self, table: Table) -> None:
        try:
            for is_killed in (False, True):
                self._start_collector(is_killed)
            for board in self._boards:
                board.start()
            self._misbehave()
            for board in self._boards:
                board.line.calm()
            lasts = self._settle()
            for collector in self._collectors.values():
                assert collector.stop() == 0, collector.err
            for board in self._boards:
                board.stop_agent()
                board.record.update()
                db = self._db(board.is_killed)
                arrived = board.tap.arrived if board.is_always_heard else ()
                verdict = judge(db, board.name, board.record, board.ring_bytes, lasts[board.name], arrived)
                table.add(board, verdict, self.kills)
        finally:
            for collector in self._collectors.values():
                collector.close()
            for board in self._boards:
                board.close()

    def _db(self, is_killed: bool) -> Path:
        return self._folder / ("killed.db" if is_killed else "quiet.db")

    def _start_collector(self, is_killed: bool) -> None:
        links = [board.url for board in self._boards if board.is_killed == is_killed]
        if links:
            self._collectors[is_killed] = Collector(self._db(is_killed), self._config, links)

    def _misbehave(self) -> None:
        """Until every agent has made its frames."""
        kill_at = sorted(self._chance.randrange(20, FRAMES - 20) for _ in range(KILLS))
        end_s = time.monotonic() + DEADLINE_S
        while (least := min(board.record.frames() for board in self._boards)) < FRAMES or kill_at:
            assert time.monotonic() < end_s, f"an agent has made {least} frames only"
            for board in self._boards:
                board.turn()
            if kill_at and least >= kill_at[0]:
                del kill_at[0]
                self._kill()
            time.sleep(TURN_S)

    def _kill(self) -> None:
        collector = self._collectors.get(True)
        if collector is not None:
            assert collector.stop(signal.SIGKILL) == -signal.SIGKILL, collector.err
            self.kills += 1
            self._start_collector(True)

    def _settle(self) -> dict[str, dict[str, int]]:
        """Wait until everything recorded so far is stored. By board: the last frame of each run."""
        lasts = {board.name: board.record.lasts() for board in self._boards}
        waiting, end_s = list(self._boards), time.monotonic() + DEADLINE_S
        while waiting and time.monotonic() < end_s:
            for board in self._boards:
                board.turn()
            waiting = [board for board in waiting if not self._is_settled(board, lasts[board.name])]
            time.sleep(LOOK_S)
        return lasts

    def _is_settled(self, board: FaultBoard, lasts: dict[str, int]) -> bool:
        boot_id, last = list(lasts.items())[-1]
        return is_settled(self._db(board.is_killed), board.name, boot_id, last)


def run(folder: Path, seeds: Iterable[int], commands: Sequence[Command], progress: bool = False) -> Table:
    """Run the seeds, as many boards at once as there are scenarios."""
    seeds, table = list(seeds), Table()
    for at in range(0, len(seeds), len(SCENARIOS)):
        began_s = time.monotonic()
        here = folder / f"batch-{at}"
        Batch(here, seeds[at : at + len(SCENARIOS)], commands).run(table)
        if not table.wrong:
            shutil.rmtree(here)
        if progress:
            done = min(at + len(SCENARIOS), len(seeds))
            took_s = time.monotonic() - began_s
            print(f"{done} of {len(seeds)} seeds, {len(table.wrong)} wrong ({took_s:.0f} s)", file=sys.stderr)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=500, help="how many (default: 500)")
    parser.add_argument("--first", type=int, default=0, help="the first one (default: 0)")
    args = parser.parse_args()
    micropython, cpython = rig.interpreter(), cpython_agent()
    folder = Path(tempfile.mkdtemp(prefix="faultrun-"))
    table = run(folder, range(args.first, args.first + args.seeds), [micropython, cpython], progress=True)
    print("\n".join(table.lines()))
    if table.wrong:
        print("\n".join(table.wrong[:50]), f"records and databases: {folder}", sep="\n", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
