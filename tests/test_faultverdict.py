"""The judge of the fault run: a correct store passes, and every error of a store is reported."""

import sqlite3
from contextlib import closing

import pytest
from buddyd import wire
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.line_stream import LinkSession
from buddywatch.store.store import Store
from faultverdict import is_settled, judge
from journalrows import change_journal
from modelboard import facts
from system_truth import Record

BOOT, EARLIER = "0000b002", "0000b001"
RING = 2048
FACTS, WIDTH = facts(orders=11, ring=str(RING))
LAST = 12


def lines_of(boot_id, frames, facts=FACTS):
    """A hello, and so many frames; every fourth is an event."""
    sent = [*facts.items(), ("up", "100"), ("key", "0"), ("oldest", "1"), ("next", "1")]
    lines = list(wire.hello_lines(boot_id, sent))
    encoder = wire.Encoder(boot_id, WIDTH, 500, RING // 4)
    for number in range(1, frames + 1):
        if number % 4:
            encoder.snapshot([number * 500, 40 + number, *range(WIDTH - 2)], lines.append)
        else:
            encoder.event(wire.event_text(number * 500, "kill", 0, 7, "rm", "Killed process 7 (rm)"), lines.append)
    return lines


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "record.txt"
    path.write_bytes(b"\n".join([*lines_of(EARLIER, 8), *lines_of(BOOT, LAST), b""]))
    record = Record(path)
    record.update()
    return record


@pytest.fixture
def db(tmp_path, record):
    """A store with all recorded items."""
    path = tmp_path / "test.db"
    with closing(Store.open(path)) as store:
        session, tracker, values = LinkSession(), BoardTracker(), []
        for item in session.feed((tmp_path / "record.txt").read_bytes()):
            values += tracker.take(item, 1.7e9, True)
        with store.batch():
            add = {"Boot": store.add_boot, "WireSnapshot": store.add_snapshot, "Event": store.add_event}
            add["BootEnd"] = store.set_end
            for value in values:
                add[type(value).__name__]("xp", value)
    return path


def wrong(db, record, ring=RING):
    return judge(db, "xp", record, ring, record.lasts()).wrong


def spoil(db, sql):
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = 1")
        assert connection.execute(sql).rowcount > 0
        connection.commit()


def test_a_store_that_is_right_passes(db, record):
    assert wrong(db, record) == []
    assert is_settled(db, "xp", BOOT, LAST)
    assert not is_settled(db, "xp", BOOT, LAST + 1)
    assert not is_settled(db, "xp", "0badb007", 1)


NEWEST = "boot = (SELECT id FROM boots WHERE boot_id = '0000b002')"
GAP = "INSERT INTO gaps SELECT id, 3, 3, '{}', 1 FROM boots WHERE boot_id = '0000b002'"


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("UPDATE events SET text = 'x' WHERE seq = 8", "event 8"),
        (GAP.format("overwritten"), "stored, and in a gap"),
    ],
)
def test_what_is_wrong_is_told(db, record, sql, complaint):
    spoil(db, sql)
    assert any(complaint in text for text in wrong(db, record)), wrong(db, record)


@pytest.mark.parametrize(
    ("seq", "change", "complaint"),
    [
        (3, lambda row: None, "neither stored nor in a gap: [3]"),
        (5, lambda row: row._replace(vector=[*row.vector[:1], 46, *row.vector[2:]]), "snapshot 5"),
        (7, lambda row: row._replace(time_ms=1), "not in order"),
    ],
)
def test_a_wrong_snapshot_is_told(db, record, seq, change, complaint):
    change_journal(db, seq, change, NEWEST)
    assert any(complaint in text for text in wrong(db, record)), wrong(db, record)


@pytest.mark.parametrize(
    ("reason", "complaint"),
    [
        ("overwritten", "gap 3..3 (overwritten), but the ring still holds 1..12"),
        ("undecodable", "gap 3..3 (undecodable), but the ring still holds 1..12"),
        ("reboot", "gap 3..3 (reboot) in the life that goes on"),
    ],
)
def test_a_gap_without_its_cause_is_told(db, record, reason, complaint):
    change_journal(db, 3, lambda row: None, NEWEST)
    spoil(db, GAP.format(reason))
    assert any(complaint in text for text in wrong(db, record)), wrong(db, record)


def test_a_gap_where_the_ring_overwrote_is_right(db, record):
    change_journal(db, 3, lambda row: None, NEWEST)
    spoil(db, GAP.format("overwritten"))
    life = record.lives[BOOT]
    for number in range(LAST + 1, 400):  # the agent went on, and the host learned that later
        life.numbers[b"~%s%06d" % (b"d" if number % 30 else b"k", number)] = life.last = number
    assert judge(db, "xp", record, RING, {BOOT: LAST, EARLIER: 8}).wrong == []


def test_a_gap_with_a_frame_that_came_is_told(db, record):
    life = record.lives[BOOT]
    change_journal(db, 3, lambda row: None, NEWEST)
    spoil(db, GAP.format("overwritten"))
    came = {line for line, seq in life.numbers.items() if seq == 3}
    found = judge(db, "xp", record, RING, record.lasts(), came).wrong
    assert any("gap 3..3, of which [3] came" in text for text in found)
    found = judge(db, "xp", record, RING, record.lasts(), set(life.numbers) - came).wrong
    assert not any("came" in text for text in found)


def test_boots_in_another_order_are_told(db, record):
    spoil(db, "UPDATE boots SET id = id + 10 WHERE boot_id = '0000b001'")
    assert any("boots" in text for text in wrong(db, record))
