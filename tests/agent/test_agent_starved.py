"""The agent with a heap that is full at times: it reports what it left out, and what it keeps is correct."""

import sys

from agents import agent, agent_on
from buddyd import wire, wire_host, wire_read
from buddyd.agent import STARVED_MAX
from harness import raises, read
from scratch import Scratch

PROC = "captures/frag-4k-bflt/proc/"
FAILURE = b"<4>[   27.690000] nommu: Allocation of length 61440 from process 24 (rm) failed\n"


class Starving:
    """A ring whose append() finds no room in the heap, each time that `times` is not 0."""

    def __init__(self, ring):
        self.take = ring.append
        self.times = 0

    def append(self, line):
        if self.times:
            self.times -= 1
            raise MemoryError
        self.take(line)


def starve(here):
    starving = Starving(here.ring)
    here.ring.append = starving.append
    return starving


def contents(here):
    """What the ring holds, frame by frame; each is whole under its own number."""
    found = []
    for sequence in range(here.ring.oldest, here.ring.next):
        line = bytes(here.ring.line(here.ring.locate(sequence)))
        content = wire.unseal(line, wire.context(here.boot, sequence))
        assert content is not None
        found.append(content)
    return found


def snapshots(here):
    """The vectors that a host makes of the ring."""
    vector, column, found = [0] * len(here.sampler.vector), 0, []
    for content in contents(here):
        column = wire_read.apply_frame(content, vector, column, here.encoder.interval_cs)
        if content[1:2] in (wire.KEY, wire.DELTA):
            found.append(list(vector))
    return found


def events(here):
    return [wire_host.parse_event(content[4:]) for content in contents(here) if content[1:2] == wire.EVENT]


def test_snapshot_without_room_is_left_out_and_told_and_the_next_ones_are_true():
    here = agent()
    starving = starve(here)
    here.poll()
    first = list(here.sampler.vector)
    starving.times = 1
    here.poll()
    for _ in range(3):
        here.poll()
    assert len(snapshots(here)) == 4
    assert snapshots(here)[0] == first and snapshots(here)[-1] == here.sampler.vector
    assert [event[1] for event in events(here)] == ["source"]
    assert "no room" in events(here)[0][5]


def test_snapshot_after_one_that_was_left_out_is_true_whatever_changed():
    """The encoder took the changes of the lost snapshot for sent."""
    counts = read(PROC + "buddyinfo")
    with Scratch() as scratch:
        for name in ("meminfo", "zoneinfo", "uptime", "stat"):
            scratch.write(name, read(PROC + name))
        scratch.write("buddyinfo", counts)
        here = agent_on(scratch.path)
        starving = starve(here)
        here.poll()
        scratch.write("buddyinfo", counts.replace(b"140", b"160"))
        starving.times = 1
        here.poll()
        here.poll()
        assert snapshots(here)[-1] == here.sampler.vector
        assert 160 in here.sampler.vector


def test_polls_without_room_count_on_end_only():
    here = agent()
    starving = starve(here)
    for _ in range(2):
        starving.times = STARVED_MAX - 1
        for _ in range(STARVED_MAX):
            here.poll()
        assert starving.times == 0


def test_telling_that_finds_no_room_is_told_later():
    here = agent()
    starving = starve(here)
    here.poll()
    starving.times = 2
    for _ in range(4):
        here.poll()
    assert len(events(here)) == 1 and len(snapshots(here)) == 3


def test_kernel_line_without_room_costs_the_line_and_not_the_agent():
    with Scratch() as scratch:
        for name in ("buddyinfo", "meminfo", "zoneinfo", "uptime", "stat"):
            scratch.write(name, read(PROC + name))
        scratch.write("kmsg", FAILURE)
        here = agent_on(scratch.path)
        starving = starve(here)
        starving.times = 1
        assert here.drain_kernel_log()
        here.poll()
        assert [event[1] for event in events(here)] == ["source"]
        assert len(snapshots(here)) == 1
        here.kernel_log.file.close()


def test_heap_that_never_has_room_ends_the_agent():
    here = agent()
    starving = starve(here)
    starving.times = STARVED_MAX
    for _ in range(STARVED_MAX - 1):
        here.poll()
    raises(MemoryError, here.poll)


def test_without_room_what_only_questions_need_leaves_the_heap_and_comes_back():
    here = agent()
    here.poll()
    list(here.answer(b"need 61440", True))
    next(here.answer(b"recent 20", True))  # its asker is gone before the end
    loaded = ("buddyd.talk.answers", "buddyd.watermark", "buddyd.wire_read")
    assert [name in sys.modules for name in loaded] == [True, True, True]
    here.leave_out()
    assert [name in sys.modules for name in loaded] == [False, False, False]
    (line,) = here.answer(b"need 61440", True)
    assert line.startswith("need 61440: ")
    here.leave_out()
    here.poll()
    assert "no room 2 times" in events(here)[0][5]
