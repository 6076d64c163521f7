"""What is too old goes, in small steps, and what stays says the same about it."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from boards import BOOT_ID, SEED_FREE, SEED_REBOOTED, START, boot, kernel_event, snapshot
from buddywatch.config.sections import Storage
from buddywatch.model.alerts import Incident, RuleState, Transition
from buddywatch.model.samples import Gap
from buddywatch.store import chunks
from buddywatch.store.store import Store
from buddywatch.store.summaries import DAY_S, QUARTER_S

DAYS = 5
PERIOD_S = 30
LATER = "0000b002"
FIRST = START // DAY_S * DAY_S
END = FIRST + DAYS * DAY_S
SUMMARY_S = 3600  # of a board with this period
NEVER = 10**9
EXPIRED = Storage(keep_raw_s=2 * DAY_S, keep_rollups_s=NEVER, keep_events_s=NEVER)


def pack_all(store):
    while store.pack_for(0):
        pass


def expire(store, storage, now=END):
    while store.expire_for(0, storage, now):
        pass


def shot(number):
    nr_free = SEED_FREE if number % 7 == 0 else SEED_REBOOTED
    uptime_ms = number * PERIOD_S * 1000
    return replace(snapshot(number, nr_free), time=FIRST + number * PERIOD_S, uptime_ms=uptime_ms)


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Five days of a board that is polled every 30 s."""
    path = tmp_path_factory.mktemp("packed") / "a.db"
    with Store.open(path) as store:
        with store.batch():
            store.add_boot("xp", boot(started=FIRST, interval_cs=str(100 * PERIOD_S)))
            store.add_snapshots("xp", map(shot, range(1, DAYS * DAY_S // PERIOD_S)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chunks, "FULL_ROWS", 1024)
            pack_all(store)
    return path.read_bytes()


@pytest.fixture
def store(packed, tmp_path):
    (tmp_path / "a.db").write_bytes(packed)
    with Store.open(tmp_path / "a.db") as store:
        yield store


def count(store, table):
    return store._row(f"SELECT count(*) FROM {table}")[0]


def test_summaries_of_removed_snapshots_stay_as_they_were(store):
    hours, days = (list(store.summaries("xp", step_s=step_s)) for step_s in (SUMMARY_S, DAY_S))
    part = list(store.summaries("xp", FIRST + DAY_S / 2, FIRST + 1.5 * DAY_S, SUMMARY_S))
    shots = list(store.snapshots("xp"))
    expire(store, EXPIRED)
    left = list(store.snapshots("xp"))
    assert left == shots[len(shots) - len(left) :]
    assert END - 3 * DAY_S < left[0].time < END - DAY_S
    assert list(store.summaries("xp", step_s=SUMMARY_S)) == hours
    assert list(store.summaries("xp", step_s=DAY_S)) == days
    assert list(store.summaries("xp", FIRST + DAY_S / 2, FIRST + 1.5 * DAY_S, SUMMARY_S)) == part


def test_rollups_say_what_the_snapshots_said(store):
    (one, two, *_) = store.rollups("xp", DAY_S)
    assert (one.time_ms, two.time_ms) == (FIRST * 1000, (FIRST + DAY_S) * 1000)
    free = [shot.free_pages * 4096 for shot in store.snapshots("xp", FIRST + DAY_S, FIRST + 2 * DAY_S)]
    assert two.samples == len(free) == DAY_S // PERIOD_S
    assert (two.free_bytes_min, two.free_bytes_max) == (min(free), max(free))
    assert two.free_bytes_mean == round(sum(free) / len(free))
    assert (two.serviceable_bytes_min, two.processes_started) == (32768, len(free) - 1)
    assert store.rollups("xp", QUARTER_S) == []
    expire(store, EXPIRED)
    quarters = store.rollups("xp", QUARTER_S)
    assert sum(row.samples for row in quarters if row.time_ms < two.time_ms) == one.samples
    assert store.rollups("xp", DAY_S)[:2] == [one, two]


def test_a_late_snapshot_corrects_the_rollup_of_its_day(store):
    late = replace(shot(3), seq=10_000, first_seq=10_000)
    low = replace(late, seq=2, first_seq=2, zones=(replace(late.zones[0], nr_free=(1, *[0] * 10)),), free_pages=1)
    store._run("DELETE FROM chunks WHERE first_seq <= 2")
    assert store.add_snapshot("xp", low)
    store._pack_from.clear()
    store._journal_rows[1] = 10_000
    store.add_boot("xp", boot(LATER, "reboot"))
    pack_all(store)
    assert store.rollups("xp", DAY_S)[0].free_bytes_min == 4096


def test_the_last_known_state_of_a_board_stays(store):
    expire(store, Storage(keep_raw_s=1, keep_rollups_s=NEVER), END + 1000 * DAY_S)
    assert store.latest("xp").seq == DAYS * DAY_S // PERIOD_S - 1
    store._run("DELETE FROM journal")
    assert store.latest("xp") is not None  # of the newest chunk


def test_summaries_go_later_and_the_rollups_of_a_day_stay(store):
    expire(store, EXPIRED)
    before, number = store.rollups("xp", DAY_S), count(store, "chunks")
    expire(store, replace(EXPIRED, keep_rollups_s=3 * DAY_S))
    assert count(store, "chunks") < number
    assert store.rollups("xp", QUARTER_S)[0].time_ms >= (END - 3 * DAY_S) * 1000
    assert store.rollups("xp", DAY_S) == before


def test_the_oldest_go_first_when_the_file_is_too_large(store, capfd):
    forever = Storage(keep_raw_s=NEVER, keep_rollups_s=NEVER, keep_events_s=NEVER)
    expire(store, forever)
    since, used = store.raw_since(), store.used_bytes()
    expire(store, replace(forever, max_bytes=used - 1))
    assert store.raw_since() > since
    assert store.used_bytes() < used
    expire(store, replace(forever, max_bytes=1))
    assert store.latest("xp") is not None
    assert count(store, "chunks") == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "max_bytes is reached: the oldest snapshots become roll-ups before their time" in line


def test_events_and_gaps_of_boots_that_are_over_go(store):
    store.add_boot("xp", boot(LATER, "reboot", END))
    store.add_event("xp", replace(kernel_event(1, 5), time=FIRST))
    store.add_event("xp", replace(kernel_event(1, 5, LATER), time=FIRST))
    store.add_gap("xp", Gap(BOOT_ID, 2000, 2001, "overwritten", FIRST))
    lost = store.losses("xp").frames
    expire(store, replace(EXPIRED, keep_events_s=DAY_S))
    assert [event.boot_id for event in store.events("xp")] == [LATER]
    assert store.gaps("xp") == []
    assert store.losses("xp").frames == lost


def test_alerts_that_ended_go_with_what_the_rules_noted(store):
    def incident(closed):
        state = "firing" if closed is None else "ok"
        return store.add_incident(Incident(0, "xp", "refused", "rm", "critical", state, FIRST, closed, "", None, None))

    old, open_one, waiting, newest = incident(FIRST + 10), incident(None), incident(FIRST + 10), incident(FIRST + 10)
    store.set_rule_state("xp", "refused", "rm", RuleState("firing", 2, open_one))
    for number, needs_message in ((old, False), (waiting, True), (newest, False), (None, False)):
        change = Transition(
            0, number, "xp", "refused", "rm", "pending", "firing", "critical", FIRST, None, None, None, "", False
        )
        store.add_transition(change, FIRST, needs_message)
    store.acknowledge(old, FIRST, "seen")
    expire(store, replace(EXPIRED, keep_events_s=DAYS * DAY_S))
    assert len(store.incidents()) == 4
    expire(store, replace(EXPIRED, keep_events_s=DAY_S))
    assert [one.id for one in store.incidents()] == [open_one, waiting, newest]
    assert set(store._rows("SELECT incident FROM transitions")) == {(waiting,), (newest,)}
    assert count(store, "acknowledgements") == 0


def test_a_page_that_is_damaged_holds_no_other_up(packed, tmp_path, capfd):
    """The rows of that chunk cannot be removed; those of the others can."""
    path = tmp_path / "b.db"
    path.write_bytes(packed)
    with closing(sqlite3.connect(path)) as look:
        leaves = "SELECT pageno FROM dbstat WHERE name = 'chunks' AND pagetype = 'leaf' ORDER BY path"
        page = look.execute(leaves).fetchall()[1][0]
    spoiled = bytearray(packed)
    spoiled[(page - 1) * 1024 : page * 1024] = b"\xff" * 1024
    path.write_bytes(spoiled)
    with Store.open(path) as store:
        ids = "SELECT id FROM chunks INDEXED BY chunks_raw WHERE body IS NOT NULL"
        before = len(list(store._rows(ids)))
        expire(store, EXPIRED, END + 100 * DAY_S)
        assert len(list(store._rows(ids))) == 1 + len(store._damaged) < before / 2  # the newest, and the damaged ones
    assert "damaged" in capfd.readouterr().err


def test_an_expired_snapshot_is_not_stored_again(store):
    expire(store, EXPIRED)
    assert not store.add_snapshot("xp", shot(5))


def test_a_damaged_chunk_holds_nothing_up(store, capfd):
    store._run("UPDATE chunks SET body = x'00', summary = NULL WHERE id = (SELECT min(id) FROM chunks)")
    expire(store, EXPIRED)
    assert store.raw_since() > END - 3 * DAY_S
