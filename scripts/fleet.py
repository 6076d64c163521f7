"""`make fleet`: measures the cost of a collector of many boards, and checks that it stores everything that they send.

One process plays the boards, each with a TCP connection and real frames. A `buddywatch collect --plain` in another
process collects from them; its use of processor and disk is read from /proc after a warm-up. The speed of the machine
is measured in the same seconds (pace.py), as other programs on it change what a second of processor is worth.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import rig
from buddywatch.collect.control_socket import let_write
from buddywatch.commands.argument_types import duration
from buddywatch.store.store import Store, StoreError
from fleet_boards import Fleet, FleetBoard
from pace import Pace, PaceMeter

WARM_UP_S = 5.0
CONNECT_S = 120.0  # until the collector has asked every board
STORED_S = 60.0  # until the database has the last frames
CONFIG = """
[collector]
links = [{links}]
{write_every}

[[need]]
name = "rm"
bytes = 61440
exec = true

[alert]
silent_after = "1h"
"""


@dataclass(frozen=True)
class Usage:
    """What a process has used since its start. written: by write calls; to_disk: the part that goes to a disk."""

    cpu_s: float
    rss_bytes: int
    written_bytes: int
    to_disk_bytes: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        folder = Path("/proc") / str(pid)
        fields = (folder / "stat").read_text().rpartition(") ")[2].split()  # from field 3, the state, on
        io = dict(line.split(": ") for line in (folder / "io").read_text().splitlines())
        return cls(
            (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
            int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
            int(io["wchar"]),
            int(io["write_bytes"]),
        )


@dataclass(frozen=True)
class Measured:
    """A run. Processor, disk and calls: of `seconds` after the warm-up; sent and missing: of the whole run."""

    boards: int
    seconds: float
    snapshots: int  # sent in these seconds
    sent: int
    missing: int
    before: Usage
    after: Usage
    calls: int | None  # system calls in these seconds, if they were counted
    pace: Pace  # of the machine in these seconds
    empty_bytes: int  # memory of a collector without boards

    def table(self) -> str:
        cpu_s = self.after.cpu_s - self.before.cpu_s
        rows = [
            ("boards", f"{self.boards}"),
            ("measured", f"{self.seconds:.0f} s"),
            ("snapshots sent", f"{self.sent}"),
            ("snapshots stored", f"{self.sent - self.missing}"),
            ("snapshots missing", f"{self.missing}"),
            ("CPU of the collector", f"{cpu_s:.2f} s = {100 * cpu_s / self.seconds:.1f} % of a core"),
            ("CPU per snapshot", self._per_snapshot(cpu_s * 1e6, "us")),
            ("this machine then", self.pace.text()),
            (
                "CPU per snapshot in",
                f"{self._in(cpu_s, self.pace.loop_ns * 1e-9)} steps, {self._in(cpu_s, self.pace.row_us * 1e-6)} rows",
            ),
            ("memory (RSS)", f"{self.after.rss_bytes / 2**20:.0f} MB"),
            ("memory of each board", f"{(self.after.rss_bytes - self.empty_bytes) / self.boards / 1024:.0f} kB"),
            ("written per snapshot", self._per_snapshot(self.after.written_bytes - self.before.written_bytes, "bytes")),
            ("to disk per snapshot", self._per_snapshot(self.after.to_disk_bytes - self.before.to_disk_bytes, "bytes")),
        ]
        if self.calls is not None:
            rows.append(("system calls", f"{self.calls / self.seconds:.0f} a second"))
        return "\n".join(f"{name:<22}{value}" for name, value in rows)

    def _in(self, cpu_s: float, unit_s: float) -> str:
        return f"{cpu_s / self.snapshots / unit_s:.0f}" if self.snapshots else "-"

    def _per_snapshot(self, total: float, unit: str) -> str:
        return f"{total / self.snapshots:.0f} {unit}" if self.snapshots else "-"


class CallCount:
    """Counts a process's system calls by strace, which slows it down: its CPU time is no measure meanwhile."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._report = folder / "strace.txt"
        argv = ["strace", "-c", "-f", "-q", "-o", str(self._report), "-p", str(pid)]
        self._strace = subprocess.Popen(argv, stderr=subprocess.DEVNULL)

    def stop(self) -> int:
        self._strace.send_signal(signal.SIGINT)
        self._strace.wait()
        total = next(line for line in self._report.read_text().splitlines() if line.endswith(" total"))
        return int(total.split()[3])  # % time, seconds, usecs/call, calls


def measure(
    fleet: Fleet,
    folder: Path,
    seconds: float,
    warm_up_s: float = WARM_UP_S,
    counts: bool = False,
    write_every: str | None = None,
) -> Measured:
    """Run a collector on the fleet. RuntimeError: it ended, or did not find its boards. counts: of system calls.

    write_every: as in the configuration.
    """
    links = ", ".join(f'"tcp://127.0.0.1:{board.port}"' for board in fleet.boards)
    config, db = folder / "config.toml", folder / "buddywatch.db"
    setting = "" if write_every is None else f'write_every = "{write_every}"'
    config.write_text(CONFIG.format(links=links, write_every=setting))
    empty_bytes = _empty_bytes()
    argv = [sys.executable, "-m", "buddywatch", "--config", str(config), "--db", str(db), "collect", "--plain"]
    with (folder / "collector.txt").open("wb") as said:
        collector = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT)
    try:
        if not fleet.run(CONNECT_S, lambda: all(board.was_asked for board in fleet.boards) or _has_ended(collector)):
            raise RuntimeError(f"after {CONNECT_S:.0f} s the collector has not asked every board for its hello")
        fleet.start_polls()
        fleet.run(warm_up_s)
        _check(collector, folder)
        counter = CallCount(collector.pid, folder) if counts else None
        before, sent_before = Usage.of(collector.pid), fleet.snapshots
        pace = _run_measured(fleet, folder, seconds)
        _check(collector, folder)
        after, snapshots = Usage.of(collector.pid), fleet.snapshots - sent_before
        calls = None if counter is None else counter.stop()
        fleet.stop_polls()
        waiting = Waiting(db, fleet.boards)
        fleet.run(STORED_S, lambda: waiting.missing() == 0 or _has_ended(collector))
        _check(collector, folder)
        used = (before, after, calls, pace, empty_bytes)
        return Measured(len(fleet.boards), seconds, snapshots, fleet.snapshots, waiting.missing(), *used)
    finally:
        collector.terminate()
        collector.wait()


def _empty_bytes() -> int:
    """The memory of a process that has loaded a collector, and has no board."""
    loads = "import sys, buddywatch.commands.collect; print(flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", loads]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return Usage.of(process.pid).rss_bytes


def _run_measured(fleet: Fleet, folder: Path, seconds: float) -> Pace:
    """Play the boards, and measure the machine once a second meanwhile."""
    meter = PaceMeter(folder)
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        meter.sample()
        fleet.run(min(left_s, 1.0))
    meter.close()
    return meter.pace()


class Waiting:
    """The boards whose data is not complete in the database yet."""

    def __init__(self, db: Path, boards: list[FleetBoard]) -> None:
        self._db = db
        self._boards = boards

    def missing(self) -> int:
        """Snapshots that were sent and are not in the database as they were sent, once all is written."""
        let_write(self._db)
        try:
            with Store.open_readonly(self._db) as store:
                missing = {board: _missing(store, board) for board in self._boards}
        except StoreError as error:
            raise RuntimeError(str(error)) from error
        self._boards = [board for board, count in missing.items() if count]
        return sum(missing.values())


def _missing(store: Store, board: FleetBoard) -> int:
    stored = {snapshot.seq: snapshot.zones[0].nr_free for snapshot in store.snapshots(board.name)}
    return sum(stored.get(seq) != nr_free for seq, nr_free in board.sent.items())


def _has_ended(collector: subprocess.Popen[bytes]) -> bool:
    return collector.poll() is not None


def _check(collector: subprocess.Popen[bytes], folder: Path) -> None:
    if _has_ended(collector):
        said = (folder / "collector.txt").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the collector ended with exit code {collector.returncode}; it said last:\n{said}")


def allow_many_files() -> None:
    """Raise the limit of open files: three for each board here, and as many in the collector while it connects."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument(
        "--for", dest="seconds", type=duration, default=30.0, help="how long to measure, after the warm-up"
    )
    parser.add_argument("--rate", type=float, default=1.0, help="snapshots a second of each board")
    parser.add_argument("--silent", action="store_true", help="the boards say hello and nothing else")
    parser.add_argument("--write-every", help="as in the configuration, such as 2m; else the collector's default")
    parser.add_argument("--strace", action="store_true", help="count system calls, which makes the CPU time useless")
    args = parser.parse_args()
    allow_many_files()
    build = rig.TOP / "build"
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fleet-", dir=build) as folder:  # /tmp may be memory, this is a disk
        try:
            with Fleet(args.boards, None if args.silent else 1 / args.rate) as fleet:
                measured = measure(fleet, Path(folder), args.seconds, counts=args.strace, write_every=args.write_every)
        except (OSError, RuntimeError) as error:
            print(f"fleet: {error}", file=sys.stderr)
            return 1
    print(measured.table())
    return 1 if measured.missing else 0


if __name__ == "__main__":
    sys.exit(main())
