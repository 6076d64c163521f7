"""The schema's steps: numbered, whole or not at all, and never over a database of another program."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
from boards import BOOT_ID, FACTS, snapshot
from buddywatch.model.samples import LOSSES, OVERWRITTEN, Gap, Losses
from buddywatch.store import journal_migration, migrations
from buddywatch.store.resume import FOLD_ROWS
from buddywatch.store.store import Store, StoreError

FACTS_JSON = json.dumps(FACTS)


def applied(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM migrations ORDER BY number")]


def test_steps_are_numbered_from_1_in_their_order():
    names = [step.__name__ for step in migrations.MIGRATIONS]
    assert [int(name[1:4]) for name in names] == list(range(1, len(names) + 1))


def test_new_file_takes_every_step_once(tmp_path):
    path = tmp_path / "a.db"
    for _ in range(2):
        Store.open(path).close()
        assert applied(path) == [step.__name__ for step in migrations.MIGRATIONS]


def test_step_that_fails_leaves_nothing_of_itself(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    Store.open(path).close()

    def m099_breaks(connection):
        connection.execute("CREATE TABLE half_done (x)")
        connection.execute("SELECT no_such_column FROM half_done")

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, m099_breaks))
    with pytest.raises(StoreError, match="no_such_column"):
        Store.open(path)
    assert applied(path) == [step.__name__ for step in migrations.MIGRATIONS[:-1]]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'half_done'").fetchone() is None


def test_connection_is_free_after_a_step_that_failed(tmp_path, monkeypatch):
    def m001_breaks(connection):
        raise RuntimeError

    monkeypatch.setattr(migrations, "MIGRATIONS", (m001_breaks,))
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as connection:
        with pytest.raises(RuntimeError):
            migrations.migrate(connection)
        assert not connection.in_transaction
        assert migrations.schema_version(connection) == 0


def test_older_file_takes_only_the_missing_steps(tmp_path, monkeypatch):
    path = tmp_path / "a.db"
    Store.open(path).close()

    released = [step.__name__ for step in migrations.MIGRATIONS]
    newest = len(released) + 1

    def m099_adds(connection):
        connection.execute("CREATE TABLE added (x)")

    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, m099_adds))
    with pytest.raises(StoreError, match=f"schema {newest - 1}, expected {newest}; `buddywatch collect` brings"):
        Store.open_readonly(path)
    Store.open(path).close()
    assert applied(path) == [*released, "m099_adds"]


def test_file_of_a_newer_program_is_left_alone(tmp_path):
    path = tmp_path / "a.db"
    Store.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO migrations VALUES (99, 'm099_future', 0)")
    for opener in (Store.open, Store.open_readonly):
        known = len(migrations.MIGRATIONS)
        with pytest.raises(StoreError, match=rf"a\.db: schema 99, this buddywatch knows up to {known}; use the newer"):
            opener(path)


def test_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"other\.db: a database of another program; name another file with --db"):
        Store.open(path)
    assert path.read_bytes() == before


def test_file_of_the_first_release_is_read_and_continued(tmp_path, monkeypatch):
    """Rows of 0.1, whose schema was step 1 alone."""
    path, vector = tmp_path / "a.db", str([1000, *[0] * 19])
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        Store.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO boots VALUES (1, 'xp', ?, 1, 0, 'first', ?)", (BOOT_ID, json.dumps(FACTS)))
        for seq in (1, 2, 3, 5):
            connection.execute("INSERT INTO snapshots VALUES (1, ?, ?, ?, 10000, ?)", (seq, seq, seq * 1000, vector))
        connection.execute("INSERT INTO events VALUES (1, 'xp', 1, 1, 4, 4000, 1, 'alloc', 1, 1, 'rm', 'text', 0)")
        connection.execute("INSERT INTO gaps VALUES (1, 6, 7, 'overwritten', 0)")
    with Store.open(path) as store:
        assert [shot.seq for shot in store.recent("xp", 2)] == [3, 5]
        assert [event.seq for event in store.newest_events("xp", 1, kinds=("alloc",))] == [4]
        assert store.boards() == ["xp"]
        state = store.resume("xp")
        assert (state.stored, state.lost) == (((1, 5),), ((6, 7),))
        assert store.losses("xp") == Losses(2, Gap(BOOT_ID, 6, 7, OVERWRITTEN, 0.0))
        store.add_snapshot("xp", snapshot(8))
        store.fold_ranges("xp", FOLD_ROWS)
        assert store.resume("xp").stored == ((1, 5), (8, 8))


@pytest.fixture
def before_segments(tmp_path, monkeypatch):
    """A file of schema 19: two boots of 20 snapshots, of which one cannot be read and one came late."""
    path = tmp_path / "a.db"
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:19])
        Store.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for boot, seqs in ((1, [*range(1, 12), *range(13, 21), 12]), (2, range(1, 21))):
            boot_id = f"0000b00{boot}"
            connection.execute("INSERT INTO boots VALUES (?, 'xp', ?, 1, 0, 'first', ?)", (boot, boot_id, FACTS_JSON))
            for seq in seqs:
                vector = "[1," if (boot, seq) == (2, 7) else str([100 * seq, *[seq] * 19])
                values = (boot, seq, seq, 1000 * seq, 1000 * seq, vector)
                connection.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", values)
    return path


EXPECTED = [(boot, seq) for boot in (1, 2) for seq in range(1, 21) if (boot, seq) != (2, 7)]


def check_moved(path, capfd):
    with Store.open(path) as store:
        rows = list(store.vectors("xp"))
        assert [(int(row.boot_id[-1]), row.seq) for row in rows] == EXPECTED
        assert all(row.vector == [100 * row.seq, *[row.seq] * 19] and row.time_ms == 1000 * row.seq for row in rows)
        assert store.snapshot_count("xp") == 40
        assert store._row("SELECT 1 FROM sqlite_schema WHERE name = 'snapshots'") is None
        assert applied(path) == [step.__name__ for step in migrations.MIGRATIONS]
        assert store.resume("xp").stored == ((1, 20),)
    assert "snapshot 7 of boot 0000b002 of board xp cannot be read" in capfd.readouterr().err


def test_rows_of_the_older_journal_are_moved(before_segments, capfd):
    check_moved(before_segments, capfd)


@pytest.mark.parametrize("steps", [1, 3, 5])
def test_moving_them_goes_on_where_it_was_interrupted(before_segments, capfd, monkeypatch, steps):
    monkeypatch.setattr(journal_migration, "STEP_ROWS", 7)
    move, done = journal_migration._move_some, []

    def stops(connection):
        if len(done) == steps:
            raise KeyboardInterrupt
        done.append(move(connection))
        return done[-1]

    with monkeypatch.context() as patch:
        patch.setattr(journal_migration, "_move_some", stops)
        with pytest.raises(KeyboardInterrupt):
            Store.open(before_segments)
    with closing(sqlite3.connect(before_segments)) as connection:
        assert connection.execute("SELECT count(*) FROM snapshots").fetchone() == (40 - 7 * steps,)
    with pytest.raises(StoreError, match="schema 19, expected"):
        Store.open_readonly(before_segments)
    check_moved(before_segments, capfd)


def test_moving_tells_how_far_it_is(before_segments, capfd, monkeypatch):
    monkeypatch.setattr(journal_migration, "STEP_ROWS", 15)
    monkeypatch.setattr(journal_migration, "_TELL_S", 0)
    Store.open(before_segments).close()
    told = [line for line in capfd.readouterr().err.splitlines() if "are brought" in line]
    assert [line.partition(": ")[2] for line in told][:2] == [
        f"{before_segments}: {moved} of 40 snapshots are brought into the form of this version" for moved in (15, 30)
    ]


def test_reasons_that_count_as_losses_are_those_of_the_model():
    assert set(re.findall("'([a-z-]+)'", migrations.SUM_OF_LOSSES)) == set(LOSSES)
