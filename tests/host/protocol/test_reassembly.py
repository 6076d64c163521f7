"""Frames that cannot be, snapshots of several frames, and the bounds of what is kept."""

from time import process_time

import pytest
from buddyd import wire
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, UNDECODABLE, Event
from buddywatch.protocol import reassembly as frames_module
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.frame import Frame, GapReport, Hello
from modelboard import ModelBoard, facts
from trackertools import EPOCH, FACTS, board, feed, gaps, held, hello, items, met, numbers


def frame(seq, kind, body):
    return Frame("0000000a", seq, kind, body)


BAD_BODIES = [b"!" * 400, b"xy", b"y", bytes([33 + 84, 33 + 46])]
NEGATIVE = bytearray()
wire.put_change(NEGATIVE, 9, -5)
HUGE = bytearray()
wire.put_change(HUGE, 0, 2**70)


@pytest.mark.parametrize("body", [*BAD_BODIES, bytes(NEGATIVE), bytes(HUGE)], ids=repr)
@pytest.mark.parametrize("kind", [b"k", b"d"])
def test_a_frame_with_an_impossible_body_is_undecodable(kind, body):
    made = board(polls=3)
    tracker, _ = met(made)
    feed(tracker, held(made, 1))
    assert gaps(feed(tracker, [frame(2, kind, body)])) == [(2, 2, UNDECODABLE)]
    assert gaps(feed(tracker, held(made, 3))) == [(3, 3, UNDECODABLE)]


@pytest.mark.parametrize("kinds", [b"KdK", b"Dk", b"DKc", b"DeC", b"KDd", b"cK", b"KKc"], ids=repr)
def test_parts_that_do_not_belong_together_are_undecodable_not_mixed(kinds):
    made = board(polls=1)
    tracker, _ = met(made)
    values = feed(tracker, held(made, 1))
    body = bytes([33 + 3])  # the next column is one more
    for seq, kind in enumerate(kinds, 2):
        values += feed(tracker, [frame(seq, bytes([kind]), b"5|x||||" if kind == 101 else body)])
    made.encoder.sequence, made.encoder.key_due = 20, 0
    made.poll()
    values += feed(tracker, [*items([made.ring[-1][1]], 20), GapReport(made.boot, 1, 19)])
    whole = [2 + i for i, kind in enumerate(kinds) if kind == ord("k")]
    parts = [(n - 1, n) for n in range(3, 2 + len(kinds)) if kinds[n - 3 : n - 1] == b"Kc"]
    assert sorted(numbers(values)) == sorted([(1, 1), *[(n, n) for n in whole], *parts, (20, 20)])
    told = numbers(values) + [(first, last) for first, last, _ in gaps(values)]
    told += [(value.seq, value.seq) for value in values if isinstance(value, Event)]
    assert sorted(n for first, last in told for n in range(first, last + 1)) == list(range(1, 21))


def large(polls):
    """A machine with 110 columns and large numbers: each snapshot takes several frames."""
    made_of, width = facts(zones=7, orders=11)
    made = ModelBoard("0000000a", made_of, width, 1_000_000, 1, largest=10**6)
    for _ in range(polls):
        made.poll()
    return made


def test_a_snapshot_of_several_frames_needs_all_of_them_in_any_order():
    made = large(2)
    tracker, _ = met(made)
    _, first, last, _ = made.truth[1]
    assert last > 2
    assert numbers(feed(tracker, held(made, *range(last, 1, -1)))) == []
    assert numbers(feed(tracker, held(made, 1))) == [(first, last)]
    assert numbers(feed(tracker, held(made))) == [(last + 1, made.truth[last + 1][2])]


def test_the_rest_of_a_key_frame_is_not_taken_for_one():
    made = large(1)
    tracker, _ = met(made)
    last = made.truth[1][2]
    assert feed(tracker, held(made, last)) == []
    assert gaps(feed(tracker, [GapReport(made.boot, 1, last - 1)])) == [
        (1, last - 1, OVERWRITTEN),
        (last, last, UNDECODABLE),
    ]


def test_a_snapshot_that_stays_incomplete_is_undecodable():
    made = large(1)
    tracker, _ = met(made)
    last = made.truth[1][2]
    feed(tracker, held(made, *range(1, last)))
    assert gaps(feed(tracker, [GapReport(made.boot, last, last)])) == [
        (1, last - 1, UNDECODABLE),
        (last, last, OVERWRITTEN),
    ]


def test_a_snapshot_that_is_incomplete_at_a_reboot_is_undecodable():
    made = large(1)
    tracker, _ = met(made)
    feed(tracker, held(made, 1))
    feed(tracker, hello(board("0000000b", polls=1, kboot="b2")))
    assert gaps(tracker.close(made.boot, EPOCH))[0] == (1, 1, UNDECODABLE)


def group_after_a_hole():
    """A large machine's tracker that lacks all before the newest group, the frames of that, and the machine."""
    made = large(1)
    tracker, _ = met(made)
    while made.key == 1:
        made.poll()
    made.poll()
    return made, tracker, held(made, *range(made.key, made.following))


def test_a_group_of_several_frames_begins_anywhere():
    made, tracker, group = group_after_a_hole()
    assert numbers(feed(tracker, group))[0][0] == made.key


def test_a_part_that_runs_into_another_group_is_undecodable():
    tracker, _ = met(board(polls=4))
    key = bytes([33 + 3])
    assert len(feed(tracker, [frame(1, b"k", key), frame(3, b"k", key)])) == 2
    assert gaps(feed(tracker, [frame(2, b"D", key)])) == [(2, 2, UNDECODABLE)]


def test_only_frames_from_before_the_contact_are_lost_without_being_news():
    """The ring held 3 to 5 when the board was met, and 6 was made next."""
    tracker = BoardTracker()
    ring = {"up": "1000", "oldest": "3", "next": "6", "key": "3"}
    assert gaps(feed(tracker, [Hello("0000000a", {**FACTS, **ring})])) == [(1, 2, BEFORE_CONTACT)]
    later = {"up": "1500", "oldest": "8", "next": "9", "key": "8"}
    assert gaps(feed(tracker, [Hello("0000000a", later)])) == [(3, 5, BEFORE_CONTACT), (6, 7, OVERWRITTEN)]


def test_of_a_board_that_has_overwritten_nothing_each_loss_is_news():
    tracker = BoardTracker()
    ring = {"up": "1000", "oldest": "1", "next": "4", "key": "1"}
    assert gaps(feed(tracker, [Hello("0000000a", {**FACTS, **ring})])) == []
    later = {"up": "1500", "oldest": "4", "next": "5", "key": "4"}
    assert gaps(feed(tracker, [Hello("0000000a", later)])) == [(1, 3, OVERWRITTEN)]


HUGE_NUMBERS = [b"%d|alloc||||t" % 10**40, b"1|a|2|%d||" % 2**70]


@pytest.mark.parametrize("body", [b"", b"no event", b"x|alloc||||t", b"-|-|-|-|-|-", *HUGE_NUMBERS], ids=repr)
def test_an_event_of_another_shape_is_kept_as_it_is(body):
    made = board()
    tracker, _ = met(made)
    (event,) = feed(tracker, [frame(1, b"e", body)])
    assert event == Event(made.boot, 1, EPOCH, None, "unknown", None, None, None, body.decode())


def test_only_so_many_frames_are_held(monkeypatch):
    monkeypatch.setattr(frames_module, "HELD_MAX", 10)
    made = board(polls=30)
    tracker, _ = met(made)
    assert feed(tracker, held(made, *range(2, 31))) == []
    assert len(tracker._current.frames._held) == 10
    values = feed(tracker, held(made, 1))
    while (request := tracker.next_request(32)) is not None:
        values += feed(tracker, items(made.answer(*request), request.first))
    assert sorted(numbers(values)) == [(n, n) for n in range(1, 31)]


def test_only_so_many_events_wait_for_the_frames_before_them(monkeypatch):
    monkeypatch.setattr(frames_module, "HELD_MAX", 5)
    made = board(polls=2)
    for _ in range(10):
        made.event()
    made.poll()
    tracker, _ = met(made)
    values = feed(tracker, [*held(made, 1), *held(made, *range(3, 14)), *held(made, 2)])
    assert len(tracker._current.frames._events) <= 5
    assert len([value for value in values if isinstance(value, Event)]) == 10
    assert gaps(values) == [(13, 13, UNDECODABLE)]
    assert numbers(values) == [(1, 1), (2, 2)]


def test_only_so_many_holes_are_kept(monkeypatch):
    monkeypatch.setattr(frames_module, "HOLES_MAX", 10)
    made = board(polls=100, ring_bytes=100_000)
    tracker, _ = met(made)
    values = feed(tracker, held(made, *range(1, 101, 2)))
    assert len(tracker._current.frames.known) <= 10
    assert len(tracker._current.frames._chains) <= 12
    assert {reason for _, _, reason in gaps(values)} == {OVERWRITTEN, UNDECODABLE}


def test_many_frames_and_holes_cost_no_more_than_few():
    def seconds(polls):
        made = board(polls=0, ring_bytes=10**9)
        lines = made.stream(polls)
        tracker, _ = met(made)
        heard = items(lines)
        began = process_time()
        feed(tracker, heard[::-2])
        feed(tracker, heard[-2::-2])
        assert tracker.next_request(32) is None
        return process_time() - began

    seconds(200)
    # ten times as many; were each step to look at all of them, it would be a hundred times as long
    assert seconds(10_000) < 40 * seconds(1_000)


def test_events_that_are_no_longer_remembered_leave_no_frame_behind_them_waiting(monkeypatch):
    """Frame 1 is missing, so that nothing has passed 2; 3 builds on what cannot come any more."""
    monkeypatch.setattr(frames_module, "HELD_MAX", 10)
    tracker, _ = met(board(polls=3))
    events = [frame(number, b"e", b"5|x||||") for number in (2, *range(4, 14))]
    assert gaps(feed(tracker, [frame(3, b"d", b""), *events[:10]])) == []
    assert gaps(feed(tracker, events[10:])) == [(3, 3, UNDECODABLE)]
