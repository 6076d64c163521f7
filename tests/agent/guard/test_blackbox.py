"""--blackbox: after a failure the newest frames lie in a file, and a host gets them after a reboot, damaged or not."""

import os

from agents import Host, agent_on, events
from buddyd import wire, wire_host
from buddyd.guard.blackbox import EVERY_MS, BlackBox
from buddyd.talk.conversation import Conversation
from harness import fixture
from scratch import Scratch

CAPTURE = "captures/fresh-4k-bflt-2.6.30/proc/"
REFUSED = "Allocation of length 61440 from process 6821 (rm) failed"


class Board:
    """Its box is the file `box` of a scratch folder; start() is a start of the agent, as after a reboot."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.path = scratch.path + "/box"
        for name in ("buddyinfo", "meminfo", "zoneinfo", "uptime"):
            with open(fixture(CAPTURE + name), "rb") as file:
                scratch.write(name, file.read())
        self.start()

    def start(self):
        self.agent = agent_on(self.scratch.path, "32k")
        self.box = BlackBox(self.agent, self.path)
        self.agent.guards = (self.box,)
        return self

    def poll(self, count=1):
        for _ in range(count):
            self.agent.poll()
        return self

    def fail(self):
        self.agent._kernel_line(REFUSED, 100)
        return self.poll()

    def told(self):
        return [event[5] for event in events(self.agent) if event[1] == "source"]

    def fact(self):
        return dict(self.agent._facts(0, 0, 0, 0))["blackbox"]

    def written(self):
        """The numbers of the frames in the file; None if there is none."""
        try:
            with open(self.path, "rb") as file:
                content = wire.unseal(file.read().split(b"\n")[0])
        except OSError:
            return None
        _, first, end = wire.parse_numbers(content)
        return first, end - 1

    def asked(self, boot, first=1):
        """What a host gets that asks for frames of a boot."""
        host = Host(Conversation(self.agent, False))
        host.listen()
        host.say(wire_host.ask_frames(boot, first, 100) + b"\n")
        lines = host.listen()
        host.close()
        return lines


def hellos(lines):
    return [dict([item.split(b"=", 1) for item in line.split(b" ")[1:-1]]) for line in lines if line[:2] == b"~H"]


def frames(lines, boot, first):
    """The frames of a boot up to the last hello, as they come; each must pass its check under the next number."""
    found = []
    for line in lines:
        if line[:2] == b"~H" and found:
            break
        if line[:2] != b"~H":
            found.append(line)
    for i in range(len(found)):
        assert wire.unseal(found[i], wire.context(boot, first + i)), found[i]
    return found


def test_nothing_is_written_without_a_failure():
    with Scratch() as scratch:
        board = Board(scratch).poll(40)
        assert board.written() is None
        assert board.start().fact() == "-"
        assert board.box.status() == "blackbox: %s, nothing from before this start" % board.path


def test_failure_is_written_once_and_then_once_an_hour():
    with Scratch() as scratch:
        board = Board(scratch).poll(5).fail()
        assert board.written() == (1, 7)  # five snapshots, the failure, and the snapshot after it
        assert board.told() == ["blackbox: wrote frames 1 to 7 to " + board.path]
        board.fail()
        board.poll(3)
        assert board.written() == (1, 7)
        board.box._written_ms -= EVERY_MS
        board.poll(2)  # the failure of meanwhile
        assert board.written()[1] == 14
        board.box._written_ms -= EVERY_MS
        board.poll(2)  # none since
        assert board.written()[1] == 14


def test_failures_from_before_the_start_are_no_news():
    with Scratch() as scratch:
        board = Board(scratch)
        board.fail()  # what the kernel's log holds from before is read with the first poll
        board.poll(5)
        assert board.written() is None


def test_size_is_bounded_by_two_groups():
    with Scratch() as scratch:
        board = Board(scratch).poll(500).fail()
        first, last = board.written()
        assert wire.KEY_EVERY < last - first < 2 * wire.KEY_EVERY + 2
        assert os.stat(board.path)[6] < 8192


def test_host_gets_it_after_the_reboot():
    with Scratch() as scratch:
        board = Board(scratch).poll(40).fail()
        boot, kept = board.agent.boot, board.agent
        board.start().poll()
        assert board.fact() == "%s/1/43" % boot
        assert "of the boot " + boot in board.box.status()
        lines = board.asked(boot)
        told = hellos(lines)
        assert told[-1][b"boot"].decode() == board.agent.boot
        facts = {}
        for hello in told:
            if hello[b"boot"].decode() == boot:
                facts.update(hello)
        assert (facts[b"oldest"], facts[b"next"], facts[b"key"]) == (b"1", b"43", b"1")
        got = frames(lines, boot, 1)
        assert got == [bytes(kept.ring.line(kept.ring.locate(number))) for number in range(1, 43)]
        assert board.asked("00000000")[0][:2] == b"~H"  # any other boot: a hello, as without a box
        assert [line for line in board.asked("00000000") if line[:2] != b"~H"] == []


def test_box_is_kept_while_a_new_one_is_written_and_over_starts_without_one():
    with Scratch() as scratch:
        board = Board(scratch).poll(3).fail()
        boot = board.agent.boot
        board.start().poll(3).fail()
        second = board.agent.boot
        assert frames(board.asked(boot), boot, 1)
        board.start().poll(3)
        assert board.fact().startswith(second)
        assert board.start().fact().startswith(second)


def test_torn_and_damaged_files_give_what_is_whole():
    with Scratch() as scratch:
        board = Board(scratch).poll(3).fail()
        boot = board.agent.boot
        with open(board.path, "rb") as file:
            whole = file.read()
        for at in range(0, len(whole), 7):
            scratch.write("box", whole[:at])
            got = frames(board.start().asked(boot), boot, 1)
            assert got == [line for line in whole[:at].split(b"\n")[:-1] if line[:2] not in (b"~B", b"~H")], at
            damaged = bytearray(whole)
            damaged[at] ^= 4
            scratch.write("box", bytes(damaged))
            lines = board.start().asked(boot)
            assert len(frames(lines, boot, 1)) <= 5
            assert hellos(lines)[-1][b"boot"].decode() == board.agent.boot
        for rubbish in (b"", b"\n", b"\xff" * 5000, b"~B x y\n"):
            scratch.write("box", rubbish)
            assert board.start().fact() == "-"


def test_place_that_cannot_be_written_is_reported_once():
    with Scratch() as scratch:
        board = Board(scratch)
        board.box._path = scratch.path + "/none/box"
        board.poll(3).fail()
        board.box._written_ms -= EVERY_MS
        board.fail()
        assert board.told() == ["blackbox: cannot write %s/none/box: no such file or device" % scratch.path]
