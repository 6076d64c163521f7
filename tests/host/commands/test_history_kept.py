"""`buddywatch history --step` over what is kept: snapshots, summaries of removed ones, roll-ups of days."""

import csv
import io
from dataclasses import replace
from datetime import datetime

import pytest
from boards import BOOT_ID, START, boot, snapshot
from buddywatch.config.sections import DEFAULT_NEEDS, Storage
from buddywatch.model.samples import Retime
from buddywatch.store import chunk_format, chunks, summary_format
from buddywatch.store.store import Store
from buddywatch.verdict.judge import judge, rule_of

DAY_S, HOUR_S = 86_400, 3600
PERIOD_S = 60
DAYS = 5
FIRST = START // DAY_S * DAY_S
END = FIRST + DAYS * DAY_S
NEVER = 10**9
KEEP = Storage(keep_raw_s=2 * DAY_S, keep_rollups_s=NEVER, keep_events_s=NEVER)
BOARD = boot(started=FIRST, interval_cs=str(100 * PERIOD_S))


def shot(number):
    """Each has other free blocks, so that each step has a minimum of its own."""
    free = tuple(2 + (number * prime) % 23 for prime in (5, 7, 11, 3, 13, 2, 1, 1, 0, 0, 0))
    at = {"time": FIRST + number * PERIOD_S, "uptime_ms": number * PERIOD_S * 1000}
    return replace(snapshot(number, free), **at)


def pack_all(store):
    while store.pack_for(0):
        pass


def expire(store, storage, now=END):
    while store.expire_for(0, storage, now):
        pass


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "a.db"
    with Store.open(path) as store:
        with store.batch():
            store.add_boot("xp", BOARD)
            store.add_snapshots("xp", map(shot, range(1, DAYS * DAY_S // PERIOD_S)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chunks, "FULL_ROWS", 600)
            pack_all(store)
    return path.read_bytes()


@pytest.fixture
def store(packed, buddywatch):
    buddywatch.db.write_bytes(packed)
    with Store.open(buddywatch.db) as store:
        yield store


def steps(buddywatch, step, *options):
    return buddywatch("history", "xp", "--json", "--step", step, *options).json["rows"]


def truth(row):
    """What the snapshots of a row's step say."""
    first = max(1, round(row["time"] - FIRST) // PERIOD_S)
    last = min(DAYS * DAY_S, round(row["time"] - FIRST) + row["step_s"]) // PERIOD_S
    shots = [shot(number) for number in range(first, last)]
    free = [4096 * one.free_pages for one in shots]
    needs = [judge(one, 4096, DEFAULT_NEEDS[0], rule_of(BOARD.facts)) for one in shots]
    orders = [one.zones[0].nr_free for one in shots]
    return {
        "samples": len(shots),
        "seq": shots[-1].seq,
        "first_seq": shots[0].seq,
        "uptime_s": shots[-1].uptime_ms / 1000,
        "processes_started": shots[-1].processes - shots[0].processes,
        "free_bytes": spread(free),
        "nr_free": [spread([blocks[order] for blocks in orders]) for order in range(11)],
        "margin": min(need.margin_pages for need in needs),
        "verdict": next(word for word in ("refused", "tight", "ok") if word in [need.verdict for need in needs]),
    }


def spread(values):
    return {"min": min(values), "mean": round(sum(values) / len(values), 3), "max": max(values)}


def said(row):
    return {name: row[name] for name in ("samples", "seq", "first_seq", "uptime_s", "processes_started")} | {
        "free_bytes": row["free_bytes"],
        "nr_free": row["zones"][0]["nr_free"],
        "margin": row["needs"]["rm"]["margin_pages"]["min"],
        "verdict": row["needs"]["rm"]["verdict"],
    }


# --- the borders between what is kept ---


@pytest.mark.parametrize("step", ["2h", "6h", "1d"])
def test_steps_say_the_same_before_and_after_the_snapshots_are_removed(buddywatch, store, step):
    before = steps(buddywatch, step)
    expire(store, KEEP)
    after = steps(buddywatch, step)
    assert store.removed_until("xp", None, None) > FIRST + 2 * DAY_S  # else this tests nothing
    assert list(map(said, after)) == list(map(said, before)) == [truth(row) for row in before]
    assert sum(row["samples"] for row in after) == DAYS * DAY_S // PERIOD_S - 1
    assert all(row["serviceable_bytes"] == old["serviceable_bytes"] for row, old in zip(after, before, strict=True))


def test_days_stay_when_the_summaries_are_removed_too(buddywatch, store):
    before = steps(buddywatch, "1d")
    expire(store, replace(KEEP, keep_rollups_s=3 * DAY_S))
    assert list(map(said, steps(buddywatch, "1d"))) == list(map(said, before))
    hours = steps(buddywatch, "2h")
    sizes = [row["step_s"] for row in hours]
    assert sizes == sorted(sizes, reverse=True) and set(sizes) <= {DAY_S, 2 * HOUR_S}
    assert [said(row) for row in hours] == [truth(row) for row in hours]


def test_a_shorter_step_than_is_kept_comes_in_the_one_that_is_kept(buddywatch, store):
    expire(store, KEEP)
    rows = steps(buddywatch, "10m")
    sizes = {row["step_s"] for row in rows}
    assert sizes == {600, 7200}
    border = next(at for at, row in enumerate(rows) if row["step_s"] == 600)
    whole = rows[: border - 1] + rows[border + 1 :]
    assert [said(row) for row in whole] == [truth(row) for row in whole]
    assert rows[border - 1]["seq"] + 1 == rows[border]["first_seq"]


def test_since_and_until_cut_what_is_kept_where_it_can_be_cut(buddywatch, store):
    expire(store, KEEP)
    moments = [datetime.fromtimestamp(FIRST + hours * HOUR_S).isoformat() for hours in (3, 9)]
    rows = steps(buddywatch, "1h", "--since", moments[0], "--until", moments[1])
    assert [(row["time"] - FIRST, row["step_s"]) for row in rows] == [(4 * HOUR_S, 7200), (6 * HOUR_S, 7200)]


def test_a_day_that_goes_on_counts_what_came_last(buddywatch, store):
    """Snapshots in the journal are not in a roll-up of their day."""
    expire(store, KEEP)
    late = replace(shot(2), seq=20_000, first_seq=20_000, time=END - DAY_S / 2)
    store.add_snapshot("xp", replace(late, zones=(replace(late.zones[0], nr_free=(1, *[0] * 10)),), free_pages=1))
    rows = steps(buddywatch, "1d")
    assert rows[-1]["free_bytes"]["min"] == 4096
    assert rows[-1]["samples"] == DAY_S // PERIOD_S + 1


def test_retimed_snapshots_leave_no_day_behind(buddywatch, store):
    store.retime("xp", Retime(BOOT_ID, 0, 10**12, FIRST + 10 * DAY_S))
    rows = steps(buddywatch, "1d")
    assert [(row["time"] - FIRST) / DAY_S for row in rows] == [10, 11, 12, 13, 14]
    assert sum(row["samples"] for row in rows) == DAYS * DAY_S // PERIOD_S - 1


# --- what needs the snapshots ---


def test_marks_that_change_within_a_summary_are_read_from_the_snapshots(buddywatch, store):
    """A summary does not know which marks were in force at its minimum."""
    more = replace(shot(7000), seq=30_000, first_seq=30_000, time=END + 10, uptime_ms=10**9)
    for number in range(3):
        marks = replace(more.zones[0], min_pages=90 + 100 * number)
        store.add_snapshot("xp", replace(more, seq=30_000 + number, first_seq=30_000 + number, zones=(marks,)))
    store.add_boot("xp", boot("0000b002", "reboot", END + 100))  # all of a boot that is over is packed
    pack_all(store)
    assert store._row("SELECT count(*) FROM journal") == (0,)
    (row,) = steps(buddywatch, "1d", "--since", datetime.fromtimestamp(END).isoformat())
    assert row["needs"]["rm"]["margin_pages"]["min"] is not None
    assert row["zones"][0]["min_pages"]["max"] == 290


def test_another_page_size_or_rule_in_the_configuration_counts(buddywatch, store):
    text = buddywatch.config.read_text()
    buddywatch.config.write_text(f'{text}\n[[board]]\nname = "xp"\npage_bytes = "8k"\nrule = "new"\n')
    whole, rows = steps(buddywatch, "2h")[5], buddywatch("history", "xp", "--json").json["rows"]
    of_step = [row for row in rows if whole["time"] <= row["time"] < whole["time"] + 7200]
    margins = [row["needs"]["rm"]["margin_pages"] for row in of_step]
    assert whole["needs"]["rm"]["margin_pages"]["min"] == min(margins)
    assert whole["serviceable_bytes"]["max"] == max(row["serviceable_bytes"] for row in of_step)


# --- what it costs ---


@pytest.fixture
def reads(monkeypatch):
    """How many snapshots were unpacked, and how many summaries."""
    counts = {"snapshots": 0, "summaries": 0}

    def counting(decode, name):
        def counted(*args):
            found = decode(*args)
            counts[name] += len(found)
            return found

        return counted

    monkeypatch.setattr(chunk_format, "decode", counting(chunk_format.decode, "snapshots"))
    monkeypatch.setattr(summary_format, "decode", counting(summary_format.decode, "summaries"))
    return counts


def test_steps_read_summaries_and_days_read_days(buddywatch, store, reads):
    assert len(steps(buddywatch, "2h")) == 60
    assert reads["snapshots"] == 0
    assert 55 <= reads["summaries"] <= 60 + 20  # one in each step, and one more in each that two chunks share
    reads.update(summaries=0)
    assert len(steps(buddywatch, "1d")) == DAYS
    assert reads["snapshots"] == 0
    assert reads["summaries"] <= DAYS + 24  # the last day goes on: it has no roll-up yet


# --- how it is shown ---


def test_the_table_says_where_the_steps_become_others(buddywatch, store):
    expire(store, KEEP)
    lines = buddywatch("history", "xp", "--step", "10m").lines
    notes = [line for line in lines if "in steps of" in line]
    assert notes == [
        "-- from here on in steps of 2 h: what is older than keep_raw is kept in no other",
        "-- from here on in steps of 10 min",
    ]
    assert "/-/-" in lines[3]  # of a margin only the minimum is kept


def test_without_steps_the_table_says_what_is_kept_of_removed_snapshots(buddywatch, store):
    expire(store, KEEP)
    note = buddywatch("history", "xp").lines[1]
    assert note.startswith("-- of snapshots up to ") and "`--step 1d` or less shows them" in note
    until = datetime.fromtimestamp(FIRST + HOUR_S).isoformat()
    assert buddywatch("history", "xp", "--until", until).lines[0] == "no data is stored for that time"


def test_csv_says_how_long_each_step_is(buddywatch, store):
    expire(store, KEEP)
    out = buddywatch("history", "xp", "--csv", "--step", "1h").out
    rows = [row for row in csv.DictReader(io.StringIO(out)) if row["kind"] == "step"]
    assert {row["step_s"] for row in rows} == {"7200", "3600"}
    assert rows[0]["rm_margin_pages_max"] == "" and rows[0]["rm_margin_pages_min"] != ""
    assert rows[1]["processes_started"] == "119"
