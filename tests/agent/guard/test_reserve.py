"""--reserve: blocks that are taken at the start, given back when a start is refused or a person asks, and taken again.

The blocks are real memory of the test's process; the free blocks of the board are files in place of /proc.
"""

from agents import agent_on, events
from buddyd import options
from buddyd.compat.calls import Missing
from buddyd.guard import made, reserve_rule
from buddyd.guard.reserve import Reserve
from buddyd.talk.conversation import Conversation
from commanding import Commander, allow_all
from harness import fixture, raises
from scratch import Scratch

CAPTURE = "captures/fresh-4k-bflt-2.6.30/proc/"
FILES = ("buddyinfo", "meminfo", "zoneinfo", "version", "stat", "uptime", "cpuinfo", "vmstat")
K64 = 65536
ROOM = (1, 2, 5, 1, 0, 0, 0, 1, 1, 0, 1)  # blocks by order, as after the boot
TORN = (140, 60, 20, 9, 0, 0, 0, 0, 0, 0, 0)
ONE_LEFT = (140, 60, 20, 9, 1, 0, 0, 0, 0, 0, 0)  # a block of 64 kB, which the rule of 2.6.30 keeps back
REFUSED_RM = "Allocation of length 61440 from process 6821 (rm) failed"


class Board:
    """A /proc without an MMU, with Linux 2.6.30, whose free blocks are set."""

    def __init__(self, scratch, blocks=ROOM, sizes=(K64, K64), gives_itself=True):
        self.scratch = scratch
        for name in FILES:
            with open(fixture(CAPTURE + name), "rb") as file:
                scratch.write(name, file.read())
        self.agent = agent_on(scratch.path, "8192")
        self.set(blocks)
        self.reserve = Reserve(self.agent, sizes, gives_itself)
        self.agent.guards = (self.reserve,)

    def set(self, blocks):
        counts = " ".join([str(count) for count in blocks])
        self.scratch.write("buddyinfo", b"Node 0, zone      DMA %s\n" % counts.encode())

    def refuse(self, text=REFUSED_RM):
        self.agent._kernel_line(text, 100)

    def told(self):
        return [event[5] for event in events(self.agent) if event[1] == "source"]

    def fact(self):
        return dict(self.agent._facts(0, 0, 0, 0))["reserve"]

    def a_minute_later(self):
        self.reserve._looked_ms -= 60000
        self.agent.poll()


def mapped_kb():
    """Address space of this process. Not VmSize: an emulator of a processor keeps what its program gives back."""
    size = 0
    with open("/proc/self/maps", "rb") as file:
        for line in file.read().split(b"\n"):
            if line:
                first, end = line.split(b" ", 1)[0].split(b"-")
                size += int(end, 16) - int(first, 16)
    return size // 1024


def test_blocks_are_taken_at_the_start_where_there_is_room():
    with Scratch() as scratch:
        board = Board(scratch, sizes=(4 << 20, K64))  # there is one of 4 MB, and no more of that size or larger
        assert board.reserve.status() == "reserve: 4194304 bytes given back, 65536 bytes held"
        assert board.fact() == "4194304:-,65536:held"
        assert board.told() == ["reserve: 4194304 bytes given back, 65536 bytes held"]


def test_memory_is_the_kernels_again_when_given_back():
    with Scratch() as scratch:
        board = Board(scratch, sizes=(K64 * 4,))
        held = mapped_kb()
        board.reserve.give(0, "as a test asked")
        assert held - mapped_kb() >= 256
        assert board.fact() == "262144:-"


def test_size_is_rounded_up_to_a_whole_block():
    with Scratch() as scratch:
        assert Board(scratch, sizes=(61440, 4097)).fact() == "65536:held,8192:held"


def test_as_few_blocks_are_given_back_as_the_kernel_s_rule_needs():
    with Scratch() as scratch:  # of one 64 kB block 15 pages are asked for; 5 more must stay: a second one does that
        board = Board(scratch, sizes=(K64, K64, K64, K64))
        board.set(TORN)
        board.refuse()
        assert board.told()[1:] == [
            "reserve: gave 65536 bytes back, as the kernel refused 61440 bytes to rm; now: "
            "65536 bytes given back, 65536 bytes held, 65536 bytes held, 65536 bytes held",
            "reserve: gave 65536 bytes back, as the kernel refused 61440 bytes to rm; now: "
            "65536 bytes given back, 65536 bytes given back, 65536 bytes held, 65536 bytes held",
        ]
    with Scratch() as scratch:
        board = Board(scratch)
        board.set(ONE_LEFT)
        board.refuse()
        assert board.fact() == "65536:-,65536:held"


def test_lines_about_one_failure_count_once():
    with Scratch() as scratch:
        board = Board(scratch, sizes=(K64,) * 6)
        board.set(TORN)  # all the time: what failed has not given its memory back yet
        page = "rm: page allocation failure. order:4, mode:0xd0"
        for line, given in ((page, 2), (REFUSED_RM, 2), (REFUSED_RM, 4), (page, 6), (page, 6)):
            board.refuse(line)
            assert board.fact().count("-") == given, line
    with Scratch() as scratch:
        board = Board(scratch, sizes=(K64,) * 4)
        board.set(TORN)
        board.refuse("sh: page allocation failure. order:4, mode:0xd0")
        board.refuse()  # of another program
        assert board.fact().count("-") == 4


def test_larger_block_serves_where_no_smaller_one_is_held():
    with Scratch() as scratch:
        board = Board(scratch, sizes=(4 * K64, 16384))
        board.set(TORN)
        board.refuse()
        assert board.fact() == "262144:-,16384:held"


def test_nothing_is_given_back_where_it_does_not_help():
    with Scratch() as scratch:
        board = Board(scratch, sizes=(K64,))
        board.set(TORN)
        for _ in range(3):  # said once
            board.refuse()
        assert board.fact() == "65536:held"
        assert board.told()[1:] == [
            "reserve: nothing given back, as the kernel refused 61440 bytes to rm: all of it would not be enough"
        ]
    with Scratch() as scratch:
        board = Board(scratch)
        board.refuse()  # by now there is room
        board.set(TORN)
        board.refuse("Allocation of length 200000 from process 6821 (big) failed")
        board.refuse("a line about something else")
        board.refuse("Out of memory: kill process 12 (sh) score 3 or a child")
        assert board.fact() == "65536:held,65536:held"


def test_nothing_is_given_back_by_itself_unless_that_is_asked_for():
    with Scratch() as scratch:
        board = Board(scratch, gives_itself=False)
        board.set(TORN)
        board.refuse()
        assert board.fact() == "65536:held,65536:held"


def test_line_of_the_allocator_counts_by_its_order():
    with Scratch() as scratch:
        board = Board(scratch)
        board.set(TORN)
        board.refuse("rm: page allocation failure. order:4, mode:0xd0")
        assert board.fact() == "65536:-,65536:-"


def test_blocks_are_taken_again_one_a_minute_when_there_is_room():
    with Scratch() as scratch:
        board = Board(scratch)
        board.set(TORN)
        board.refuse()
        board.a_minute_later()
        assert board.fact() == "65536:-,65536:-"
        board.set(ROOM)
        board.agent.poll()  # not so soon
        assert board.fact() == "65536:-,65536:-"
        board.a_minute_later()
        board.agent.poll()
        assert board.fact() == "65536:held,65536:-"
        board.a_minute_later()
        assert board.fact() == "65536:held,65536:held"
        assert board.told()[-1][:55] == "reserve: took 65536 bytes again, as there is room; now:"


def test_start_on_torn_memory_takes_nothing_and_tries_again():
    with Scratch() as scratch:
        board = Board(scratch, ONE_LEFT)
        assert board.fact() == "65536:-,65536:-"
        board.set(ROOM)
        board.a_minute_later()
        assert board.fact() == "65536:held,65536:-"


def test_taking_leaves_room_for_one_more_of_the_kind():
    marks = (90, 112, 0, 0)
    assert reserve_rule.may_take([(list(ROOM),) + marks], "old", 4)
    assert not reserve_rule.may_take([(list(ONE_LEFT),) + marks], "old", 4)
    assert reserve_rule.may_take([], "old", 4)
    assert reserve_rule.without([0, 0, 0, 1], 1) == [0, 1, 1, 0]
    assert reserve_rule.without([9, 1, 0, 0], 2) is None


def test_unknown_rule_gives_the_smallest_block_that_fits():
    assert reserve_rule.to_give([], None, 4, [5, 3, 4, -1]) == (reserve_rule.UNKNOWN, [2])
    assert reserve_rule.to_give([], None, 6, [5, 3, 4, -1]) == (reserve_rule.UNKNOWN, [])


def test_release_is_a_command():
    with Scratch() as scratch:
        board = Board(scratch, sizes=(K64, 4 * K64, K64), gives_itself=False)
        here = Commander(Conversation(allow_all(board.agent), True))
        output, failure, code = here.run(b"release", b"100k")
        assert (failure, code) == (b"", 0)
        assert output.startswith(b"gave 262144 bytes back, as it was asked for; now: 65536 bytes held, 262144 bytes ")
        assert here.run(b"release")[2] == 0
        assert board.fact() == "65536:-,262144:-,65536:held"
        assert here.run(b"release", b"128k")[1:] == (
            b"release: no such block is held: 65536 bytes given back, 262144 bytes given back, 65536 bytes held\n",
            1,
        )
        board.a_minute_later()
        assert here.run(b"release", b"-a")[0].count(b"\n") == 2
        assert board.fact() == "65536:-,262144:-,65536:-"
        assert here.run(b"release", b"x") == (b"", b"release: invalid number 'x'\n", 1)


def test_board_without_a_reserve_says_so():
    with Scratch() as scratch:
        board = Board(scratch)
        board.agent.guards = ()
        here = Commander(Conversation(allow_all(board.agent), True))
        assert here.run(b"release") == (b"", b"release: there is no reserve; start buddyd with --reserve\n", 1)


def test_interpreter_without_the_call_says_so_once():
    from buddyd.compat import calls

    kept, calls.calls = calls.calls, Missing()
    try:
        with Scratch() as scratch:
            board = Board(scratch)
            assert board.told()[0] == (
                "reserve: cannot take 65536 bytes: not there in this interpreter; use one with ffi, or as in "
                "agent/micropython"
            )
    finally:
        calls.calls = kept


def test_with_an_mmu_none_is_taken():
    with Scratch() as scratch:
        board = Board(scratch)
        board.agent.sampler.system.no_mmu = False
        settings = options.check({"reserve": "64k", "proc": scratch.path})
        assert made(settings, board.agent) == ()
        board.agent.sampler.system.no_mmu = True
        assert [guard.name for guard in made(settings, board.agent)] == ["reserve"]


def test_status_shows_it():
    with Scratch() as scratch:
        board = Board(scratch)
        lines = list(board.agent.answer(b"status", True))
        assert "reserve: 65536 bytes held, 65536 bytes held" in lines


def test_option_is_a_list_of_sizes():
    assert options.check({})["reserve"] == ()
    assert options.check({"reserve": "64k, 131072"})["reserve"] == (65536, 131072)
    for text in ("64q", "64k,", "1k", "5000k", ",".join(["64k"] * 17)):
        assert str(raises(options.OptionError, options.check, {"reserve": text})).startswith("reserve "), text
    assert "needs --reserve" in str(raises(options.OptionError, options.check, {"reserve-auto": "yes"}))
