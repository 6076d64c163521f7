"""Helpers for tests of the tracker: a ModelBoard's lines as items, and short forms of the results."""

from buddyd import wire
from buddywatch.model.samples import Boot, Gap, Snapshot
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.line_stream import LinkSession
from modelboard import ModelBoard, facts

EPOCH = 1.7e9
FACTS, WIDTH = facts()


def board(boot="0000000a", ring_bytes=4000, seed=1, polls=0, **changes):
    """A board that has made `polls` snapshots."""
    made = ModelBoard(boot, {**FACTS, **changes}, WIDTH, ring_bytes, seed)
    for _ in range(polls):
        made.poll()
    return made


def items(lines, live_near=1, boot="0000000a"):
    """The items that a session decodes from lines of the board."""
    session = LinkSession()
    session.feed(next(wire.hello_lines(boot, ())) + b"\n")
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
    """A tracker that has heard the board's hello, and its results."""
    tracker = BoardTracker()
    return tracker, feed(tracker, hello(made))


def numbers(values):
    return [(value.first_seq, value.seq) for value in values if isinstance(value, Snapshot)]


def boots(values):
    return [value for value in values if isinstance(value, Boot)]


def gaps(values):
    return [(value.first, value.last, value.reason) for value in values if isinstance(value, Gap)]
