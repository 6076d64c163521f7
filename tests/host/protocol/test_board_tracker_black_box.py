"""After a reboot a board tells of frames of the boot before that are in its black box: they are asked for and taken."""

from buddywatch.model.samples import GOES_ON, REBOOT, BootEnd, Event
from buddywatch.protocol.board_tracker import BoardTracker, Request
from buddywatch.protocol.boots import black_box
from trackertools import EPOCH, board, boots, feed, gaps, held, hello, items, met, numbers


def rebooted(heard=3, polls=9, box=None):
    """(the board before, after, tracker): of the boot before the host heard so many frames."""
    before = board(polls=polls, kboot="a1")
    tracker, _ = met(board(kboot="a1"))
    feed(tracker, held(before, *range(1, heard + 1)))
    after = board("0000000b", seed=2, kboot="b2", blackbox=box or f"{before.boot}/1/{polls + 1}")
    feed(tracker, hello(after), EPOCH + 100)
    return before, after, tracker


def boxed(before, after):
    """What the board sends from its black box: the hello of then, the frames, and its hello."""
    return [*hello(before), *held(before), *hello(after)]


def test_what_is_missing_of_the_boot_before_is_asked_for_and_taken():
    before, after, tracker = rebooted()
    assert tracker.is_incomplete
    assert tracker.boxed == before.boot
    request = tracker.next_request(32)
    assert request == Request(before.boot, 1, 9)
    assert tracker.missing_of(request) == 6
    values = feed(tracker, boxed(before, after), EPOCH + 101)
    assert numbers(values) == [(number, number) for number in range(4, 10)]
    assert tracker.boot.boot_id == after.boot
    assert boots(values) == []
    assert GOES_ON not in [value.state for value in values if isinstance(value, BootEnd)]
    assert tracker.boxed is None
    assert not tracker.wants_hello
    assert tracker.next_request(32) is None
    assert gaps(tracker.close(before.boot, EPOCH + 200)) == []


def test_times_are_those_of_then():
    before = board(ring_bytes=40_000, kboot="a1")
    tracker, _ = met(before)
    started = tracker.boot.started
    for _ in range(150):
        before.poll()
    after = board("0000000b", seed=2, kboot="b2", blackbox=f"{before.boot}/1/151")
    feed(tracker, hello(after), EPOCH + 9000)  # long after the 12 minutes that the box tells of
    seen = [value for value in feed(tracker, boxed(before, after), EPOCH + 9001) if hasattr(value, "vector")]
    assert len(seen) == 150
    assert max(abs(shot.time - started - shot.uptime_ms / 1000) for shot in seen) < 0.01


def test_a_box_without_news_is_not_asked_for():
    before, _, tracker = rebooted(heard=9)
    assert tracker.boxed is None
    assert tracker.next_request(32) is None
    assert not tracker.is_incomplete
    assert tracker.boot.boot_id != before.boot


def test_a_box_of_an_unknown_boot_is_left_alone():
    _, after, tracker = rebooted(box="0000000c/1/40")
    assert tracker.boxed is None
    tracker = BoardTracker()  # a collector that has never met the boot before
    feed(tracker, hello(after))
    assert tracker.boxed is None


def test_what_a_torn_box_does_not_bring_is_lost_when_the_boot_is_closed():
    before, after, tracker = rebooted()
    feed(tracker, [*hello(before), *held(before, 1, 2, 3, 4, 5), *hello(after)], EPOCH + 101)
    assert tracker.missing_of(tracker.next_request(32)) == 4
    assert gaps(tracker.close(before.boot, EPOCH + 200)) == [(6, 9, REBOOT)]
    assert tracker.boxed is None


def test_frames_beyond_what_was_heard_of_are_taken_with_their_events():
    before = board(polls=2, kboot="a1")
    tracker, _ = met(before)
    feed(tracker, held(before))
    before.poll()
    before.event()
    before.poll()
    after = board("0000000b", seed=2, kboot="b2", blackbox=f"{before.boot}/1/6")
    feed(tracker, hello(after), EPOCH + 100)
    values = feed(tracker, boxed(before, after), EPOCH + 101)
    assert numbers(values) == [(3, 3), (5, 5)]
    assert [value.seq for value in values if isinstance(value, Event)] == [4]
    assert feed(tracker, items(after.poll(), after.following, after.boot), EPOCH + 105)
    assert tracker.boot.boot_id == after.boot


def test_fact_is_read_with_care():
    assert black_box({}) is None
    for text in ("-", "", "0000000a", "0000000a/1", "0000000a/0/5", "0000000a/5/5", "0000000a/x/y", "0000000a/1/1e9"):
        assert black_box({"blackbox": text}) is None, text
    assert black_box({"blackbox": "0000000a/7/9"}) == ("0000000a", 7, 2)
    assert black_box({"blackbox": "0000000a/7/99999999"}) == ("0000000a", 7, 1024)
