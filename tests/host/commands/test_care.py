"""`buddywatch sql`, `db` and `forget`: what is stored can be asked, checked, copied and removed."""

import csv
import json
import re
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from boards import BOOT_ID, SEED_FREE, START, boot, kernel_event, snapshot
from buddywatch.model.alerts import Incident, RuleState
from buddywatch.model.health import RUNNING, PartHealth
from buddywatch.model.samples import Gap
from buddywatch.store import pack
from buddywatch.store.lock import alone
from buddywatch.store.store import Store

ROWS = 40
PAGE = Path(__file__).resolve().parents[3] / "docs/how-to/ask-the-database.md"


@pytest.fixture
def full(store, monkeypatch):
    """Two boards, most of whose snapshots are packed."""
    monkeypatch.setattr(pack, "CHUNK_ROWS", 8)
    monkeypatch.setattr(pack, "KEPT_ROWS", 4)
    for board in ("xp", "yp"):
        store.add_boot(board, boot())
        for seq in range(1, ROWS + 1):
            store.add_snapshot(board, snapshot(seq, SEED_FREE) if seq == 3 else snapshot(seq))
        store.add_event(board, kernel_event(ROWS + 1, 5000))
        opened = Incident(0, board, "refused", "rm", "critical", "firing", START, None, "text", None, None)
        store.set_rule_state(board, "refused", "rm", RuleState("firing", 2, store.add_incident(opened)))
    store._unpacked = None
    while store.pack_for(0):
        pass
    assert store._row("SELECT count(*) FROM chunks")[0] >= 4
    return store


def test_sql_shows_each_snapshot_once_with_its_columns(buddywatch, full):
    asked = buddywatch("sql", "SELECT board, count(*), min(free_pages), min(order_0) FROM snapshots GROUP BY board")
    lowest = min(snapshot(1).free_pages, snapshot(3, SEED_FREE).free_pages)
    assert list(csv.reader(asked.out.splitlines())) == [
        ["board", "count(*)", "min(free_pages)", "min(order_0)"],
        ["xp", str(ROWS), str(lowest), "2"],
        ["yp", str(ROWS), str(lowest), "2"],
    ]
    columns = "seq, time_ms, uptime_ms, zone, low_pages, order_3"
    query = f"SELECT {columns} FROM snapshots WHERE board = 'xp' AND seq IN (3, 40) ORDER BY seq"
    rows = [json.loads(line) for line in buddywatch("sql", "--json", query).out.splitlines()]
    shots = [snapshot(3, SEED_FREE), snapshot(40)]
    assert rows == [
        {
            "seq": shot.seq, "time_ms": round(shot.time * 1000), "uptime_ms": shot.uptime_ms, "zone": "DMA",
            "low_pages": 112, "order_3": shot.zones[0].nr_free[3],
        }
        for shot in shots
    ]  # fmt: skip


def test_the_questions_of_the_documentation_have_answers(buddywatch, full):
    queries = re.findall(r'^\$ buddywatch sql "(.*)"$', PAGE.read_text(), re.MULTILINE)
    assert len(queries) == 10
    full._run("UPDATE incidents SET closed_ms = opened_ms + 60000")
    full.roll_up(1, 86_400, round(START * 1000), round(START * 1000))
    full.add_gap("xp", Gap(BOOT_ID, 60, 61, "overwritten", START))
    for query in queries:
        asked = buddywatch("sql", query)
        assert asked.code == 0, (query, asked.err)
        assert len(asked.lines) > 1 or "order_4 + " in query, query


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM nowhere", "SQL: no such table: nowhere"),
        ("SELEC", 'SQL: near "SELEC": syntax error'),
        ("DELETE FROM boots", "SQL: attempt to write a readonly database"),
        ("SELECT 1; SELECT 2", "one statement at a time"),
    ],
)
def test_sql_that_is_wrong_costs_one_line(buddywatch, full, query, message):
    asked = buddywatch("sql", query)
    assert asked.code == 2
    assert message in asked.err


@pytest.mark.parametrize(
    "statement",
    ["ATTACH '{0}' AS other", "VACUUM INTO '{0}'", "PRAGMA query_only = OFF", "PRAGMA journal_mode = DELETE", "BEGIN"],
)
def test_sql_that_does_more_than_read_is_refused(buddywatch, full, tmp_path, statement):
    result = buddywatch("sql", statement.format(tmp_path / "made.db"))
    assert (result.code, result.out) == (2, "")
    assert result.err == "buddywatch: SQL: not allowed here: only statements that read are\n"
    assert not (tmp_path / "made.db").exists()
    assert buddywatch("sql", "PRAGMA table_info(boots)").code == 0


def test_sql_as_json_is_json_whatever_the_values_are(buddywatch, full):
    (line,) = buddywatch("sql", "--json", "SELECT 9e999 AS a, -9e999 AS b, x'00ff' AS c, 1 AS d, 2 AS d").lines
    refuse = {"parse_constant": lambda word: pytest.fail(f"{word} is no JSON")}
    assert json.loads(line, **refuse) == {"a": "inf", "b": "-inf", "c": "00ff", "d": 1, "d_2": 2}


@pytest.mark.parametrize("typed", [b"\x00\xff;", b"SELECT '\xff\x00';", b"SELECT"])
def test_sql_of_bytes_that_are_no_text_is_one_line(buddywatch, full, typed):
    with buddywatch.start("sql", stdin=subprocess.PIPE, text=False) as shell:
        _, err = shell.communicate(typed)
    assert (shell.returncode, err.count(b"\n")) in ((2, 1), (0, 0)), err
    assert b"defect" not in err


def test_check_finds_nothing_in_a_sound_database_and_names_what_is_damaged(buddywatch, full):
    assert (buddywatch("db", "check").code, buddywatch("db", "check").out) == (0, "everything can be read\n")
    first = "SELECT c.id FROM chunks c JOIN boots b ON b.id = c.boot WHERE b.board = 'xp' AND first_seq = 1"
    full._run(f"UPDATE chunks SET body = x'01' WHERE id = ({first})")
    full._run("UPDATE journal SET body = x'5b' WHERE seq = 40 AND boot = (SELECT id FROM boots WHERE board = 'yp')")
    checked = buddywatch("db", "check")
    assert checked.code == 1
    assert "chunk of snapshots 1 to 8 of boot 0000b001 of board xp cannot be read" in checked.out
    assert "snapshot 40 of boot 0000b001 of board yp cannot be read" in checked.out
    assert buddywatch("sql", "SELECT count(*) FROM snapshots").out.splitlines()[1] == str(2 * ROWS - 9)


def test_size_names_every_board(buddywatch, full):
    lines = buddywatch("db", "size").out.splitlines()
    assert sorted(line.partition(":")[0].strip() for line in lines[-2:]) == ["xp", "yp"]
    assert f"{ROWS} snapshots" in lines[-1]


def test_backup_is_a_whole_database(buddywatch, full, tmp_path):
    copy = tmp_path / "copy.db"
    assert buddywatch("db", "backup", str(copy)).code == 0
    with Store.open_readonly(copy) as again:
        assert list(again.snapshots("xp")) == list(full.snapshots("xp"))
    refused = buddywatch("db", "backup", str(copy))
    assert (refused.code, "exists already; name a new file" in refused.err) == (3, True)


def test_compact_packs_all_and_changes_nothing(buddywatch, full, tmp_path):
    shots = list(full.snapshots("xp"))
    full.close()
    with closing(sqlite3.connect(buddywatch.db, isolation_level=None)) as old:  # as versions before this one made it
        old.execute("PRAGMA journal_mode = DELETE")
        old.execute("PRAGMA page_size = 4096")
        old.execute("VACUUM")
    compacted = buddywatch("db", "compact")
    assert compacted.code == 0, compacted.err
    with closing(sqlite3.connect(buddywatch.db)) as new:
        assert new.execute("PRAGMA page_size").fetchone() == (1024,)
        assert new.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert new.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        counts = [count for (count,) in new.execute("SELECT count(*) FROM chunks GROUP BY boot")]
        assert counts and set(counts) == {1}
    with Store.open(buddywatch.db) as again:
        assert list(again.snapshots("xp")) == shots


def everything(store, board):
    rows = list(store.snapshots(board)), list(store.events(board))
    return rows, store.incidents(board), store.rule_states(board), store.resume(board)


def test_forget_removes_the_board_and_leaves_the_others(buddywatch, full):
    of_other = everything(full, "yp")
    assert buddywatch("forget", "xp").code == 0
    with Store.open(buddywatch.db) as left:
        assert left.boards() == ["yp"]
        assert everything(left, "yp") == of_other
        assert left.incidents("xp") == []
        assert list(left._rows("PRAGMA foreign_key_check")) == []
    assert "no board 'xp' is stored; known: yp" in buddywatch("forget", "xp").err


def test_forget_before_removes_what_is_older(buddywatch, full):
    until = START + 60.0
    kept = [shot for shot in full.snapshots("xp") if shot.time >= until]
    full.add_event("xp", replace(kernel_event(50, 5), time=START + 90))
    moment = datetime.fromtimestamp(until).isoformat()
    assert buddywatch("forget", "xp", "--before", moment).code == 0
    with Store.open(buddywatch.db) as left:
        assert list(left.snapshots("xp")) == kept
        assert [event.seq for event in left.events("xp")] == [50]
        assert len(list(left.snapshots("yp"))) == ROWS


def test_a_database_is_not_compacted_while_a_collector_writes(buddywatch, full):
    full.save_part(PartHealth("writer", RUNNING, START, 0, None, None))
    refused = buddywatch("db", "compact")
    assert (refused.code, "collect uses this database; stop it first" in refused.err) == (2, True)


def test_nothing_is_removed_beside_a_collector_that_cannot_be_asked(buddywatch, full):
    before = everything(full, "xp")
    with alone(buddywatch.db):
        refused = buddywatch("forget", "xp")
    assert (refused.code, refused.err.count("\n")) == (3, 1)
    assert "another `buddywatch collect` runs on it" in refused.err
    assert everything(full, "xp") == before
