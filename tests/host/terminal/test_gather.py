"""What the live view reads of a fleet that the rules have judged."""

import re
import time
from dataclasses import replace

import pytest
from boards import boot, config, refused, snapshot
from buddywatch.config.sections import Mail
from buddywatch.model.alerts import Message, Silence
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.gather_depth import DepthReader
from buddywatch.terminal.view import FAILS, FINE, SILENT, shown_boards
from buddywatch.terminal.view import View as Look
from livefleet import FAILING, LEVEL, settings, tell
from livefleet import SILENT as MUTE_BOARD
from mapboards import PROGRAMS, put_map


@pytest.fixture
def now(store):
    """The end of a week of three boards."""
    now = time.time()
    with store.batch():
        for number, (name, kind) in enumerate([("calm", LEVEL), ("bad", FAILING), ("dead", MUTE_BOARD)]):
            tell(store, name, kind, now, number=number)
    return now


def read(store, now):
    return FleetReader(store, settings()).fleet(now)


def test_boards_have_their_urgency_and_the_worst_need_first(store, now):
    fleet = read(store, now)
    assert [(board.name, board.urgency) for board in shown_boards(fleet, Look())] == [
        ("bad", FAILS), ("dead", SILENT), ("calm", FINE),
    ]  # fmt: skip
    bad = fleet.named("bad")
    assert [need.name for need in bad.needs] == ["httpd", "rm"]
    assert bad.need.left == 0 and bad.need.failing_s > 0 and bad.need.block_bytes == 262_144
    assert bad.need.course[0][1] > 4 and bad.need.course[-1] == (0.0, -1)
    assert 6 * 86_400 < bad.need.course[0][0] <= 7 * 86_400
    assert bad.largest_bytes == 32_768 and len(bad.alerts) >= 2
    calm = fleet.named("calm")
    assert calm.need.left > 0 and calm.need.failing_s is None and calm.note == ""
    assert calm.need.per_day == pytest.approx(0, abs=1)
    assert fleet.named("dead").note == "connection refused for 14m; ring lasts 85d more"


def test_a_collector_that_does_not_run_is_said_and_mail_that_is_stuck(store, now):
    reader = FleetReader(store, replace(settings(), mail=Mail(("you@b",), "me@b")))
    assert reader.fleet(now).problem.startswith("NO COLLECTOR RUNS, last data 2")
    assert reader.fleet(now).mail == "mail ok"
    store.add_message(["mail"], "bad", Message("s", "b", {}, "<m>", ()), now - 3600)
    assert reader.fleet(now).mail == "MAIL STUCK: 1 message, 60m"
    assert read(store, now).mail == "no mail set up"


def test_mutes_and_acknowledgements_show(store, now):
    first = next(one for one in store.incidents("bad", open_only=True) if one.rule == "refused")
    store.add_silence(Silence(0, "bad", first.rule, first.need, now - 1, now + 60, "known"))
    store.acknowledge(first.id, now, "me")
    alert = next(alert for alert in read(store, now).named("bad").alerts if alert.id == first.id)
    assert alert.is_muted and alert.is_known


def test_a_look_at_nothing_new_only_ages(store, now):
    reader = FleetReader(store, settings())
    fleet = reader.fleet(now)
    later = reader.aged(fleet, now + 5)
    assert [board.needs for board in later.boards] == [board.needs for board in fleet.boards]
    assert later.named("calm").age_s == pytest.approx(fleet.named("calm").age_s + 5)


def test_the_reserve_of_the_open_board_is_among_its_facts(store, now):
    reader = FleetReader(store, settings())
    known = store.latest_boot("calm")
    store.add_boot("calm", replace(known, facts={**known.facts, "reserve": "65536:held,65536:-"}))
    depth = DepthReader(reader).depth(reader.fleet(now).named("calm"), now)
    assert "reserve: 64 kB held, 64 kB given back" in depth.facts


def test_a_new_snapshot_and_a_new_boot_are_seen(store, now):
    reader = FleetReader(store, settings())
    reader.fleet(now)
    boot_id = store.latest_boot("calm").boot_id
    store.add_snapshot("calm", replace(refused(900, boot_id), time=now, uptime_ms=700 * 3600 * 1000))
    assert reader.fleet(now).named("calm").urgency == FAILS
    store.add_boot("calm", boot("0000ffff", "reboot", started=now))
    store.add_snapshot("calm", replace(refused(1, "0000ffff"), time=now))
    assert reader.known("calm").boot.boot_id == boot_id
    assert reader.fleet(now).named("calm").need.course == ()
    assert reader.known("calm").boot.boot_id == "0000ffff"


def test_what_helps_at_once_is_named_before_the_reboot(store, now):
    store.add_boot("xp", boot(nommu="1"))
    put_map(store, PROGRAMS)
    at = store.latest("xp").time + 5.0
    shot = snapshot(900, (10, 1, 3, 1, 0, 0, 1, 0, 0, 0, 0))
    store.add_snapshot("xp", replace(shot, time=at, uptime_ms=3_605_000))
    reader = FleetReader(store, config())
    end, reserve, reboot = DepthReader(reader).depth(reader.fleet(at).named("xp"), at).advice
    assert end == "end ht?tpd 40: rm succeeds then"
    assert re.fullmatch(r"or at once: echo \d+ > /proc/sys/vm/min_free_kbytes \(now 360\)", reserve)
    assert reboot.startswith("plan a reboot")


def test_a_board_that_is_minutes_old_has_a_picture_of_these_minutes(store, now):
    fresh = boot("0000fe5e", started=now - 240.0)
    store.add_boot("fresh", fresh)
    for seq in range(1, 48):
        shot = snapshot(seq, (9, 0, 0, 0, 48 - seq, 0, 0, 0, 0, 0, 0), "0000fe5e")
        store.add_snapshot("fresh", replace(shot, time=fresh.started + shot.uptime_ms / 1000))
    reader = FleetReader(store, settings())
    depth = DepthReader(reader).depth(reader.fleet(now).named("fresh"), now)
    assert 230 <= depth.heat_s <= 260
    first, last = depth.heat[4][0], [count for count in depth.heat[4] if count is not None][-1]
    assert first == 47 and last == 1


def test_a_board_in_depth(store, now):
    reader = FleetReader(store, settings())
    fleet = reader.fleet(now)
    depth = DepthReader(reader).depth(fleet.named("bad"), now)
    assert depth.kernel == "Linux 2.6.30-uc0, m68k, no MMU" and depth.memory.startswith("free 3")
    assert len(depth.heat) == 11 and len(depth.heat[0]) == 120 and None not in depth.heat[6]
    assert depth.heat[6][0] > 4 and depth.heat[6][-1] == 0 and depth.heat[0][0] < depth.heat[0][-1]
    assert depth.needs["httpd"] == "FAILS: the largest usable block is 32 kB"
    assert depth.advice == ("plan a reboot: only that makes large blocks again; e explains what else helps",)
    assert DepthReader(reader).depth(fleet.named("calm"), now).advice == ()
