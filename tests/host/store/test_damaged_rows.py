"""A row that cannot be read costs that row: it is reported once, and every command and every other board goes on."""

import json
import re
import sqlite3
import time
import zlib
from contextlib import closing
from dataclasses import replace

import pytest
from boards import BOOT_ID, FACTS, boot, kernel_event, snapshot
from buddywatch import cli
from buddywatch.model.alerts import Incident, RuleState, Silence, Transition
from buddywatch.model.samples import OVERWRITTEN, ConsoleLine, Gap
from buddywatch.store import damage
from buddywatch.store.damage import DamageReports
from buddywatch.store.store import Store
from modelboard import ModelBoard, facts

pytestmark = pytest.mark.slow  # every command on every damage
SNAPSHOTS = 5
SICK_FACTS = {**FACTS, "name": "sick", "oldest": "1", "next": "1", "key": "0", "up": "10000"}
COMMANDS = (
    "status", "status --json", "alerts", "alerts --json", "log sick", "history sick", "history sick --json",
    "history sick --csv", "history sick --step 1m",
)  # fmt: skip


def sealed(*lines):
    """A row of the journal with a right check."""
    text = b"\n".join(lines)
    return b"%08x%b" % (zlib.crc32(text), text)


def whole(*numbers):
    return b"  0 0 " + b" ".join(b"%d" % number for number in numbers)


BAD_BODIES = (
    b"", b"{", b"\xff\xfe", b"0" * 8, b"9" * 5000, sealed(), sealed(b" 500 5"), sealed(b" 500 5", b"  0 0"),
    sealed(b" 500 5", whole(1)), sealed(b" x 5", whole(*range(20))), sealed(b" 500 5", b"!"), sealed(b" 500 5", b" 1"),
    sealed(b" 500 5", whole(*[0.5] * 20).replace(b"0", b"0.5")), sealed(b" 500 5", whole(*[2**60] * 20)),
    sealed(b" 500 5", whole(2**60, *[0] * 19)), sealed(b" 500 5", b"  0 0 " + b"9" * 5000),
    sealed(b" 500 5", whole(*[1] * 20))[:-3],
)  # fmt: skip


@pytest.fixture
def db(tmp_path):
    """Of each table some rows of the boards "sick" and "well"."""
    now = time.time()
    with Store.open(tmp_path / "a.db") as store, store.batch():
        for name in ("sick", "well"):
            store.add_boot(name, boot(started=now - 1000, **{**SICK_FACTS, "name": name}))
            for seq in range(1, SNAPSHOTS + 1):
                store.add_snapshot(name, replace(snapshot(seq), time=now - 100 + seq))
            store.add_event(name, replace(kernel_event(SNAPSHOTS + 1, 30000), time=now - 90))
            store.add_gap(name, Gap(BOOT_ID, 20, 21, OVERWRITTEN, now - 80))
            store.add_console(name, ConsoleLine(now - 70, "hello"))
            opened = Incident(0, name, "refused", "rm", "critical", "firing", now - 50, None, "text", None, None)
            incident = store.add_incident(opened)
            store.set_rule_state(name, "refused", "rm", RuleState("firing", 2, incident))
            where = ("critical", now - 50, SNAPSHOTS, BOOT_ID, 1, "text", False)
            store.add_transition(Transition(0, incident, name, "refused", "rm", "ok", "firing", *where), now, True)
            store.add_silence(Silence(0, name, None, None, now - 10, now + 100, "why"))
            store.link_state(name, "tcp://127.0.0.1:1", True, now - 60)
            store.set_judged({name: (BOOT_ID, SNAPSHOTS)})
    return tmp_path / "a.db"


def change(db, sql, *values):
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        return connection.execute(sql, values).fetchall()


def run(db, capfd, command):
    """(exit code, standard output, lines on standard error)."""
    config = db.with_name("config.toml")
    config.write_text('[[need]]\nname = "rm"\nbytes = 61440\n')
    code = cli.main(["--config", str(config), "--db", str(db), *command.split()])
    out, err = capfd.readouterr()
    return code, out, err.splitlines()


def columns(db, table, kind):
    return [name for _, name, of_kind, *_ in change(db, f"PRAGMA table_info({table})") if of_kind == kind]


@pytest.mark.parametrize("table", ["boots", "events", "gaps", "console", "links", "incidents", "silences"])
def test_text_that_is_not_utf8_ends_no_command(db, capfd, table):
    names = set(columns(db, table, "TEXT")) - {"board"}
    change(db, f"UPDATE {table} SET " + ", ".join(f"{name} = CAST(x'fffe' AS TEXT)" for name in names))
    for command in COMMANDS:
        code, _, err = run(db, capfd, command)
        assert code in (0, 1), (command, err)


@pytest.mark.parametrize("number", [-(2**63), 10**15, 2**63 - 1])
@pytest.mark.parametrize("table", ["boots", "journal", "events", "gaps", "console", "links", "incidents", "silences"])
def test_a_time_that_no_calendar_has_ends_no_command(db, capfd, table, number):
    names = [name for name in columns(db, table, "INTEGER") if name.endswith("_ms")]
    change(db, f"UPDATE {table} SET " + ", ".join(f"{name} = ?" for name in names), *[number] * len(names))
    for command in COMMANDS:
        code, _, err = run(db, capfd, command)
        assert code in (0, 1), (command, err)


@pytest.mark.parametrize("body", BAD_BODIES)
def test_damaged_snapshot_is_left_out_and_reported_once(db, capfd, body):
    (key,) = change(db, "SELECT id FROM boots WHERE board = 'sick'")[0]
    expected = {command: run(db, capfd, command)[0] for command in COMMANDS}
    change(db, "UPDATE journal SET body = ? WHERE boot = ? AND seq = ?", body, key, SNAPSHOTS)
    for command in COMMANDS:
        code, out, err = run(db, capfd, command)
        assert code == expected[command]
        if "--json" in command:
            json.loads(out)
        if command.startswith(("status", "history")):
            assert len(err) == 1, err
            assert f"snapshot {SNAPSHOTS} of boot {BOOT_ID} of board sick cannot be read and is left out" in err[0]
    rows = json.loads(run(db, capfd, "history sick --json")[1])["rows"]
    assert [row["seq"] for row in rows] == list(range(1, SNAPSHOTS))


def test_what_the_report_says_removes_the_row(db, capfd):
    change(db, "UPDATE journal SET body = x'' WHERE seq = 2 AND boot = 1")
    (line,) = run(db, capfd, "history sick")[2]
    remedy = re.search(r'to remove it: sqlite3 (\S+) "(DELETE .*)"$', line)
    assert remedy[1] == str(db)
    change(remedy[1], remedy[2])
    assert run(db, capfd, "history sick")[2] == []
    assert change(db, "SELECT count(*) FROM journal") == [(2 * SNAPSHOTS - 1,)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cols": 5}', "{}", "[" * 3000])
def test_damaged_facts_cost_the_boot_and_no_other_board(db, capfd, text):
    change(db, "UPDATE boots SET facts = ? WHERE board = 'sick'", text)
    for command in COMMANDS:
        code, _, err = run(db, capfd, command)
        assert code in (0, 1), (command, err)
        assert all(f"boot {BOOT_ID} of board sick (row 1 of boots) cannot be read" in line for line in err)
        assert len(err) <= 1
    status = {board["name"]: board for board in json.loads(run(db, capfd, "status --json")[1])["boards"]}
    assert status["sick"]["age_s"] is None
    assert status["well"]["age_s"] > 0


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("incidents", "rule", "the name of a rule"),
        ("incidents", "severity", "one of critical, warning, off"),
        ("incidents", "state", "one of ok, pending, firing, clearing, noted"),
        ("transitions", "rule", "the name of a rule"),
        ("transitions", "severity", "one of critical, warning, off"),
        ("transitions", "from_state", "one of ok, pending, firing, clearing, noted"),
        ("transitions", "to_state", "one of ok, pending, firing, clearing, noted"),
    ],
)
def test_unknown_word_costs_its_row_and_the_report_says_what_to_do(db, table, column, expected):
    ((row_id,),) = change(db, f"SELECT id FROM {table} WHERE board = 'sick'")
    change(db, f"UPDATE {table} SET {column} = 'x y' WHERE id = ?", row_id)
    with Store.open_readonly(db) as store:
        news = []
        store.damage = DamageReports(news.append)
        assert store.boards_to_report() == ["sick", "well"]
        left = [len(read(name)) for name in ("sick", "well") for read in (store.incidents, store.transitions)]
        assert left == ([0, 1, 1, 1] if table == "incidents" else [1, 0, 1, 1])
        assert len(store.unreported("sick")) == left[1]
    remedy = f'to remove it: sqlite3 {db} "DELETE FROM {table} WHERE id = {row_id}"'
    row = f"row {row_id} of {table}, of board sick,"
    why = f"{column}: read 'x y', expected {expected}"
    assert news == [f"{db}: {row} cannot be read and is left out: {why}; {remedy}"]


def test_connections_of_a_program_report_a_damaged_row_once(db):
    change(db, "UPDATE journal SET body = x'' WHERE boot = 1 AND seq = 2")
    news = []
    reports = DamageReports(news.append)
    for _ in range(2):
        with Store.open_readonly(db) as store:
            store.damage = reports
            assert len(list(store.snapshots("sick"))) == SNAPSHOTS - 1
    assert len(news) == 1


def test_many_damaged_rows_are_not_all_listed(db, capfd):
    with Store.open(db) as store:
        for seq in range(100, 100 + 2 * damage.DAMAGE_MAX):
            store.add_snapshot("sick", snapshot(seq))
    change(db, "UPDATE journal SET body = x'' WHERE seq >= 100")
    code, _, err = run(db, capfd, "history sick")
    assert code == 0
    assert len(err) == damage.DAMAGE_MAX + 1
    assert err[-1].endswith("more rows cannot be read and are left out; they are not listed")


def test_recent_snapshots_go_back_behind_damaged_ones(db):
    change(db, "UPDATE journal SET body = x'' WHERE boot = 1 AND seq IN (3, 5)")
    with Store.open_readonly(db) as store:
        store.damage = DamageReports([].append)
        assert [shot.seq for shot in store.recent("sick", 2)] == [2, 4]
        assert store.latest("sick").seq == 4


def test_rows_of_a_boot_without_facts_are_not_even_looked_at(db):
    change(db, "UPDATE boots SET facts = '' WHERE board = 'sick'")
    with Store.open_readonly(db) as store:
        statements = []
        store.damage = DamageReports([].append)
        store._connection.set_trace_callback(statements.append)
        assert store.recent("sick", 3) == []
        assert not any("FROM journal" in statement for statement in statements)


def test_resume_asks_again_behind_a_damaged_snapshot(db):
    """What the board sent next builds on it: continued from an older one, its values would be wrong."""
    change(db, "UPDATE journal SET body = x'' WHERE boot = 1 AND seq = ?", SNAPSHOTS)
    with Store.open(db) as store:
        store.damage = DamageReports([].append)
        state = store.resume("sick")
        assert state.stored == ((1, SNAPSHOTS - 1),)
        assert [edge.seq for edge in state.edges] == [SNAPSHOTS - 1]
        change(db, "UPDATE journal SET body = x'' WHERE boot = 1")
        assert store.resume("sick").stored == ()
        assert [edge.seq for edge in store.resume("well").edges] == [SNAPSHOTS]


def recording(path, board, polls_before=0):
    """What a board says that made so many snapshots before."""
    for _ in range(polls_before):
        board.poll()
    board.encoder.key_due = 0
    lines = [*board.poll(), *board.hello(), *board.poll(), *board.poll()]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return f"file:{path}"


@pytest.mark.parametrize(
    ("damage", "reported"),
    [
        ("UPDATE boots SET facts = '{' WHERE board = 'sick'", 1),
        ("UPDATE boots SET facts = '{}' WHERE board = 'sick'", 1),
        ("UPDATE journal SET body = x'7b' WHERE boot = 1", 5),
        ("UPDATE journal SET body = x'5b' WHERE boot = 1 AND seq = 5", 1),
        ("UPDATE boots SET started_ms = 9223372036854775807 WHERE board = 'sick'", 0),
        ("UPDATE events SET text = CAST(x'ff' AS TEXT), time_ms = -9223372036854775807 WHERE board = 'sick'", 0),
        ("UPDATE rule_states SET incident = 4711, phase = 'x' WHERE board = 'sick'", 1),
        ("UPDATE transitions SET rule = 'x', to_state = 'y', time_ms = 9223372036854775807 WHERE board = 'sick'", 1),
        ("UPDATE incidents SET rule = 'x', state = 'y', opened_ms = 9223372036854775807 WHERE board = 'sick'", 1),
    ],
)
def test_a_collector_stores_what_comes_of_the_damaged_and_of_the_healthy_board(db, tmp_path, capfd, damage, reported):
    change(db, "PRAGMA foreign_keys = OFF")
    change(db, damage)
    change(db, "DELETE FROM silences")  # so that a message is due, which reads the rows over another connection
    change(db, "UPDATE transitions SET noted_ms = 0")
    sick = ModelBoard(BOOT_ID, SICK_FACTS, 20, 99999, seed=1, largest=3)
    of_well, width = facts(name="well")
    urls = [
        recording(tmp_path / "sick.txt", sick, polls_before=SNAPSHOTS + 1),
        recording(tmp_path / "well.txt", ModelBoard("0000b777", of_well, width, 99999, seed=2)),
    ]
    code, out, err = run(db, capfd, f"collect --plain {' '.join(urls)}")
    assert code == 0, err
    assert "cannot be followed" not in out and "Error" not in out
    reports = [line.partition(" ")[2] for line in out.splitlines() if "cannot be read" in line]
    assert len(reports) == len(set(reports)), reports
    assert len(reports) == reported, out
    newest = "SELECT max(seq) FROM journal j JOIN boots b ON b.id = j.boot WHERE b.boot_id = ? AND b.board = ?"
    assert change(db, newest, "0000b777", "well") == [(3,)]
    assert change(db, newest, BOOT_ID, "sick") == [(SNAPSHOTS + 4,)]
    assert run(db, capfd, "status")[0] in (0, 1)


@pytest.mark.parametrize(
    ("incident_sql", "expected"),
    [
        pytest.param(None, "firing", id="open"),
        pytest.param("UPDATE incidents SET closed_ms = opened_ms, state = 'ok'", "ok", id="closed"),
        pytest.param("DELETE FROM incidents", "ok", id="gone"),
        pytest.param("UPDATE incidents SET severity = 'bad'", "ok", id="damaged"),
    ],
)
def test_rule_whose_phase_is_damaged_goes_on_from_its_open_alert(db, incident_sql, expected):
    if incident_sql:
        change(db, incident_sql)
    change(db, "UPDATE rule_states SET phase = 'furious' WHERE board = 'sick'")
    lines = []
    with Store.open_readonly(db) as store:
        store.damage = DamageReports(lines.append)
        (state,) = store.rule_states("sick").values()
    assert (state.phase, state.count, state.incident_id is None) == (expected, 0, expected == "ok")
    assert "the state of the rule refused of board sick cannot be read and is left out" in lines[0]
    assert "phase: read 'furious', expected one of ok, pending, firing, clearing" in lines[0]
