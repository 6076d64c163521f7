"""A board and its links as tests need them: the real encoder, a ring that drops whole groups, requests answered."""

import random

from buddyd import wire

UP_CS = 100_000  # uptime of the first poll


class ModelBoard:
    """One life of an agent. truth: frame number -> ("snapshot", first, last, vector) or ("event", body)."""

    def __init__(self, boot, facts, width, ring_bytes, seed, up_cs=UP_CS, largest=9):
        self.boot = boot
        self.static = facts
        self.random = random.Random(seed)
        self.encoder = wire.Encoder(boot, width, int(facts["interval_cs"]), ring_bytes // 4)
        self.vector = [self.random.randrange(largest + 1) for _ in range(width)]
        self.vector[0] = up_cs
        self.largest = largest
        self.ring_bytes = ring_bytes
        self.ring = []  # (number, line)
        self.oldest = 1
        self.key = 0
        self.truth = {}
        self.group = {}  # frame number -> number of its group's first frame

    @property
    def following(self):
        return self.encoder.sequence

    def poll(self):
        """Make a snapshot; its lines."""
        self.vector[0] += int(self.static["interval_cs"]) + self.random.choice((0, 0, 0, 1, -1))
        for _ in range(self.random.randrange(len(self.vector))):
            self.vector[self.random.randrange(1, len(self.vector))] = self.random.randrange(self.largest + 1)
        lines = []
        first = self.following
        self.encoder.snapshot(self.vector, lines.append)
        for number in range(first, self.following):
            self.truth[number] = ("snapshot", first, self.following - 1, list(self.vector))
        return self._keep(first, lines)

    def stream(self, polls):
        """The lines of so many snapshots of a board with room for all of them; nothing is kept in the ring."""
        lines = []
        for i in range(polls):
            self.vector[0] += int(self.static["interval_cs"])
            self.vector[-1] = i % 7
            self.encoder.snapshot(self.vector, lines.append)
        return lines

    def event(self):
        lines = []
        body = wire.event_text(self.vector[0], "alloc", 61440, 17, "rm", "Allocation of length 61440 ~d failed")
        self.truth[self.following] = ("event", body)
        self.encoder.event(body, lines.append)
        return self._keep(self.following - 1, lines)

    def _keep(self, first, lines):
        if lines[0][1:2] in (wire.KEY, wire.KEY_PART):
            self.key = first
        for number, line in enumerate(lines, first):
            self.group[number] = self.key
            self.ring.append((number, line))
        while sum(len(line) for _, line in self.ring) > self.ring_bytes and self.group[self.oldest] != self.key:
            oldest = self.group[self.oldest]
            self.ring = [(number, line) for number, line in self.ring if self.group[number] != oldest]
            self.oldest = self.ring[0][0]
        return lines

    def hello(self):
        facts = list(self.static.items())
        facts += [("up", self.vector[0]), ("key", self.key), ("oldest", self.oldest), ("next", self.following)]
        return list(wire.hello_lines(self.boot, [(key, str(value)) for key, value in facts]))

    def answer(self, boot, first, count):
        """The lines that a request brings."""
        if boot != self.boot:
            return self.hello()
        end = first + count
        lines = []
        if first < self.oldest:
            lines.append(wire.gap_line(boot, first, self.oldest - 1))
        return lines + [line for number, line in self.ring if first <= number < end]


def facts(zones=1, orders=3, **others):
    """(facts, width) of a board's hello."""
    made = {"v": "1", "name": "b", "interval_cs": "500", "kboot": "-", "cols": "up,proc,free,recl,slab"}
    made["zones"] = str(zones)
    for i in range(zones):
        made[f"z{i}"] = f"0/Normal/{orders}/1/2/3/4"
    return {**made, **others}, 5 + zones * (4 + orders)
