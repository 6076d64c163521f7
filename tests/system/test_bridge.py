"""`buddywatch bridge`, and the bridges of a running collector: real processes, and the real engine."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from boards import BOOT_ID, SEED_FREE, SEED_REBOOTED, boot, kernel_event, snapshot
from buddywatch.store.store import Store
from metricengine import Engine, flush, free_port, victoria_metrics
from system_parts import Collector, buddywatch
from waiting import wait_for

COUNT = 1200  # several requests


def config_for(folder: Path, url: str, more: str = "") -> Path:
    config = folder / "c.toml"
    bridge = f'[[bridge]]\nname = "hq"\nurl = "{url}"\nsite = "roof"\nevery = 1\n{more}\n'
    config.write_text(f'[collector]\nlinks = ["tcp://127.0.0.1:1"]\n{bridge}')
    return config


def fill(db: Path, first: int, last: int, begun: float) -> None:
    """Snapshots first..last of two boards, and an event of each behind them."""
    with Store.open(db) as store:
        for board in ("xp", "roof-2"):
            store.add_boot(board, boot(started=begun))
            shots = (snapshot(n, SEED_FREE if n % 7 == 0 else SEED_REBOOTED) for n in range(first, last + 1))
            store.add_snapshots(board, [replace(shot, time=begun + 0.5 * shot.seq) for shot in shots])
            store.add_event(board, replace(kernel_event(last + 1, 5000 * last + 1), time=begun + 0.5 * last))


def stored(db: Path) -> dict[str, dict[int, int]]:
    """By board: {ms: free blocks of 64 kB}."""
    with Store.open_readonly(db) as store:
        return {
            board: {round(1000 * shot.time): shot.zones[0].nr_free[4] for shot in store.snapshots(board)}
            for board in store.boards()
        }


def exported(url: str, match: str) -> dict[str, dict[int, int]]:
    """By board: {ms: value}, from the one series of each; a stamp that is there twice is an error."""
    found: dict[str, dict[int, int]] = {}
    flush(url)
    with urllib.request.urlopen(f"{url}/api/v1/export?match[]={match}", timeout=60) as answer:
        for line in answer:
            series = json.loads(line)
            assert len(series["timestamps"]) == len(set(series["timestamps"]))
            of_board = found.setdefault(series["metric"]["board"], {})
            of_board.update(zip(series["timestamps"], series["values"], strict=True))
    return found


@pytest.mark.parametrize(("form", "path"), [("influx", "/write"), ("remote-write", "/api/v1/write")])
def test_the_real_engine_has_each_sample_once_though_it_and_the_bridge_were_killed(
    tmp_path: Path, form: str, path: str
) -> None:
    db, begun = tmp_path / "a.db", float(int(time.time()) - 3600)
    port = free_port()
    config = config_for(tmp_path, f"http://127.0.0.1:{port}{path}", f'format = "{form}"')
    fill(db, 1, COUNT, begun)
    with victoria_metrics(tmp_path, port):
        assert buddywatch(db, config, "bridge", "--once").code == 0
    fill(db, COUNT + 20, COUNT + 400, begun)
    gone = buddywatch(db, config, "bridge", "--once")
    assert (gone.code, "cannot be reached" in gone.err) == (4, True)
    assert "cannot be reached" in buddywatch(db, config, "status").out
    with victoria_metrics(tmp_path, port) as url:
        # As if it had been killed before it noted what the engine has taken: everything comes a second time.
        with Store.open(db) as store, store.batch():
            store._run("DELETE FROM bridge_frames")
        assert buddywatch(db, config, "bridge", "--once").code == 0
        fill(db, COUNT + 5, COUNT + 9, begun)
        assert buddywatch(db, config, "bridge", "--once").code == 0
        assert exported(url, 'buddywatch_board_free_blocks{order="4"}') == stored(db)
        events = exported(url, 'buddywatch_board_events_total{kind="alloc"}')
        assert [sorted(of_board.values()) for of_board in events.values()] == [[1, 2, 3]] * 2
    assert "cannot be reached" not in buddywatch(db, config, "status").out


def test_a_collector_runs_its_bridges_and_starts_one_that_was_killed(tmp_path: Path) -> None:
    db = tmp_path / "a.db"
    fill(db, 1, 5, time.time() - 60)
    with closing(Engine()) as engine:
        collector = Collector(db, config_for(tmp_path, engine.url), ["--plain"])
        try:
            series = "buddywatch_board_processes_created_total"
            wait_for(lambda: any(name == series for name, _ in engine.samples), "the first samples")
            (child,) = [pid for pid in children_of(collector.process.pid) if b"bridge" in command_of(pid)]
            busy = buddywatch(db, tmp_path / "c.toml", "bridge", "--once")
            assert (busy.code, "another process pushes already" in busy.err) == (3, True)
            os.kill(child, signal.SIGKILL)
            collector.wait_until_it_says("bridge hq stopped: ")
            fill(db, 7, 9, time.time() - 60)
            wait_for(lambda: len(engine.values(series, board="xp")) == 8, "what came since")
            (child,) = [pid for pid in children_of(collector.process.pid) if b"bridge" in command_of(pid)]
            collector.process.kill()
            wait_for(lambda: b"bridge" not in command_of(child), "the end of a bridge whose collector was killed")
            collector = Collector(db, tmp_path / "c.toml", ["--plain"])
            collector.wait_until_it_says("connection refused")
            assert collector.stop() == 4
            assert children_of(collector.process.pid) == [] and "Traceback" not in collector.err
        finally:
            collector.close()
    with Store.open_readonly(db) as store:
        assert store.has_boot("xp", BOOT_ID)


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, _, rest = stat.read_text().partition(" ")
            if int(rest.rpartition(")")[2].split()[1]) == pid:
                found.append(int(number))
    return found


def command_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
