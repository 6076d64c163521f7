"""The writer's batches: kept until the store takes them, and one board's bad row costs no other board anything."""

import sqlite3
import threading
from contextlib import closing

import pytest
from boards import boot, snapshot
from buddywatch.collect import writer as writer_module
from buddywatch.collect.writer import Writer
from buddywatch.model.batch import Batch, Removal
from buddywatch.store import database, log_bound, pack
from buddywatch.store.store import Store
from waiting import DEADLINE_S, wait_for


class Planner:
    """Counts how often it was asked."""

    def __init__(self, store):
        self.runs = 0

    def run(self, now):
        self.runs += 1
        return 1


@pytest.fixture
def db(tmp_path):
    Store.open(tmp_path / "a.db").close()
    return tmp_path / "a.db"


@pytest.fixture
def woken():
    return []


@pytest.fixture
def writer(db, monkeypatch, woken):
    monkeypatch.setattr(writer_module, "RETRY_S", 0.02)
    monkeypatch.setattr(writer_module, "BUSY_S", 0.02)
    writer = Writer(db, Planner, lambda: woken.append(1))
    thread = threading.Thread(target=writer.run)
    thread.start()
    yield writer
    writer.stop()
    thread.join(10)
    assert not thread.is_alive()


def idle(writer):
    wait_for(lambda: writer.is_idle, lambda: f"the batch written, not: {writer.error}")
    return True


def batch(*shots, board="xp"):
    made = Batch()
    rows = made.of(board)
    rows.boots.append(boot())
    rows.snapshots += shots
    return made


def stored(db, board="xp"):
    with Store.open_readonly(db) as store:
        return [shot.seq for shot in store.snapshots(board)]


def test_batch_is_written_and_messages_are_planned(writer, db, woken):
    assert writer.offer(batch(snapshot(1), snapshot(2)))
    assert idle(writer)
    assert stored(db) == [1, 2]
    assert woken == [1]
    assert writer.error is None


def test_lock_of_another_program_delays_the_batch_and_loses_nothing(writer, db):
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert writer.offer(batch(snapshot(1)))
        wait_for(lambda: writer.error, "the error of the locked database")
        assert "locked" in writer.error
        assert not writer.is_idle
        assert not writer.offer(batch(snapshot(2)))  # one batch is under way at a time
        assert writer.holds("xp") and not writer.holds("yp")
        other.execute("ROLLBACK")
    assert idle(writer)
    assert writer.error is None
    assert stored(db) == [1]
    assert writer.offer(batch(snapshot(2)))
    assert idle(writer)
    assert stored(db) == [1, 2]


def test_row_that_fits_no_boot_costs_its_board_only(writer, db):
    bad = batch(snapshot(1), board="good")
    bad.of("bad").snapshots.append(snapshot(1))  # of a boot that this board never had
    assert writer.offer(bad)
    assert idle(writer)
    assert stored(db, "good") == [1]
    (board, why), *others = writer.refused()
    assert (board, others, writer.refused()) == ("bad", [], [])
    assert "is not in the store" in why
    assert writer.error is None


def test_a_damaged_page_costs_the_boards_whose_rows_lie_there(db, monkeypatch):
    monkeypatch.setattr(writer_module, "TIDY_S", 0.0)
    with Store.open(db) as store:
        for board in ("xp", "yp"):
            store.add_boot(board, boot())
            for seq in range(1, 101, 2):  # a segment of the journal each, so that the boards share no page at the end
                store.add_snapshots(board, [snapshot(seq), snapshot(seq + 1)])
    leaf = "SELECT pageno, pgsize FROM dbstat WHERE name = 'journal' AND pagetype = 'leaf' ORDER BY path DESC LIMIT 1"
    with closing(sqlite3.connect(db)) as look:
        page, size = look.execute(leaf).fetchone()
    content = bytearray(db.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    db.write_bytes(content)
    writer = Writer(db, Planner)
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        made = batch(snapshot(101))
        made.of("yp").snapshots.append(snapshot(101))
        assert writer.offer(made)
        assert idle(writer)
        assert stored(db)[-1] == 101
        (board, why), *others = writer.refused()
        assert (board, others) == ("yp", []) and "`buddywatch db repair` saves what can be read" in why
    finally:
        writer.stop()
        thread.join(10)


def test_a_log_that_a_reader_holds_is_reported_and_shrinks_when_it_ends(writer, db, monkeypatch, capfd):
    """A shell in the middle of a transaction, for a day: nothing can empty the log, and the collector says why."""
    monkeypatch.setattr(log_bound, "MANY_BYTES", 40_000)
    monkeypatch.setattr(log_bound, "RESTART_BYTES", 20_000)
    monkeypatch.setattr(log_bound, "PAUSE_MAX_S", 0.01)
    monkeypatch.setattr(log_bound.LogBoundStore, "_pause_s", 0.01)
    monkeypatch.setattr(log_bound, "WAIT_MS", 1)
    assert writer.offer(batch(snapshot(1))) and idle(writer)
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM boots").fetchone()
        for seq in range(2, 60):
            assert writer.offer(batch(snapshot(seq))) and idle(writer)
        other.execute("ROLLBACK")
    (line,) = capfd.readouterr().err.splitlines()
    assert f"{db}-wal: more than" in line and "end it, and the log shrinks again" in line
    with closing(sqlite3.connect(db)) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


def test_planner_that_raises_is_an_error_and_the_batch_is_not_written_twice(db, monkeypatch):
    monkeypatch.setattr(writer_module, "RETRY_S", 0.02)

    class Failing(Planner):
        failures = 2

        def run(self, now):
            Failing.failures -= 1
            if Failing.failures >= 0:
                raise OverflowError("year is out of range")
            return 0

    writer = Writer(db, Failing)
    thread = threading.Thread(target=writer.run)
    thread.start()
    try:
        assert writer.offer(batch(snapshot(1)))
        assert idle(writer)
        assert stored(db) == [1]
        assert writer.error is None
    finally:
        writer.stop()
        thread.join(10)


def test_stop_ends_a_writer_whose_store_is_locked(writer, db):
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer.offer(batch(snapshot(1)))
        wait_for(lambda: writer.error, "the error of the locked database")
        writer.stop()  # the fixture waits for the thread
        assert not writer.offer(batch(snapshot(2)))


def test_end_waits_for_one_more_attempt_under_a_lock(writer, db, monkeypatch):
    """The collector must end in about 2 s, however long the pause between attempts is."""
    monkeypatch.setattr(writer_module, "RETRY_S", 10 * DEADLINE_S)
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert writer.offer(batch(snapshot(1)))
        wait_for(lambda: writer.error, "the error of the locked database")
        assert not writer.finish(5 * DEADLINE_S)  # an attempt fails, instead of patience that ends
        other.execute("ROLLBACK")
    assert writer.finish(DEADLINE_S)  # at once, as nothing locks it any more
    assert stored(db) == [1]
    assert writer.finish(0.0)


def test_the_writer_packs_what_its_batches_left(writer, db):
    count = pack.CHUNK_ROWS + pack.KEPT_ROWS
    assert writer.offer(batch(*map(snapshot, range(1, count + 1))))
    with closing(sqlite3.connect(db)) as connection:
        wait_for(lambda: connection.execute("SELECT samples FROM chunks").fetchall() == [(pack.CHUNK_ROWS,)], "a chunk")
    assert writer.offer(batch(snapshot(count + 1)))
    assert writer.finish(DEADLINE_S)
    assert stored(db) == list(range(1, count + 2))


def removal_of(writer, board):
    batch, removal = Batch(), Removal(board, None)
    batch.removals.append(removal)
    assert writer.offer(batch)
    assert writer.holds(board)
    assert writer.finish(DEADLINE_S)
    return removal


def test_board_is_removed_after_the_rows_of_its_batch(writer, db):
    batch = Batch()
    batch.of("xp").boots.append(boot())
    batch.removals.append(Removal("xp", None))
    assert writer.offer(batch) and writer.finish(DEADLINE_S)
    with Store.open(db) as store:
        assert store.boards() == []


def test_board_whose_rows_are_damaged_says_why_it_cannot_be_removed(writer, monkeypatch):
    def damaged(*_):
        raise database.StoreDamaged("a.db: damaged")

    monkeypatch.setattr(writer_module.care, "forget", damaged)
    assert removal_of(writer, "xp").problem == "a.db: damaged"
    monkeypatch.undo()
    assert removal_of(writer, "xp").problem is None
