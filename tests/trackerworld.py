"""A board, its links and a collector, and all that may happen to them."""

import random
from dataclasses import replace

from buddywatch.model.samples import ENDING, Boot, BootEnd, Gap, ResumeState, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.layout import WireSnapshot
from buddywatch.protocol.line_stream import LinkSession, Text
from modelboard import ModelBoard

EPOCH = 1.7e9
LINKS = 2


class Rows:
    """A model of a store: it refuses items that come twice, and gives a tracker what it needs to resume."""

    def __init__(self):
        self.boots, self.frames, self.snapshots, self.gaps, self.endings = {}, {}, [], [], {}

    def retime(self, retime):
        """Correct the times of a boot, as the store does."""

        def right(value):
            late_ms = getattr(value, "uptime_ms", None)
            if value.boot_id != retime.boot_id or late_ms is None:
                return value
            if not retime.from_uptime_ms <= late_ms <= retime.to_uptime_ms:
                return value
            time = retime.started + late_ms / 1000
            if isinstance(value, WireSnapshot):
                return WireSnapshot(value._layout, value.boot_id, value.first_seq, value.seq, time, value.vector)
            return replace(value, time=time)

        self.snapshots = [right(value) for value in self.snapshots]
        self.frames = {key: right(value) for key, value in self.frames.items()}
        if retime.from_uptime_ms == 0:
            self.boots[retime.boot_id] = replace(self.boots[retime.boot_id], started=retime.started)

    def add(self, value):
        if isinstance(value, Boot):
            known = self.boots.setdefault(value.boot_id, value)
            assert (known.cause, known.started) == (value.cause, value.started)
            self.boots[value.boot_id] = value
            return
        assert value.boot_id in self.boots, "told before its boot"
        if isinstance(value, BootEnd):
            self.endings.pop(value.boot_id, None)
            if value.state == ENDING:
                self.endings[value.boot_id] = value
            return
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
        earlier = {}
        for boot_id, number in self.frames:
            if boot_id != boot.boot_id:
                earlier[boot_id] = max(earlier.get(boot_id, 0), number)
        endings = [
            (self.endings[name], self.resume_boot(self.boots[name])) for name in self.boots if name in self.endings
        ]
        return replace(self.resume_boot(boot), earlier=earlier, endings=tuple(endings))

    def resume_boot(self, boot):
        numbers = {number: value for (boot_id, number), value in self.frames.items() if boot_id == boot.boot_id}
        stored = spans(number for number, value in numbers.items() if not isinstance(value, Gap))
        lost = spans(number for number, value in numbers.items() if isinstance(value, Gap))
        edges, firsts = [], []
        for first, last in stored:
            inside = [numbers[n] for n in range(first, last + 1) if isinstance(numbers[n], Snapshot)]
            edges += inside[-1:]
            firsts += inside[:1]
        return ResumeState(boot, tuple(stored), tuple(lost), tuple(edges), firsts=tuple(firsts))


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
        """The links lose data in transit; the next connection begins with a hello."""
        self.queues = [[] for _ in range(LINKS)]
        self.sessions = [LinkSession() for _ in range(LINKS)]
        self.hello()

    def hello(self):
        for link in range(LINKS):
            self.send(link, self.board.hello())

    def ask(self):
        request = self.tracker.next_request(32)
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

    def close_ended(self):
        """The links had time enough to bring the last frames of boots that are over."""
        for boot_id in list(self.rows.endings):
            for value in self.tracker.close(boot_id, self.now):
                self.rows.add(value)
        assert not self.rows.endings

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
            if self.tracker.next_request(32) is None:
                self.close_ended()
                return
            self.ask()
            for link in range(LINKS):
                self.receive(link, len(self.queues[link]))
        raise AssertionError(f"still missing: {self.tracker.next_request(32)}")
