"""A collector under load with a bridge to the real engine, which dies meanwhile, over a slow line: nothing is lost."""

import json
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from buddywatch.store.store import Store
from fleet import Waiting
from fleet_boards import Fleet
from metricengine import flush, free_port, victoria_metrics
from system_parts import Collector, buddywatch
from waiting import DEADLINE_S

BOARDS, INTERVAL_S = 6, 0.05
LINE_BYTES, LINE_TICK_S = 1000, 0.05  # 20 kB/s
SMALL = 8192  # of socket buffers: they must not hold what waits
FIRST = 60  # snapshots before it
OUTAGE = 150  # snapshots that come while the engine is dead

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bridge_outage")]


class SlowLine:
    """A TCP port that leads to another one. carried: bytes towards it."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self.port = int(self._server.getsockname()[1])
        self.carried = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._server.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                threading.Thread(target=self._carry, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(LINE_BYTES):
                sink.sendall(data)
                if is_slow:
                    self.carried += len(data)
                    time.sleep(LINE_TICK_S)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


def in_the_engine(url: str) -> dict[tuple[str, str], dict[int, float]]:
    """By board and order: {ms: blocks}; a stamp that is there twice is an error."""
    flush(url)
    found = {}
    with urllib.request.urlopen(f"{url}/api/v1/export?match[]=buddywatch_board_free_blocks", timeout=60) as answer:
        for line in answer:
            series = json.loads(line)
            assert len(series["timestamps"]) == len(set(series["timestamps"]))
            key = series["metric"]["board"], series["metric"]["order"]
            assert key not in found
            found[key] = dict(zip(series["timestamps"], series["values"], strict=True))
    return found


def count(samples: dict[tuple[str, str], dict[int, float]]) -> int:
    """Snapshots, of all boards."""
    return sum(len(values) for (_, order), values in samples.items() if order == "0")


def in_the_store(db: Path) -> dict[tuple[str, str], dict[int, float]]:
    found: dict[tuple[str, str], dict[int, float]] = {}
    with Store.open_readonly(db) as store:
        for board in store.boards():
            for shot in store.snapshots(board):
                for order, count in enumerate(shot.zones[0].nr_free):
                    found.setdefault((board, str(order)), {})[round(1000 * shot.time)] = count
    return found


def test_an_engine_that_was_killed_has_each_sample_in_the_end(tmp_path: Path) -> None:
    db, config, port = tmp_path / "a.db", tmp_path / "c.toml", free_port()
    with closing(SlowLine(port)) as line, Fleet(BOARDS, INTERVAL_S) as fleet:
        links = ", ".join(f'"tcp://127.0.0.1:{board.port}"' for board in fleet.boards)
        bridge = f'name = "hq"\nurl = "http://127.0.0.1:{line.port}/write"\nevery = 1\nlag = 1\n'
        config.write_text(f'[collector]\nlinks = [{links}]\nwrite_every = "1h"\n[[bridge]]\n{bridge}')
        collector = Collector(db, config, ["--plain"])

        def play(until: Callable[[], bool], what: str) -> None:
            assert fleet.run(DEADLINE_S, until), f"{what}: {collector.out[-2000:]}{collector.err}"

        try:
            with victoria_metrics(tmp_path, port, signal.SIGKILL) as url:
                play(lambda: all(board.was_asked for board in fleet.boards), "every board is asked")
                fleet.start_polls()
                play(lambda: count(in_the_engine(url)) > FIRST, "what the boards still hold is pushed within an hour")
            before = fleet.snapshots
            play(lambda: fleet.snapshots > before + OUTAGE and "what is stored waits" in collector.out, "an outage")
            carried = line.carried
            with victoria_metrics(tmp_path, port) as url:
                play(lambda: "pushes again" in collector.out, "the bridge goes on")
                fleet.stop_polls()
                waiting = Waiting(db, fleet.boards)
                play(lambda: waiting.missing() == 0, "all is stored")
                assert collector.stop() == 0
                assert buddywatch(db, config, "bridge", "--once").code == 0
                stored = in_the_store(db)
                assert count(stored) == fleet.snapshots
                assert in_the_engine(url) == stored
                assert line.carried - carried > 10 * LINE_BYTES
        finally:
            collector.close()
