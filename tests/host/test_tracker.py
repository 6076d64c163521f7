from itertools import pairwise
from time import process_time

import pytest
from buddyd import wire
from buddywatch import frames as frames_module
from buddywatch.layout import Layout
from buddywatch.model import BEFORE_CONTACT, OVERWRITTEN, REBOOT, UNDECODABLE, Boot, Event, Gap, ResumeState, Snapshot
from buddywatch.session import Frame, GapReport, Hello, LinkSession
from buddywatch.tracker import LIVES_MAX, WAITING_MAX, BoardTracker, Request
from modelboard import ModelBoard, facts

EPOCH = 1.7e9
FACTS, WIDTH = facts()


def board(boot="0000000a", ring_bytes=4000, seed=1, polls=0, **changes):
    """A board that has made so many snapshots."""
    made = ModelBoard(boot, {**FACTS, **changes}, WIDTH, ring_bytes, seed)
    for _ in range(polls):
        made.poll()
    return made


def items(lines, live_near=1, boot="0000000a"):
    """What a session makes of lines of the board."""
    session = LinkSession()
    session.boot_id = boot
    session.expect(live_near)
    return session.feed(b"\n".join([*lines, b""]))


def held(made, *numbers):
    """Frames of the board's ring as items; all of them if no numbers are given."""
    ring = dict(made.ring)
    return items([ring[number] for number in numbers or ring], (numbers or list(ring))[0], made.boot)


def feed(tracker, what, arrival=EPOCH):
    return [value for item in what for value in tracker.take(item, arrival)]


def hello(made):
    return items(made.hello(), boot=made.boot)


def met(made):
    """A tracker that has heard the board's hello, and what it said."""
    tracker = BoardTracker()
    return tracker, feed(tracker, hello(made))


def numbers(values):
    return [(value.first_seq, value.seq) for value in values if isinstance(value, Snapshot)]


def gaps(values):
    return [(value.first, value.last, value.reason) for value in values if isinstance(value, Gap)]


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
    assert times[-1] == pytest.approx(EPOCH)
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
    assert tracker.next_request().first == made.key


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
    assert tracker.next_request() == Request(made.boot, 97, 4)
    assert tracker.missing_of(Request(made.boot, 97, 4)) == 4
    assert numbers(feed(tracker, held(made, 97, 98, 99, 100)))[-1] == (100, 100)
    assert tracker.missing_of(Request(made.boot, 97, 4)) == 0
    assert tracker.next_request() == Request(made.boot, 1, 32)
    feed(tracker, held(made, *range(1, 96)))
    assert tracker.next_request() == Request(made.boot, 96, 1)
    feed(tracker, held(made, 96))
    assert tracker.next_request() is None


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
    assert tracker.next_request() == Request(made.boot, 35, 6)


@pytest.mark.parametrize("report", [(0, 0), (-5, 3), (1, 10**15), (9, 3), (10**15, 10**15)], ids=str)
def test_a_gap_report_cannot_reach_into_the_future(report):
    made = board(polls=3)
    tracker, _ = met(made)
    feed(tracker, [GapReport(made.boot, *report)])
    made.encoder.key_due = 0
    made.poll()
    assert numbers(feed(tracker, held(made, 4))) == [(4, 4)]


CAUSES = [
    # kboot before, kboot after, uptime of the last frame before, uptime after, seconds passed
    ("a1", "a1", 1000, 1060, 60, "agent-restart"),
    ("a1", "a1", 1000, 5000, 60, "agent-restart"),
    ("a1", "b2", 1000, 1060, 60, "reboot"),
    ("a1", "b2", 1000, 20, 60, "reboot"),
    ("a1", "a1", 1000, 20, 60, "reboot"),  # a board without an entropy source
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
    (boot,) = feed(tracker, hello(after), EPOCH + passed_s)
    assert boot.cause == cause
    assert tracker.boot is boot


def test_times_go_on_where_only_the_agent_was_restarted():
    before, after = board(), board("0000000b")
    tracker, _ = met(before)
    after.vector[0] += 6000
    (boot,) = feed(tracker, hello(after), EPOCH + 60 + 7)  # 7 s late
    assert boot.started == pytest.approx(tracker.boot.started)
    assert boot.started == pytest.approx(EPOCH - before.vector[0] / 100)


def test_what_is_missing_at_a_reboot_is_lost_before_the_new_boot_is_told():
    made, after = board(polls=9), board("0000000b", kboot="b2")
    tracker, _ = met(made)
    feed(tracker, held(made, 1, 2, 5))
    values = feed(tracker, hello(after))
    assert gaps(values[:-1]) == [(3, 4, REBOOT), (5, 5, UNDECODABLE), (6, 9, REBOOT)]
    assert values[-1].boot_id == after.boot
    assert tracker.next_request() is None


def test_a_link_that_lags_behind_may_still_bring_frames_of_the_boot_before():
    made, after = board(polls=5), board("0000000b", kboot="b2")
    tracker, _ = met(made)
    values = feed(tracker, held(made)) + feed(tracker, hello(after))
    for _ in range(4):
        made.poll()
    assert numbers(feed(tracker, held(made, 6))) == [(6, 6)]
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
    assert feed(tracker, hello(made)) == []
    assert tracker.boot.boot_id == made.boot
    assert tracker.next_request() == Request(made.boot, 6, 1)


def test_frames_of_a_boot_that_should_be_over_make_it_ask_who_is_there():
    made, old = board(polls=5), board("0000000b", polls=5, kboot="b2")
    tracker, _ = met(made)
    feed(tracker, [*held(made), *hello(old)])  # which came late, over another link
    assert not tracker.wants_hello
    made.poll()
    assert numbers(feed(tracker, held(made, 6))) == [(6, 6)]
    assert tracker.wants_hello
    assert feed(tracker, hello(made)) == []
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
    assert tracker.next_request() is None


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


@pytest.mark.parametrize("kinds", [b"KdK", b"Dk", b"DKk", b"DeK", b"KDd"], ids=repr)
def test_parts_that_do_not_belong_together_are_undecodable_not_mixed(kinds):
    made = board(polls=1)
    tracker, _ = met(made)
    values = feed(tracker, held(made, 1))
    body = bytes([33 + 3])  # the next column is one more
    for seq, kind in enumerate(kinds, 2):
        values += feed(tracker, [frame(seq, bytes([kind]), b"5|x||||" if kind == 101 else body)])
    made.encoder.sequence, made.encoder.key_due = 20, 0
    made.poll()
    values += feed(tracker, [GapReport(made.boot, 1, 19), *items([made.ring[-1][1]], 20)])
    whole = [2 + i for i, kind in enumerate(kinds) if kind == ord("k") and kinds[i - 1] != ord("K")]
    parts = [(n - 1, n) for n in range(3, 2 + len(kinds)) if kinds[n - 3 : n - 1] == b"Kk"]
    assert numbers(values) == [(1, 1), *[(n, n) for n in whole], *parts, (20, 20)]


HUGE_NUMBERS = [b"%d|alloc||||t" % 10**40, b"1|a|2|%d||" % 2**70]


@pytest.mark.parametrize("body", [b"", b"no event", b"x|alloc||||t", b"-|-|-|-|-|-", *HUGE_NUMBERS], ids=repr)
def test_an_event_of_another_shape_is_kept_as_it_is(body):
    made = board()
    tracker, _ = met(made)
    (event,) = feed(tracker, [frame(1, b"e", body)])
    assert event == Event(made.boot, 1, EPOCH, None, "unknown", None, None, None, body.decode())


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
    assert resumed.next_request() is None  # not heard yet
    assert resumed.wants_hello
    assert feed(resumed, hello(made)) == []
    assert resumed.next_request() == Request(made.boot, 5, 1)
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
    assert resumed.next_request() == Request(made.boot, 4, 17)
    values += feed(resumed, held(made, *range(4, 21)))
    assert sorted(numbers(values)) == [(n, n) for n in range(1, 22)]
    snapshots = [value for value in values if isinstance(value, Snapshot)]
    assert all(Layout(FACTS).vector(value) == made.truth[value.seq][3] for value in snapshots)


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


def test_only_so_many_lives_are_kept():
    tracker, values = BoardTracker(), []
    for i in range(3 * LIVES_MAX):
        made = board(f"{i:08x}", polls=3, kboot=f"k{i}")
        values += feed(tracker, [*hello(made), *held(made, 1)])
        feed(tracker, [Hello(f"{i:04x}ffff", {"v": "1"})])
    assert len(tracker._lives) == LIVES_MAX
    assert len(gaps(values)) == 3 * LIVES_MAX - 1
    assert not BoardTracker().take(frame(1, b"k", b""), EPOCH)


def test_only_so_many_frames_are_held(monkeypatch):
    monkeypatch.setattr(frames_module, "HELD_MAX", 10)
    made = board(polls=30)
    tracker, _ = met(made)
    assert feed(tracker, held(made, *range(2, 31))) == []
    assert len(tracker._current.frames._held) == 10
    values = feed(tracker, held(made, 1))
    while (request := tracker.next_request()) is not None:
        values += feed(tracker, items(made.answer(*request), request.first))
    assert sorted(numbers(values)) == [(n, n) for n in range(1, 31)]


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
        assert tracker.next_request() is None
        return process_time() - began

    seconds(200)
    # ten times as many; were each step to look at all of them, it would be a hundred times as long
    assert seconds(10_000) < 40 * seconds(1_000)
