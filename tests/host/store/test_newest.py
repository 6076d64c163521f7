"""What is read of all boards at once is what is read of each, in a number of queries that no board adds to."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from boards import BOOT_ID, SEED_FREE, boot, snapshot
from buddywatch.config.sections import Collector, Config, Need
from buddywatch.model.forecasts import FALLING, Forecast, MarginRecord, NeedForecast
from buddywatch.store.newest import Newest, NewestReader
from buddywatch.store.store import Store
from buddywatch.terminal.gather import FleetReader

SECOND = "0000b002"
PACKED = 600  # snapshots, of which the newest are in the journal


def fill(store, name, number=0):
    store.add_boot(name, boot())
    store.add_snapshots(name, [snapshot(seq, SEED_FREE if seq % 2 else snapshot(1).zones[0].nr_free) for seq in (1, 2)])
    store.set_forecast(name, NeedForecast("rm", BOOT_ID, 1.0, Forecast(FALLING, 60.0 + number)))
    store.set_margins(name, MarginRecord("rm", BOOT_ID, 2, "basis", "{}"))
    store.set_heard({name: 1.0 + number})
    store.link_state(name, f"tcp://127.0.0.1:{1000 + number}", True, 1.0)


@pytest.fixture
def fleet(store):
    """Boards in every state in which the newest snapshot may be."""
    with store.batch():
        fill(store, "plain")
        fill(store, "packed")
        store.add_snapshots("packed", map(snapshot, (*range(3, 50), *range(51, PACKED))))
        fill(store, "second boot")
        store.add_boot("second boot", boot(SECOND, "reboot"))
        fill(store, "second boot, heard")
        store.add_boot("second boot, heard", boot(SECOND, "reboot"))
        store.add_snapshot("second boot, heard", snapshot(7, boot_id=SECOND))
        fill(store, "frames")
        store.add_snapshot("frames", snapshot(6, frames=3))
        fill(store, "after frames")
        store.add_snapshots("after frames", [snapshot(6, frames=3), snapshot(7)])
        store.add_boot("empty", boot())
        store.add_boot("facts", replace(boot(), facts={}))
    while store.pack_for(0):
        pass
    return store


def test_all_at_once_is_the_same_as_one_by_one(fleet):
    reader = NewestReader(fleet)
    for _ in range(2):
        found = reader.of_all()
        assert sorted(found) == fleet.boards()
        for board, newest in found.items():
            assert newest == Newest(fleet.latest_boot(board), fleet.latest(board)), board
        assert found["packed"].snapshot.seq == PACKED - 1 and found["empty"].snapshot is None
        assert found["second boot"].snapshot.boot_id == BOOT_ID
    with fleet.batch():
        fleet._run("DELETE FROM journal")
        assert fleet.add_snapshot("packed", snapshot(50))  # late, so newer ones are packed
    found = reader.of_all()
    assert found["packed"].snapshot == fleet.latest("packed") and found["plain"].snapshot is None


def test_what_did_not_change_is_the_same_object_and_what_changed_is_new(fleet):
    reader = NewestReader(fleet)
    before = reader.of_all()
    fleet.add_snapshot("plain", snapshot(9))
    after = reader.of_all()
    assert after["plain"].snapshot.seq == 9 and after["frames"].boot is before["frames"].boot
    assert after["second boot, heard"].snapshot is before["second boot, heard"].snapshot


def test_forecasts_margins_and_hearing_are_those_of_each(fleet):
    reader, names = NewestReader(fleet), fleet.boards()
    forecasts, margins, heard = reader.forecasts(names), reader.margins(names), fleet.heard_ago_s_of_all()
    for name in names:
        assert forecasts.get(name, []) == fleet.forecasts(name)
        assert margins.get(name, []) == fleet.margins(name)
        assert heard.get(name) == pytest.approx(fleet.heard_ago_s(name), abs=60)
    assert len(forecasts) == len(margins) == len(heard) == 6


def statements_for(path, boards):
    """How many statements the first look at so many boards takes, and the second."""
    with Store.open(path) as store:
        with store.batch():
            for number in range(boards):
                fill(store, f"b{number:03}", number)
        reader = FleetReader(store, Config(Collector(path), needs=(Need("rm", 61440),)))
        counts, heard = [], []
        store._connection.set_trace_callback(heard.append)
        for now in (1.0, 2.0):
            assert len(reader.fleet(now).boards) == boards
            counts.append(len(heard))
            heard.clear()
    return counts


def test_more_boards_take_no_more_queries(tmp_path):
    assert statements_for(tmp_path / "few.db", 2) == statements_for(tmp_path / "many.db", 40)


def test_an_unreadable_row_of_one_board_costs_the_others_nothing(fleet, capsys):
    expected = {name: fleet.latest(name) for name in fleet.boards()}
    key = fleet._key("second boot, heard", SECOND)
    fleet._run("UPDATE journal SET body = x'00' WHERE boot = ?", (key,))
    found = NewestReader(fleet).of_all()
    assert found.pop("second boot, heard").snapshot.boot_id == BOOT_ID
    assert {name: newest.snapshot for name, newest in found.items()} == {
        name: shot for name, shot in expected.items() if name in found
    }
    assert "board second boot, heard cannot be read" in capsys.readouterr().err


def test_a_damaged_page_costs_the_boards_whose_rows_lie_there(tmp_path, capfd):
    path = tmp_path / "a.db"
    with Store.open(path) as store, store.batch():
        for number in range(30):
            fill(store, f"b{number:03}", number)
    with Store.open(path) as store:
        store._run("PRAGMA wal_checkpoint(TRUNCATE)")
    with closing(sqlite3.connect(path)) as db:
        (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
        leaf = "SELECT pageno FROM dbstat WHERE name = 'journal' AND pagetype = 'leaf' ORDER BY pageno LIMIT 1"
        try:
            (page,) = db.execute(leaf).fetchone()
        except sqlite3.OperationalError:
            pytest.skip("this SQLite cannot tell where a table lies")
    with open(path, "r+b") as file:
        file.seek((page - 1) * page_bytes)
        file.write(bytes(page_bytes))
    with Store.open_readonly(path) as store:
        reader = FleetReader(store, Config(Collector(path), needs=(Need("rm", 61440),)))
        boards = reader.fleet(2.0).boards
    assert len(boards) == 30 and 10 < sum(bool(board.needs) for board in boards) < 30
    assert "db repair" in capfd.readouterr().err
