"""A collector that starts again goes on with what is stored."""

import pytest
from buddywatch.model.samples import UNDECODABLE, Boot, Event, Gap, ResumeState, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker, Request
from buddywatch.protocol.layout import Layout
from trackertools import EPOCH, FACTS, board, feed, gaps, held, hello, met, numbers


def state_of(made, values, started=EPOCH - 1000.0):
    """The state that a store has after these values."""
    inside = {n for value in values if isinstance(value, Snapshot) for n in range(value.first_seq, value.seq + 1)}
    inside |= {value.seq for value in values if isinstance(value, Event)}
    stored = []
    for n in sorted(inside):
        if stored and stored[-1][1] == n - 1:
            stored[-1] = (stored[-1][0], n)
        else:
            stored.append((n, n))
    by_seq = {value.seq: value for value in values if isinstance(value, Snapshot)}
    edges = [max((n for n in by_seq if first <= n <= last), default=None) for first, last in stored]
    lost = tuple((value.first, value.last) for value in values if isinstance(value, Gap))
    boot = Boot(made.boot, {**FACTS, **hello(made)[0].facts}, started, "first")
    return ResumeState(boot, tuple(stored), lost, tuple(by_seq[n] for n in edges if n is not None))


def test_a_collector_that_starts_again_goes_on_without_a_key_frame():
    made = board(polls=3)
    made.event()
    made.poll()
    tracker, values = met(made)
    values += feed(tracker, held(made, 1, 2, 3, 4))
    resumed = BoardTracker.resume(state_of(made, values))
    assert resumed.next_request(32) is None  # not heard yet
    assert resumed.wants_hello
    assert feed(resumed, hello(made)) == []
    assert resumed.next_request(32) == Request(made.boot, 5, 1)
    assert feed(resumed, held(made, 1, 2, 3, 4)) == []
    assert numbers(feed(resumed, held(made, 5))) == [(5, 5)]


def test_a_collector_that_starts_again_fills_the_holes_of_the_one_before():
    made = board(polls=20)
    tracker, values = met(made)
    values += feed(tracker, held(made, 1, 2, 3, 5, 6))
    made.encoder.key_due = 0
    made.poll()
    values += feed(tracker, held(made, 21))
    resumed = BoardTracker.resume(state_of(made, values))
    feed(resumed, hello(made))
    assert resumed.next_request(32) == Request(made.boot, 4, 17)
    values += feed(resumed, held(made, *range(4, 21)))
    assert sorted(numbers(values)) == [(n, n) for n in range(1, 22)]
    snapshots = [value for value in values if isinstance(value, Snapshot)]
    assert all(Layout(FACTS).vector(value) == made.truth[value.seq][3] for value in snapshots)


def test_frames_that_nothing_stored_leads_to_are_undecodable_not_forgotten():
    made = board(polls=3)
    made.event()
    made.poll()
    tracker, values = met(made)
    state = state_of(made, values + feed(tracker, held(made, 1, 2)))
    resumed = BoardTracker.resume(ResumeState(state.boot, state.stored, state.lost, ()))
    values = feed(resumed, [*hello(made), *held(made, 5, 4, 3)])
    assert gaps(values) == [(3, 3, UNDECODABLE), (5, 5, UNDECODABLE)]
    assert resumed.next_request(32) is None


def test_frames_behind_a_stored_gap_are_undecodable_whatever_event_lies_between():
    made = board(polls=3)
    made.event()
    made.poll()
    state = state_of(made, [])
    resumed = BoardTracker.resume(ResumeState(state.boot, ((4, 4),), ((1, 3),), ()))
    assert gaps(feed(resumed, [*hello(made), *held(made, 5)])) == [(5, 5, UNDECODABLE)]


def test_an_earlier_boot_that_has_made_more_frames_goes_on_behind_what_is_stored():
    earlier, last = board(polls=8), board("0000000b", kboot="b2")
    state = state_of(last, [])
    resumed = BoardTracker.resume(ResumeState(state.boot, (), (), (), {earlier.boot: 5}))
    ended, told, *values = feed(resumed, [*hello(earlier), *held(earlier)])
    assert (ended.boot_id, ended.successor) == (last.boot, earlier.boot)
    assert told.boot_id == resumed.boot.boot_id == earlier.boot
    assert gaps(values) == [(n, n, UNDECODABLE) for n in (6, 7, 8)]


def test_a_recording_that_is_read_again_adds_nothing():
    lives = [board(f"0000000{i}", polls=40, kboot=f"k{i}") for i in range(3)]
    recording = [item for made in lives for item in [*hello(made), *held(made), *hello(made)]]
    tracker = BoardTracker()
    values = [value for item in recording for value in tracker.take(item, EPOCH, live=False)]
    assert len(numbers(values)) == 120
    last = [value for value in values if value.boot_id == lives[-1].boot]
    state = state_of(lives[-1], last)
    resumed = BoardTracker.resume(
        ResumeState(state.boot, state.stored, state.lost, state.edges, {made.boot: 40 for made in lives[:-1]})
    )
    assert [value for item in recording for value in resumed.take(item, EPOCH, live=False)] == []
    assert resumed.boot.boot_id == lives[-1].boot


def test_resume_refuses_values_that_do_not_fit_together():
    made = board(polls=2)
    tracker, values = met(made)
    state = state_of(made, values + feed(tracker, held(made)))
    broken = Boot(made.boot, {**state.boot.facts, "zones": "0"}, EPOCH, "first")
    with pytest.raises(ValueError, match="expected"):
        BoardTracker.resume(ResumeState(broken, state.stored, state.lost, state.edges))
