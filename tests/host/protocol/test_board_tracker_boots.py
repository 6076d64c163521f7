"""Which life a board is in: restarted agents, reboots, links that lag behind, facts that change."""

import pytest
from buddywatch.model.samples import CLOSED, ENDING, GOES_ON, REBOOT, UNDECODABLE, Boot, BootEnd
from buddywatch.protocol.board_tracker import LIVES_MAX, BoardTracker, Request
from buddywatch.protocol.bounds import FACTS_MAX
from buddywatch.protocol.frame import Frame, Hello
from modelboard import ModelBoard
from trackertools import EPOCH, FACTS, WIDTH, board, boots, feed, gaps, held, hello, met, numbers
from trackerworld import Rows

CAUSES = [
    # kboot before, kboot after, uptime of the last frame before, uptime after, seconds passed
    ("a1", "a1", 1000, 1060, 60, "agent-restart"),
    ("a1", "a1", 1000, 5000, 60, "agent-restart"),
    ("a1", "b2", 1000, 1060, 60, "reboot"),
    ("a1", "b2", 1000, 20, 60, "reboot"),
    ("a1", "a1", 1000, 20, 60, "reboot"),  # a board without an entropy source
    ("a1", "a1", 1000, 998, 60, "reboot"),
    ("a1", "a1", 1000, 999, 60, "agent-restart"),  # the frame before it and the hello are not read at once
    ("-", "-", 1000, 1060, 60, "agent-restart"),
    ("-", "a1", 1000, 1100, 60, "agent-restart"),
    ("-", "-", 1000, 20, 60, "reboot"),
    ("-", "-", 1000, 1400, 86400, "reboot"),  # long away, and up for a little longer than the boot before
    ("-", "-", 1000, 87300, 86400, "agent-restart"),
]


@pytest.mark.parametrize(("kboot", "later_kboot", "up_s", "later_up_s", "passed_s", "cause"), CAUSES)
def test_a_restarted_agent_is_told_from_a_rebooted_board(kboot, later_kboot, up_s, later_up_s, passed_s, cause):
    before = ModelBoard("0000000a", {**FACTS, "kboot": kboot}, WIDTH, 4000, 1, up_s * 100)
    after = ModelBoard("0000000b", {**FACTS, "kboot": later_kboot}, WIDTH, 4000, 1, later_up_s * 100)
    tracker, _ = met(before)
    (boot,) = boots(feed(tracker, hello(after), EPOCH + passed_s))
    assert boot.cause == cause
    assert tracker.boot is boot


def test_times_go_on_where_only_the_agent_was_restarted():
    before, after = board(), board("0000000b")
    tracker, _ = met(before)
    after.vector[0] += 6000
    (boot,) = boots(feed(tracker, hello(after), EPOCH + 60 + 7))  # 7 s late
    assert boot.started == pytest.approx(tracker.boot.started, abs=1e-3)
    assert boot.started == pytest.approx(EPOCH - before.vector[0] / 100, abs=1e-3)


def test_what_is_missing_at_a_reboot_is_lost_when_no_link_can_bring_it():
    made, after = board(polls=9), board("0000000b", kboot="b2")
    tracker, _ = met(made)
    feed(tracker, held(made, 1, 2, 5))
    ended, begun = feed(tracker, hello(after))
    assert ended == BootEnd(made.boot, ENDING, 9, after.boot, EPOCH)
    assert begun.boot_id == after.boot
    assert tracker.next_request(32) is None
    values = tracker.close(made.boot, EPOCH + 10)
    assert gaps(values) == [(3, 4, REBOOT), (5, 5, UNDECODABLE), (6, 9, REBOOT)]
    assert values[-1] == BootEnd(made.boot, CLOSED, 9, after.boot, EPOCH + 10)
    assert tracker.close(made.boot, EPOCH + 20) == tracker.close(after.boot, EPOCH + 20) == []
    assert tracker.close("unknown", EPOCH + 20) == []


def test_what_is_missing_at_a_reboot_in_a_recording_is_lost_at_once():
    made, after = board(polls=3), board("0000000b", kboot="b2")
    tracker, _ = met(made)
    values = [value for item in hello(after) for value in tracker.take(item, EPOCH, live=False)]
    assert gaps(values) == [(1, 3, REBOOT)]
    assert [value.state for value in values if isinstance(value, BootEnd)] == [ENDING, CLOSED]


def test_what_a_slower_link_brings_after_a_reboot_is_taken():
    made, after = board(polls=9), board("0000000b", polls=1, kboot="b2")
    tracker, _ = met(made)
    feed(tracker, [*held(made, 1, 2), *hello(after), *held(after)])
    assert numbers(feed(tracker, held(made, 3, 4, 5, 6, 7, 8))) == [(n, n) for n in range(3, 9)]
    assert feed(tracker, held(made, 3, 4)) == []
    assert gaps(tracker.close(made.boot, EPOCH)) == [(9, 9, REBOOT)]
    assert tracker.boot.boot_id == after.boot


def test_last_frame_of_a_boot_that_ends_is_told_as_it_is_known():
    """Where the collector is killed, what it knew is needed to tell what was lost."""
    made, after = board(polls=3), board("0000000b", kboot="b2")
    tracker, _ = met(made)
    feed(tracker, [*held(made), *hello(after)])
    for _ in range(4):
        made.poll()
    last, late = feed(tracker, held(made, 7), EPOCH + 1), feed(tracker, held(made, 6), EPOCH + 2)
    assert (last, late) == ([BootEnd(made.boot, ENDING, 7, after.boot, EPOCH + 1)], [])


def test_collector_that_was_killed_goes_on_with_boots_that_end():
    made, after = board(polls=9), board("0000000b", polls=1, kboot="b2")
    rows = Rows()
    tracker = BoardTracker()
    for item in [*hello(made), *held(made, 1, 2, 5), *hello(after), *held(after)]:
        for value in tracker.take(item, EPOCH):
            rows.add(value)
    resumed = BoardTracker.resume(rows.resume())
    assert resumed.boot.boot_id == after.boot
    assert numbers(feed(resumed, held(made, 3, 4))) == [(3, 3), (4, 4)]
    assert numbers(feed(resumed, held(made, 1, 5))) == [(5, 5)]
    assert feed(resumed, hello(made)) == []
    assert resumed.boot.boot_id == after.boot
    assert gaps(resumed.close(made.boot, EPOCH)) == [(6, 9, REBOOT)]


def test_order_of_boots_is_known_after_a_restart():
    before, after = board(polls=2), board("0000000b", polls=2, kboot="b2")
    tracker, values = met(before)
    rows = Rows()
    for value in [*values, *feed(tracker, [*held(before), *hello(after), *held(after)])]:
        rows.add(value)
    resumed = BoardTracker.resume(rows.resume())
    before.poll()
    assert [value.state for value in feed(resumed, hello(before))] == [GOES_ON]
    assert [value.boot_id for value in feed(resumed, hello(after))] == [before.boot]
    assert resumed.boot.boot_id == after.boot


def test_a_link_that_lags_behind_may_still_bring_frames_of_the_boot_before():
    made, after = board(polls=5), board("0000000b", kboot="b2")
    tracker, _ = met(made)
    values = feed(tracker, held(made)) + feed(tracker, hello(after))
    for _ in range(4):
        made.poll()
    assert numbers(feed(tracker, held(made, 6))) == [(6, 6)]
    tracker.close(made.boot, EPOCH)
    assert gaps(feed(tracker, held(made, 9))) == [(7, 8, REBOOT), (9, 9, UNDECODABLE)]
    assert feed(tracker, held(made, 7, 8)) == []
    assert gaps(values) == []
    assert tracker.boot.boot_id == after.boot


def test_an_old_hello_does_not_bring_the_boot_before_back():
    made, after = board(polls=5), board("0000000b", kboot="b2")
    tracker, _ = met(made)
    feed(tracker, [*held(made), *hello(after)])
    assert feed(tracker, hello(made)) == []
    assert tracker.boot.boot_id == after.boot


def test_a_boot_that_goes_on_is_the_current_one_again():
    made, old = board(polls=5), board("0000000b", polls=5, kboot="b2")
    tracker, _ = met(made)
    feed(tracker, hello(old))  # came late, over another link
    made.poll()
    assert [value.state for value in feed(tracker, hello(made))] == [GOES_ON]
    assert tracker.boot.boot_id == made.boot
    assert tracker.next_request(32) == Request(made.boot, 1, 6)


def test_the_later_of_two_boots_needs_only_to_be_heard_to_be_current_again():
    before, after = board(polls=5), board("0000000b", polls=5, kboot="b2")
    tracker, _ = met(before)
    feed(tracker, hello(after))
    before.poll()
    feed(tracker, hello(before))  # a link that lags behind
    assert tracker.boot.boot_id == before.boot
    feed(tracker, hello(after))
    assert tracker.boot.boot_id == after.boot
    assert gaps(tracker.close(before.boot, EPOCH)) == [(1, 6, REBOOT)]


def test_what_is_missing_of_a_boot_that_was_left_for_an_earlier_one_is_lost_when_it_is_forgotten():
    before, after = board(polls=5), board("0000000b", polls=5, kboot="b2")
    tracker, _ = met(before)
    values = feed(tracker, [*hello(after), *held(after, 1)])
    before.poll()
    values += feed(tracker, hello(before))
    for i in range(LIVES_MAX):
        values += feed(tracker, hello(board(f"{i:08x}", kboot=f"k{i}")))
    lost = [value for value in values if value.boot_id == after.boot]
    assert gaps(lost) == [(2, 5, REBOOT)]


def test_frames_of_a_boot_that_should_be_over_make_it_ask_who_is_there():
    made, old = board(polls=5), board("0000000b", polls=5, kboot="b2")
    tracker, _ = met(made)
    feed(tracker, [*held(made), *hello(old)])  # which came late, over another link
    assert not tracker.wants_hello
    made.poll()
    assert numbers(feed(tracker, held(made, 6))) == [(6, 6)]
    assert tracker.wants_hello
    assert [value.state for value in feed(tracker, hello(made))] == [GOES_ON]
    assert tracker.boot.boot_id == made.boot
    assert not tracker.wants_hello


def test_a_boot_is_told_again_when_a_fact_of_it_changes():
    made = board(polls=1)
    tracker, (first,) = met(made)
    assert feed(tracker, [Hello(made.boot, {"compaction": "?", "heap_used": "1", "next": "2"})]) == [
        Boot(first.boot_id, {**first.facts, "compaction": "?"}, first.started, "first")
    ]
    assert feed(tracker, [Hello(made.boot, {"compaction": "?", "heap_used": "2", "zones": "9", "": ""})])[0].facts == {
        **first.facts, "compaction": "?", "": "",
    }  # fmt: skip
    assert feed(tracker, [Hello(made.boot, {"heap_used": "3", "cols": "up", "z0": "1/X/1/-/-/-/-"})]) == []
    assert tracker.facts["heap_used"] == "3"


def test_a_hello_has_only_so_many_facts():
    made = board(polls=1)
    tracker, _ = met(made)
    for number in range(2 * FACTS_MAX):
        feed(tracker, [Hello(made.boot, {f"x{number}": "1"})])
    assert len(tracker.facts) == FACTS_MAX
    assert len(tracker.boot.facts) <= FACTS_MAX
    assert tracker.problem == f"hello with more than {FACTS_MAX} facts: the others are ignored"
    (changed,) = feed(tracker, [Hello(made.boot, {"x1": "2", "next": "2", "other": "3"})])
    assert changed.facts["x1"] == "2" and "other" not in changed.facts
    assert tracker.problem is not None  # told once, not again and again


def test_a_hello_with_too_many_facts_is_taken_all_the_same():
    made = board(polls=1)
    tracker = BoardTracker()
    for number in range(FACTS_MAX - 20):
        feed(tracker, [Hello(made.boot, {f"x{number}": "1"})])
    assert boots(feed(tracker, hello(made)))
    feed(tracker, [Hello(made.boot, {f"y{number}": "1" for number in range(30)})])
    assert tracker.problem is not None
    assert tracker.boot.boot_id == made.boot


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"v": "2"}, "version 2"), ({"z0": "?"}, "z0="), ({"oldest": "-"}, "oldest="), ({"cols": "x"}, "cols=")],
    ids=str,
)
def test_a_hello_that_cannot_be_used_is_told_in_one_line(change, expected):
    made = board(polls=2, **change)
    heard = [Hello(made.boot, {**item.facts, **change}) for item in hello(made)]
    tracker = BoardTracker()
    assert feed(tracker, [*heard, *held(made)]) == []
    assert expected in tracker.problem
    assert "\n" not in tracker.problem
    assert tracker.next_request(32) is None


def test_only_so_many_lives_are_kept():
    tracker, values = BoardTracker(), []
    for i in range(3 * LIVES_MAX):
        made = board(f"{i:08x}", polls=3, kboot=f"k{i}")
        values += feed(tracker, [*hello(made), *held(made, 1)])
        feed(tracker, [Hello(f"{i:04x}ffff", {"v": "1"})])
    assert len(tracker._lives) == LIVES_MAX
    assert len(gaps(values)) == 3 * LIVES_MAX - len(tracker._lives) / 2
    assert not BoardTracker().take(Frame("0000000a", 1, b"k", b""), EPOCH)


def test_half_a_hello_of_another_boot_makes_it_ask_for_the_whole():
    tracker, _ = met(board(polls=5))
    assert not tracker.wants_hello
    feed(tracker, [Hello("0000000b", {"kboot": "b2"})])
    assert tracker.wants_hello
    feed(tracker, hello(board("0000000b", kboot="b2")))
    assert not tracker.wants_hello
