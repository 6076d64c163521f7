"""What a board sent becomes states, incidents and transitions: each rule in turn."""

from dataclasses import replace

import pytest
from boards import BOOT_ID, RM, START, boot, config, kernel_event, refused, snapshot
from buddywatch.config.sections import Board, Need
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, REBOOT, Gap
from buddywatch.store.store import Store
from feeder import Feeder


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


@pytest.fixture
def xp(store):
    feeder = Feeder(store, config(tight="off"))
    feeder.feed(boot())
    return feeder


# --- needs ---


def test_refused_fires_after_hold_and_recovers_after_clear(xp):
    xp.play(snapshot(1), *map(refused, range(2, 6)), *map(snapshot, range(6, 10)))
    assert xp.changes("refused", reported_only=False) == [
        ("refused", "ok", "pending", 2),
        ("refused", "pending", "firing", 3),
        ("refused", "firing", "clearing", 6),
        ("refused", "clearing", "ok", 8),
    ]
    assert [change[2] for change in xp.changes()] == ["firing", "ok"]
    incident = xp.store.incidents("xp")[0]
    assert (incident.opened, incident.closed, incident.state) == (START + 15, START + 40, "ok")
    assert incident.text == "rm: a request of 61440 contiguous bytes would fail, short by 5 pages"
    assert {change.incident_id for change, _ in xp.store.unreported("xp")} == {incident.id}


def test_incident_stays_open_while_it_clears(xp):
    xp.play(refused(1), refused(2), snapshot(3))
    assert [incident.state for incident in xp.store.incidents("xp", open_only=True)] == ["clearing"]
    xp.play(refused(4))
    assert [incident.state for incident in xp.store.incidents("xp", open_only=True)] == ["firing"]
    assert xp.changes() == [("refused", "pending", "firing", 2)]


def test_first_sample_alone_gives_no_verdict(store):
    xp = Feeder(store, config(hold_samples=1, tight="off"))
    xp.play(boot(), refused(1))
    assert xp.changes() == []
    xp.play(refused(2))
    assert xp.changes() == [("refused", "pending", "firing", 2)]


def test_unknown_verdict_neither_fires_nor_recovers(xp):
    bare = {"z0": "0/DMA/11/-/-/-/-"}
    xp.play(refused(1), refused(2), boot("0000b002", "agent-restart", **bare))
    blind = [replace(snapshot(seq, boot_id="0000b002"), zones=(replace(snapshot(1).zones[0], min_pages=None,
             low_pages=None, high_pages=None, reserve_pages=None),)) for seq in range(1, 20)]  # fmt: skip
    xp.play(*blind)
    assert xp.changes() == [("refused", "pending", "firing", 2)]
    assert [incident.state for incident in xp.store.incidents("xp")] == ["firing"]


def test_each_need_has_its_own_state(store):
    xp = Feeder(store, config(RM, Need("small", 4096), tight="off"))
    xp.play(boot(), refused(1), refused(2))
    assert [incident.need for incident in xp.store.incidents("xp")] == ["rm"]


def test_need_of_another_board_is_not_judged(store):
    xp = Feeder(store, config(replace(RM, boards=("yp",))))
    xp.play(boot(), refused(1), refused(2))
    assert xp.changes() == []


def test_rule_and_page_size_of_the_configuration_win(store):
    settings = replace(config(), boards=(Board("xp", rule="new"),))
    xp = Feeder(store, settings)
    xp.play(boot(), refused(1), refused(2), refused(3))
    assert xp.changes() == []


def test_tight_fires_where_only_the_min_mark_holds(store):
    xp = Feeder(store, config())
    tight = [snapshot(seq, (13, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0)) for seq in (1, 2)]
    xp.play(boot(), *tight)
    assert xp.changes() == [("tight", "pending", "firing", 2)]


@pytest.mark.parametrize("rule", ["refused", "kernel_failure", "rebooted", "lost"])
def test_rule_that_is_off_says_nothing(store, rule):
    settings = {name: "off" for name in ("tight", rule)}
    xp = Feeder(store, config(**settings))
    items = [refused(1), refused(2), kernel_event(3, 15000), Gap(BOOT_ID, 4, 9, OVERWRITTEN, START + 50)]
    xp.play(boot(), *items, boot("0000b002", "reboot", START + 60))
    said = {change[0] for change in xp.changes(reported_only=False)}
    assert said == {"refused", "kernel_failure", "rebooted", "lost"} - {rule}


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(config(Need("other", 4096)), id="need-removed"),
        pytest.param(config(refused="off", tight="off"), id="rule-switched-off"),
    ],
)
def test_incident_ends_quietly_when_nobody_asks_for_it_any_more(xp, after):
    xp.play(refused(1), refused(2))
    xp.restart(after)
    xp.play(refused(3))
    assert xp.store.incidents("xp", open_only=True) == []
    assert xp.changes("refused") == [("refused", "pending", "firing", 2)]


# --- the kernel's own word ---


def test_kernel_failure_fires_at_once_even_behind_a_hole(xp):
    xp.play(snapshot(1), kernel_event(9, 40000))
    assert xp.changes() == [("kernel_failure", "ok", "firing", 9)]
    assert xp.store.incidents("xp")[0].text == "kernel: Allocation of length 61440 from process 6821 (rm) failed"


def test_kernel_failure_on_the_console_counts_once(xp):
    console = replace(kernel_event(None, None), time=START + 10)
    xp.play(snapshot(1), console, kernel_event(2, 10000))
    assert xp.changes() == [("kernel_failure", "ok", "firing", None)]


def test_kernel_failure_read_again_after_it_was_over_is_none(xp):
    xp.play(kernel_event(1, 5000), *map(snapshot, range(2, 740)))
    xp.play(boot("0000b002", "agent-restart"), kernel_event(1, 5000, "0000b002"))
    assert [change[2] for change in xp.changes("kernel_failure")] == ["firing", "ok"]


def test_loader_line_alone_is_no_failure(xp):
    xp.play(replace(kernel_event(1, 5000), kind="load", text="Unable to allocate RAM for process data, errno 12"))
    assert xp.changes() == []


def test_kernel_failure_recovers_after_an_hour_without_one(xp):
    xp.play(kernel_event(1, 5000))
    xp.play(*map(snapshot, range(2, 400)))
    xp.play(kernel_event(400, 2_000_000, text="sh: page allocation failure"))
    xp.play(*map(snapshot, range(401, 1200)))
    assert xp.changes() == [("kernel_failure", "ok", "firing", 1), ("kernel_failure", "firing", "ok", 1120)]


def test_kernel_failure_does_not_recover_while_a_need_is_refused(xp):
    xp.play(kernel_event(1, 5000), *map(refused, range(2, 900)))
    assert xp.changes("kernel_failure") == [("kernel_failure", "ok", "firing", 1)]


def test_kernel_failure_ends_with_its_kernel(xp):
    xp.play(kernel_event(1, 5000), boot("0000b002", "agent-restart"))
    assert len(xp.changes("kernel_failure")) == 1
    xp.play(boot("0000b003", "reboot"))
    assert xp.changes() == [
        ("kernel_failure", "ok", "firing", 1),
        ("rebooted", "ok", "noted", None),
        ("kernel_failure", "firing", "ok", None),
    ]


# --- boots and losses ---


def test_reboot_is_noted_once(xp):
    xp.play(boot("0000b002", "reboot"), boot("0000b002", "reboot", trim="1"))
    assert xp.changes() == [("rebooted", "ok", "noted", None)]
    incident = xp.store.incidents("xp")[0]
    assert (incident.state, incident.closed) == ("noted", incident.opened)


@pytest.mark.parametrize("cause", ["first", "agent-restart"])
def test_other_boots_are_no_news(xp, cause):
    xp.play(boot("0000b002", cause))
    assert xp.changes() == []


def test_loss_is_noted_and_what_was_before_the_contact_is_none(xp):
    gaps = [Gap(BOOT_ID, 1, 5, BEFORE_CONTACT, START + 5), Gap(BOOT_ID, 8, 9, REBOOT, START + 6)]
    xp.play(*gaps)
    assert xp.changes() == [("lost", "ok", "noted", 8)]


# --- silence ---


def test_silence_fires_by_time_and_ends_by_data(xp):
    xp.play(snapshot(1))
    xp.wait(119)
    assert xp.changes() == []
    xp.wait(1)
    xp.wait(1)
    assert xp.changes() == [("silent", "ok", "firing", None)]
    xp.play(*map(snapshot, range(26, 29)))
    assert xp.changes("silent") == [("silent", "ok", "firing", None), ("silent", "clearing", "ok", None)]
    assert not any(change.late for change, _ in xp.store.unreported("xp"))


def test_silence_is_told_again_after_data_came(xp):
    xp.play(snapshot(1))
    for seq in (100, 200):
        xp.wait(120)
        xp.time = START + 5 * seq
        xp.play(*map(snapshot, range(seq, seq + 3)))
    assert [change[2] for change in xp.changes("silent")] == ["firing", "ok", "firing", "ok"]


def test_slow_board_is_silent_after_three_of_its_polls(store):
    xp = Feeder(store)
    xp.play(boot(interval_cs="10000"), snapshot(1))
    xp.wait(299)
    assert xp.changes() == []
    xp.wait(1)
    assert xp.changes() == [("silent", "ok", "firing", None)]


def test_limit_of_silence_is_that_of_the_newest_boot(store):
    """An earlier boot may be told again, when a slower link brings a fact of it."""
    slow, fast = boot(interval_cs="10000"), boot("0000b002", "agent-restart", interval_cs="500")
    xp = Feeder(store)
    xp.play(slow, snapshot(1), fast, slow)
    assert xp.rules.due_s() == xp.time + 120
    xp.play(replace(fast, facts=fast.facts | {"interval_cs": "10000"}))
    assert xp.rules.due_s() == xp.time + 300


def test_silence_of_one_board_has_its_own_limit(store):
    xp = Feeder(store, replace(config(), boards=(Board("xp", alert=(("silent_after_s", 600),)),)))
    xp.play(boot(), snapshot(1))
    xp.wait(599)
    assert xp.changes() == []
    xp.wait(1)
    assert xp.changes() == [("silent", "ok", "firing", None)]


def test_board_that_the_configuration_names_is_missed_without_ever_being_heard(store):
    xp = Feeder(store, replace(config(), boards=(Board("xp"),)))
    xp.wait(120)
    assert xp.changes() == [("silent", "ok", "firing", None)]


def test_collector_that_starts_gives_boards_their_time(xp):
    xp.play(snapshot(1))
    xp.time += 3600
    xp.restart()
    xp.wait(119)
    assert xp.changes() == []
    xp.wait(1)
    assert xp.changes() == [("silent", "ok", "firing", None)]


def test_board_gone_for_a_day_before_the_start_is_not_missed(xp):
    xp.play(snapshot(1))
    xp.time += 90_000
    xp.restart()
    xp.wait(3600)
    assert xp.changes() == []


def test_console_text_is_no_sign_of_the_agent(xp):
    xp.play(snapshot(1))
    xp.time += 60
    xp.feed(kernel_event(None, None, text="oom"))
    xp.wait(60)
    assert ("silent", "ok", "firing", None) in xp.changes()


def test_what_is_said_of_a_board_holds_for_its_namesake(store):
    """Two boards call themselves xp-07; the second is kept as xp-07-2."""
    need = replace(RM, boards=("xp-07",))
    feeder = Feeder(store, config(need, tight="off"), "xp-07-2")
    feeder.feed(boot())
    feeder.restart()
    feeder.play(refused(1), refused(2))
    assert feeder.changes("refused") == [("refused", "pending", "firing", 2)]
