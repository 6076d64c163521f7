"""failures: one event for the kernel's lines about one failure, and room in the ring for snapshots."""

from agents import agent, events
from buddyd import compat

PAGE = "rm: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null)"
ALLOC = "nommu: Allocation of length 61440 from process 24 (rm) failed"
LOAD = "binfmt_flat: Unable to allocate RAM for process data, errno -12"


def told(here):
    """(uptime_cs, kind, number, comm) of each event."""
    return [(event[0], event[1], event[2], event[4]) for event in events(here)]


def say(here, *lines):
    """Lines of the kernel's log: (stamp_cs, text)."""
    for stamp_cs, text in lines:
        here._kernel_line(text, stamp_cs)


def test_three_lines_about_one_start_are_one_event():
    here = agent()
    say(here, (500, PAGE), (500, ALLOC), (501, LOAD), (900, PAGE), (1200, ALLOC), (1501, LOAD))
    here.poll()
    here.poll()
    assert told(here) == [(500, "alloc", 61440, "rm"), (1200, "alloc", 61440, "rm")]


def test_allocators_line_alone_is_sent_after_a_poll():
    here = agent()
    say(here, (500, PAGE))
    here.poll()
    assert told(here) == []
    here.poll()
    assert told(here) == [(500, "page", 4, "rm")]


def test_allocators_line_about_another_program_is_kept():
    here = agent()
    say(here, (500, PAGE.replace("rm", "cp")), (500, ALLOC), (501, PAGE), (502, PAGE), (502, ALLOC))
    assert [(event[1], event[3]) for event in told(here)] == [
        ("page", "cp"),
        ("alloc", "rm"),
        ("page", "rm"),
        ("alloc", "rm"),
    ]


def test_mmaps_line_without_a_program_ends_the_allocators_too():
    """2.6.24 names none."""
    here = agent()
    say(here, (500, PAGE), (500, "Allocation of length 61440 from process 24 failed"))
    here.poll()
    here.poll()
    assert told(here) == [(500, "alloc", 61440, None)]


def test_loaders_line_is_kept_where_it_says_something_else():
    here = agent()
    say(here, (500, ALLOC), (500, LOAD), (500, LOAD))  # a second one has no line of mmap's
    say(here, (600, ALLOC), (600, "Unable to read code+data+bss, errno 5"))
    say(here, (700, ALLOC), (1701, LOAD))
    assert [event[1] for event in told(here)] == ["alloc", "load", "alloc", "load", "alloc", "load"]


def test_killers_lines_stay_apart():
    here = agent()
    say(here, (5, "rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0"), (5, "Killed process 7 (cat)"))
    assert [event[1:] for event in told(here)] == [("oom", 2, "rm"), ("kill", 0, "cat")]


class Later:
    """compat's clock, so many ms later."""

    def __init__(self, ms):
        self.ms = ms

    def __enter__(self):
        self.real = compat.ticks_ms
        compat.ticks_ms = lambda: compat.ticks_add(self.real(), self.ms)

    def __exit__(self, *exc):
        compat.ticks_ms = self.real


def test_storm_leaves_three_fourths_of_the_ring_to_snapshots_and_is_counted():
    here = agent(ring="4096")
    for number in range(500):
        say(here, (500 + number, ALLOC))
        if number % 10 == 0:
            here.poll()
            assert here.ring.event_bytes <= here.ring.size_bytes // 4 + 255
    sent = len(told(here))
    assert 4 < sent < 40
    with Later(60000):
        here.poll()
    (event,) = [event for event in events(here) if event[1] == "more"]
    assert event[2:5] == (500 - sent, 24, "rm")
    assert event[5] == "%d more; the newest: %s" % (500 - sent, ALLOC)


def test_nothing_of_it_stays_in_the_heap_a_minute_after_the_last_line():
    here = agent()
    say(here, (500, ALLOC))
    here.poll()
    assert here.failures is not None
    with Later(59000):
        here.poll()
    assert here.failures is not None
    with Later(61000):
        here.poll()
    assert here.failures is None
    say(here, (600, ALLOC))
    assert [event[0] for event in told(here)] == [500, 600]
