"""Which programs were started and ended: looked for only when the kernel's count has risen."""

from agents import agent_on, events
from buddyd import compat
from buddyd.sources import births
from buddyd.sources.births import BORN_MAX, ENDED_MAX, HOLD_MS, PIDS_MAX, YOUNG_POLLS
from harness import read
from scratch import Scratch
from test_memory_map import MAPS, PROC, Later, a_process

START_CS = 50000  # of the jobs, and the uptime at the agent's first poll


class Board:
    """A /proc in which programs come and go."""

    def __init__(self, scratch, ring="8192"):
        self.scratch = scratch
        self.created = 24
        for name in ("buddyinfo", "meminfo"):
            scratch.write(name, read(PROC + name))
        self.set(uptime_cs=START_CS)
        a_process(scratch, 1, b"init", 3, MAPS)
        self.agent = agent_on(scratch.path, ring, "600")
        self.agent.poll()

    def set(self, uptime_cs=None, created=None):
        self.created = self.created if created is None else created
        self.scratch.write("stat", b"cpu 1 2 3\nprocesses %d\n" % self.created)
        if uptime_cs is not None:
            self.uptime_cs = uptime_cs
            self.scratch.write("uptime", b"%d.%02d 1.00\n" % (uptime_cs // 100, uptime_cs % 100))

    def start(self, pid, name=b"job", page=0x403C0):
        """A program of one region; the count rises."""
        maps = b"%x000-%x000 rwxp 00000000 00:00 0 \n" % (page, page + 15)
        a_process(self.scratch, pid, name, self.uptime_cs, maps)
        self.set(created=self.created + 1)

    def end(self, pid):
        self.scratch.remove("%d" % pid)

    def poll(self, after_s=5):
        self.set(uptime_cs=self.uptime_cs + 100 * after_s)
        self.agent.poll()

    def born(self):
        return [event for event in events(self.agent) if event[1] == "born"]

    def flushed(self):
        """The texts of all events, when what waits was sent as well."""
        self.agent.births.flush()
        return [(event[2], event[5]) for event in self.born()]


def test_nothing_is_loaded_until_a_program_starts():
    with Scratch() as scratch:
        board = Board(scratch)
        for _ in range(3):
            board.poll()
        assert board.agent.births is None


def test_start_and_end_are_one_event_after_a_while():
    with Scratch() as scratch:
        board = Board(scratch)
        board.start(31)
        board.poll()
        board.poll()
        board.end(31)
        board.poll()
        assert board.born() == []
        with Later(HOLD_MS):
            board.poll()
        (event,) = board.born()
        # pid 31, started at 500 s, three letters, one region of 15 pages at 0x403c0; pid 31 ended 5 s before the event.
        assert event[2] == 0 and event[5] == '_"X7%job"etp&0}_"&', event
        assert event[0] == board.uptime_cs


def test_program_that_ends_between_two_polls_is_not_seen():
    with Scratch() as scratch:
        board = Board(scratch)
        board.set(created=board.created + 2)
        board.poll()
        assert board.flushed() == []


def test_program_that_runs_when_the_first_start_comes_is_not_new():
    with Scratch() as scratch:
        board = Board(scratch)
        a_process(scratch, 23, b"buddyd", 49, MAPS)
        board.start(31)
        board.poll()
        ((part, text),) = board.flushed()
        assert part == 0 and text.startswith('_"X7%job')


def count_looks(board, polls):
    """How often /proc is listed in so many polls."""
    listed = []
    real = compat.numbers
    compat.numbers = lambda folder: listed.append(1) or real(folder)
    try:
        for _ in range(polls):
            board.poll()
    finally:
        compat.numbers = real
    return len(listed)


def test_proc_is_listed_only_after_a_start_and_while_a_new_program_runs():
    with Scratch() as scratch:
        board = Board(scratch)
        board.start(31)
        assert count_looks(board, 1) == 1
        assert count_looks(board, YOUNG_POLLS) == YOUNG_POLLS
        assert count_looks(board, 30) == 0
        board.start(32)
        assert count_looks(board, 2) == 2
        board.end(31)
        board.end(32)
        assert count_looks(board, 9) == 1  # it finds both ends
        assert board.flushed()[0][1].startswith('_"X7%job')


def test_many_starts_in_one_poll_are_several_events():
    with Scratch() as scratch:
        board = Board(scratch)
        for pid in range(100, 100 + 2 * BORN_MAX + 1):
            board.start(pid, b"p%d" % pid, 0x40000 + 16 * pid)
        board.poll()
        assert len(board.born()) == 2
        texts = "".join([text for _, text in board.flushed()])
        assert [("p%d" % pid) in texts for pid in range(100, 100 + 2 * BORN_MAX + 1)] == [True] * (2 * BORN_MAX + 1)
        for pid in range(100, 100 + 2 * BORN_MAX + 1):
            board.end(pid)
        board.start(400)
        board.poll()
        assert len(board.flushed()) == 4


def test_what_is_kept_is_bounded_whatever_the_board_does():
    with Scratch() as scratch:
        board = Board(scratch)
        for pid in range(100, 100 + PIDS_MAX + 40):
            board.start(pid)
        board.poll()
        for turn in range(ENDED_MAX + 5):
            board.end(100 + turn)
        board.start(900)
        board.poll()
        here = board.agent.births
        assert len(here._known) <= PIDS_MAX and len(here._young) <= PIDS_MAX
        assert len(here._born) <= BORN_MAX and len(here._ended) <= ENDED_MAX
        for _, text in board.flushed():
            assert len(text) <= 216


def test_events_of_starts_take_an_eighth_of_the_ring():
    with Scratch() as scratch:
        board = Board(scratch, "4096")
        for pid in range(100, 160):
            board.start(pid, b"a-long-name-%d" % pid)
            board.poll()
            board.agent.births.flush()
            assert board.agent.ring.event_bytes <= board.agent.ring.size_bytes // 8 + 255
        assert len(board.born()) > 3


def test_proc_that_cannot_be_listed_costs_the_births_only():
    with Scratch() as scratch:
        board = Board(scratch)
        board.start(31)
        board.agent.sampler.system.root = scratch.path + "/none/"
        board.poll()
        assert board.flushed() == []
        board.agent.sampler.system.root = scratch.path + "/"
        board.poll()
        assert len(board.flushed()) == 1
        assert births.compat is compat


def test_without_maps_nothing_is_looked_for():
    with Scratch() as scratch:
        board = Board(scratch)
        board.agent.map_ms = 0
        board.start(31)
        board.poll()
        assert board.agent.births is None
