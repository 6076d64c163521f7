"""`buddywatch db repair`: what can be read of a damaged database is saved, what is lost is said, by board and time."""

import os
import random
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import datetime

import pytest
from boards import BOOT_ID, START, boot, kernel_event, snapshot
from buddywatch.store import chunks, pack, repair
from buddywatch.store.lock import alone
from buddywatch.store.store import Store

ROWS = 480
CHUNK = 80
BOARDS = ("xp", "yp", "zp")
AT = " WHERE boot = 2 AND first_seq = 81"  # a chunk of yp


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The bytes of a database with three boards, most of whose snapshots are packed."""
    path, chance = tmp_path_factory.mktemp("sound") / "a.db", random.Random(1)
    with pytest.MonkeyPatch.context() as patch, Store.open(path) as store:
        patch.setattr(pack, "CHUNK_ROWS", CHUNK)
        patch.setattr(chunks, "JOINED_CHUNKS", 100)
        for board in BOARDS:
            with store.batch():
                store.add_boot(board, boot())
                for seq in range(1, ROWS + 1):
                    store.add_snapshot(board, snapshot(seq, tuple(chance.choices(range(90), k=11))))
                for seq in range(ROWS + 1, ROWS + 60):
                    store.add_event(board, kernel_event(seq, 5000 * seq))
        while store.pack_for(0):
            pass
        assert store._row("SELECT count(*) FROM chunks")[0] >= 15
    return path.read_bytes()


@pytest.fixture
def db(sound, buddywatch):
    buddywatch.db.write_bytes(sound)
    return buddywatch.db


def pages_of(sound, tmp_path, name):
    """The pages of a table or an index, and their kinds."""
    path = tmp_path / "look.db"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as connection:
        try:
            found = connection.execute("SELECT pageno, pagetype FROM dbstat WHERE name = ?", (name,)).fetchall()
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no table dbstat, which says where the pages are")
    return {kind: [page for page, of in found if of == kind] for kind in ("leaf", "internal", "overflow")}


def damage(db, page, content=None):
    data = bytearray(db.read_bytes())
    size = int.from_bytes(data[16:18], "big")
    data[(page - 1) * size : page * size] = content or random.Random(page).randbytes(size)
    db.write_bytes(data)


def stored(db):
    with Store.open_readonly(db) as store:
        return {board: [shot.seq for shot in store.snapshots(board)] for board in BOARDS}


def lost_count(lines, what):
    found = [re.search(rf"lost: .*?(\d+) {what}", line) for line in lines]
    return sum(int(match[1]) for match in found if match)


def is_sound(buddywatch):
    return buddywatch("db", "check").lines == ["everything can be read"]


@pytest.mark.parametrize("kind", ["leaf", "overflow"])
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_page_of_chunks_costs_these_and_says_which(buddywatch, db, sound, tmp_path, kind, seed):
    damage(db, random.Random(seed).choice(pages_of(sound, tmp_path, "chunks")[kind]))
    damaged = db.read_bytes()
    result = buddywatch("db", "repair")
    assert (result.code, result.err) == (1, "")
    left = stored(db)
    missing = {board: ROWS - len(left[board]) for board in BOARDS}
    assert 0 < lost_count(result.lines, "snapshots") == sum(missing.values()) <= 3 * CHUNK
    told = {line.split()[1].rstrip(":") for line in result.lines if line.startswith("lost: ")}
    assert told == {board for board in BOARDS if missing[board]}
    assert all(re.search(r"\d{4}-\d\d-\d\d .* to \d{4}-", line) for line in result.lines[:-1])
    kept = re.search(r"kept as (\S+):", result.lines[-1])[1]
    with open(kept, "rb") as file:
        assert file.read() == damaged
    assert is_sound(buddywatch)


def test_lost_frames_are_a_gap_or_a_summary(buddywatch, db, sound, tmp_path):
    damage(db, pages_of(sound, tmp_path, "chunks")["leaf"][2])
    buddywatch("db", "repair")
    with Store.open_readonly(db) as store:
        for board in BOARDS:
            frames = {shot.seq for shot in store.snapshots(board)}
            for gap in store.gaps(board):
                assert gap.reason == "damaged"
                frames |= set(range(gap.first, gap.last + 1))
            removed = (
                "SELECT first_seq, last_seq FROM boots b JOIN chunks ON boot = b.id WHERE board = ? AND body ISNULL"
            )
            for first, last in store._rows(removed, (board,)):
                frames |= set(range(first, last + 1))
            assert frames == set(range(1, ROWS + 1))
            assert store.losses(board).frames == 0
    assert "the database was damaged there" in "".join(buddywatch("history", board).out for board in BOARDS)


@pytest.mark.parametrize("seed", range(12))
def test_any_damaged_pages_leave_a_good_file(buddywatch, db, sound, seed):
    chance = random.Random(seed)
    size = int.from_bytes(sound[16:18], "big")
    for _ in range(1 + seed % 4):
        page = chance.randrange(2, len(sound) // size)
        damage(db, page, None if chance.random() < 0.5 else bytes(size))
    before = db.read_bytes()
    result = buddywatch("db", "repair")
    if result.code == 3:  # the schema lies there
        assert result.err.count("\n") == 1 and db.read_bytes() == before
        return
    assert result.code in (0, 1) and result.err == ""
    assert is_sound(buddywatch)
    if sum(map(len, stored(db).values())) < 3 * ROWS:
        assert result.code == 1 and result.lines[0].startswith("lost: ")


def test_a_file_that_was_cut_keeps_what_is_in_front(buddywatch, db, sound):
    db.write_bytes(sound[: len(sound) * 3 // 4])
    result = buddywatch("db", "repair")
    assert result.code == 1
    assert is_sound(buddywatch)
    assert sum(map(len, stored(db).values())) > CHUNK


def test_an_index_alone_costs_nothing(buddywatch, db, sound, tmp_path):
    damage(db, pages_of(sound, tmp_path, "events_by_kind")["leaf"][0])
    result = buddywatch("db", "repair")
    assert result.code == 0 and len(result.lines) == 1
    assert is_sound(buddywatch)
    with Store.open_readonly(db) as store:
        assert [len(list(store.events(board))) for board in BOARDS] == [59] * 3


@pytest.mark.parametrize(
    ("sql", "lost"),
    [
        (
            f"UPDATE chunks SET body = substr(body, 1, 60){AT}",
            "80 snapshots, of which summaries are left",
        ),
        (f"UPDATE chunks SET body = x'00', summary = x'01'{AT}", "80 snapshots"),
        (
            "UPDATE journal SET body = x'5b31' WHERE boot = 2 AND seq = (SELECT max(seq) FROM journal WHERE boot = 2)",
            "1 snapshots",
        ),
        (f"UPDATE chunks SET summary = x'01'{AT}", None),
    ],
)
def test_damaged_content_is_left_out(buddywatch, db, sql, lost):
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(sql)
    result = buddywatch("db", "repair")
    assert result.code == (1 if lost else 0)
    assert [line.split(", 2")[0] for line in result.lines[:-1]] == ([f"lost: yp: {lost}"] if lost else [])
    assert is_sound(buddywatch)


def test_a_boot_that_cannot_be_read_keeps_its_snapshots_for_the_next_hello(buddywatch, db, sound, tmp_path):
    damage(db, pages_of(sound, tmp_path, "boots")["leaf"][0])
    result = buddywatch("db", "repair")
    assert result.code == 1
    assert any("the facts of boot" in line for line in result.lines)
    with Store.open(db) as store:
        for board in BOARDS:
            store.add_boot(board, boot())
        assert {len(list(store.snapshots(board))) for board in BOARDS} == {ROWS}


def test_events_that_are_lost_are_counted(buddywatch, db, sound, tmp_path):
    damage(db, pages_of(sound, tmp_path, "events")["leaf"][4])
    result = buddywatch("db", "repair")
    with Store.open_readonly(db) as store:
        left = sum(len(list(store.events(board))) for board in BOARDS)
    assert 0 < lost_count(result.lines, "events") == 3 * 59 - left < 20


def test_a_sound_database_is_left_alone(buddywatch, db, sound):
    result = buddywatch("db", "repair")
    assert (result.code, result.lines) == (0, ["everything can be read: nothing to repair"])
    assert db.read_bytes() == sound


def newer(db):
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("INSERT INTO migrations VALUES (900, 'later', 0)")
        connection.execute("UPDATE chunks SET body = x'00', summary = NULL")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda db: db.unlink(), "no such file"),
        (lambda db: db.write_bytes(b"x" * 5000), "not a database"),
        (newer, "use the newer buddywatch that wrote it"),
        (lambda db: db.write_bytes(db.read_bytes()[:100] + bytes(100_000)), "where its tables lie cannot be read"),
    ],
)
def test_what_cannot_be_repaired_is_left_as_it_is(buddywatch, db, make, message):
    make(db)
    before = db.read_bytes() if db.exists() else None
    result = buddywatch("db", "repair")
    assert result.code == 3 and message in result.err and result.err.count("\n") == 1
    assert (db.read_bytes() if db.exists() else None) == before
    assert sorted(os.listdir(db.parent)) == sorted({"config.toml", *([db.name] if before else []), *locks(db)})


def locks(db):
    return [name for name in os.listdir(db.parent) if name.endswith((".lock", "-wal", "-shm"))]


def test_a_database_in_use_is_not_touched(buddywatch, db):
    with alone(db):
        result = buddywatch("db", "repair")
    assert result.code == 3 and "another `buddywatch collect` runs on it" in result.err


def test_a_repair_that_fails_leaves_the_damaged_file(buddywatch, db, sound, tmp_path, monkeypatch):
    damage(db, pages_of(sound, tmp_path, "chunks")["leaf"][2])
    before = db.read_bytes()
    monkeypatch.setattr(repair, "_proven", lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("disk I/O error")))
    with pytest.raises(sqlite3.OperationalError):
        repair.repair(str(db), lambda share: None)
    assert db.read_bytes() == before
    assert not any("repairing" in name or "damaged" in name for name in os.listdir(db.parent))


def test_what_lies_in_the_log_is_saved_too(buddywatch, sound, tmp_path):
    """A killed collector leaves a log beside the file."""
    source = tmp_path / "killed.db"
    source.write_bytes(sound)
    with Store.open(source) as store:
        store._run("PRAGMA wal_autocheckpoint = 0")
        store.add_snapshot("xp", replace(snapshot(ROWS + 100), time=START + 9e5))
        buddywatch.db.write_bytes(source.read_bytes())
        (tmp_path / "buddywatch.db-wal").write_bytes((tmp_path / "killed.db-wal").read_bytes())
    damage(buddywatch.db, pages_of(sound, tmp_path, "events_by_kind")["leaf"][0])
    assert buddywatch("db", "repair").code == 0
    assert stored(buddywatch.db)["xp"][-1] == ROWS + 100
    assert not (tmp_path / "buddywatch.db-wal").exists() or not (tmp_path / "buddywatch.db-wal").stat().st_size


def test_times_are_those_of_what_is_lost(buddywatch, db):
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("UPDATE chunks SET body = x'00', summary = NULL WHERE boot = 2 AND first_seq = 81")
    (line, _) = buddywatch("db", "repair").lines
    ends = [datetime.fromtimestamp(START + 5 * seq).strftime("%Y-%m-%d %H:%M:%S") for seq in (81, 160)]
    assert line == f"lost: yp: 80 snapshots, {ends[0]} to {ends[1]}"
    with Store.open_readonly(db) as store:
        (gap,) = store.gaps("yp")
        assert (gap.boot_id, gap.first, gap.last) == (BOOT_ID, 81, 160)
        assert (81, 160) not in store.resume("yp").stored
