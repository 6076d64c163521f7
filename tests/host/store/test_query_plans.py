"""Nothing that a running collector asks of its database may cost more, the more is stored.

A real collector hears a board of which much is stored. Every statement that it runs from then on is gathered, explained
and run once more: none may scan or sort a table that grows, and none may take more steps than a few rows are worth.
"""

import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from boards import KERNEL_LINE, boot, kernel_event, snapshot
from buddywatch import cli
from buddywatch.config.load import load
from buddywatch.config.sections import Config
from buddywatch.model.alerts import OK, Incident, Message, Silence, Transition
from buddywatch.model.samples import ConsoleLine, Gap
from buddywatch.store import database
from buddywatch.store.resume import FOLD_ROWS
from buddywatch.store.store import Store
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.gather_depth import DepthReader
from buddywatch.terminal.overview import overview
from fleet_boards import Fleet, FleetBoard
from waiting import DEADLINE_S

pytestmark = pytest.mark.slow  # a collector with much stored
ROWS = 20_000  # snapshots of the running boot
OTHERS = 2_000  # rows of every other kind
BOOTS = 200
STEPS_MAX = 5_000  # of SQLite's virtual machine in one statement: a row takes about ten, the rows above 20,000 and more
SORT_STEPS_MAX = 2_000  # of one that sorts: a board has few links, and few frames that are not judged yet
STEPS_PER_CALL = 10
INTERVAL_S = 0.1
connect = sqlite3.connect
GROWING = "boots|snapshots|chunks|events|gaps|console|incidents|transitions|outbox|silences"
CONFIG = """
[collector]
links = ["{link}"]

[[need]]
name = "big"
bytes = "4M"

[alert]
batch = 0
repeat_after = "1s"
hold_samples = 1

[[hook]]
name = "nowhere"
command = ["true"]
"""


def fill(store: Store, board: FleetBoard) -> None:
    """Much of everything; the newest boot is the one that the board is in."""
    name = board.name
    for number in range(BOOTS):
        store.add_boot(name, boot(f"{number:08x}", cause="reboot"))
        store.add_snapshot(name, snapshot(1, boot_id=f"{number:08x}"))
    old = f"{BOOTS - 1:08x}"
    for number in range(2, OTHERS):
        store.add_event(name, kernel_event(number, number, old, f"{KERNEL_LINE} {number}"))
        store.add_gap(name, Gap(old, OTHERS + 2 * number, OTHERS + 2 * number, "overwritten", number))
        store.add_console(name, ConsoleLine(number, "text"))
        incident = store.add_incident(Incident(0, name, "refused", "big", "critical", OK, 1, 2, "x", "<m>", 1))
        change = Transition(
            0, incident, name, "refused", "big", "firing", OK, "critical", 2, None, None, None, "", False
        )
        store.add_transition(change, 2, False)
        store.add_message(["hook:nowhere"], name, Message("subject", "body", {}, "<m>", ()), 1)
        store.add_silence(Silence(0, name, None, None, 1, 2, "expired"))
    store._connection.execute("UPDATE outbox SET state = 'sent', sent_ms = 2000")
    store.add_boot(name, boot(board.boot, **dict(board.facts())))
    for seq in range(1, ROWS + 1):
        store.add_snapshot(name, snapshot(seq, boot_id=board.boot))
    store.fold_ranges(name, FOLD_ROWS)  # as batches do on the way
    store._connection.execute("INSERT INTO judged SELECT board, id, ? FROM boots WHERE boot_id = ?", (ROWS, board.boot))


class Heard:
    """The statements of all connections, with their values."""

    def __init__(self) -> None:
        self.statements: set[str] = set()
        self.at_start: set[str] = set()

    def add(self, statement: str) -> None:
        self.statements.add(statement)

    def begin(self) -> None:
        """What was heard so far belongs to the start."""
        self.at_start, self.statements = self.statements.copy(), set()

    def some(self, text: str) -> bool:
        return any(text in statement for statement in list(self.statements))

    def connect(self, *arguments: object, **options: object) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(self.add)
        return connection


class Gathered(NamedTuple):
    """What a collector asked of this database when it had been running for a moment, and before that, at its start."""

    db: Path
    statements: list[str]
    at_start: list[str]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gathered]:
    folder, heard = tmp_path_factory.mktemp("plans"), Heard()
    db, config = folder / "a.db", folder / "config.toml"
    with Fleet(1, INTERVAL_S) as fleet, pytest.MonkeyPatch.context() as patch:
        board = fleet.boards[0]
        board.go_on_behind(ROWS)
        config.write_text(CONFIG.format(link=f"tcp://127.0.0.1:{board.port}"))
        with Store.open(db) as store, store.batch():
            fill(store, board)
        with Store.open(db) as store:
            while store.pack_for(1):
                pass
        patch.setattr(database.sqlite3, "connect", heard.connect)
        collect = ["--config", str(config), "--db", str(db), "collect", "--plain", "--for", str(2 * DEADLINE_S)]
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        player = threading.Thread(target=play, args=(fleet, heard))
        player.start()
        code = cli.main(collect)
        player.join()
        for number, handler in handlers.items():
            signal.signal(number, handler)
        assert code == 0
        with Store.open_readonly(db) as store:
            assert store.latest(board.name).seq > ROWS  # it was heard
            look(store, load(config, {}))
    yield Gathered(db, cleaned(heard.statements), cleaned(heard.at_start))


def look(store: Store, config: Config) -> None:
    """As the live view does, twice: what it reads now and then is read the first time only."""
    reader, now = FleetReader(store, config), time.time()
    depths = DepthReader(reader)
    for _ in range(2):
        fleet = reader.fleet(now)
        for board in fleet.boards:
            depths.depth(board, now)
            overview(store, config, board.name, now)


def cleaned(statements: set[str]) -> list[str]:
    """Those that read or write rows; SQLite reports what its triggers and foreign keys do as comments."""
    return sorted(s for s in map(str.strip, statements) if re.match("SELECT|WITH|INSERT|UPDATE|DELETE", s, re.I))


def play(fleet: Fleet, heard: Heard) -> None:
    board = fleet.boards[0]
    fleet.run(DEADLINE_S, lambda: board.was_asked)
    fleet.start_polls()
    fleet.run(DEADLINE_S, lambda: heard.some("INTO journal") and heard.some("INTO outbox"))
    heard.begin()
    board.fail()
    fleet.run(DEADLINE_S, lambda: all(map(heard.some, ("INTO journal", "INTO events", "INTO outbox"))))
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:  # the collector has taken this signal over
        os.kill(os.getpid(), signal.SIGTERM)


def test_all_kinds_of_statements_are_heard(heard: Gathered) -> None:
    """The others here prove nothing about what did not run."""
    for table in ("journal", "events", "incidents", "transitions", "outbox"):
        assert any(re.search(rf"\b(INTO|FROM|UPDATE|JOIN) {table}\b", statement) for statement in heard.statements), (
            table
        )


def test_no_statement_scans_or_sorts_a_growing_table(heard: Gathered) -> None:
    bad = []
    with closing(sqlite3.connect(heard.db)) as connection:
        for statement in heard.statements:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
            names = dict(re.findall(rf"\b({GROWING}) (?:AS )?([a-z])\b", statement))  # events e
            growing = "|".join([GROWING, *names.values()])
            wrong = [line for line in plan if re.match(rf"SCAN ({growing})\b(?!.*(_open|_untold|_due)\b)", line)]
            if steps_of(heard.db, statement) > SORT_STEPS_MAX:
                wrong += [line for line in plan if "TEMP B-TREE" in line]
            if wrong:
                bad.append(f"{statement}\n  {wrong}")
    assert not bad, "\n".join(bad)


def test_no_statement_takes_steps_that_grow_with_what_is_stored(heard: Gathered) -> None:
    bad = dear_ones(heard.db, heard.statements, STEPS_MAX)
    assert not bad, "\n".join(bad)


def test_a_start_does_not_read_all_snapshots(heard: Gathered) -> None:
    """What it does read grows with the boots, the gaps and the events of the running boot."""
    assert any("stored_ranges" in statement for statement in heard.at_start)
    bad = dear_ones(heard.db, heard.at_start, ROWS)
    assert not bad, "\n".join(bad)


def dear_ones(db: Path, statements: list[str], steps_max: int) -> list[str]:
    steps = {statement: steps_of(db, statement) for statement in statements}
    return [f"{count} steps: {statement}" for statement, count in steps.items() if count > steps_max]


def steps_of(db: Path, statement: str) -> int:
    """Of SQLite's virtual machine; nothing that the statement writes stays."""
    calls = 0

    def count() -> int:
        nonlocal calls
        calls += 1
        return 0

    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.set_progress_handler(count, STEPS_PER_CALL)
        with suppress(sqlite3.IntegrityError):  # an insertion that was made already
            connection.execute(statement).fetchall()
        connection.set_progress_handler(None, 0)
        connection.execute("ROLLBACK")
    return calls * STEPS_PER_CALL
