"""Agent and collector over a line of 9600 baud whose clock is counted, not waited for: sizes, rates, order, noise."""

import itertools
import random
from functools import cache
from statistics import median

import faults
import pytest
from bench import wire_sizes
from buddyd import wire, wire_host, wire_read
from buddyd.talk.conversation import HELLO_EVERY
from buddywatch.model.samples import Event, Gap, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.layout import Layout
from hypothesis import given, settings
from hypothesis import strategies as st
from trackerworld import Rows
from virtualline import Line, Player, agent

BYTES_PER_S = 960  # 9600 baud, 8N1
INTERVAL_MS = 5000
RING_BYTES = 32768
TRACES = ("cron-a", "daemons-c", "resident-d")
MEDIAN_MAX_BYTES = 16
MEAN_MAX_BYTES = 1.3 * MEDIAN_MAX_BYTES
KERNEL_LINE = "Allocation of length 61440 from process 6821 (rm) failed"


@cache
def rows(trace):
    return list(wire_sizes.rows(wire_sizes.TRACES / f"{trace}.tsv"))


def board(trace, ring_bytes=RING_BYTES, interval_ms=INTERVAL_MS):
    """An agent on a board that plays a trace again and again."""
    return agent(Player(itertools.cycle(rows(trace)), wire_sizes.ORDERS, wire_sizes.MARKS), interval_ms, ring_bytes)


def of(kind, line):
    return [value for value in line.stored if isinstance(value, kind)]


# --- sizes ---


@pytest.mark.parametrize("trace", TRACES)
def test_two_way_line_takes_few_bytes_everything_included(trace):
    line = Line(board(trace), BYTES_PER_S)
    heard = bytearray()
    line.to_host.bad = lambda data: heard.extend(data) or data
    line.connect()
    line.run_polls(len(rows(trace)))
    assert not {0x11, 0x13} & set(heard), "XON and XOFF would stop or start the line"
    events = sum(len(frame) + 1 for frame in heard.split(b"\n") if frame.startswith(b"~e"))
    mean = (line.to_host.carried_bytes - events + line.to_board.carried_bytes) / len(rows(trace))
    assert len(of(Snapshot, line)) >= len(rows(trace)) - 1
    assert median(wire_sizes.measure(trace).snapshots) <= MEDIAN_MAX_BYTES
    assert mean <= MEAN_MAX_BYTES


@pytest.mark.parametrize("listens_only", [False, True])
def test_hello_comes_again_only_where_nobody_asks(listens_only):
    line = Line(board("resident-d"), BYTES_PER_S, listens_only)
    hellos = []
    line.to_host.bad = lambda data: hellos.append(data.startswith(b"~H") and b" next=" in data) or data
    line.connect()
    line.run_polls(3 * HELLO_EVERY)
    assert sum(hellos) == (3 if listens_only else 2)  # the first asked for is a second one


@pytest.mark.parametrize("trace", TRACES)
def test_ring_of_32_kb_holds_1500_snapshots(trace):
    desk, kinds = board(trace), {}
    append = desk.ring.append
    desk.ring.append = lambda frame: (kinds.update({desk.ring.next: frame[1]}), append(frame))
    least = None
    for _ in range(2 * len(rows(trace))):
        desk.poll()
        if desk.ring.dropped:
            held = sum(kinds[n] in wire.ENDS_SNAPSHOT for n in range(desk.ring.oldest, desk.ring.next))
            least = held if least is None else min(least, held)
    assert least >= 1500


# --- rates ---


@pytest.mark.parametrize("trace", TRACES)
def test_full_ring_drains_in_45_s_while_polling_goes_on(trace):
    desk = board(trace)
    line = Line(desk, BYTES_PER_S)
    while not desk.ring.dropped:
        line.poll(1)
    line.poll(500)
    began_s = line.now
    line.connect()
    line.run_until(lambda: line.is_whole, 45)
    took_s = line.now - began_s
    snapshots = of(Snapshot, line)
    assert len(snapshots) / took_s >= 45
    assert line.to_host.carried_bytes / took_s > 0.95 * BYTES_PER_S  # it is never idle
    asked = line.to_board.carried_bytes / len(wire_host.ask_frames(desk.boot, 10_000, 100))
    assert asked < 40  # round trips
    assert {gap.reason for gap in of(Gap, line)} == {"before-contact"}


def test_live_snapshots_do_not_wait_for_the_backlog():
    desk = board("cron-a")
    line = Line(desk, BYTES_PER_S)
    line.poll(1500)
    line.connect()
    line.run_until(lambda: line.connection.board is not None and line.stored)
    first_live = desk.ring.next
    for number in range(first_live, first_live + 5):
        line.run_until(lambda number=number: desk.ring.next > number)
        made_s = line.now
        line.run_until(lambda number=number: number in line.board.tracker._current.frames.known)
        assert line.now - made_s < 0.6  # what the driver holds, and one line more
    line.run_until(lambda: line.is_whole)
    assert sorted(s.seq for s in of(Snapshot, line)) == sorted({s.seq for s in of(Snapshot, line)})
    in_order = [s.time for s in sorted(of(Snapshot, line), key=lambda s: s.seq)]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize("listens_only", [False, True])
def test_kernel_failure_goes_before_what_is_older(listens_only):
    """It happened in the middle of an hour that nobody heard."""
    calm = [(vector, []) for vector, _ in rows("resident-d")[:720]]
    calm[300][1].append(KERNEL_LINE)
    desk = agent(Player(itertools.cycle(calm), wire_sizes.ORDERS, wire_sizes.MARKS), INTERVAL_MS, RING_BYTES)
    line = Line(desk, BYTES_PER_S, listens_only)
    line.poll(700)
    began_s = line.now
    line.connect()
    line.run_until(lambda: of(Event, line), 2)
    assert of(Event, line)[0].text == KERNEL_LINE
    assert len(of(Snapshot, line)) < 30
    line.run_until(lambda: len(of(Snapshot, line)) >= 700, 60)
    assert len(of(Event, line)) == 1
    assert began_s < line.now


class Asking:
    """The requests on a line, with their times. lost: which of them does not arrive."""

    def __init__(self, bytes_per_s, lost=None):
        self.line = Line(board("cron-a", interval_ms=20_000), bytes_per_s)
        self.line.poll(400)
        self.line.connect()
        self.line.to_board.bad = self._hear
        self.firsts, self.times = [], []
        self._lost = lost
        self.line.run_until(lambda: self.line.is_whole)

    def _hear(self, data):
        if data.startswith(b"@r"):
            self.firsts.append(wire.parse_numbers(wire.unseal(data[:-1]))[1])
            self.times.append(self.line.now)
        return b"" if len(self.firsts) == self._lost else data


@pytest.mark.parametrize(("bytes_per_s", "again_max"), [(120, 4), (960, 1), (12_500_000, 1)])
def test_hardly_anything_is_asked_twice_on_a_good_line(bytes_per_s, again_max):
    """1200 baud, 9600 baud, 100 Mbit: the first request may meet frames that flow already, or a hello of 3 s."""
    asking = Asking(bytes_per_s)
    assert len(asking.firsts) - len(set(asking.firsts)) <= again_max


@pytest.mark.parametrize(("bytes_per_s", "within_s"), [(960, 1.0), (12_500_000, 0.6)])
def test_a_request_that_is_lost_is_missed_as_soon_as_the_line_allows(bytes_per_s, within_s):
    asking = Asking(bytes_per_s, lost=5)
    assert asking.firsts[4] == asking.firsts[5]
    assert asking.times[5] - asking.times[4] <= within_s


# --- noise ---

NOISE = ("flip", "drop", "duplicate", "insert", "kernel-message", "shell-output", "swallow")


class Noisy:
    """A line with faults in both directions, and what the agent made."""

    def __init__(self, seed, ring_bytes, every_bytes, flows_unasked):
        self.chance = random.Random(seed)
        self.desk = board("daemons-c", ring_bytes, 1000)
        self.made = []
        append = self.desk.ring.append
        self.desk.ring.append = lambda frame: (self.made.append(frame), append(frame))
        self.line = Line(self.desk, BYTES_PER_S, flows_unasked=flows_unasked)
        self.ways = []
        for way, seed_, every in ((self.line.to_host, 2 * seed, every_bytes), (self.line.to_board, 2 * seed + 1, 60)):
            direction = faults.Direction(seed_, NOISE, every)
            way.bad = lambda data, direction=direction: faults.sent(direction.feed(data))
            self.ways.append(direction)
        self.rows = Rows()

    def keep(self):
        for value in self.line.stored:
            self.rows.add(value)
        self.line.stored.clear()
        for retime in self.line.retimes:
            self.rows.retime(retime)
        self.line.retimes.clear()

    def restart_collector(self):
        """What was not stored is lost with it, and what is under way is heard by the next one."""
        self.line.stored.clear()
        self.line.retimes.clear()
        state = self.rows.resume()
        self.line.restart_collector(BoardTracker() if state is None else BoardTracker.resume(state))

    def set_clock(self):
        """The host's clock is set, forwards or back."""
        self.line.host_error_s = self.chance.choice((-1e7, -3600.0, -1.0, 0.0, 1.0, 3600.0, 1e7))

    def calm(self):
        for direction in self.ways:
            direction.calm()

    def check(self):
        """Each frame is stored once and as it was made, or in a gap where the ring has overwritten it."""
        boot, desk = self.desk.boot, self.desk
        facts = self.rows.boots[boot].facts
        layout, vector = Layout(facts), [0] * len(desk.sampler.vector)
        for number, frame in enumerate(self.made, 1):
            content = wire.unseal(frame, wire.context(boot, number))
            value = self.rows.frames.get((boot, number))
            assert wire_read.apply_frame(content, vector, 0, layout.interval_cs) == 0
            if number >= desk.ring.oldest:
                assert not isinstance(value, Gap | None), (number, value)
            if isinstance(value, Snapshot):
                assert layout.vector(value) == vector
            elif isinstance(value, Event):
                assert wire_host.parse_event(content[4:])[5] == value.text
            else:
                assert isinstance(value, Gap)
        times = [s.time for s in sorted(self.rows.snapshots, key=lambda s: s.seq)]
        assert times == sorted(times)


@given(
    st.integers(0, 2**32),
    st.sampled_from([2048, 8192, RING_BYTES]),
    st.sampled_from([30, 100, 400]),
    st.booleans(),
    st.lists(st.sampled_from(["poll", "poll", "poll", "keep", "restart", "clock"]), min_size=4, max_size=12),
)
@settings(max_examples=150)
def test_after_any_noise_all_that_the_ring_holds_is_stored_once(seed, ring_bytes, every_bytes, flows_unasked, steps):
    noisy = Noisy(seed, ring_bytes, every_bytes, flows_unasked)
    noisy.line.connect()
    for step in steps:
        if step == "poll":
            noisy.line.run_polls(30)
        elif step == "keep":
            noisy.keep()
        elif step == "clock":
            noisy.set_clock()
        else:
            noisy.restart_collector()
    noisy.calm()
    noisy.line.run_polls(2)
    noisy.line.run_until(lambda: noisy.line.is_whole, 600)
    made = len(noisy.made)
    noisy.line.run_until(lambda: noisy.desk.ring.next > made + 1 and noisy.line.is_whole, 600)
    noisy.keep()
    del noisy.made[made:]
    noisy.check()
