"""What the live view costs: python tests/bench/live_view.py [BOARDS] [SECONDS]

A fleet is stored, and a writer adds a snapshot of each board every second, as a collector does. `buddywatch watch`
shows it on a pseudo-terminal of 120 x 40 characters, in a process of its own, whose processor time is read from /proc.
For 50 boards and two drawings a second it may take 2 % of a processor.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import replace
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host", "scripts", "tests")]

from buddywatch.model.samples import Snapshot  # noqa: E402
from buddywatch.store.store import Store  # noqa: E402
from livefleet import build  # noqa: E402

NEEDS = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'
WARM_UP_S = 5.0
LIMIT_PERCENT = 2.0  # with 50 boards
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Writer:
    """A collector that hears every board once a second: one transaction for all."""

    def __init__(self, db: Path) -> None:
        self._store = Store.open(db)
        self._newest = {name: self._store.latest(name) for name in self._store.boards()}
        self.snapshots = 0

    def write(self) -> None:
        with self._store.batch():
            for name, snapshot in self._newest.items():
                zone = snapshot.zones[0]
                crumbs = zone.nr_free[0] + (self.snapshots % 3) - 1
                zones = (replace(zone, nr_free=(max(0, crumbs), *zone.nr_free[1:])),)
                seq, uptime_ms = snapshot.seq + 1, snapshot.uptime_ms + 1000
                self._newest[name] = Snapshot(
                    snapshot.boot_id, seq, seq, time.time(), uptime_ms, zones, 900, snapshot.free_pages, 14, 353
                )
                self._store.add_snapshot(name, self._newest[name])
                self.snapshots += 1


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def shown_on(db: Path, config: Path) -> tuple[subprocess.Popen[bytes], int]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    env = {**os.environ, "PYTHONPATH": f"{TOP / 'host'}:{TOP / 'agent'}", "TERM": "xterm-256color", "PYTHONUTF8": "1"}
    argv = [sys.executable, "-m", "buddywatch", "--db", str(db), "--config", str(config), "watch"]
    process = subprocess.Popen(["setsid", "--ctty", *argv], stdin=slave, stdout=slave, stderr=slave, env=env)
    os.close(slave)
    return process, master


def measure(count: int, seconds: float) -> tuple[float, int, int]:
    """(percent of a processor, drawings with changes, bytes sent to the terminal)."""
    with tempfile.TemporaryDirectory() as folder:
        db, config = Path(folder) / "a.db", Path(folder) / "config.toml"
        config.write_text(NEEDS)
        with Store.open(db) as store, store.batch():
            build(store, count)
        writer = Writer(db)
        process, master = shown_on(db, config)
        began_s, used_s, drawings, sent = time.monotonic(), 0.0, 0, 0
        write_at_s, measured_at_s = began_s, 0.0
        while time.monotonic() - began_s < WARM_UP_S + seconds:
            now_s = time.monotonic()
            if not measured_at_s and now_s - began_s >= WARM_UP_S:
                measured_at_s, used_s, drawings, sent = now_s, cpu_s(process.pid), 0, 0
            if now_s >= write_at_s:
                write_at_s += 1.0
                writer.write()
            if select.select([master], [], [], 0.05)[0]:
                sent += len(os.read(master, 65536))
                drawings += 1
        percent = 100 * (cpu_s(process.pid) - used_s) / (time.monotonic() - measured_at_s)
        os.write(master, b"q")
        process.wait()
        return percent, drawings, sent


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    percent, drawings, sent = measure(count, seconds)
    print(f"live view, {count} boards, a snapshot of each every second, {seconds:.0f} s")
    print(f"  {percent:5.1f} % of a processor{f', at most {LIMIT_PERCENT:.0f} %' if count <= 50 else ''}")
    print(f"  {drawings / seconds:5.1f} writes to the terminal a second, {sent / seconds / 1000:.1f} kB a second")
    return 1 if count <= 50 and percent > LIMIT_PERCENT else 0


if __name__ == "__main__":
    sys.exit(main())
