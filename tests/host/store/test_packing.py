"""Whether snapshots lie in the journal or in chunks is nothing that a reader can see."""

import sqlite3
from contextlib import closing
from itertools import pairwise

import pytest
from boards import BOOT_ID, START, boot, snapshot
from buddywatch.model.batch import Batch, MovedBoot
from buddywatch.model.samples import ENDING, BootEnd, Gap
from buddywatch.store.store import Store
from hypothesis import Phase, example, given, settings
from storeactions import ACTIONS, SECOND, act, everything, new_store, shot, small_chunks


@pytest.fixture(autouse=True, scope="module")
def of_small_chunks():
    with small_chunks():
        yield


def pack_all(store):
    while store.pack_for(0):
        pass


def count(store, table):
    return store._row(f"SELECT count(*) FROM {table}")[0]


# What came late lies within a step of which more is packed.
LATE_WITHIN_A_CHUNK = [
    ("second", [8, 5, 12, 10, 11, 7]), ("run", 48), ("run", 6), ("second", [7, 6, 12]), ("event", 67),
    ("shots", [10, 16, 55, 29]), ("run", 12), ("pack", None), ("event", 69), ("shots", [49, 48]), ("judged", 6),
    ("pack", None), ("run", 46), ("second", [11, 12]),
]  # fmt: skip


# Other times within a chunk whose first and last rows stay as they are.
MOVED_WITHIN_A_CHUNK = [("shots", [2, 10, 12, 32, 54]), ("pack", None), ("run", 25), ("retime", (23, 105, 47))]


@pytest.mark.slow
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@example(LATE_WITHIN_A_CHUNK)
@example(MOVED_WITHIN_A_CHUNK)
@given(ACTIONS)
def test_a_packed_store_reads_like_one_that_was_never_packed(tmp_path_factory, actions):
    folders = [tmp_path_factory.mktemp("pair") for _ in range(2)]
    with new_store(folders[0]) as packed, new_store(folders[1]) as plain:
        for what, value in actions:
            with packed.batch(), plain.batch():
                assert act(packed, what, value) == act(plain, what, value)
            if what == "pack":
                pack_all(packed)
        pack_all(packed)
        assert everything(packed) == everything(plain)
        assert count(plain, "chunks") == 0
    with Store.open_readonly(folders[0] / "a.db") as again, Store.open_readonly(folders[1] / "a.db") as plain:
        assert everything(again) == everything(plain)


@pytest.fixture
def store(tmp_path):
    """30 snapshots, all but the newest two packed."""
    with new_store(tmp_path) as store:
        for seq in range(1, 31):
            store.add_snapshot("xp", shot(seq))
        pack_all(store)
        assert count(store, "journal") <= 2 + 4
        assert count(store, "chunks") >= 2
        yield store


def test_chunks_of_a_boot_never_overlap_and_grow(store):
    rows = list(store._rows("SELECT first_seq, last_seq, samples FROM chunks ORDER BY first_seq"))
    assert all(one[1] < two[0] for one, two in pairwise(rows))
    assert max(samples for *_, samples in rows) > 5


def test_a_snapshot_in_a_chunk_is_not_stored_again(store, tmp_path):
    assert not store.add_snapshot("xp", shot(3))
    with Store.open(tmp_path / "a.db") as later:
        assert not later.add_snapshot("xp", shot(4))
        assert later.add_snapshot("xp", shot(31))


def test_what_comes_with_frames_that_are_stored_is_not_stored_again_either(tmp_path):
    """A segment that begins among stored frames and ends behind them."""
    with new_store(tmp_path) as store:
        assert store.add_snapshots("xp", map(shot, range(1, 6))) == 5
        assert store.add_snapshots("xp", map(shot, range(3, 12))) == 6
        assert store.add_snapshots("xp", map(shot, range(7, 10))) == 0
        assert [found.seq for found in store.snapshots("xp")] == list(range(1, 12))


def test_what_another_program_stored_meanwhile_is_not_stored_again(tmp_path):
    with new_store(tmp_path) as one, Store.open(tmp_path / "a.db") as other:
        assert one.add_snapshot("xp", shot(1))
        assert other.add_snapshots("xp", map(shot, (1, 2, 3))) == 2
        assert one.add_snapshots("xp", map(shot, (2, 3, 4))) == 1
        assert not other.add_snapshot("xp", shot(4))
        assert [found.seq for found in one.snapshots("xp")] == [1, 2, 3, 4]
        assert one.snapshot_count("xp") == 4


def test_a_reader_misses_nothing_while_another_process_packs(tmp_path):
    with new_store(tmp_path) as writer, Store.open_readonly(tmp_path / "a.db") as reader:
        for seq in range(1, 31):
            writer.add_snapshot("xp", shot(seq))
        forwards, found = reader.snapshots("xp"), []
        backwards, back = reader._readable(1, reader.rows_before(1)), []
        for _ in range(30):
            found.append(next(forwards))
            back.append(next(backwards))
            writer.pack_for(0)
        assert [one.seq for one in found] == list(range(1, 31))
        assert [one.seq for one in back] == list(range(30, 0, -1))


def test_rows_of_a_boot_that_is_over_are_all_packed(store):
    store.add_boot("xp", boot(SECOND, "reboot"))
    store.set_end("xp", BootEnd(BOOT_ID, ENDING, 40, SECOND, START))
    store._unpacked = None
    pack_all(store)
    assert count(store, "journal")  # a slower link may still bring some
    store.set_end("xp", BootEnd(BOOT_ID, "closed", 40, SECOND, START))
    store._unpacked = None
    pack_all(store)
    assert count(store, "journal") == 0
    assert [one.seq for one in store.recent("xp", 99)] == list(range(1, 31))


def test_when_a_board_was_heard_is_known_from_its_chunks(store, tmp_path):
    spoil(tmp_path / "a.db", "DELETE FROM journal")
    last_ms = store._row("SELECT max(last_ms) FROM chunks")[0]
    assert [store.boards_heard_since(time) for time in (START, last_ms / 1000, last_ms / 1000 + 1)] == [
        {"xp"}, {"xp"}, set()
    ]  # fmt: skip


def test_a_boot_moves_with_its_chunks(store):
    batch = Batch()
    batch.moves.append(MovedBoot("xp", BOOT_ID, "tcp://a:1", "yp"))
    store.write(batch)
    assert [one.seq for one in store.recent("yp", 99)] == list(range(1, 31))
    assert store.latest("xp") is None


def test_an_interrupted_step_changes_nothing(tmp_path, monkeypatch):
    with new_store(tmp_path) as store:
        for seq in range(1, 31):
            store.add_snapshot("xp", shot(seq))
        expected = everything(store)

        def fails(*_):
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(store, "join_small", fails)
            with pytest.raises(RuntimeError):
                store.pack_for(0)
        assert (count(store, "chunks"), count(store, "journal")) == (0, 30)
        pack_all(store)
        assert everything(store) == expected


def spoil(db, sql, *values):
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute(sql, values)


@pytest.mark.parametrize("body", ["x''", "x'00'", "CAST('text' AS BLOB)", "substr(body, 1, 40)", "zeroblob(200)"])
def test_a_damaged_chunk_costs_its_snapshots_and_is_reported_once(store, tmp_path, capfd, body):
    store.add_boot("yp", boot())
    store.add_snapshot("yp", snapshot(1))
    (first, last), *_ = store._rows("SELECT first_seq, last_seq FROM chunks ORDER BY first_seq")
    spoil(tmp_path / "a.db", f"UPDATE chunks SET body = {body} WHERE first_seq = {first}")
    with Store.open(tmp_path / "a.db") as again:
        for _ in range(2):
            assert [one.seq for one in again.snapshots("xp")] == [seq for seq in range(1, 31) if seq > last]
        assert again.recent("xp", 3) == [shot(seq) for seq in (28, 29, 30)]
        assert [one.seq for one in again.snapshots("yp")] == [1]
        assert not again.add_snapshot("xp", shot(first))  # it may be in there
        pack_all(again)
        assert again.resume("xp").stored == ((1, 30),)
    (line,) = capfd.readouterr().err.splitlines()
    assert f"chunk of snapshots {first} to {last} of boot {BOOT_ID} of board xp cannot be read" in line
    assert line.endswith("end `collect`, then `buddywatch db repair` removes it")


def test_frames_behind_a_damaged_chunk_at_the_end_are_requested_again(store, tmp_path, capfd):
    """What follows builds on the last snapshot, which is not known any more."""
    spoil(tmp_path / "a.db", "DELETE FROM journal")
    last_chunk = "SELECT id FROM chunks ORDER BY last_seq DESC LIMIT 1"
    first = store._row(f"SELECT first_seq FROM chunks WHERE id = ({last_chunk})")[0]
    spoil(tmp_path / "a.db", f"UPDATE chunks SET body = x'' WHERE id = ({last_chunk})")
    spoil(tmp_path / "a.db", "DELETE FROM stored_ranges")
    spoil(tmp_path / "a.db", "INSERT INTO stored_ranges SELECT boot, min(first_seq), max(last_seq) FROM chunks")
    with Store.open(tmp_path / "a.db") as again:
        assert again.resume("xp").stored == ((1, first - 1),)
        assert [edge.seq for edge in again.resume("xp").edges] == [first - 1]


def test_an_unreadable_row_stays_in_the_journal_and_holds_nothing_up(tmp_path, capfd):
    with new_store(tmp_path) as store:
        for seq in range(1, 31):
            store.add_snapshot("xp", shot(seq))
        spoil(tmp_path / "a.db", "UPDATE journal SET body = x'5b31' WHERE seq IN (2, 11, 12, 13)")
        pack_all(store)
        assert [row[0] for row in store._rows("SELECT seq FROM journal WHERE seq < 20")] == [2, 11, 12, 13]
        readable = [seq for seq in range(1, 31) if seq not in (2, 11, 12, 13)]
        assert [one.seq for one in store.snapshots("xp")] == readable


def test_gaps_and_packed_snapshots_keep_their_order(store):
    store.add_gap("xp", Gap(BOOT_ID, 31, 33, "overwritten", START))
    pieces = [(piece.first, piece.last) for _, pieces in store.rules_history("xp").boots for piece in pieces]
    assert pieces == [*((seq, seq) for seq in range(1, 31)), (31, 33)]
