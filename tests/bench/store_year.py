"""A year of many boards through the real intake, in simulated time, and what can then be asked.

Frames as boards send them go through the checks, the order and the rules to the disk, four batches in a simulated day;
snapshots are packed and what is too old is removed as `collect` does it. Then the file is opened and asked, as commands
and the sqlite3 shell do it. Times are processor time; beside them stand those of VictoriaMetrics with the same numbers,
where that is installed. BOARDS, DAYS, PERIOD (s) and EVENTS (a second) come from the environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP), *(str(TOP / folder) for folder in ("agent", "host", "scripts", "tests"))]

from allocator_board import Board  # noqa: E402
from bench import store_peer  # noqa: E402
from bench.intake import NEEDS, give  # noqa: E402
from buddyd import wire  # noqa: E402
from buddywatch.collect.board import Now  # noqa: E402
from buddywatch.collect.boards import Boards  # noqa: E402
from buddywatch.config.sections import Collector, Config, Storage  # noqa: E402
from buddywatch.model.batch import VectorRow  # noqa: E402
from buddywatch.model.samples import Boot  # noqa: E402
from buddywatch.protocol.frame import together  # noqa: E402
from buddywatch.protocol.line_stream import LinkSession  # noqa: E402
from buddywatch.store import care  # noqa: E402
from buddywatch.store.buckets import in_steps  # noqa: E402
from buddywatch.store.store import Store  # noqa: E402
from buddywatch.store.timeline import History  # noqa: E402

DAY_S, HOUR_S = 86_400, 3600
BATCH_S = 6 * HOUR_S
START = 1_700_000_000 // DAY_S * DAY_S
YEAR = "a year of a board, steps of a day"
FLEET = 1000  # boards of which `status` is asked
COMMANDS = ("status", "alerts", "history board00 --step 1d --since 9999d", "db size", "sql SELECT+1")
BUDDYWATCH = (sys.executable, "-m", "buddywatch")
# With bytecode, as an installed package has it.
ENV = os.environ | {"PYTHONPATH": f"{TOP / 'host'}:{TOP / 'agent'}", "PYTHONDONTWRITEBYTECODE": ""}


class Setting(NamedTuple):
    boards: int
    days: int
    period_s: int
    events_per_s: float

    @property
    def snapshots(self) -> int:
        return self.boards * self.days * DAY_S // self.period_s


def rows_of(number: int, setting: Setting) -> Iterator[list[int]]:
    count = setting.days * DAY_S // setting.period_s
    return Board(number, setting.events_per_s).snapshots(count, 100 * setting.period_s)


class YearBoard:
    """A model board that sends what it made in BATCH_S at once."""

    def __init__(self, number: int, setting: Setting) -> None:
        self.name, self.boot = f"board{number:02d}", f"{0xB0000000 + number:08x}"
        self.session = LinkSession()
        period_cs = 100 * setting.period_s
        self._rows = rows_of(number, setting)
        self._rows_a_batch = BATCH_S // setting.period_s
        facts = store_peer.facts(period_cs) | {"v": "1", "name": self.name, "nommu": "1", "kboot": "-"}
        told = {"up": "10000", "key": "0", "oldest": "1", "next": "1"}
        self._lines = list(wire.hello_lines(self.boot, tuple((facts | told).items())))
        self._encoder: wire.Encoder | None = None
        self._period_cs = period_cs

    def sent(self) -> bytes:
        for _ in range(self._rows_a_batch):
            row = next(self._rows)
            if self._encoder is None:
                self._encoder = wire.Encoder(self.boot, len(row), self._period_cs, 1 << 20)
            self._encoder.snapshot(row, self._lines.append)
        data = b"".join(bytes(line) + b"\n" for line in self._lines)
        self._lines.clear()
        return data


def take_in(setting: Setting, db: Path) -> float:
    """Fill the database; returns the processor time of the intake, without that of the model."""
    config, spent_s = Config(Collector(db), needs=NEEDS), 0.0
    made = [YearBoard(number, setting) for number in range(setting.boards)]
    with Store.open(db) as store:
        boards = Boards(store, config, lambda line: None, lambda name: False)
        for number in range(1, setting.days * DAY_S // BATCH_S + 1):
            sent = [(board, board.sent()) for board in made]
            began_s = time.process_time()
            now = Now(START + BATCH_S * number, float(BATCH_S * number))
            for board, data in sent:
                for run in together(board.session.feed(data)):
                    give(boards, board.name, run, now)
            boards.gather(now.monotonic_s)
            store.write(boards.take_batch())
            store.pack_for(1.0)
            if number % 4 == 0:
                while store.expire_for(1.0, Storage(), now.time):
                    pass
            spent_s += time.process_time() - began_s
    return spent_s


def cpu_ms(work: Callable[[], object], times: int = 3) -> float:
    """The least of some tries: others use this machine, too."""
    found = []
    for _ in range(times):
        began_s = time.process_time()
        work()
        found.append(time.process_time() - began_s)
    return 1000 * min(found)


def command_ms(db: Path, command: str) -> float:
    argv = [*BUDDYWATCH, "--db", str(db), "--config", os.devnull, *(part.replace("+", " ") for part in command.split())]
    found = []
    for _ in range(3):
        before = os.times()
        subprocess.run(argv, env=ENV, stdout=subprocess.DEVNULL, check=False)
        after = os.times()
        found.append(after.children_user + after.children_system - before.children_user - before.children_system)
    return 1000 * min(found)


def questions(db: Path, setting: Setting) -> Iterator[tuple[str, float]]:
    """What a person asks, and the processor time of the answer in ms."""
    config = Config(Collector(db), needs=NEEDS)
    end = START + setting.days * DAY_S

    def opened() -> None:
        Store.open_readonly(db).close()

    def steps(since: float, step_s: int) -> Callable[[], object]:
        def asked() -> None:
            with Store.open_readonly(db) as store:
                history = History(store, config, "board00", since, end)
                assert sum(1 for _ in in_steps(history.pieces(step_s), step_s)) > 1

        return asked

    yield "open the file", cpu_ms(opened)
    yield "a day of a board, steps of 1 h", cpu_ms(steps(end - 2 * DAY_S, HOUR_S))
    yield YEAR, cpu_ms(steps(end - 365 * DAY_S, DAY_S))
    for command in COMMANDS:
        yield f"`buddywatch {command.replace('+', ' ')}`, its start included", command_ms(db, command)
    with tempfile.TemporaryDirectory() as folder:
        fleet = Path(folder, "fleet.db")
        make_fleet(fleet)
        yield f"`buddywatch status` of {FLEET} boards", command_ms(fleet, "status")
    if shutil.which("sqlite3"):
        sql = (
            "SELECT board, min(free_bytes_min), sum(processes_started) FROM rollups JOIN boots ON id = boot GROUP BY 1"
        )
        before = os.times()
        found = subprocess.run(["sqlite3", db, sql], stdout=subprocess.PIPE, check=True).stdout
        after = os.times()
        assert len(found.splitlines()) == setting.boards, found
        yield "the days of all boards, in the sqlite3 shell", 1000 * (after.children_user - before.children_user)


def make_fleet(db: Path) -> None:
    """Many boards, a few minutes of each."""
    rows = list(Board(1, 2.0).snapshots(100, 500))
    with Store.open(db) as store, store.batch():
        for number in range(FLEET):
            name, boot_id = f"fleet{number:04d}", f"{0xC0000000 + number:08x}"
            store.add_boot(name, Boot(boot_id, store_peer.facts(500) | {"name": name}, START, "first"))
            made = (VectorRow(boot_id, seq, seq, 1000 * (START + 5 * seq), row) for seq, row in enumerate(rows, 1))
            store.add_vectors(name, made)
            store.link_state(name, "tcp://192.0.2.1:2323", True, START)


def table(setting: Setting) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder, "buddywatch.db")
        spent_s = take_in(setting, db)
        size = sum(care.file_bytes(str(db)).values())
        own = list(questions(db, setting))
    with tempfile.TemporaryDirectory() as folder:
        boards = {f"board{number:02d}": rows_of(number, setting) for number in range(setting.boards)}
        peer = store_peer.measure_peer(boards, 100 * setting.period_s, Path(folder), setting.days * DAY_S, DAY_S)
    lines = [
        f"{setting.boards} boards, {setting.days} days, polled every {setting.period_s} s: {setting.snapshots} polls",
        "| | buddywatch | VictoriaMetrics |",
        "|---|---|---|",
        f"| bytes of all files | {size} | {_shown(peer, 'size')} |",
        f"| bytes per snapshot | {size / setting.snapshots:.2f} | {_shown(peer, 'bytes', 2)} |",
        f"| snapshots per second of CPU; ours through checks and rules | {setting.snapshots / spent_s:.0f} "
        f"| {_shown(peer, 'per_s')} |",
    ]
    for name, spent_ms in own:
        of_peer = f"{_shown(peer, 'read_ms')} ms" if name == YEAR and peer is not None else ""
        lines.append(f"| {name} | {spent_ms:.0f} ms | {of_peer} |")
    return lines


def _shown(peer: dict[str, float] | None, key: str, digits: int = 0) -> str:
    return "not installed" if peer is None else f"{peer[key]:.{digits}f}"


def setting_of(environ: dict[str, str]) -> Setting:
    return Setting(
        int(environ.get("BOARDS", "20")),
        int(environ.get("DAYS", "365")),
        int(environ.get("PERIOD", "1800")),
        float(environ.get("EVENTS", "0.002")),
    )


if __name__ == "__main__":
    print("\n".join(table(setting_of(dict(os.environ)))))
