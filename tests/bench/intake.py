"""What a snapshot costs from the bytes of the wire to the disk: python tests/bench/intake.py [SNAPSHOTS]

One process does what a collector does with a board that sends a day of frames at once, one batch of the store for each
second of a fast network: lines to frames, frames to snapshots in order, the rules, and the rows. The time is processor
time. As it depends on the machine and on what else runs there, it stands beside a loop and a bare row of SQLite.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host", "scripts", "tests")]

from buddyd import wire  # noqa: E402
from buddywatch.collect.board import Now  # noqa: E402
from buddywatch.collect.boards import Boards  # noqa: E402
from buddywatch.config.sections import Collector, Config, Need  # noqa: E402
from buddywatch.protocol.frame import Frame, together  # noqa: E402
from buddywatch.protocol.line_stream import LinkSession, Text  # noqa: E402
from buddywatch.store.store import Store  # noqa: E402
from fleet_boards import first_vector, live_a_little, settled_facts  # noqa: E402
from pace import PaceMeter  # noqa: E402

BOARD, BOOT = "board", "3f9a0c52"
INTERVAL_CS = 100
READ_BYTES = 16_384  # as links/tcp.py reads
READS_PER_BATCH = 4
NEEDS = (Need("rm", 61440, is_program=True),)
SNAPSHOTS = 20_000


def stream(snapshots: int, seed: int = 1) -> bytes:
    """A board's hello and so many snapshots, whose blocks change as those of a busy allocator do."""
    vector, rng = first_vector(), random.Random(seed)
    told = (("up", str(vector[0])), ("key", "0"), ("oldest", "1"), ("next", "1"))
    lines = list(wire.hello_lines(BOOT, (*settled_facts(BOARD, INTERVAL_CS), *told)))
    encoder = wire.Encoder(BOOT, len(vector), INTERVAL_CS, 1 << 20)
    for _ in range(snapshots):
        vector[0] += INTERVAL_CS + rng.randrange(-1, 2)
        live_a_little(vector, rng)
        encoder.snapshot(vector, lines.append)
    return b"".join(bytes(line) + b"\n" for line in lines)


class Stages:
    """Processor time of each stage, in seconds."""

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        began_s = time.process_time()
        yield
        self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + time.process_time() - began_s


def take_in(data: bytes, db: Path, stages: Stages, report: Callable[[str], None]) -> int:
    """Take the stream in, and return how many snapshots are stored."""
    config = Config(Collector(db), needs=NEEDS)
    at = Now(time.time(), time.monotonic())
    with Store.open(db) as store:
        boards, session = Boards(store, config, report, lambda name: False), LinkSession()
        for number, start in enumerate(range(0, len(data), READ_BYTES), 1):
            with stages.of("lines to frames"):
                items = session.feed(data[start : start + READ_BYTES])
            with stages.of("order, rules"):
                for run in together(items):
                    give(boards, BOARD, run, at)
            if number % READS_PER_BATCH == 0 or start + READ_BYTES >= len(data):
                with stages.of("disk"):
                    boards.gather(at.monotonic_s)
                    store.write(boards.take_batch())
        return sum(1 for _ in store.snapshots(BOARD))


def give(boards: Boards, name: str, run: list, at: Now) -> None:
    """Hand what a link read together to the board."""
    frames = [item for item in run if isinstance(item, Frame)]
    if frames:
        boards.do(name, lambda board: board.take_frames(frames, at.time, False, at), at)
    elif not isinstance(run[0], Text):
        boards.do(name, lambda board: board.take(run[0], at.time, False, at), at)


def table(snapshots: int) -> list[str]:
    data, stages = stream(snapshots), Stages()
    with tempfile.TemporaryDirectory() as folder:
        meter = PaceMeter(Path(folder))
        meter.sample()
        stored = take_in(data, Path(folder, "buddywatch.db"), stages, print)
        meter.sample()
        meter.close()
    if stored != snapshots:
        raise SystemExit(f"{stored} snapshots are stored, expected {snapshots}")
    pace, total_s = meter.pace(), sum(stages.cpu_s.values())
    lines = ["| stage | us per snapshot | in steps of a loop |", "|---|---|---|"]
    for stage, cpu_s in [*stages.cpu_s.items(), ("all", total_s)]:
        each_us = cpu_s * 1e6 / snapshots
        lines.append(f"| {stage} | {each_us:.1f} | {each_us * 1000 / pace.loop_ns:.0f} |")
    lines.append(f"\n{snapshots / total_s:.0f} snapshots per CPU second; then {pace.text()}")
    return lines


if __name__ == "__main__":
    print("\n".join(table(int(sys.argv[1]) if sys.argv[1:] else SNAPSHOTS)))
