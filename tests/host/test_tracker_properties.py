"""Whatever the links do: afterwards each frame is stored once, as it was made, or is in a gap that has a cause."""

import random
from itertools import pairwise

import pytest
from buddywatch.boots import NEEDED_FACTS
from buddywatch.layout import Layout
from buddywatch.model import (
    BEFORE_CONTACT,
    OVERWRITTEN,
    REBOOT,
    UNDECODABLE,
    Boot,
    Event,
    Gap,
    ResumeState,
    Snapshot,
)
from buddywatch.session import LinkSession, Text
from buddywatch.tracker import BoardTracker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelboard import ModelBoard, facts

EPOCH = 1.7e9
LINKS = 2


class Rows:
    """What a store holds: refuses whatever is told twice, and says what a tracker must know to go on."""

    def __init__(self):
        self.boots, self.frames, self.snapshots, self.gaps = {}, {}, [], []

    def add(self, value):
        if isinstance(value, Boot):
            known = self.boots.setdefault(value.boot_id, value)
            assert (known.cause, known.started) == (value.cause, value.started)
            self.boots[value.boot_id] = value
            return
        assert value.boot_id in self.boots, "told before its boot"
        if isinstance(value, Gap):
            first, last = value.first, value.last
            self.gaps.append(value)
        elif isinstance(value, Snapshot):
            first, last = value.first_seq, value.seq
            self.snapshots.append(value)
        else:
            first = last = value.seq
        assert first <= last
        for number in range(first, last + 1):
            assert (value.boot_id, number) not in self.frames, f"{number} is there twice"
            self.frames[value.boot_id, number] = value

    def resume(self):
        if not self.boots:
            return None
        boot = list(self.boots.values())[-1]
        numbers = {number: value for (boot_id, number), value in self.frames.items() if boot_id == boot.boot_id}
        stored = spans(number for number, value in numbers.items() if not isinstance(value, Gap))
        lost = spans(number for number, value in numbers.items() if isinstance(value, Gap))
        edges, firsts = [], []
        for first, last in stored:
            inside = [numbers[n] for n in range(first, last + 1) if isinstance(numbers[n], Snapshot)]
            edges += inside[-1:]
            firsts += inside[:1]
        earlier = {}
        for boot_id, number in self.frames:
            if boot_id != boot.boot_id:
                earlier[boot_id] = max(earlier.get(boot_id, 0), number)
        return ResumeState(boot, tuple(stored), tuple(lost), tuple(edges), earlier, tuple(firsts))


def spans(numbers):
    found = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


class World:
    """A board, its links and a collector. Each action is what may happen to them."""

    def __init__(self, layout_facts, width, ring_bytes, seed, largest):
        self.random = random.Random(seed)
        self.made = (layout_facts, width, ring_bytes)
        self.largest = largest
        self.now = EPOCH
        self.lives = []
        self.rows = Rows()
        self.queues = [[] for _ in range(LINKS)]
        self.to_lose = 0
        self.start(100_000, "a0")
        self.restart_collector()

    @property
    def board(self):
        return self.lives[-1]

    def start(self, up_cs, kboot):
        layout_facts, width, ring_bytes = self.made
        boot = f"{len(self.lives) + 1:08x}"
        made = {**layout_facts, "kboot": kboot}
        self.lives.append(ModelBoard(boot, made, width, ring_bytes, self.random.random(), up_cs, self.largest))

    def send(self, link, lines):
        for line in lines:
            if self.to_lose > 0:
                self.to_lose -= 1
            else:
                self.queues[link].append(line + b"\n")

    def poll(self):
        self.now += 5.0
        lines = self.board.poll()
        for link in range(LINKS):
            self.send(link, lines)

    def poll_often(self):
        for _ in range(20):
            self.poll()

    def event(self):
        lines = self.board.event()
        for link in range(LINKS):
            self.send(link, lines)

    def lose_a_line(self):
        self.to_lose += 1

    def lose_many_lines(self):
        self.to_lose += 30

    def cut(self):
        """The links lose what is under way; the next connection begins with a hello."""
        self.queues = [[] for _ in range(LINKS)]
        self.sessions = [LinkSession() for _ in range(LINKS)]
        self.hello()

    def hello(self):
        for link in range(LINKS):
            self.send(link, self.board.hello())

    def ask(self):
        request = self.tracker.next_request()
        if request is not None:
            link = self.random.randrange(LINKS)
            self.sessions[link].expect(request.first)
            self.send(link, self.board.answer(*request))

    def disorder(self):
        self.random.shuffle(self.queues[self.random.randrange(LINKS)])

    def double(self):
        queue = self.random.choice(self.queues)
        if queue:
            queue.append(self.random.choice(queue))

    def damage(self):
        queue = self.random.choice(self.queues)
        if queue:
            i = self.random.randrange(len(queue))
            line = bytearray(queue[i])
            line[self.random.randrange(len(line) - 1)] ^= 1 << self.random.randrange(8)
            queue[i] = bytes(line)

    def splice(self):
        """A kernel message goes out in the middle of a line, or a newline is lost."""
        queue = self.random.choice(self.queues)
        if len(queue) > 1:
            i = self.random.randrange(len(queue) - 1)
            queue[i] = queue[i][:-1] if self.random.random() < 0.5 else b"<4>rm: page\n" + queue[i][5:]

    def deliver(self):
        link = self.random.randrange(LINKS)
        count = self.random.choice((1, 5, len(self.queues[link])))
        self.receive(link, count)

    def receive(self, link, count):
        data = b"".join(self.queues[link][:count])
        del self.queues[link][:count]
        for item in self.sessions[link].feed(data):
            if not isinstance(item, Text):
                for value in self.tracker.take(item, self.now + self.random.random()):
                    self.rows.add(value)

    def restart_agent(self):
        self.start(self.board.vector[0] + 300, self.board.static["kboot"])

    def reboot(self):
        self.now += 60.0
        self.start(2000, f"a{len(self.lives)}")

    def restart_collector(self):
        state = self.rows.resume()
        self.tracker = BoardTracker.resume(state) if state else BoardTracker()
        self.cut()

    def calm_down(self):
        """The line is good again: everything arrives, and the collector asks until nothing is missing."""
        self.to_lose = 0
        for _ in range(3):  # a boot left for an older one, which came late, is back when it has made more frames
            self.hello()
            self.poll()
            for link in range(LINKS):
                self.receive(link, len(self.queues[link]))
        for _ in range(2000):
            if self.tracker.next_request() is None:
                return
            self.ask()
            for link in range(LINKS):
                self.receive(link, len(self.queues[link]))
        raise AssertionError(f"still missing: {self.tracker.next_request()}")


ACTIONS = {
    World.poll: 12, World.poll_often: 2, World.event: 3, World.lose_a_line: 3, World.lose_many_lines: 1, World.cut: 1,
    World.hello: 2, World.ask: 6, World.disorder: 2, World.double: 2, World.damage: 2, World.splice: 1,
    World.deliver: 12, World.restart_agent: 1, World.reboot: 1, World.restart_collector: 2,
}  # fmt: skip
STEPS = st.lists(st.sampled_from([action for action, weight in ACTIONS.items() for _ in range(weight)]), max_size=120)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(steps, made, ring_bytes, seed, largest=9):
    world = World(*made, ring_bytes, seed, largest)
    for step in steps:
        step(world)
    world.calm_down()
    return world


def check_contents(world):
    layout = Layout(world.board.static)
    truth = {(life.boot, number): what for life in world.lives for number, what in life.truth.items()}
    for (boot, number), value in world.rows.frames.items():
        what = truth[boot, number]
        if isinstance(value, Snapshot):
            assert what == ("snapshot", value.first_seq, value.seq, layout.vector(value))
        elif isinstance(value, Event):
            assert what == ("event", b"%d|alloc|61440|17|rm|%s" % (value.uptime_ms // 10, value.text.encode()))


def overtaken(world):
    """Whether the hello of an older boot, which came late, has made the collector believe for a while that it is new.

    What was missing of the last boot at that time was then lost "by reboot", though the board still had it.
    """
    return list(world.rows.boots)[-1] != world.board.boot


def check_gaps(world, exact):
    """The last boot is whole but for what its ring dropped; of the boots before it, nothing is left open."""
    rows, board = world.rows, world.board
    assert {n for boot, n in rows.frames if boot == board.boot} == set(range(1, board.following))
    for number in range(1, board.following):
        value = rows.frames[board.boot, number]
        if not isinstance(value, Gap) or overtaken(world):
            continue
        if exact or value.reason != UNDECODABLE:
            assert number < board.oldest, f"{number} is in the ring, which begins with {board.oldest}: {value}"
        assert value.reason in (OVERWRITTEN, BEFORE_CONTACT, UNDECODABLE)
        if value.reason == UNDECODABLE and exact:
            group = [n for n in board.group if board.group[n] == board.group[number] and n < number]
            assert any(isinstance(rows.frames[board.boot, n], Gap) for n in group)
    for life in world.lives[:-1]:
        numbers = {n for boot, n in rows.frames if boot == life.boot}
        assert numbers == set(range(1, max(numbers, default=0) + 1))


def check_times(world):
    for life in world.lives:
        snapshots = sorted((s for s in world.rows.snapshots if s.boot_id == life.boot), key=lambda s: s.seq)
        for before, after in pairwise(snapshots):
            assert after.time > before.time - 1e-3


SEEDS = st.integers(0, 2**32)
BOARD = facts()
LARGE = facts(zones=7, orders=11)  # 110 columns: with large numbers, a key frame is continued twice


@given(STEPS, st.sampled_from([400, 1500, 30_000]), SEEDS)
@UNHURRIED
def test_each_frame_is_stored_once_and_right_or_its_gap_has_a_cause(steps, ring_bytes, seed):
    world = run(steps, BOARD, ring_bytes, seed)
    check_contents(world)
    check_gaps(world, exact=True)
    check_times(world)


@given(STEPS, st.sampled_from([4000, 60_000]), SEEDS)
@UNHURRIED
def test_a_large_machine_whose_snapshots_take_several_frames(steps, ring_bytes, seed):
    world = run(steps, LARGE, ring_bytes, seed, largest=10**6)
    check_contents(world)
    check_gaps(world, exact=False)
    check_times(world)


@given(STEPS, SEEDS)
@UNHURRIED
def test_with_room_in_the_ring_nothing_is_lost_in_the_last_boot(steps, seed):
    for made, largest in ((BOARD, 9), (LARGE, 10**6)):
        world = run(steps, made, 1_000_000, seed, largest)
        assert overtaken(world) or world.board.boot not in {gap.boot_id for gap in world.rows.gaps}
        assert {gap.reason for gap in world.rows.gaps} <= {REBOOT, UNDECODABLE}


@given(STEPS, st.data(), SEEDS)
@UNHURRIED
def test_hellos_with_any_facts_are_taken(steps, data, seed):
    """A board may be wrong about itself; nothing raises, and the collector says what is wrong in a line."""
    key = data.draw(st.sampled_from(sorted(NEEDED_FACTS | {"z0", "key"})))
    value = data.draw(st.sampled_from(["", "-", "0", "7", "9" * 20, "up", "x/y", "0/N/3/1/2/3/4"]))
    world = World({**BOARD[0], key: value} if key != "interval_cs" else BOARD[0], BOARD[1], 1500, seed, 9)
    for step in steps:
        step(world)
    assert world.tracker.problem is None or "\n" not in world.tracker.problem


@pytest.mark.parametrize("seed", range(20))
def test_long_noisy_runs_end_whole(seed):
    """Thousands of frames over bad lines, with a ring that is too small now and then."""
    chooser = random.Random(seed)
    rarely = {World.restart_agent: 0.1, World.reboot: 0.1, World.restart_collector: 0.5, World.deliver: 20}
    steps = chooser.choices(list(ACTIONS), list({**ACTIONS, **rarely}.values()), k=1500)
    world = run(steps, BOARD, chooser.choice((1500, 30_000)), seed)
    check_contents(world)
    check_gaps(world, exact=True)
    check_times(world)
