"""--watchdog: fed in each poll that took a sample, stopped by a wished end. A FIFO stands for the device."""

import os

from agents import agent_on, events
from buddyd import compat, options
from buddyd.guard import made
from buddyd.guard.watchdog import Watchdog
from harness import fixture, raises
from scratch import Scratch

CAPTURE = "captures/fresh-4k-bflt-2.6.30/proc/"


class Board:
    def __init__(self, scratch):
        self.scratch = scratch
        for name in ("buddyinfo", "meminfo", "zoneinfo"):
            with open(fixture(CAPTURE + name), "rb") as file:
                scratch.write(name, file.read())
        self.path = scratch.path + "/watchdog"
        assert os.system('mkfifo "%s"' % self.path) == 0
        self.device = compat.open_tty(self.path)  # for reading and writing, so that nobody waits
        self.agent = agent_on(scratch.path)
        self.dog = Watchdog(self.agent, self.path)
        self.agent.guards = (self.dog,)

    def fed(self):
        return compat.read(self.device, 100) or b""

    def told(self):
        return [event[5] for event in events(self.agent) if event[1] == "source"]


def test_each_poll_feeds_it_once():
    with Scratch() as scratch:
        board = Board(scratch)
        assert board.fed() == b""  # not before the first poll
        for _ in range(3):
            board.agent.poll()
        assert board.fed() == b"\0\0\0"
        assert board.dog.status() == "watchdog: %s fed in each poll" % board.path
        assert dict(board.agent._facts(0, 0, 0, 0))["watchdog"] == "?"


def test_poll_without_a_sample_does_not_feed_it():
    with Scratch() as scratch:
        board = Board(scratch)
        scratch.write("buddyinfo", b"")
        board.agent.poll()
        assert board.fed() == b""


def test_poll_without_room_in_the_heap_does_not_feed_it():
    with Scratch() as scratch:
        board = Board(scratch)

        def full(news):
            raise MemoryError

        board.agent.sampler.read = full
        board.agent.poll()
        assert board.fed() == b""


def test_wished_end_stops_it():
    with Scratch() as scratch:
        board = Board(scratch)
        board.agent.poll()
        board.dog.end()
        board.agent.poll()
        board.dog.end()
        assert board.fed() == b"\0V"


def test_what_is_no_device_is_not_fed():
    with Scratch() as scratch:
        board = Board(scratch)
        file = scratch.write("file", b"")
        for path, reason in ((file, "no such device"), (scratch.path + "/none", "no such device")):
            dog = Watchdog(board.agent, path)
            dog.polled()
            assert board.told()[-1] == "watchdog: cannot open %s: %s" % (path, reason)
            assert dog.status() == "watchdog: %s is not fed" % path
        assert os.stat(file)[6] == 0


def test_device_that_fails_is_reported_once():
    with Scratch() as scratch:
        board = Board(scratch)

        def fails(stream, data, start, count):
            raise OSError(5, "")

        kept, compat.write = compat.write, fails
        try:
            board.agent.poll()
            board.agent.poll()
        finally:
            compat.write = kept
        assert board.told() == ["watchdog: it cannot be fed: input/output error"]


def test_reset_by_it_is_told_after_the_reboot():
    for bits, timeout_s, lines in (
        (0x20, 60, ["watchdog: it has reset the board before this boot, as it was not fed"]),
        (0x02, 60, []),
        (0x20, 9, ["not fed: it resets after 9 s, polls come every 5000 ms"]),
    ):
        with Scratch() as scratch:
            board = Board(scratch)
            from buddyd.compat import calls

            kept, calls.calls = calls.calls, Device((bits, timeout_s))
            try:
                dog = Watchdog(board.agent, board.path)
            finally:
                calls.calls = kept
            dog.polled()
            if timeout_s == 60:
                assert board.told() == lines
                assert dict(board.agent._facts(0, 0, 0, 0))["watchdog"] == "60"
                assert board.fed() == b"\0"
            else:
                assert board.told()[0].endswith(lines[0])
                assert board.fed() == b"V"


class Device:
    """What the ioctls of a watchdog tell; no driver on a machine for tests does."""

    def __init__(self, numbers):
        self.watchdog = lambda descriptor, what: numbers[what]


def test_it_is_the_last_guard():
    with Scratch() as scratch:
        board = Board(scratch)
        settings = options.check({"watchdog": board.path, "blackbox": scratch.path + "/box", "reserve": "64k"})
        assert [guard.name for guard in made(settings, board.agent)][-1] == "watchdog"


def test_interval_leaves_it_time():
    assert options.check({"watchdog": "/dev/watchdog", "interval": "20"})["watchdog"] == "/dev/watchdog"
    error = str(raises(options.OptionError, options.check, {"watchdog": "/dev/watchdog", "interval": "21"}))
    assert error == "watchdog: needs an interval of at most 20 s, as it resets the board"
