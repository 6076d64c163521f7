"""`buddywatch history`: what is stored comes out as it is, with gaps as gaps, in every form and in steps."""

from dataclasses import replace
from datetime import datetime

import pytest
from boards import BOOT_ID, KERNEL_LINE, SEED_FREE, SEED_REBOOTED, START, boot, kernel_event, snapshot, zone
from pasts import SECOND, SECOND_START, local, tell_story


@pytest.fixture
def story(store):
    tell_story(store)
    return store


# --- the table ---


def test_table_shows_gaps_events_and_boots_where_they_were(buddywatch, story):
    lines = buddywatch("history", "xp").lines
    fresh, failing = " ".join(map(str, SEED_REBOOTED)), " ".join(map(str, SEED_FREE))
    assert " ".join(lines[0].split()) == "time seq free kB usable kB rm free blocks of 1, 2, 4, 8 ... pages"
    assert [line.split(", started")[0] for line in lines[1:]] == [
        "-- boot 0000b001: Linux 2.6.30-uc0",
        "-- gap in boot 0000b001: 1..2 (2 frames): from before the first contact, not counted as lost",
        f"{local(START + 15)}        3      3192          2048  OK +651         {fresh}",
        f"{local(START + 20)}        4      3192          2048  OK +651         {fresh}",
        "-- gap in boot 0000b001: 5..9 (5 frames): the board's ring was full before they were fetched",
        f"{local(START + 50)}       10      3284            32  FAILS -5        {failing}",
        f"{local(START + 55)}       11      3284            32  FAILS -5        {failing}",
        f"-- {local(START + 58)} {KERNEL_LINE}",
        "-- gap in boot 0000b001: 13..14 (2 frames): the board or its agent restarted before they were fetched",
        "-- boot 0000b002: Linux 2.6.30-uc0",
        f"{local(SECOND_START + 5)}        1      3192          2048  OK +651         {fresh}",
        f"{local(SECOND_START + 10)}        2      3192          2048  OK +651         {fresh}",
    ]
    assert lines[1].endswith("(first)") and lines[10].endswith("(reboot)")


def test_table_says_unknown(buddywatch, store):
    store.add_boot("bare", boot(page_bytes="?", cols="up", z0="0/DMA/11/-/-/-/-"))
    bare = replace(snapshot(1), zones=(zone(SEED_FREE, None),), free_pages=None, processes=None)
    store.add_snapshot("bare", replace(bare, reclaimable_pages=None, slab_pages=None))
    assert buddywatch("history", "bare").lines[-1].split()[3:6] == ["unknown"] * 3


def test_several_zones_are_named(buddywatch, store):
    zones = (zone((1, 2), name="DMA"), zone((3, 4), name="Normal"))
    store.add_boot("xp", boot(zones="2", z0="0/DMA/2/90/112/135/0", z1="0/Normal/2/90/112/135/0"))
    store.add_snapshot("xp", replace(snapshot(1), zones=zones))
    assert buddywatch("history", "xp").lines[-1].endswith("DMA 1 2; Normal 3 4")


def test_text_of_a_board_is_escaped(buddywatch, store):
    store.add_boot("xp", boot(kernel="\x1b[31m"))
    store.add_snapshot("xp", snapshot(1))
    store.add_event("xp", kernel_event(2, 6000, text="\x1b[2Jgone\r\n"))
    out = buddywatch("history", "xp").out
    assert "\\x1b[2Jgone\\x0d\\x0a" in out and "Linux \\x1b[31m" in out
    assert out.replace("\n", "").isprintable()


def test_nothing_stored_is_said(buddywatch, store):
    store.add_boot("xp", boot())
    assert buddywatch("history", "xp").lines == ["no data is stored for that time"]
    empty = buddywatch("history", "xp", "--json").json
    assert empty == {"board": "xp", "rows": [], "gaps": [], "events": []}


# --- JSON ---


def test_json_gives_stored_snapshots_as_they_are(buddywatch, story):
    past = buddywatch("history", "xp", "--json").json
    assert list(past) == ["board", "rows", "gaps", "events"]
    assert [(row["boot_id"], row["seq"]) for row in past["rows"]] == [
        *((BOOT_ID, seq) for seq in (3, 4, 10, 11)),
        *((SECOND, seq) for seq in (1, 2)),
    ]
    assert past["rows"][2] == {
        "boot_id": BOOT_ID,
        "seq": 10,
        "time": START + 50,
        "uptime_s": 50.0,
        "free_bytes": 3284 * 1024,
        "zones": [{"node": 0, "zone": "DMA", "nr_free": list(SEED_FREE), "min_pages": 90, "low_pages": 112}],
        "serviceable_bytes": 32768,
        "needs": {"rm": {"verdict": "refused", "margin_pages": -5}},
    }
    assert past["gaps"] == [
        {"boot_id": BOOT_ID, "first": 1, "last": 2, "reason": "before-contact"},
        {"boot_id": BOOT_ID, "first": 5, "last": 9, "reason": "overwritten"},
        {"boot_id": BOOT_ID, "first": 13, "last": 14, "reason": "reboot"},
    ]
    assert past["events"] == [
        {
            "boot_id": BOOT_ID,
            "seq": 12,
            "time": START + 58,
            "uptime_s": 58.0,
            "kind": "alloc",
            "number": 61440,
            "pid": 6821,
            "comm": "rm",
            "text": KERNEL_LINE,
        }
    ]


@pytest.mark.parametrize(
    ("options", "rows", "gaps"),
    [
        pytest.param(("--since", "50"), [10, 11, 1, 2], [5, 13], id="since-first-row-behind-a-gap"),
        pytest.param(("--since", "51"), [11, 1, 2], [13], id="since-inside"),
        pytest.param(("--until", "50"), [3, 4], [1, 5], id="until-a-gap"),
        pytest.param(("--since", "15", "--until", "16"), [3], [1], id="one-row"),
        pytest.param(("--since", "499", "--until", "501"), [], [1, 5], id="no-row-but-gaps-became-known"),
        pytest.param(("--since", "2000"), [], [], id="after-all"),
    ],
)
def test_since_and_until_choose_rows_and_the_gaps_between_them(buddywatch, story, options, rows, gaps):
    moments = [datetime.fromtimestamp(START + int(o)).isoformat() if o.isdecimal() else o for o in options]
    past = buddywatch("history", "xp", "--json", *moments).json
    assert [row["seq"] for row in past["rows"]] == rows
    assert [lost["first"] for lost in past["gaps"]] == gaps


def test_since_takes_durations(buddywatch, store):
    now = datetime.now().timestamp()
    store.add_boot("xp", boot())
    for seq, ago_s in ((1, 7200), (2, 1800)):
        store.add_snapshot("xp", replace(snapshot(seq), time=now - ago_s))
    assert [row["seq"] for row in buddywatch("history", "xp", "--since", "1h", "--json").json["rows"]] == [2]
    assert [row["seq"] for row in buddywatch("history", "xp", "--until", "1h", "--json").json["rows"]] == [1]


def test_time_with_an_offset_is_taken_as_such(buddywatch, story):
    since = "2023-11-14T22:14:10Z"  # START + 50
    assert buddywatch("history", "xp", "--since", since, "--json").json["rows"][0]["seq"] == 10


def test_needs_of_the_configuration_are_judged(buddywatch, story):
    buddywatch.config.write_text('[[need]]\nname = "big"\nbytes = "4M"\n[[need]]\nname = "page"\nbytes = 4096\n')
    row = buddywatch("history", "xp", "--json").json["rows"][0]
    assert {name: need["verdict"] for name, need in row["needs"].items()} == {"big": "refused", "page": "ok"}
