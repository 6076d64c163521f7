"""`buddywatch history --step` and `--csv`, and that it needs no more memory for more history."""

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from boards import BOOT_ID, KERNEL_LINE, SEED_FREE, SEED_REBOOTED, START, boot, kernel_event, snapshot, zone
from buddywatch.store.store import Store
from pasts import SECOND, local, tell_story
from runner import ENV


@pytest.fixture
def story(store):
    tell_story(store)
    return store


# --- events ---


def test_line_of_the_console_comes_behind_the_snapshot_before_it(buddywatch, store):
    """It has no frame number: its time decides."""
    store.add_boot("xp", boot())
    store.add_event("xp", replace(kernel_event(None, None), time=START + 12))
    for seq in (1, 2, 3):
        store.add_snapshot("xp", snapshot(seq))  # 5 s apart
    table = buddywatch("history", "xp", "--csv").out.splitlines()
    kinds = [line.split(",")[0] for line in table[1:]]
    assert kinds == ["snapshot", "snapshot", "event", "snapshot"], table


# --- steps ---


def test_step_gives_least_mean_and_greatest(buddywatch, story):
    story.add_snapshot("xp", replace(snapshot(12, (1, 0)), zones=(zone((1, *[0] * 10)),), free_pages=1))
    past = buddywatch("history", "xp", "--step", "1m", "--json").json
    # START is 20 s past a full minute: snapshots 3 and 4 are in its first one, 10 to 12 in the next.
    assert [(row["boot_id"], row["time"], row["samples"], row["seq"]) for row in past["rows"]] == [
        (BOOT_ID, START - 20, 2, 4),
        (BOOT_ID, START + 40, 3, 12),
        (SECOND, START + 1000, 2, 2),
    ]
    step = past["rows"][1]
    free = (3284 * 1024, 3284 * 1024, 4096)
    assert step["free_bytes"] == {"min": 4096, "mean": round(sum(free) / 3, 3), "max": 3284 * 1024}
    assert step["serviceable_bytes"] == {"min": 0, "mean": round(65536 / 3, 3), "max": 32768}
    assert step["needs"]["rm"]["verdict"] == "refused"
    assert step["needs"]["rm"]["margin_pages"]["max"] == -5
    assert step["zones"][0]["nr_free"][:2] == [
        {"min": 1, "mean": round((31 + 31 + 1) / 3, 3), "max": 31},
        {"min": 0, "mean": round((47 + 47 + 0) / 3, 3), "max": 47},
    ]
    assert step["zones"][0]["min_pages"] == {"min": 90, "mean": 90.0, "max": 90}
    assert step["zones"][0]["low_pages"] == {"min": 112, "mean": 112.0, "max": 112}
    assert [lost["first"] for lost in past["gaps"]] == [1, 5, 13]


def test_step_that_holds_two_boots_is_two_rows(buddywatch, story):
    rows = buddywatch("history", "xp", "--step", "1d", "--json").json["rows"]
    assert [(row["boot_id"], row["samples"]) for row in rows] == [(BOOT_ID, 4), (SECOND, 2)]


def test_step_verdict_is_the_worst(buddywatch, store):
    store.add_boot("xp", boot())
    tight = list(SEED_FREE)
    tight[4] += 1  # 32 pages in blocks of 64 kB: 16 + (90 >> 4) are demanded, 16 + (112 >> 4) too
    for seq, nr_free in enumerate((SEED_REBOOTED, SEED_FREE, tuple(tight)), 1):
        store.add_snapshot("xp", snapshot(seq, nr_free))
    (row,) = buddywatch("history", "xp", "--step", "1h", "--json").json["rows"]
    assert row["needs"]["rm"]["verdict"] == "refused"


def test_step_of_unknown_values_is_null(buddywatch, store):
    store.add_boot("bare", boot(page_bytes="?", cols="up", z0="0/DMA/11/-/-/-/-"))
    bare = replace(snapshot(1), zones=(zone(SEED_FREE, None),), free_pages=None, processes=None)
    store.add_snapshot("bare", replace(bare, reclaimable_pages=None, slab_pages=None))
    (row,) = buddywatch("history", "bare", "--step", "1h", "--json").json["rows"]
    assert (row["free_bytes"], row["serviceable_bytes"], row["zones"][0]["min_pages"]) == (None, None, None)
    assert row["needs"] == {"rm": {"verdict": None, "margin_pages": None}}
    assert "unknown" in buddywatch("history", "bare", "--step", "1h").lines[-1]


def test_step_table_shows_gaps_after_the_step_that_they_fell_into(buddywatch, story):
    lines = buddywatch("history", "xp", "--step", "1m").lines
    assert lines[0].split()[:4] == ["in", "1", "min", "from"]
    assert [line[:24].strip() for line in lines[1:]] == [
        "-- boot 0000b001: Linux",
        "-- gap in boot 0000b001:",
        local(START - 20),
        "-- gap in boot 0000b001:",
        local(START + 40),
        f"-- {local(START + 58)} A",
        "-- gap in boot 0000b001:",
        "-- boot 0000b002: Linux",
        local(START + 1000),
    ]
    assert lines[5].split()[2:] == ["2", "3284/3284/3284", "32/32/32", "FAILS", "-5/-5/-5"]


# --- CSV ---


def cells(result):
    return list(csv.DictReader(io.StringIO(result.out)))


def test_csv_has_rows_gaps_and_events(buddywatch, story):
    rows = cells(buddywatch("history", "xp", "--csv"))
    assert [(row["kind"], row["first_seq"], row["seq"]) for row in rows] == [
        ("gap", "1", "2"),
        ("snapshot", "3", "3"),
        ("snapshot", "4", "4"),
        ("gap", "5", "9"),
        ("snapshot", "10", "10"),
        ("snapshot", "11", "11"),
        ("event", "12", "12"),
        ("gap", "13", "14"),
        ("snapshot", "1", "1"),
        ("snapshot", "2", "2"),
    ]
    failing = rows[4]
    assert (failing["time"], failing["free_bytes"]) == (str(START + 50), str(3284 * 1024))
    assert (failing["rm_verdict"], failing["rm_margin_pages"]) == ("refused", "-5")
    assert [failing[f"node0_DMA_{order}"] for order in range(11)] == list(map(str, SEED_FREE))
    assert (rows[3]["text"], rows[3]["free_bytes"]) == ("overwritten", "")
    assert rows[6]["text"] == KERNEL_LINE


def test_csv_of_steps_has_three_columns_a_value(buddywatch, story):
    rows = [row for row in cells(buddywatch("history", "xp", "--csv", "--step", "1m")) if row["kind"] == "step"]
    assert [row["samples"] for row in rows] == ["2", "2", "2"]
    assert [rows[1][f"rm_margin_pages_{which}"] for which in ("min", "mean", "max")] == ["-5", "-5.0", "-5"]
    assert rows[1]["rm_verdict"] == "refused"
    assert rows[1]["node0_DMA_4_max"] == "1"


def test_csv_has_columns_for_the_zones_of_all_boots(buddywatch, story):
    story.add_boot("xp", boot("0000b003", z0="0/Normal/2/90/112/135/0"))
    story.add_snapshot("xp", replace(snapshot(1), boot_id="0000b003", zones=(zone((7, 8), name="Normal"),)))
    last = cells(buddywatch("history", "xp", "--csv"))[-1]
    assert (last["node0_Normal_0"], last["node0_Normal_1"], last["node0_DMA_0"]) == ("7", "8", "")


def test_csv_does_not_stumble_over_a_hello_that_makes_no_sense(buddywatch, story):
    story.add_boot("xp", boot("0000b003", zones="many"))
    assert len(cells(buddywatch("history", "xp", "--csv"))) == 10


# --- size ---

MEASURE = """
import resource, sys
from buddywatch.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def pasts(tmp_path_factory):
    """A short past and a long one; the rows of the long one are 9 MB as objects."""
    paths = []
    for last in (100, 6000):
        paths.append(tmp_path_factory.mktemp("past") / "a.db")
        with Store.open(paths[-1]) as store, store.batch():
            store.add_boot("xp", boot())
            for seq in range(1, last):
                store.add_snapshot("xp", snapshot(seq))
    return paths


@pytest.mark.slow
@pytest.mark.xdist_group("pasts")  # one worker: the long past is made once
@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",), ("--step", "1m", "--json")], ids=" ".join)
def test_memory_does_not_grow_with_history(buddywatch, pasts, form):
    peaks_kb = []
    for db in pasts:
        argv = ["--db", str(db), "--config", str(buddywatch.config), "history", "xp", *form]
        done = subprocess.run([sys.executable, "-c", MEASURE, *argv], env=ENV, capture_output=True, check=True)
        if "--json" in form:
            assert json.loads(done.stdout)["rows"]
        peaks_kb.append(int(done.stderr))
    assert peaks_kb[1] < peaks_kb[0] + 2000
