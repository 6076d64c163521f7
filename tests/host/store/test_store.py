"""The store keeps everything exactly once, in the board's order, and gives it back as it was."""

from dataclasses import replace

import pytest
from boards import BOOT_ID, FACTS, SEED_FREE, START, boot, fill_with_holes, kernel_event, snapshot, zone
from buddywatch.model.batch import Batch, LinkChange
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, REBOOT, UNDECODABLE, ConsoleLine, Gap, Losses
from buddywatch.store.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        opened.add_boot("xp", boot())
        yield opened


def test_snapshot_comes_back_as_it_was(store):
    shots = [snapshot(1), snapshot(4, SEED_FREE, frames=3)]
    assert [store.add_snapshot("xp", shot) for shot in shots] == [True, True]
    assert list(store.snapshots("xp")) == shots
    assert store.latest("xp") == shots[-1]


def test_snapshot_of_a_bare_board_comes_back_as_it_was(store):
    """Two nodes, no marks, six orders, nothing but buddyinfo and uptime."""
    facts = {"cols": "up", "zones": "2", "z0": "0/DMA/6/-/-/-/-", "z1": "1/DMA/6/-/-/-/-"}
    store.add_boot("bare", boot("0000b009", **facts))
    zones = (zone((1, 2, 3, 4, 5, 6), marks=None), replace(zone((6, 5, 4, 3, 2, 1), marks=None), node=1))
    shot = replace(snapshot(1, boot_id="0000b009"), zones=zones, processes=None, free_pages=None)
    shot = replace(shot, reclaimable_pages=None, slab_pages=None)
    store.add_snapshot("bare", shot)
    assert store.latest("bare") == shot


def test_snapshot_is_kept_once(store):
    assert store.add_snapshot("xp", snapshot(1))
    assert not store.add_snapshot("xp", snapshot(1, SEED_FREE))
    assert list(store.snapshots("xp")) == [snapshot(1)]


def test_snapshot_needs_its_boot(store):
    with pytest.raises(ValueError, match="boot 0000beef of board xp is not in the store"):
        store.add_snapshot("xp", snapshot(1, boot_id="0000beef"))


def test_snapshot_that_does_not_fit_its_hello_is_refused(store):
    with pytest.raises(ValueError, match="expected 20"):
        store.add_snapshot("xp", snapshot(1, (1, 2, 3)))


def test_numbers_beyond_64_bits_are_cut_and_do_no_harm(store):
    store.add_event("xp", replace(kernel_event(1, 10**30), time=START, number=10**30, pid=-(10**30)))
    event = next(store.events("xp"))
    assert (event.uptime_ms, event.number, event.pid) == (2**63 - 1, 2**63 - 1, -(2**63 - 1))


def test_text_that_is_no_unicode_is_kept_without_it(store):
    store.add_console("xp", ConsoleLine(START, "a\ud800b\0c"))
    store.add_event("xp", replace(kernel_event(1, 1), comm="\udcff"))
    assert store.console("xp") == [ConsoleLine(START, "a?b\0c")]
    assert next(store.events("xp")).comm == "?"


def test_snapshots_come_in_the_order_of_the_board_however_they_arrived(store):
    store.add_snapshot("xp", snapshot(3))
    store.add_boot("xp", boot("0000b002", "reboot", START + 20))
    store.add_snapshot("xp", replace(snapshot(1, boot_id="0000b002"), time=START + 25))
    for seq in (1, 2):
        store.add_snapshot("xp", snapshot(seq))
    assert [(shot.boot_id, shot.seq) for shot in store.snapshots("xp")] == [
        (BOOT_ID, 1), (BOOT_ID, 2), (BOOT_ID, 3), ("0000b002", 1),
    ]  # fmt: skip
    assert [shot.seq for shot in store.recent("xp", 2)] == [3, 1]


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        pytest.param(None, None, [1, 2, 3, 4], id="all"),
        pytest.param(START + 10, None, [2, 3, 4], id="since"),
        pytest.param(None, START + 10, [1], id="until"),
        pytest.param(START + 6, START + 20, [2, 3], id="between"),
        pytest.param(START + 30, None, [], id="nothing"),
    ],
)
def test_snapshots_of_a_span_of_time(store, since, until, found):
    for seq in (1, 2, 3, 4):
        store.add_snapshot("xp", snapshot(seq))
    assert [shot.seq for shot in store.snapshots("xp", since, until)] == found


def test_history_is_read_row_by_row_while_more_is_written(store):
    for seq in range(1, 40):
        store.add_snapshot("xp", snapshot(seq))
    history = store.snapshots("xp")
    assert next(history).seq == 1
    with store.batch():
        store.add_snapshot("xp", snapshot(40))
    assert [shot.seq for shot in history][:3] == [2, 3, 4]


def test_boards_are_kept_apart(store):
    store.add_boot("other", boot())
    store.add_snapshot("other", snapshot(1, SEED_FREE))
    assert store.latest("xp") is None
    assert store.boards() == ["other", "xp"]
    assert store.latest("nobody") is None and store.boots("nobody") == [] and store.latest_boot("nobody") is None


def test_boot_told_again_only_changes_its_facts(store):
    assert not store.add_boot("xp", replace(boot(trim="1"), started=START + 99, cause="reboot"))
    assert store.boots("xp") == [boot(trim="1")]
    assert store.latest_boot("xp").facts == {**FACTS, "trim": "1"}


def test_facts_that_change_are_used_for_what_follows(store):
    store.add_snapshot("xp", snapshot(1))
    store.add_boot("xp", boot(z0="0/DMA32/11/90/112/135/0"))
    assert store.latest("xp").zones[0].name == "DMA32"


# --- events, gaps, console, links ---


def test_event_told_again_is_not_new(store):
    assert store.add_event("xp", kernel_event(3, 15000))
    assert not store.add_event("xp", kernel_event(3, 15000))
    assert list(store.events("xp")) == [kernel_event(3, 15000)]


def test_copy_of_an_event_is_not_shown_but_its_frame_is_there(store):
    store.add_event("xp", kernel_event(3, 15000))
    store.add_boot("xp", boot("0000b002", "agent-restart"))
    store.add_event("xp", kernel_event(1, 15000, "0000b002"), copy=True)
    assert list(store.events("xp")) == [kernel_event(3, 15000)]
    assert store.resume("xp").stored == ((1, 1),)


def test_event_before_any_hello_is_kept(store):
    event = replace(kernel_event(None, None), boot_id="")
    assert store.add_event("nobody", event)
    assert list(store.events("nobody")) == [event]


def test_events_of_a_span_of_time(store):
    for seq in (1, 2, 3):
        store.add_event("xp", kernel_event(seq, seq * 1000, text=f"line {seq}"))
    assert [event.seq for event in store.events("xp", START + 2, START + 3)] == [2]


def test_newest_events_of_any_kind_or_of_some(store):
    for seq, kind in enumerate(("alloc", "load", "alloc", "oom", "load"), 1):
        store.add_event("xp", replace(kernel_event(seq, seq * 1000, text=f"line {seq}"), kind=kind))
    store.add_boot("xp", boot("0000b002", "agent-restart"))
    store.add_event("xp", replace(kernel_event(1, 6000, "0000b002", text="line 3"), kind="alloc"), copy=True)

    def newest(count, **options):
        return [event.seq for event in store.newest_events("xp", count, **options)]

    assert newest(2) == [4, 5]
    assert newest(3, kinds=("alloc", "oom")) == [1, 3, 4]
    assert newest(2, kinds=("load", "alloc")) == [3, 5]
    assert newest(9, since=START + 2, kinds=("load",)) == [2, 5]
    assert newest(9, since=START + 2.001, kinds=("load",)) == [5]
    assert newest(1, kinds=("page",)) == []


def test_recent_snapshots_go_back_over_boots(store):
    for boot_id, count in (("0000b002", 2), ("0000b003", 0), ("0000b004", 1)):
        store.add_boot("xp", boot(boot_id, "reboot"))
        for seq in range(1, count + 1):
            store.add_snapshot("xp", snapshot(seq, boot_id=boot_id))
    store.add_boot("other", boot("0000b005"))

    def recent(count):
        return [(shot.boot_id[-1], shot.seq) for shot in store.recent("xp", count)]

    assert recent(1) == [("4", 1)]
    assert recent(2) == [("2", 2), ("4", 1)]
    assert recent(9) == [("2", 1), ("2", 2), ("4", 1)]
    assert store.recent("other", 9) == []


def test_gaps_are_kept_once_and_losses_counted(store):
    gaps = [
        Gap(BOOT_ID, 1, 10, BEFORE_CONTACT, START),
        Gap(BOOT_ID, 21, 30, OVERWRITTEN, START + 1),
        Gap(BOOT_ID, 40, 40, UNDECODABLE, START + 2),
    ]
    assert [store.add_gap("xp", gap) for gap in reversed(gaps)] == [True] * 3
    assert not store.add_gap("xp", gaps[0])
    assert not store.add_gap("xp", gaps[1])
    assert store.gap("xp", BOOT_ID, 21) == gaps[1]
    assert store.gap("xp", BOOT_ID, 22) is store.gap("other", BOOT_ID, 21) is None
    store.add_boot("xp", boot("0000b002", "reboot"))
    gaps.append(Gap("0000b002", 5, 6, REBOOT, START + 3))
    store.add_gap("xp", gaps[-1])
    assert store.gaps("xp") == gaps
    assert store.losses("xp") == Losses(10 + 1 + 2, gaps[-1])
    assert store.losses("other") == Losses()


def test_link_states(store):
    assert store.link("xp") == "never"
    store.link_state("xp", "serial:///dev/ttyUSB0", True, START)
    store.link_state("xp", "telnet://10.0.0.7", True, START + 1)
    store.link_state("xp", "serial:///dev/ttyUSB0", True, START + 2)
    assert [(link.url, link.since) for link in store.links("xp")][1] == ("serial:///dev/ttyUSB0", START)
    store.link_state("xp", "serial:///dev/ttyUSB0", False, START + 3)
    assert store.link("xp") == "up"
    store.links_down(START + 4)
    assert store.link("xp") == "down"
    assert [link.since for link in store.links("xp")] == [START + 4, START + 3]


def test_links_that_nobody_tries_any_more_are_forgotten(store):
    kept, gone, still_up = "serial:///dev/ttyUSB0", "telnet://10.0.0.7", "telnet://10.0.0.8"
    for url in (kept, gone, still_up):
        store.link_state("other", url, False, START)
        store.link_state("xp", url, url == still_up, START)
    store.forget_links(["xp"], [kept])
    assert {link.url for link in store.links("xp")} == {kept, still_up}
    assert len(store.links("other")) == 3


def test_batch_forgets_links_of_the_boards_whose_links_have_changed(store):
    store.link_state("xp", "telnet://10.0.0.7", False, START)
    store.link_state("other", "telnet://10.0.0.7", False, START)
    batch = Batch()
    batch.urls = ["serial:///dev/ttyUSB0"]
    store.write(batch)
    assert len(store.links("xp")) == 1
    batch.links.append(LinkChange("xp", "serial:///dev/ttyUSB0", True, START + 1))
    store.write(batch)
    assert [link.url for link in store.links("xp")] == ["serial:///dev/ttyUSB0"]
    assert len(store.links("other")) == 1


def test_power_cut_leaves_a_whole_file(store):
    """SQLite waits for the disk at each checkpoint (1, NORMAL), or a power cut could leave half of one (0, OFF)."""
    assert store._row("PRAGMA synchronous") == (1,)
    assert store._row("PRAGMA journal_mode") == ("wal",)
    assert store._row("PRAGMA foreign_keys") == (1,)


def test_rules_history_gives_what_is_not_judged_in_sequence(store):
    fill_with_holes(store)
    history = store.rules_history("xp")
    assert history.judged == {BOOT_ID: 0}
    (known, pieces), *others = history.boots
    assert (known, others) == (store.latest_boot("xp"), [])
    assert [(piece.first, piece.last, piece.snapshot) for piece in pieces] == [
        (1, 3, None), (4, 5, snapshot(5, frames=2)), (6, 6, None), (7, 7, snapshot(7)), (12, 12, snapshot(12)),
    ]  # fmt: skip
    store.set_judged({"xp": (BOOT_ID, 7)})
    assert [piece.first for _, pieces in store.rules_history("xp").boots for piece in pieces] == [12]


def test_rules_history_begins_with_the_boot_that_is_judged(store):
    store.add_event("xp", kernel_event(3, 15000))
    store.add_boot("xp", boot("0000b002", "reboot", kboot="ffff"))
    store.add_event("xp", kernel_event(1, 10000, "0000b002"))
    store.set_judged({"xp": ("0000b002", 0)})
    history = store.rules_history("xp")
    assert [known.boot_id for known, _ in history.boots] == ["0000b002"]
    assert history.earlier == (BOOT_ID,)
    assert history.kernel_events == (kernel_event(1, 10000, "0000b002"),)
    assert [known.boot_id for known in history.kernel_boots] == ["0000b002"]


def test_rules_history_of_an_unknown_board_is_empty(store):
    history = store.rules_history("nobody")
    assert (history.boots, history.kernel_events, history.heard) == ((), (), None)


# --- transactions ---


def test_batch_is_kept_as_a_whole_or_not_at_all(store):
    with pytest.raises(RuntimeError), store.batch():
        store.add_boot("xp", boot("0000b002"))
        store.add_snapshot("xp", snapshot(1, boot_id="0000b002"))
        with store.batch():
            store.add_snapshot("xp", snapshot(1))
        raise RuntimeError
    assert list(store.snapshots("xp")) == []
    with pytest.raises(ValueError, match="not in the store"):
        store.add_snapshot("xp", snapshot(1, boot_id="0000b002"))


def test_batch_can_begin_anew_after_one_that_failed(store):
    with pytest.raises(RuntimeError), store.batch():
        store.add_boot("xp", boot("0000b002"))
        raise RuntimeError
    with store.batch():
        assert store.add_boot("xp", boot("0000b002"))
        assert store.add_snapshot("xp", snapshot(1, boot_id="0000b002"))


def test_thousands_of_snapshots_fit_one_batch(store):
    with store.batch():
        assert all([store.add_snapshot("xp", snapshot(seq)) for seq in range(1, 5001)])
    assert store.resume("xp").stored == ((1, 5000),)
