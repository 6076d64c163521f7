"""Judging and reporting while a slower link may still bring the last frames of an ended boot."""

from dataclasses import replace

import pytest
from boards import BOOT_ID, START, boot, config, kernel_event, refused, snapshot
from buddywatch.model.samples import CLOSED, ENDING, GOES_ON, REBOOT, BootEnd, Gap
from buddywatch.store.store import Store
from feeder import Feeder

NEXT = "0000b002"
PATIENCE_S = 60


def end(state, last=9, boot_id=BOOT_ID, successor=NEXT, time=START + 100):
    return BootEnd(boot_id, state, last, successor, time)


def after(shot):
    return replace(shot, boot_id=NEXT, time=shot.time + 100)


def rebooted():
    return boot(NEXT, "reboot", START + 100, kboot="b2")


@pytest.fixture
def xp(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        feeder = Feeder(store, config(tight="off"))
        feeder.feed(boot())
        yield feeder


def test_late_frames_are_judged_before_those_of_the_next_boot(xp):
    xp.feed(refused(1), refused(4), end(ENDING, 5), rebooted(), *map(after, map(snapshot, (1, 2, 3))))
    assert xp.changes() == []
    xp.feed(refused(3), refused(2))
    assert xp.changes() == [("refused", "pending", "firing", 2)]
    xp.feed(Gap(BOOT_ID, 5, 5, REBOOT, xp.time), end(CLOSED, 5))
    assert xp.changes("refused") == [("refused", "pending", "firing", 2), ("refused", "clearing", "ok", 3)]


def test_next_boot_is_judged_at_once_where_nothing_is_known_to_be_missing(xp):
    xp.feed(snapshot(1), end(ENDING, 1), rebooted(), after(refused(1)), after(refused(2)))
    assert xp.changes("refused") == [("refused", "pending", "firing", 2)]


def test_end_of_a_boot_is_judged_where_it_comes_before_the_next_boots_first_sample(xp):
    xp.feed(refused(1), end(ENDING, 1), rebooted())
    xp.feed(refused(2))
    assert xp.changes("refused") == [("refused", "pending", "firing", 2)]


@pytest.mark.parametrize("stored", [(1, 3), (1, 2)], ids=["hole", "end"])
def test_late_frames_are_waited_for_no_longer_than_for_a_hole(xp, stored):
    xp.feed(*map(snapshot, stored), end(ENDING, 4), rebooted(), after(refused(1)), after(refused(2)))
    xp.wait(PATIENCE_S - 1)
    assert xp.changes() == []
    xp.wait(1)
    assert xp.changes() == [("refused", "pending", "firing", 2)]


def test_late_frames_are_judged_after_a_restart_as_well(xp):
    xp.feed(refused(1), end(ENDING, 2), rebooted(), after(snapshot(1)))
    xp.restart()
    xp.feed(after(snapshot(2)), after(snapshot(3)))
    assert xp.changes() == []
    xp.feed(refused(2), end(CLOSED, 2))
    assert xp.changes("refused") == [("refused", "pending", "firing", 2), ("refused", "clearing", "ok", 3)]


@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
def test_reboot_is_told_once_when_the_boot_before_is_closed(xp, is_restarted):
    xp.feed(end(ENDING), rebooted())
    assert xp.changes() == []
    if is_restarted:
        xp.restart()
    xp.feed(end(ENDING, 12), rebooted())
    assert xp.changes() == []
    xp.feed(end(CLOSED))
    assert xp.changes() == [("rebooted", "ok", "noted", None)]
    xp.restart()
    xp.feed(end(CLOSED), rebooted())
    assert xp.changes() == [("rebooted", "ok", "noted", None)]


def test_reboot_of_a_board_whose_boot_goes_on_was_none(xp):
    xp.feed(end(ENDING), rebooted(), end(GOES_ON))
    assert xp.changes() == []
    xp.feed(end(ENDING), end(CLOSED))
    assert xp.changes() == [("rebooted", "ok", "noted", None)]


def test_two_reboots_in_a_row_are_told_each_by_its_own(xp):
    third = "0000b003"
    xp.feed(end(ENDING), rebooted(), end(ENDING, 3, NEXT, third), boot(third, "reboot", START + 200))
    xp.feed(end(CLOSED, 3, NEXT, third))
    xp.feed(end(CLOSED))
    assert [change.boot_id for change in xp.store.transitions("xp")] == [third, NEXT]


def test_only_so_many_reboots_wait(xp):
    for number in range(40):
        name = f"{number:08x}"
        xp.feed(end(ENDING, successor=name), boot(name, "reboot"), end(GOES_ON, successor=name))
    assert len(xp.rules._reboots._waiting) == 16


def test_kernel_failure_of_a_boot_that_is_over_does_not_last(xp):
    """A slower link brings what the kernel said before the reboot."""
    xp.feed(end(ENDING), rebooted())
    xp.feed(kernel_event(8, 40_000))
    assert xp.changes("kernel_failure") == [("kernel_failure", "ok", "firing", 8)]
    xp.feed(end(CLOSED))
    told = [("kernel_failure", "ok", "firing", 8), ("kernel_failure", "firing", "ok", None)]
    assert xp.changes("kernel_failure") == told
    xp.feed(kernel_event(9, 45_000, text="Allocation of length 8192 from process 1 (sh) failed"))
    assert xp.changes("kernel_failure") == [told[0], told[1], ("kernel_failure", "ok", "firing", 9), told[1]]
    failed = kernel_event(1, 5_000, boot_id=NEXT)
    xp.feed(failed, kernel_event(10, 46_000, text="Allocation of length 4096 from process 1 (sh) failed"))
    assert xp.changes("kernel_failure")[4:] == [("kernel_failure", "ok", "firing", 1)]
    xp.feed(after(snapshot(722)))  # an hour after the failure of its own boot
    xp.settle()
    assert xp.changes("kernel_failure")[5:] == [("kernel_failure", "firing", "ok", 722)]


def test_kernel_message_of_a_boot_that_is_over_counts_once(xp):
    """The console showed it before its frame came."""
    xp.feed(kernel_event(None, 40_000), end(ENDING), rebooted(), kernel_event(8, 40_000))
    assert [event.seq for event in xp.store.events("xp")] == [None]


def test_boot_that_is_closed_is_not_waited_for_any_more(xp):
    xp.feed(snapshot(1), end(ENDING, 5), rebooted(), after(refused(1)), after(refused(2)))
    assert xp.changes() == []
    xp.feed(end(CLOSED, 5))
    assert xp.changes("refused") == [("refused", "pending", "firing", 2)]
