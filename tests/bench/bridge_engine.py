"""What the boards of a fleet cost VictoriaMetrics: disk, processor and memory: python tests/bench/bridge_engine.py

BOARDS and SNAPSHOTS (of each) come from the environment; EVERY is the time between two of a board, in seconds. Without
Debian's package victoria-metrics there is nothing to measure.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP), *(str(TOP / folder) for folder in ("agent", "host", "tests", "scripts"))]

from allocator_board import NORMAL, Board  # noqa: E402
from bench.store_peer import BOOT_ID, facts  # noqa: E402
from buddywatch.bridge.bridge import Pusher  # noqa: E402
from buddywatch.config.bridges import Bridge, FleetEngine  # noqa: E402
from buddywatch.config.sections import Collector, Config  # noqa: E402
from buddywatch.fleet import ask  # noqa: E402
from buddywatch.fleet.engine import Engine  # noqa: E402
from buddywatch.model.batch import Batch, VectorRow  # noqa: E402
from buddywatch.model.samples import Boot  # noqa: E402
from buddywatch.store.bridges import BridgeStore  # noqa: E402
from fleet import Usage  # noqa: E402
from metricengine import flush, free_port, victoria_metrics  # noqa: E402

JITTER_CS = 3  # polls are hundredths of a second early or late, as those of real boards
PLAYED = 20  # different courses; other boards have the same ones, shifted in time


def fill(store: BridgeStore, boards: int, count: int, period_s: int, until: float) -> None:
    courses = [list(Board(seed, NORMAL).snapshots(count, 100 * period_s)) for seed in range(min(boards, PLAYED))]
    rng = random.Random(1)
    for number in range(boards):
        batch, begun_ms = Batch(), round(1000 * (until - count * period_s)) + number
        of_board = batch.of(f"board{number:05d}")
        boot_id = f"{int(BOOT_ID, 16) + number:08x}"
        of_board.boots.append(Boot(boot_id, facts(100 * period_s), begun_ms / 1000, "first"))
        of_board.vectors += [
            VectorRow(
                boot_id, seq, seq, begun_ms + 1000 * period_s * seq + 10 * rng.randrange(-JITTER_CS, JITTER_CS), row
            )
            for seq, row in enumerate(courses[number % PLAYED], 1)
        ]
        store.write(batch)


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def measure(boards: int, count: int, period_s: int) -> dict[str, float]:
    port = free_port()
    with tempfile.TemporaryDirectory() as name, BridgeStore.open(Path(name) / "a.db") as store:
        folder = Path(name)
        fill(store, boards, count, period_s, time.time())
        with victoria_metrics(folder, port) as url:
            pid = process_on(port)
            empty = Usage.of(pid)
            bridge = Bridge("hq", f"{url}/write", "roof")
            pusher = Pusher(store, Config(Collector(folder / "a.db"), bridges=(bridge,)), bridge, print)
            begun_s = time.monotonic()
            pusher.push()
            took_s = time.monotonic() - begun_s
            flush(url)
            full = Usage.of(pid)
            engine, begun_s = Engine(FleetEngine(url)), time.monotonic()
            found = ask.boards(engine, None, time.time())
            asked_s, asked = time.monotonic() - begun_s, Usage.of(pid)
        size = folder_bytes(folder / "vm" / "data")
        index = folder_bytes(folder / "vm" / "indexdb")
    samples = pusher.pushed.samples
    return {
        "samples": samples,
        "bytes_of_sample": size / samples,
        "bytes_of_snapshot": size / (boards * count),
        "index_bytes_of_board": index / boards,
        "cpu_us_of_sample": 1e6 * (full.cpu_s - empty.cpu_s) / samples,
        "rss_mb": full.rss_bytes / 2**20,
        "push_s": took_s,
        "boards_found": len(found),
        "asked_s": asked_s,
        "asked_cpu_s": asked.cpu_s - full.cpu_s,
    }


def process_on(port: int) -> int:
    """The engine with this port, from /proc."""
    wanted = f"-httpListenAddr=127.0.0.1:{port}".encode()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if wanted in command.read_bytes().split(b"\0"):
                return int(command.parent.name)
    raise RuntimeError(f"no engine has port {port}")


if __name__ == "__main__":
    if shutil.which("victoria-metrics") is None:
        sys.exit(print("no victoria-metrics found; as root: apt install victoria-metrics"))
    numbers = {
        name: int(os.environ.get(name, value)) for name, value in (("BOARDS", 40), ("SNAPSHOTS", 1000), ("EVERY", 10))
    }
    result = measure(*numbers.values())
    print(f"{numbers['BOARDS']} boards, {numbers['SNAPSHOTS']} snapshots each, one in {numbers['EVERY']} s")
    for what, value in result.items():
        print(f"{what:<22}{value:.2f}")
