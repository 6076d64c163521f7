"""A day of one board in the store, and the same numbers in VictoriaMetrics: python tests/bench/store_peer.py

Sizes are those of the files after the end of the writer, with everything in them. CPU time is that of the process that
stores. Debian's package victoria-metrics is left out where it is not installed. DAYS, PERIOD and EVENTS (a second) come
from the environment.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP), *(str(TOP / folder) for folder in ("agent", "host", "tests"))]

from allocator_board import MARKS, NORMAL, Board  # noqa: E402
from buddywatch.model.batch import Batch, VectorRow  # noqa: E402
from buddywatch.model.samples import Boot  # noqa: E402
from buddywatch.store import care  # noqa: E402
from buddywatch.store.store import Store  # noqa: E402

PEER = "victoria-metrics"
BOOT_ID, ORDERS, DAY_S, STEP_S = "3f9a0c52", 11, 86_400, 300
START = 1_700_000_000 // DAY_S * DAY_S
NAMES = ("proc", "free", "recl", "slab", *("min", "low", "high", "reserve"), *(f"o{order}" for order in range(ORDERS)))
STORED = (0, 1, 2, 3, 4, 5, *range(8, 8 + ORDERS))  # of NAMES: 17 numbers
ROWS_A_BATCH = 60
CLOCK_HZ = os.sysconf("SC_CLK_TCK")

Rows = list[list[int]]


def facts(period_cs: int) -> dict[str, str]:
    zone = f"0/DMA/{ORDERS}/" + "/".join(map(str, MARKS))
    known = {"kernel": "2.6.30-uc0", "page_bytes": "4096", "cols": "up,proc,free,recl,slab", "zones": "1", "z0": zone}
    return known | {"interval_cs": str(period_cs)}


def measure_store(rows: Rows, period_cs: int, folder: Path) -> dict[str, float]:
    path = folder / "buddywatch.db"
    begun = time.process_time()
    with Store.open(path) as store:
        for at in range(0, len(rows), ROWS_A_BATCH):
            batch = Batch()
            of_board = batch.of("board")
            if not at:
                of_board.boots.append(Boot(BOOT_ID, facts(period_cs), START, "first"))
            of_board.vectors += [
                VectorRow(BOOT_ID, seq + 1, seq + 1, 1000 * START + 10 * period_cs * seq, rows[seq])
                for seq in range(at, min(len(rows), at + ROWS_A_BATCH))
            ]
            store.write(batch)
            while store.pack_for(1.0):
                pass
    stored_s = time.process_time() - begun
    size = sum(care.file_bytes(str(path)).values())
    with Store.open_readonly(path) as store:
        begun = time.process_time()
        steps = sum(1 for _ in store.summaries("board", START, START + DAY_S, STEP_S))
        read_s = time.process_time() - begun
    assert steps == DAY_S // STEP_S, steps
    return {"bytes": size / len(rows), "per_s": len(rows) / stored_s, "read_ms": 1000 * read_s}


def measure_peer(
    boards: Mapping[str, Iterable[list[int]]], period_cs: int, folder: Path, span_s: int = DAY_S, step_s: int = STEP_S
) -> dict[str, float] | None:
    """What it takes to store the rows of all boards, and to read a span of the first. None: it is not installed."""
    program = shutil.which(PEER)
    if program is None:
        return None
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = [f"-storageDataPath={folder / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    peer = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(url)
        idle_s = _cpu_s(peer.pid)
        stored = sum(_put_rows(url, board, list(rows), period_cs) for board, rows in boards.items())
        _get(f"{url}/internal/force_flush")
        stored_s = _cpu_s(peer.pid) - idle_s
        query = f'{{f}}_over_time({{{{board="{next(iter(boards))}"}}}}[{step_s}s])'
        span = f"&start={START + step_s}&end={START + span_s}&step={step_s}&nocache=1"
        before_s = _cpu_s(peer.pid)
        for function in ("min", "avg", "max"):
            _get(f"{url}/api/v1/query_range?query={urllib.parse.quote(query.format(f=function))}{span}")
        read_s = _cpu_s(peer.pid) - before_s
    finally:
        peer.terminate()
        peer.wait()
    size = sum(file.stat().st_size for file in (folder / "vm").rglob("*") if file.is_file())
    return {"size": size, "bytes": size / stored, "per_s": stored / max(stored_s, 0.01), "read_ms": 1000 * read_s}


def _put_rows(url: str, board: str, rows: Rows, period_cs: int) -> int:
    """Store a board's rows, and return their number."""
    times = [1000 * START + 10 * period_cs * seq for seq in range(len(rows))]
    columns = list(zip(*rows, strict=True))
    for column in STORED:
        for at in range(0, len(rows), 10_000):
            series = {
                "metric": {"__name__": NAMES[column], "board": board},
                "values": columns[column + 1][at : at + 10_000], "timestamps": times[at : at + 10_000],
            }  # fmt: skip
            _get(f"{url}/api/v1/import", json.dumps(series).encode())
    return len(rows)


def _wait_until_up(url: str) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            _get(f"{url}/health")
            return
        time.sleep(0.1)
    raise TimeoutError(f"{PEER} does not answer")


def _get(url: str, data: bytes | None = None) -> bytes:
    with urllib.request.urlopen(url, data, timeout=60) as answer:
        return bytes(answer.read())


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_HZ


def table(days: float, period_s: float, events_per_s: float) -> list[str]:
    period_cs, count = round(100 * period_s), round(days * DAY_S / period_s)
    rows = list(Board(1, events_per_s).snapshots(count, period_cs))
    with tempfile.TemporaryDirectory() as folder:
        own = measure_store(rows, period_cs, Path(folder))
        peer = measure_peer({"board": rows}, period_cs, Path(folder))
    lines = [f"{count} snapshots, one in {period_s:g} s, {events_per_s:g} requests or frees a second"]
    lines += ["| | buddywatch | VictoriaMetrics |", "|---|---|---|"]
    for name, key, form in (
        ("bytes per snapshot, all files", "bytes", "{:.2f}"),
        ("snapshots stored per second of CPU", "per_s", "{:.0f}"),
        ("CPU for a day's minimum, mean and maximum in steps of 5 min", "read_ms", "{:.0f} ms"),
    ):
        shown = "not installed" if peer is None else form.format(peer[key])
        lines.append(f"| {name} | {form.format(own[key])} | {shown} |")
    return lines


if __name__ == "__main__":
    setting = {name: float(os.environ.get(name, default)) for name, default in (("DAYS", 1), ("PERIOD", 1))}
    print("\n".join(table(setting["DAYS"], setting["PERIOD"], float(os.environ.get("EVENTS", NORMAL)))))
