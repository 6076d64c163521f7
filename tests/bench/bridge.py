"""What a bridge costs: bytes on the line and CPU time for each snapshot: python tests/bench/bridge.py

SNAPSHOTS comes from the environment. The engine is a server in a process of its own that takes everything.
"""

from __future__ import annotations

import http.server
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP), *(str(TOP / folder) for folder in ("agent", "host", "tests"))]

from allocator_board import NORMAL, Board  # noqa: E402
from bench.store_peer import BOOT_ID, START, facts  # noqa: E402
from buddywatch.bridge.bridge import Pusher  # noqa: E402
from buddywatch.bridge.formats import FORMATS  # noqa: E402
from buddywatch.config.bridges import Bridge  # noqa: E402
from buddywatch.config.sections import Collector, Config  # noqa: E402
from buddywatch.model.batch import Batch, VectorRow  # noqa: E402
from buddywatch.model.samples import Boot  # noqa: E402
from buddywatch.store.bridges import BridgeStore  # noqa: E402

PERIOD_CS = 500


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def fill(store: BridgeStore, count: int) -> None:
    batch = Batch()
    of_board = batch.of("board")
    of_board.boots.append(Boot(BOOT_ID, facts(PERIOD_CS), START, "first"))
    of_board.vectors += [
        VectorRow(BOOT_ID, seq, seq, 1000 * START + 10 * PERIOD_CS * seq, row)
        for seq, row in enumerate(Board(1, NORMAL).snapshots(count, PERIOD_CS), 1)
    ]
    store.write(batch)


def measure(count: int, form: str) -> dict[str, float]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Sink)
    sink = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
    sink.start()
    bridge = Bridge("sink", f"http://127.0.0.1:{server.server_port}", format=form)
    try:
        with tempfile.TemporaryDirectory() as folder, BridgeStore.open(Path(folder) / "a.db") as store:
            fill(store, count)
            config = Config(Collector(Path(folder) / "a.db"), bridges=(bridge,))
            begun_s = time.process_time()
            pusher = Pusher(store, config, bridge, print)
            pusher.push()
            cpu_s = time.process_time() - begun_s
    finally:
        sink.terminate()
        sink.join()
        server.server_close()
    pushed = pusher.pushed
    return {
        "samples": pushed.samples / count,
        "bytes": pusher.door.sent_bytes / count,
        "us": 1e6 * cpu_s / count,
        "requests": pushed.requests,
    }


if __name__ == "__main__":
    snapshots = int(os.environ.get("SNAPSHOTS", "10000"))
    print(f"a bridge, {snapshots} snapshots, each:")
    print("| format | samples | bytes on the line | CPU | requests |\n|---|---|---|---|---|")
    for form in FORMATS:
        found = measure(snapshots, form)
        cells = f"{found['samples']:.1f} | {found['bytes']:.0f} | {found['us']:.0f} us | {found['requests']:.0f}"
        print(f"| {form} | {cells} |")
