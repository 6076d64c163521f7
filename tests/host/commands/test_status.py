"""`buddywatch status`: for people, and as JSON with exactly the keys that were promised."""

import re
import time
from dataclasses import replace

from boards import BOOT_ID, SEED_FREE, boot, config, kernel_event, refused, snapshot, zone
from buddywatch.model.alerts import Message, Silence
from buddywatch.model.links import LinkHealth
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, REBOOT, Gap
from feeder import Feeder

UNKNOWN_FORECAST = {"trend": "unknown", "in_s": None, "low_s": None, "high_s": None, "since_s": None}
SINCE_BOOT_S = 100.0  # the boards of these tests were started so long ago


def timeless(text):
    """text with all durations as T: how fast a test runs is not its matter."""
    return re.sub(r"\d+ (d|h|min|s)\b( \d+ (h|min|s)\b)*", "T", text)


def lately(item):
    """A snapshot, event or gap of tests/boards.py as one of a board that was started SINCE_BOOT_S ago."""
    return replace(item, time=time.time() - SINCE_BOOT_S + (getattr(item, "uptime_ms", None) or 0) / 1000)


def add(store, *shots, name="xp-07", **facts):
    store.add_boot(name, boot(machine="m68k", nommu="1", **facts))
    store.link_state(name, "tcp://10.0.0.7:2323", True, time.time())
    for shot in shots:
        store.add_snapshot(name, lately(shot))


def raise_alert(store, tight="off"):
    """What the rules make of two snapshots in which rm is refused."""
    feeder = Feeder(store, config(tight=tight), "xp-07")
    feeder.time = time.time() - SINCE_BOOT_S
    for item in (boot(machine="m68k", nommu="1"), lately(refused(1)), lately(refused(2))):
        feeder.feed(item)


def test_json_has_the_promised_keys_and_values(buddywatch, store):
    add(store, snapshot(1))
    store.add_snapshot("xp-07", lately(refused(2)))
    result = buddywatch("status", "--json")
    (board,) = result.json["boards"]
    age_s = board.pop("age_s")
    assert 0 <= board["links"][0].pop("since_s") < 60
    assert SINCE_BOOT_S - 10 <= age_s < SINCE_BOOT_S + 60
    assert board == {
        "name": "xp-07",
        "boot_id": BOOT_ID,
        "link": "up",
        "links": [
            {
                "url": "tcp://10.0.0.7:2323",
                "state": "up",
                "damaged_lines": 0,
                "dropped_bytes": 0,
                "reasked_frames": 0,
                "last_error": None,
            }
        ],
        "kernel": "2.6.30-uc0",
        "serviceable_bytes": 32768,
        "largest_free_block_bytes": 65536,
        "free_bytes": (31 + 2 * 47 + 4 * 42 + 8 * 64 + 16) * 4096,
        "needs": [
            {
                "name": "rm",
                "bytes": 61440,
                "verdict": "refused",
                "margin_pages": -5,
                "ends_together": [],
                "refused_in_s": 0,
                "forecast": UNKNOWN_FORECAST,
            }
        ],
        "reboot_window": None,
        "reserve": [],
        "unknown": [],
        "gaps": [],
        "lost_snapshots": 0,
        "alerts": [],
    }
    assert result.code == 0


def test_text_says_the_same_in_words(buddywatch, store):
    add(store, refused(2))
    assert timeless(buddywatch("status").out).splitlines() == [
        "xp-07: link up, data T old",
        "  Linux 2.6.30-uc0, m68k, no MMU; boot 0000b001, up T",
        "  free 3284 kB, largest request that succeeds: 32 kB (largest free block: 64 kB)",
        "  rm (needs a 64 kB block): FAILS: the largest usable block is 32 kB",
        "  link tcp://10.0.0.7:2323: up for T; no damage",
        "  no open alert",
    ]


def test_open_alert_is_code_1_and_is_told(buddywatch, store):
    raise_alert(store)
    result = buddywatch("status", "--json")
    assert result.code == 1
    (alert,) = result.json["boards"][0]["alerts"]
    assert list(alert) == ["rule", "need", "severity", "state", "since", "text", "silenced"]
    assert (alert["rule"], alert["need"], alert["severity"], alert["state"]) == ("refused", "rm", "critical", "firing")
    assert alert["silenced"] is False
    text = buddywatch("status")
    assert text.code == 1
    assert "  alert: critical, refused for T: rm: a request of 61440 contiguous bytes would fail" in timeless(text.out)


def test_a_need_that_is_refused_is_not_shown_as_tight_too(buddywatch, store):
    raise_alert(store, tight="warning")
    assert [incident.rule for incident in store.incidents("xp-07", open_only=True)] == ["refused", "tight"]
    assert buddywatch("status").out.count("rm: a request of 61440 contiguous bytes would fail") == 1
    (alert,) = buddywatch("status", "--json").json["boards"][0]["alerts"]
    assert alert["rule"] == "refused"


def test_silenced_alert_is_open_all_the_same(buddywatch, store):
    raise_alert(store)
    now = time.time()
    store.add_silence(Silence(0, "xp-07", "refused", None, now - 1, now + 3600, "known"))
    assert buddywatch("status").code == 1
    assert ", muted: rm: a request of 61440" in buddywatch("status").out
    assert buddywatch("status", "--json").json["boards"][0]["alerts"][0]["silenced"] is True


def test_alert_of_another_board_does_not_count(buddywatch, store):
    raise_alert(store)
    add(store, snapshot(1), name="calm")
    assert buddywatch("status").code == 1
    calm = buddywatch("status", "calm", "--json")
    assert calm.code == 0
    assert [board["name"] for board in calm.json["boards"]] == ["calm"]


GAPS = (
    Gap(BOOT_ID, 1, 4, BEFORE_CONTACT, 0.0),
    Gap(BOOT_ID, 10, 24, OVERWRITTEN, 0.0),
    Gap(BOOT_ID, 30, 30, REBOOT, 0.0),
)


def test_gaps_have_their_exact_first_and_last(buddywatch, store):
    add(store, snapshot(31))
    for gap in GAPS:
        store.add_gap("xp-07", gap)
    (board,) = buddywatch("status", "--json").json["boards"]
    assert board["lost_snapshots"] == 16
    assert board["gaps"] == [
        {"boot_id": BOOT_ID, "first": 1, "last": 4, "reason": "before-contact"},
        {"boot_id": BOOT_ID, "first": 10, "last": 24, "reason": "overwritten"},
        {"boot_id": BOOT_ID, "first": 30, "last": 30, "reason": "reboot"},
    ]
    lines = buddywatch("status").lines
    assert lines[5:9] == [
        "  16 frames lost; gaps:",
        "    boot 0000b001: 1..4 (4 frames): from before the first contact, not counted as lost",
        "    boot 0000b001: 10..24 (15 frames): the board's ring was full before they were fetched",
        "    boot 0000b001: 30..30 (1 frame): the board or its agent restarted before they were fetched",
    ]


def test_many_gaps_are_shortened_for_people_only(buddywatch, store):
    add(store, snapshot(100))
    for first in range(1, 21, 2):
        store.add_gap("xp-07", Gap(BOOT_ID, first, first, OVERWRITTEN, 0.0))
    out = buddywatch("status").out
    assert "and 5 before: buddywatch history xp-07" in out
    assert "19..19" in out and " 9..9 " not in out
    assert len(buddywatch("status", "--json").json["boards"][0]["gaps"]) == 10


def test_what_is_not_known_is_null_and_unknown(buddywatch, store):
    facts = {"page_bytes": "?", "kernel": "custom", "cols": "up", "z0": "0/DMA/11/-/-/-/-"}
    bare = replace(snapshot(1), zones=(zone(SEED_FREE, None),), free_pages=None, processes=None)
    add(store, replace(bare, reclaimable_pages=None, slab_pages=None), **facts)
    (board,) = buddywatch("status", "--json").json["boards"]
    assert [board[key] for key in ("serviceable_bytes", "largest_free_block_bytes", "free_bytes")] == [None] * 3
    assert board["needs"][0]["verdict"] is None and board["needs"][0]["margin_pages"] is None
    text = buddywatch("status").out
    assert "free unknown, largest request that succeeds: unknown" in text
    assert "rm (needs 61440 bytes): unknown: the board's page size is not known" in text


def test_overrides_of_the_configuration_are_used(buddywatch, store):
    add(store, refused(1), page_bytes="?", kernel="custom")
    buddywatch.config.write_text(
        '[[board]]\nname = "xp-07"\nrule = "old"\npage_bytes = 4096\n[[need]]\nname = "a"\nbytes = "64k"\n'
    )
    (board,) = buddywatch("status", "--json").json["boards"]
    assert board["serviceable_bytes"] == 32768
    assert board["needs"] == [
        {
            "name": "a",
            "bytes": 65536,
            "verdict": "refused",
            "margin_pages": -5,
            "ends_together": [],
            "refused_in_s": 0,
            "forecast": UNKNOWN_FORECAST,
        }
    ]


def test_configured_board_that_was_never_heard_is_listed(buddywatch, store):
    buddywatch.config.write_text('[[board]]\nname = "quiet"\n')
    (board,) = buddywatch("status", "--json").json["boards"]
    assert (board["name"], board["link"], board["boot_id"], board["age_s"]) == ("quiet", "never", None, None)
    assert buddywatch("status").lines == [
        "quiet: link never, no data yet",
        "  memory unknown: no usable hello yet (`collect` reports why)",
        "  no open alert",
    ]


def test_memory_of_an_earlier_boot_is_not_that_of_this_one(buddywatch, store):
    add(store, refused(1))
    store.add_boot("xp-07", boot("0000b002", "reboot"))
    (board,) = buddywatch("status", "--json").json["boards"]
    assert (board["boot_id"], board["free_bytes"], board["needs"]) == ("0000b002", None, [])
    assert board["age_s"] > SINCE_BOOT_S - 10
    assert "  memory unknown: no snapshot of this boot yet" in buddywatch("status").lines


def test_link_that_is_down_is_said(buddywatch, store):
    add(store, snapshot(1))
    store.link_state("xp-07", "tcp://10.0.0.7:2323", False, time.time())
    assert buddywatch("status", "--json").json["boards"][0]["link"] == "down"
    lines = [timeless(line) for line in buddywatch("status").lines]
    assert lines[0] == "xp-07: link down, data T old"
    assert "  link tcp://10.0.0.7:2323: down for T; no damage" in lines


def test_health_of_a_link_is_told(buddywatch, store):
    add(store, snapshot(1))
    store.link_health("xp-07", "tcp://10.0.0.7:2323", LinkHealth(3, 5000, 1, "tcp://10.0.0.7:2323: no\x1b route"))
    (link,) = buddywatch("status", "--json").json["boards"][0]["links"]
    assert (link["damaged_lines"], link["dropped_bytes"], link["reasked_frames"]) == (3, 5000, 1)
    damage = "3 damaged lines, 5000 B dropped from lines that were too long, 1 frame asked again"
    assert f"up for T; {damage} since the collector started" in timeless(buddywatch("status").out)
    store.link_state("xp-07", "tcp://10.0.0.7:2323", False, time.time())
    (link,) = buddywatch("status", "--json").json["boards"][0]["links"]
    assert link["last_error"] == "tcp://10.0.0.7:2323: no\x1b route"
    assert f"down for T (no\\x1b route); {damage}" in timeless(buddywatch("status").out)


def test_health_of_links_starts_anew_with_the_collector(store):
    add(store, snapshot(1))
    store.link_health("xp-07", "tcp://10.0.0.7:2323", LinkHealth(3, 5000, 1, "lost"))
    store.links_down(time.time())
    assert [(link.up, link.health) for link in store.links("xp-07")] == [(False, LinkHealth())]


def test_health_of_a_link_that_was_never_up_makes_no_row(store):
    store.link_health("xp-07", "tcp://10.0.0.7:2323", LinkHealth(3))
    assert store.boards() == []


def test_old_data_has_its_date(buddywatch, store):
    store.add_boot("xp-07", boot())
    store.add_snapshot("xp-07", snapshot(1))
    line = timeless(buddywatch("status").lines[0])
    assert re.search(r"data T old \(of 2023-11-1\d \d\d:\d\d:\d\d [+-]\d{4}\)$", line)


def test_text_of_a_board_is_escaped(buddywatch, store):
    add(store, snapshot(1), name="\x1b[2Jx", kernel="2.6.30\x9b31m")
    out = buddywatch("status").out
    assert out.startswith("\\x1b[2Jx: link up")
    assert "Linux 2.6.30\\x9b31m" in out
    assert out.replace("\n", "").isascii() and out.replace("\n", "").isprintable()


def test_messages_on_their_way_are_counted(buddywatch, store):
    add(store, snapshot(1))
    now = time.time()
    for ago_s in (7200, 60):
        store.add_message(["mail"], "xp-07", Message("subject", "body", {}), now - ago_s)
    store.message_delayed(1, "mail server x:25: refused\x1b", now)
    assert timeless(buddywatch("status").lines[-1]) == (
        "2 messages not delivered yet, the oldest for T; last error: mail server x:25: refused\\x1b"
    )
    store.message_failed(1, "no such user")
    store.message_sent(2, now)
    assert buddywatch("status").lines[-1] == "1 message given up in the last 24 h; last error: no such user"


def test_no_board_is_said(buddywatch, store):
    assert buddywatch("status").lines == ["no data from any board yet"]
    assert buddywatch("status", "--json").json["boards"] == []


def test_status_reads_while_a_collector_writes(buddywatch, store):
    add(store, snapshot(1))
    with store.batch():
        store.add_snapshot("xp-07", lately(snapshot(2)))
        assert buddywatch("status").code == 0


def told(seq, text):
    return lately(replace(kernel_event(seq, seq * 5000), kind="source", number=None, text=text))


def test_the_blocks_of_the_reserve_are_shown_as_they_are_by_the_newest_news(buddywatch, store):
    add(store, snapshot(1), reserve="65536:held,131072:held")
    assert "  reserve: 64 kB held, 128 kB held" in buddywatch("status").lines
    gone = "reserve: gave 65536 bytes back, as the kernel refused 61440 bytes to rm; now: "
    store.add_event("xp-07", told(2, f"{gone}65536 bytes given back, 131072 bytes held"))
    store.add_event("xp-07", told(3, "reserve: took 65536 bytes again, as th"))
    store.add_event("xp-07", told(4, "watchdog: 1 bytes held, 2 bytes held"))
    assert "  reserve: 64 kB given back, 128 kB held" in buddywatch("status").lines
    (board,) = buddywatch("status", "--json").json["boards"]
    assert board["reserve"] == [{"bytes": 65536, "held": False}, {"bytes": 131072, "held": True}]
    store.add_boot("xp-07", boot("0000ffff", "reboot", reserve="65536:-"))
    assert [line for line in buddywatch("status").lines if "reserve" in line] == ["  reserve: 64 kB given back"]
