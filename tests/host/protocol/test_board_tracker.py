"""What a tracker makes of frames that come, come twice, are missing, or never come."""

from itertools import pairwise

import pytest
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, UNDECODABLE, Boot, Snapshot
from buddywatch.protocol.board_tracker import WAITING_MAX, BoardTracker, Request
from buddywatch.protocol.frame import GapReport, Hello
from buddywatch.protocol.layout import Layout
from buddywatch.protocol.line_stream import LinkSession
from trackertools import EPOCH, FACTS, board, feed, gaps, held, hello, met, numbers


def test_a_boot_comes_before_its_snapshots():
    made = board(polls=3)
    tracker, values = met(made)
    assert values == [Boot("0000000a", tracker.facts, EPOCH - made.vector[0] / 100, "first")]
    values = feed(tracker, held(made))
    assert numbers(values) == [(1, 1), (2, 2), (3, 3)]
    assert [Layout(FACTS).vector(value) for value in values] == [made.truth[n][3] for n in (1, 2, 3)]


def test_snapshots_get_the_time_of_their_uptime():
    made = board(polls=40)
    tracker, _ = met(made)
    times = [value.time for value in feed(tracker, held(made)) if isinstance(value, Snapshot)]
    assert times[-1] == pytest.approx(EPOCH, abs=1e-3)
    assert all(4.9 < after - before < 5.1 for before, after in pairwise(times))


def test_frames_wait_until_the_hello_is_complete():
    made = board(polls=5)
    heard = hello(made)
    assert len(heard) == 1
    all_facts = heard[0].facts
    tracker = BoardTracker()
    part = {key: all_facts[key] for key in ("name", "v", "cols", "zones", "up", "oldest")}
    assert feed(tracker, [Hello(made.boot, part), *held(made)]) == []
    assert tracker.wants_hello
    rest = {key: value for key, value in all_facts.items() if key not in part}
    values = feed(tracker, [Hello(made.boot, rest)])
    assert isinstance(values[0], Boot)
    assert numbers(values) == [(n, n) for n in range(1, 6)]
    assert not tracker.wants_hello


def test_only_so_many_frames_wait_for_the_hello():
    made = board(polls=WAITING_MAX + 50, ring_bytes=1_000_000)
    tracker = BoardTracker()
    feed(tracker, [Hello(made.boot, {"v": "1"}), *held(made)])
    assert len(numbers(feed(tracker, hello(made)))) == WAITING_MAX
    assert tracker.next_request(32).first == made.key


def test_a_frame_that_comes_twice_counts_once():
    made = board(polls=4)
    tracker, _ = met(made)
    assert len(feed(tracker, [*held(made), *held(made)])) == 4


def test_frames_are_decoded_as_soon_as_the_chain_is_whole():
    made = board(polls=6)
    tracker, _ = met(made)
    assert numbers(feed(tracker, held(made, 4, 6, 2))) == []
    assert numbers(feed(tracker, held(made, 1))) == [(1, 1), (2, 2)]
    assert numbers(feed(tracker, held(made, 3))) == [(3, 3), (4, 4)]
    assert numbers(feed(tracker, held(made, 5))) == [(5, 5), (6, 6)]


def test_an_event_comes_at_once_whatever_is_missing_before_it():
    made = board(polls=2)
    made.event()
    made.poll()
    tracker, _ = met(made)
    (event,) = feed(tracker, held(made, 3))
    assert (event.seq, event.kind, event.number, event.pid, event.comm) == (3, "alloc", 61440, 17, "rm")
    assert event.uptime_ms == made.truth[2][3][0] * 10
    assert numbers(feed(tracker, held(made, 1, 2, 4))) == [(1, 1), (2, 2), (4, 4)]


def test_the_newest_group_is_asked_for_first_then_the_oldest_hole():
    made = board(polls=100, ring_bytes=8000)
    tracker, _ = met(made)
    assert made.key == 97
    assert tracker.next_request(32) == Request(made.boot, 97, 4)
    assert tracker.missing_of(Request(made.boot, 97, 4)) == 4
    assert numbers(feed(tracker, held(made, 97, 98, 99, 100)))[-1] == (100, 100)
    assert tracker.missing_of(Request(made.boot, 97, 4)) == 0
    assert tracker.next_request(32) == Request(made.boot, 1, 32)
    feed(tracker, held(made, *range(1, 96)))
    assert tracker.next_request(32) == Request(made.boot, 96, 1)
    feed(tracker, held(made, 96))
    assert tracker.next_request(32) is None


def test_what_was_overwritten_before_the_first_contact_is_no_news():
    made = board(polls=100, ring_bytes=1000)
    tracker, values = met(made)
    assert made.oldest > 1
    assert gaps(values) == [(1, made.oldest - 1, BEFORE_CONTACT)]
    before = made.oldest
    for _ in range(20):
        made.poll()
    assert before < made.oldest < 101
    assert gaps(feed(tracker, [GapReport(made.boot, before, made.oldest - 1)])) == [
        (before, made.oldest - 1, BEFORE_CONTACT)
    ]


def test_what_is_overwritten_later_is_lost():
    made = board(polls=1, ring_bytes=1000)
    tracker, _ = met(made)
    for _ in range(150):
        made.poll()
    assert gaps(feed(tracker, hello(made))) == [(1, made.oldest - 1, OVERWRITTEN)]
    values = feed(tracker, held(made))
    assert numbers(values) == [(n, n) for n in range(made.oldest, made.following)]


def test_frames_behind_a_gap_are_undecodable_up_to_the_next_key_frame():
    made = board(polls=40)
    tracker, _ = met(made)
    assert numbers(feed(tracker, held(made, 1, 2, 5, 6, 34, 33))) == [(1, 1), (2, 2), (33, 33), (34, 34)]
    assert gaps(feed(tracker, [GapReport(made.boot, 3, 4)])) == [(3, 4, OVERWRITTEN), (5, 6, UNDECODABLE)]
    assert gaps(feed(tracker, held(made, 7))) == [(7, 7, UNDECODABLE)]
    assert tracker.next_request(32) == Request(made.boot, 35, 6)


@pytest.mark.parametrize("report", [(0, 0), (-5, 3), (1, 10**15), (9, 3), (10**15, 10**15)], ids=str)
def test_a_gap_report_cannot_reach_into_the_future(report):
    made = board(polls=3)
    tracker, _ = met(made)
    feed(tracker, [GapReport(made.boot, *report)])
    made.encoder.key_due = 0
    made.poll()
    assert numbers(feed(tracker, held(made, 4))) == [(4, 4)]


def test_frames_that_came_before_the_hello_are_kept_though_the_ring_has_lost_them_since():
    """A hello may be damaged again and again, while frames come whole."""
    made = board(ring_bytes=600, polls=10)
    early = held(made)
    while made.oldest <= 10:
        made.poll()
    tracker = BoardTracker()
    assert feed(tracker, early) == []
    stored = feed(tracker, hello(made))
    assert numbers(stored) == [(number, number) for number in range(1, 11)]
    assert gaps(stored) == [(11, made.oldest - 1, BEFORE_CONTACT)]


def test_frames_of_a_known_boot_that_came_before_its_hello_are_kept():
    """After a new connection nothing tells whose they are, until the hello comes."""
    made = board(ring_bytes=600, polls=10)
    tracker, _ = met(made)
    feed(tracker, held(made))
    newest = made.following
    lines = made.poll() + made.poll()
    while made.oldest <= newest + 1:
        made.poll()
    session = LinkSession()
    came = session.feed(b"\n".join([*lines, *made.hello(), b""]))
    stored = feed(tracker, came)
    assert numbers(stored) == [(newest, newest), (newest + 1, newest + 1)]
    assert gaps(stored) == [(newest + 2, made.oldest - 1, OVERWRITTEN)]
