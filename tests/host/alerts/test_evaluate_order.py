"""The outcome is the same in whatever order, however late, and with whatever crash in between a board's data come."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from boards import BOOT_ID, START, boot, config, kernel_event, refused, snapshot, trace
from buddywatch.model.samples import BEFORE_CONTACT, Gap
from buddywatch.store.store import Store, StoreFull
from feeder import Feeder

PATIENCE_S = 60


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


@pytest.fixture
def xp(store):
    feeder = Feeder(store, config(tight="off", refused_within_s=0))
    feeder.feed(boot())
    return feeder


def test_snapshots_are_judged_in_the_order_of_the_board(xp):
    """Newest first, as they come after a link was down: what happened meanwhile is found all the same."""
    xp.feed(snapshot(1))
    xp.time = START + 300
    xp.feed(*map(snapshot, range(50, 60)))
    assert xp.changes(reported_only=False) == []
    xp.feed(*map(refused, range(20, 50)))
    xp.feed(*map(snapshot, range(2, 20)))
    assert xp.changes() == [("refused", "pending", "firing", 21), ("refused", "clearing", "ok", 52)]
    assert [change.late for change, _ in xp.store.unreported("xp")] == [True, False]


def test_what_happened_long_ago_is_late(xp):
    xp.time = START + 10 + 61
    xp.feed(refused(1), refused(2))
    xp.feed(snapshot(3))
    assert [(change.to, change.late) for change in xp.store.transitions("xp")] == [
        ("pending", True), ("firing", True), ("clearing", False),
    ]  # fmt: skip


def test_hole_is_waited_for_only_so_long(xp):
    xp.play(snapshot(1))
    xp.feed(refused(5), refused(6))
    xp.wait(PATIENCE_S - 1)
    assert xp.changes() == []
    xp.wait(1)
    assert xp.changes() == [("refused", "pending", "firing", 6)]


def test_hole_is_waited_for_no_longer_because_more_comes_behind_it(xp):
    xp.play(snapshot(1), *map(refused, range(3, 3 + PATIENCE_S // 5)))
    assert xp.changes() == []
    xp.play(refused(3 + PATIENCE_S // 5))
    assert xp.changes() == [("refused", "pending", "firing", 4)]


def test_what_fills_a_hole_after_the_patience_is_kept_and_not_judged(xp):
    xp.play(snapshot(1), refused(5), refused(6))
    xp.wait(PATIENCE_S)
    xp.feed(snapshot(2), snapshot(3), snapshot(4))
    xp.play(refused(7))
    assert [shot.seq for shot in xp.store.snapshots("xp")] == [1, 2, 3, 4, 5, 6, 7]
    assert xp.changes(reported_only=False)[-1] == ("refused", "pending", "firing", 6)


def test_end_of_a_recording_settles_what_waits(xp):
    xp.play(snapshot(1), refused(5), refused(6))
    xp.settle()
    assert xp.changes() == [("refused", "pending", "firing", 6)]


def test_gap_closes_a_hole(xp):
    xp.play(snapshot(1), refused(5), refused(6))
    xp.feed(Gap(BOOT_ID, 2, 4, BEFORE_CONTACT, xp.time))
    assert xp.changes() == [("refused", "pending", "firing", 6)]


def test_events_and_frames_of_large_snapshots_leave_no_hole(xp):
    xp.play(snapshot(3, frames=3), kernel_event(4, 20000), refused(5), refused(6))
    assert xp.changes("refused") == [("refused", "pending", "firing", 6)]


def test_hole_of_a_boot_that_is_over_is_not_waited_for(xp):
    xp.play(snapshot(1), refused(5), refused(6), boot("0000b002", "agent-restart"))
    assert xp.changes("refused") == [("refused", "pending", "firing", 6)]


def test_state_goes_on_over_a_reboot(xp):
    xp.play(refused(1), refused(2), boot("0000b002", "reboot", START + 100))
    again = [replace(snapshot(seq, boot_id="0000b002"), time=START + 100 + 5 * seq) for seq in (1, 2, 3)]
    xp.play(*again)
    assert xp.changes("refused") == [("refused", "pending", "firing", 2), ("refused", "clearing", "ok", 3)]


def test_boot_that_was_left_for_an_earlier_one_is_not_judged_again_after_a_restart(xp):
    """The hello of an older boot came late, and the present one went on."""
    later = "0000b002"
    xp.feed(snapshot(1), boot(later, "agent-restart"), *(refused(seq, later) for seq in (1, 2)))
    xp.rules.go_on(boot())
    xp.feed(*map(snapshot, (2, 3, 4)))
    told = [("refused", "pending", "firing", 2), ("refused", "clearing", "ok", 4)]
    assert xp.changes("refused") == told
    assert xp.store.rules_history("xp").judged == {BOOT_ID: 4, later: 2}
    xp.restart()
    xp.rules.go_on(boot())
    xp.feed(snapshot(5))
    assert xp.changes("refused") == told
    xp.rules.go_on(boot(later))
    xp.feed(refused(3, later), refused(4, later))
    assert xp.changes("refused") == [*told, ("refused", "pending", "firing", 4)]
    assert xp.store.rules_history("xp").judged == {later: 4}


# --- crashes ---


def test_batch_that_failed_may_be_fed_again(xp):
    xp.play(refused(1))
    xp.store._connection.execute("PRAGMA max_page_count = 1")
    many = [refused(seq) for seq in range(2, 600)]
    with pytest.raises(StoreFull):
        xp.feed(*many)
    assert xp.changes() == []
    xp.store._connection.execute("PRAGMA max_page_count = 100000")
    xp.feed(*many)
    assert xp.changes() == [("refused", "pending", "firing", 2)]


def test_restart_between_any_two_snapshots_changes_nothing(tmp_path):
    shots = [*map(snapshot, (1, 2)), *map(refused, (3, 4, 5)), *map(snapshot, range(6, 12)), *map(refused, (12, 13))]
    outcomes = []
    for every in (1000, 1, 2, 5):
        with Store.open(tmp_path / f"{every}.db") as store:
            xp = Feeder(store)
            xp.feed(boot())
            for shot in shots:
                xp.play(shot)
                if shot.seq % every == 0:
                    xp.restart()
            outcomes.append(xp.changes(reported_only=False))
    assert outcomes[0] and all(one == other for one, other in pairwise(outcomes))


FIRST_ROW = 1500  # of cron-a, shortly before its needs are refused
PLAYER = """
import os, signal, sys
from boards import BOOT_ID, RM, boot, config, trace
from feeder import Feeder
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.config.sections import Need
from buddywatch.model.samples import BEFORE_CONTACT, Gap
from buddywatch.model.alerts import Route
from buddywatch.notify.gather import MessageMaker
from buddywatch.store.store import Store

path, first_row, kill_row, kill_when = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4]
settings = config(RM, Need("large", 106496))

def at(row, when):
    if (row, when) == (kill_row, kill_when):
        os.kill(os.getpid(), signal.SIGKILL)

with Store.open(path) as store:
    xp = Feeder(store, settings)
    dispatcher = Dispatcher(store, settings, [Route("mail")], MessageMaker(store, settings).make)
    resumed = store.resume("xp")
    done = resumed.stored[-1][1] if resumed and resumed.stored else first_row
    for shot, _ in trace("cron-a")[done:]:
        gap = Gap(BOOT_ID, 1, first_row, BEFORE_CONTACT, shot.time)
        with store.batch():
            xp.time = shot.time
            xp.feed(boot(), gap, shot)
            at(shot.seq, "fed")
        at(shot.seq, "kept")
        with store.batch():
            dispatcher.run(shot.time)
            at(shot.seq, "composed")
        at(shot.seq, "told")
"""


def play(path, kill_row=0, kill_when="never"):
    """Play the end of cron-a into a store in a process of its own, which is killed at that point."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", PLAYER, path, str(FIRST_ROW), str(kill_row), kill_when]
    player = subprocess.run(arguments, env=env, check=False)
    assert player.returncode == (-signal.SIGKILL if kill_row else 0)


def conclusions(path):
    with Store.open(path) as store:
        changes = [(t.rule, t.need, t.from_, t.to, t.seq, t.incident_id, t.text) for t in store.transitions("xp")]
        messages = [(row.message.subject, len(row.message.references)) for row in store.messages()]
        return changes, messages, store.unreported("xp"), [shot.seq for shot in store.snapshots("xp")]


def test_killed_collector_neither_repeats_nor_forgets_a_message(tmp_path):
    play(tmp_path / "whole.db")
    whole = conclusions(tmp_path / "whole.db")
    fired = [seq for rule, _, _, to, seq, *_ in whole[0] if (rule, to) == ("refused", "firing")]
    assert len(fired) >= 2 and len(whole[1]) >= 2
    pending = fired[0] - 1
    for row, when in [
        (pending, "kept"),
        (fired[0], "fed"),
        (fired[0], "kept"),
        (fired[1], "composed"),
        (fired[1] + 1, "told"),
    ]:
        play(tmp_path / "killed.db", row, when)
    play(tmp_path / "killed.db")
    assert conclusions(tmp_path / "killed.db") == whole


# --- real boards ---


def test_trace_that_ended_in_failure_was_foreseen(store):
    """cron-a: the kernel of 2.6.30 refused 61440 bytes to `rm` for the first time in row 1732."""
    xp = Feeder(store, config())
    xp.feed(boot())
    failures = [shot.seq for shot, lines in trace("cron-a") if "length 61440 " in lines]
    xp.play(*(shot for shot, _ in trace("cron-a")[: failures[0] - 1]))
    fired = [seq for rule, _, to, seq in xp.changes() if to == "firing"]
    assert fired and fired[0] < failures[0]
    assert "refused" in {change[0] for change in xp.changes()}


def test_trace_of_a_board_that_starts_nothing_stays_silent(store):
    xp = Feeder(store, config())
    with store.batch():
        xp.feed(boot())
        xp.play(*(shot for shot, _ in trace("resident-d")))
    assert xp.changes(reported_only=False) == []
