"""Own rules: from snapshots, events, gaps and the health of links to alerts."""

from dataclasses import replace

import pytest
from boards import BOOT_ID, KERNEL_LINE, RM, SEED_FREE, SEED_REBOOTED, START, boot, config, kernel_event, snapshot
from buddywatch.config.own_rules import OwnRule
from buddywatch.config.sections import Board, Group
from buddywatch.model.forecasts import Forecast, NeedForecast
from buddywatch.model.links import LinkHealth
from buddywatch.model.samples import BEFORE_CONTACT, NOT_HELD, OVERWRITTEN, Gap
from feeder import Feeder

FREE = sum(count << order for order, count in enumerate(SEED_REBOOTED)) * 4096


def settings(*rules, **more):
    return replace(config(RM, refused_within_s=0, silent_after_s=10**6, tight="off", **more), rules=rules)


def low(**more):
    return OwnRule("mine", "free_bytes", **{"below": FREE, **more})


def play(store, rule, *items, **more):
    xp = Feeder(store, settings(rule, **more))
    xp.play(boot(), *items)
    return xp


def free(seq, pages, boot_id=BOOT_ID):
    return replace(snapshot(seq, boot_id=boot_id), free_pages=pages)


PAGES = FREE // 4096


def test_it_begins_after_the_usual_snapshots_and_ends_after_the_usual_ones(store):
    shots = [free(seq, PAGES - (2 <= seq <= 5)) for seq in range(1, 10)]
    xp = play(store, low(severity="critical"), *shots)
    assert xp.changes("mine") == [("mine", "pending", "firing", 3), ("mine", "clearing", "ok", 8)]
    (incident,) = store.incidents("xp")
    assert (incident.severity, incident.need) == ("critical", None)
    assert incident.text == f"free memory {FREE // 1024 - 4} kB, below the limit of {FREE // 1024} kB"


def test_at_the_limit_itself_nothing_begins(store):
    assert play(store, low(), *(free(seq, PAGES) for seq in range(1, 9))).changes("mine", reported_only=False) == []
    above = OwnRule("mine", "free_bytes", above=FREE)
    assert play(store, above, *(free(seq, PAGES) for seq in range(9, 19))).changes(reported_only=False) == []


def test_it_lasts_until_the_level_at_which_it_ends(store):
    pages = [PAGES - 1] * 3 + [PAGES + 9] * 9 + [PAGES + 10] * 3
    xp = play(store, low(clear=FREE + 10 * 4096), *(free(seq, some) for seq, some in enumerate(pages, 1)))
    assert xp.changes("mine") == [("mine", "pending", "firing", 2), ("mine", "clearing", "ok", 15)]


def test_its_times_are_counted_in_snapshots_of_the_boards_interval(store):
    rule = low(for_s=28, clear_for_s=16)
    shots = [free(seq, PAGES - 1) for seq in range(1, 7)] + [free(seq, PAGES) for seq in range(900, 904)]
    xp = play(store, rule, *shots[:5])
    assert xp.changes("mine") == []
    xp.play(*shots[5:])
    assert xp.changes("mine") == [("mine", "pending", "firing", 6)]
    gap = Gap(BOOT_ID, 7, 899, OVERWRITTEN, xp.time)
    xp.feed(gap)
    assert xp.changes("mine") == [("mine", "pending", "firing", 6), ("mine", "clearing", "ok", 903)]


def test_change_within_a_time_is_unknown_before_that_time(store):
    rule = low(below=-40 * 4096, within_s=60)
    pages = [PAGES - seq * 3 for seq in range(1, 13)] + [PAGES - seq * 5 for seq in range(13, 30)]
    xp = play(store, rule, *(free(seq, some) for seq, some in enumerate(pages, 1)))
    ((_, _, _, first), *_) = xp.changes("mine")
    assert first == 14  # the 13th is the first with a whole minute behind it
    assert store.incidents("xp")[0].text.startswith("free memory: -")
    assert " kB within 1 min, below the limit of -160 kB" in store.incidents("xp")[0].text


def test_change_does_not_reach_over_a_reboot_and_does_over_a_restart_of_the_agent(store):
    rule = OwnRule("mine", "processes", above=500, within_s=60)
    before = [replace(snapshot(seq), processes=2000) for seq in range(1, 30)]
    xp = play(store, rule, *before)
    again = [replace(snapshot(seq, boot_id="0000b002"), processes=2600) for seq in range(30, 50)]
    again = [replace(shot, first_seq=seq, seq=seq) for seq, shot in enumerate(again, 1)]
    xp.play(boot("0000b002", "agent-restart"), *again)
    assert [change[1:3] for change in xp.changes("mine")] == [("pending", "firing"), ("clearing", "ok")]
    late = [
        replace(snapshot(seq, boot_id="0000b003"), processes=9000, time=START + 3000 + 5 * seq) for seq in range(1, 9)
    ]
    xp.play(boot("0000b003", "reboot", START + 3000), *late)
    assert len(xp.changes("mine")) == 2


def test_processes_of_a_time_that_is_not_whole_yet_are_already_too_many(store):
    rule = OwnRule("mine", "processes", above=50, within_s=3600)
    xp = play(store, rule, *(replace(snapshot(seq), processes=900 + 30 * seq) for seq in range(1, 5)))
    assert xp.changes("mine") == [("mine", "pending", "firing", 4)]
    assert store.incidents("xp")[0].text == "processes started: 90 within 1 h, above the limit of 50"


def test_memory_in_blocks_of_a_size(store):
    few = OwnRule("few", "free_blocks", block=65536, below=1)
    large = OwnRule("large", "free_in_blocks", block=65536, below=100 * 1024)
    xp = Feeder(store, settings(few, large))
    xp.play(boot(), *(snapshot(seq, SEED_FREE) for seq in (1, 2)), *(snapshot(seq, SEED_REBOOTED) for seq in (3, 4)))
    texts = {incident.rule: incident.text for incident in store.incidents("xp")}
    assert texts["large"] == "free memory in blocks of 64 kB or larger 64 kB, below the limit of 100 kB"
    assert texts["few"] == "free blocks of 64 kB 0, below the limit of 1"
    assert [change[::3] for change in xp.changes("few", "large") if change[2] == "firing"] == [("large", 2), ("few", 4)]


def test_margin_of_a_need_is_about_that_need(store):
    rule = OwnRule("mine", "margin_pages", need="rm", below=0)
    play(store, rule, *(snapshot(seq, SEED_FREE) for seq in (1, 2)))
    (incident,) = [one for one in store.incidents("xp") if one.rule == "mine"]
    assert (incident.need, incident.text) == ("rm", "margin of rm -5 pages, below the limit of 0 pages")


def test_other_values(store):
    rules = [
        OwnRule("slab", "slab_bytes", above=352 * 4096),
        OwnRule("caches", "reclaimable_bytes", below=15 * 4096),
        OwnRule("usable", "serviceable_bytes", below=3 << 20),
        OwnRule("usable-low", "serviceable_low_bytes", below=4 << 20),
        OwnRule("largest", "largest_free_block_bytes", below=4 << 20),
        OwnRule("age", "uptime", above=9),
        OwnRule("of-another-need", "margin_pages", need="x", below=9),
    ]
    xp = Feeder(store, settings(*rules))
    xp.play(boot(), *map(snapshot, range(1, 6)))
    assert {incident.rule: incident.text for incident in store.incidents("xp")} == {
        "slab": "memory of the kernel's own objects 1412 kB, above the limit of 1408 kB",
        "caches": "caches that the kernel can free 56 kB, below the limit of 60 kB",
        "usable": "largest request that succeeds 2 MB, below the limit of 3 MB",
        "usable-low": "largest request that needs no reserve 2 MB, below the limit of 4 MB",
        "largest": "largest free block 2 MB, below the limit of 4 MB",
        "age": "uptime 15 s, above the limit of 9 s",
    }


def test_value_that_the_board_cannot_tell_is_unknown(store):
    rule = OwnRule("mine", "free_blocks", block=65536, below=99)
    xp = Feeder(store, settings(rule))
    xp.play(boot(page_bytes="?"), *map(snapshot, range(1, 6)))
    assert xp.changes(reported_only=False) == []
    small = Feeder(store, settings(replace(rule, block=2048)), "small")
    small.play(boot(), *map(snapshot, range(1, 6)))
    assert small.changes(reported_only=False) == []


def test_forecast_of_a_need_is_a_value(store):
    rule = OwnRule("mine", "refused_in", need="rm", below=7200, clear=9000)
    xp = play(store, rule, *map(snapshot, range(1, 4)))
    assert xp.changes(reported_only=False) == []  # unknown
    for in_s, seq in ((8000.0, 4), (7204.0, 5), (None, 9)):
        made = NeedForecast("rm", BOOT_ID, seq * 5.0, Forecast("falling", in_s))
        xp.rules._own._forecasts["rm"] = made
        xp.play(*(map(snapshot, range(seq, {4: 5, 5: 9, 9: 12}[seq]))))
    assert xp.changes("mine") == [("mine", "pending", "firing", 7), ("mine", "clearing", "ok", 11)]
    assert store.incidents("xp")[0].text == "time until rm is refused 1 h 59 min 54 s, below the limit of 2 h"


def event(seq, second, **more):
    return replace(kernel_event(seq, round(second * 1000)), **more)


def test_refusals_of_the_kernel_are_counted_once_each(store):
    rule = OwnRule("mine", "failures", above=2, within_s=60)
    lines = [
        event(2, 10, text=KERNEL_LINE),
        event(3, 10.2, kind="page", text="rm: page allocation failure"),
        event(5, 20, text=KERNEL_LINE + " again"),
    ]
    xp = play(store, rule, snapshot(1), lines[0], lines[1], snapshot(4), lines[2], snapshot(6), snapshot(7))
    assert xp.changes("mine") == []
    xp.play(event(8, 36, kind="more", number=1, text="one more"), snapshot(9), snapshot(10))
    assert xp.changes("mine") == [("mine", "pending", "firing", 10)]
    assert store.incidents("xp")[-1].text == "allocations that the kernel refused: 3 within 1 min, above the limit of 2"


def test_what_an_earlier_collector_heard_of_the_kernel_counts(store):
    rule = OwnRule("mine", "failures", above=0, within_s=600)
    xp = play(store, rule, snapshot(1), event(2, 10), snapshot(3), snapshot(4))
    assert len(xp.changes("mine")) == 1
    xp.restart()
    xp.play(*map(snapshot, range(5, 20)))
    assert len(xp.changes("mine")) == 1
    xp.play(*(snapshot(seq) for seq in range(140, 150)), Gap(BOOT_ID, 20, 139, OVERWRITTEN, xp.time + 700))
    assert [change[2] for change in xp.changes("mine")] == ["firing", "ok"]


def test_victims_of_the_oom_killer_are_counted(store):
    rule = OwnRule("mine", "kills", above=0, within_s=60)
    chosen = event(2, 10, kind="kill", text="Out of memory: kill process 7 (sh) score 3 or a child")
    xp = play(store, rule, snapshot(1), chosen, snapshot(3), snapshot(4))
    assert xp.changes("mine") == []
    xp.play(event(5, 25, kind="kill", text="Killed process 7 (sh)"), snapshot(6), snapshot(7))
    assert xp.changes("mine") == [("mine", "pending", "firing", 7)]


def test_lost_frames_and_reboots_are_counted(store):
    lost = OwnRule("lost-ones", "lost_frames", above=4, within_s=3600)
    boots = OwnRule("boots", "reboots", above=0, within_s=3600)
    xp = Feeder(store, settings(lost, boots))
    xp.play(boot(), snapshot(1), Gap(BOOT_ID, 2, 20, BEFORE_CONTACT, START + 100), snapshot(21))
    xp.play(Gap(BOOT_ID, 22, 23, NOT_HELD, START + 110), snapshot(24), snapshot(25))
    assert xp.changes("lost-ones", "boots") == []
    xp.play(Gap(BOOT_ID, 26, 28, OVERWRITTEN, START + 130), snapshot(29), snapshot(30))
    assert xp.changes("lost-ones", "boots") == [("lost-ones", "pending", "firing", 30)]
    again = [replace(snapshot(seq, boot_id="0000b002"), time=START + 900 + 5 * seq) for seq in (1, 2, 3)]
    xp.play(boot("0000b002", "reboot", START + 900), *again)
    assert [change[0] for change in xp.changes("lost-ones", "boots")] == ["lost-ones", "boots"]


def test_health_of_the_links_is_counted_also_when_a_link_begins_anew(store):
    rule = OwnRule("mine", "damaged_lines", above=10, within_s=3600)
    xp = play(store, rule, snapshot(1))
    for number, (url, lines) in enumerate([("a", 6), ("b", 3), ("a", 7), ("a", 1)], 2):
        xp.rules.take_health(url, LinkHealth(damaged_lines=lines), xp.time)
        xp.play(snapshot(number))
    assert xp.changes("mine") == []  # 6 + 3 + 1, and 1 after the link began anew: 11, for one snapshot
    xp.play(snapshot(6))
    assert xp.changes("mine") == [("mine", "pending", "firing", 6)]


def test_rule_that_is_gone_from_the_configuration_ends_its_alert_without_a_message(store):
    xp = play(store, low(), *(free(seq, PAGES - 1) for seq in (1, 2)))
    assert [incident.rule for incident in store.incidents("xp", open_only=True)] == ["mine"]
    xp.restart(settings())
    xp.save()
    assert store.incidents("xp", open_only=True) == []
    assert [change[1:3] for change in xp.changes("mine")] == [("pending", "firing")]


@pytest.mark.parametrize(("name", "is_meant"), [("xp", True), ("other", False)])
def test_it_is_for_the_boards_of_its_groups(store, name, is_meant):
    wanted = replace(settings(low(groups=("a",))), groups=(Group("a", ("x*",)),), boards=(Board(name),))
    xp = Feeder(store, wanted, name)
    xp.play(boot(), *(free(seq, PAGES - 1) for seq in (1, 2)))
    assert bool(store.incidents(name)) == is_meant
