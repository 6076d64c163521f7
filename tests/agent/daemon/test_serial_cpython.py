"""The agent as a process, on a serial line: a real pseudo-terminal."""

import os
import termios
from pathlib import Path

import pytest
import rig
from buddyd import wire_host
from daemons import Daemon, Decoder, Stream, telnet
from waiting import wait_for

# For what a board's interpreter, which has no ffi, does its own way.
frozen_too = pytest.mark.parametrize("agent_command", ["cpython", "micropython", "frozen"], indirect=True)

IFLAG, OFLAG, CFLAG, LFLAG, ISPEED, OSPEED, CC = range(7)


class Line:
    """A pseudo-terminal at a path that stays the same when the device goes and another one comes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug()

    def plug(self) -> None:
        master, self.slave = os.openpty()
        self.host = Stream(master)
        self.path.symlink_to(os.ttyname(self.slave))

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self.slave)
        self.host.close()


@pytest.fixture
def line(tmp_path):
    line = Line(tmp_path / "ttyUSB0")
    yield line
    line.unplug()


@frozen_too
def test_line_is_made_raw_at_the_rate_given(agent_command, proc_dir, line):
    attributes = termios.tcgetattr(line.slave)
    assert attributes[LFLAG] & termios.ECHO, "it must not be raw before"
    with Daemon(agent_command, "--serial", f"{line.path}:9600", proc=proc_dir):
        line.host.until_snapshots(1)
        attributes = termios.tcgetattr(line.slave)
        assert attributes[ISPEED] == attributes[OSPEED] == termios.B9600
        assert (attributes[IFLAG], attributes[OFLAG], attributes[LFLAG]) == (0, 0, 0)
        assert attributes[CFLAG] & (termios.CSIZE | termios.PARENB | termios.CSTOPB) == termios.CS8
        assert attributes[CFLAG] & termios.CLOCAL
        assert not attributes[CFLAG] & termios.CRTSCTS
        assert [attributes[CC][i] for i in (termios.VMIN, termios.VTIME)] in ([0, 0], [b"\0", b"\0"])


@frozen_too
def test_rts_and_cts_are_heeded_where_that_is_asked_for(agent_command, proc_dir, line):
    with Daemon(agent_command, "--serial", f"{line.path}:9600:rtscts", proc=proc_dir):
        line.host.until_snapshots(1)
        attributes = termios.tcgetattr(line.slave)
        assert attributes[ISPEED] == attributes[OSPEED] == termios.B9600
        assert attributes[CFLAG] & termios.CRTSCTS
        assert not attributes[IFLAG] & (termios.IXON | termios.IXOFF)


@pytest.mark.parametrize("baud", [300, 19200, 38400, 57600, 115200, 921600])
def test_every_rate_is_set(agent_command, proc_dir, line, baud):
    with Daemon(agent_command, "--serial", f"{line.path}:{baud}", proc=proc_dir):
        line.host.until(lambda stream: stream.lines, "the first line")
        assert termios.tcgetattr(line.slave)[OSPEED] == getattr(termios, f"B{baud}")


@frozen_too
def test_frames_flow_unasked(agent_command, proc_dir, line):
    with Daemon(agent_command, "--serial", str(line.path), proc=proc_dir):
        decoder = line.host.until_snapshots(70)
    assert line.host.heard.startswith(b"\n~H boot=")
    assert decoder.facts["name"] == "xport-07"
    assert decoder.numbers == list(range(1, len(decoder.numbers) + 1))
    assert set(map(tuple, decoder.snapshots.values())) == {tuple(decoder.snapshots[1])}
    assert decoder.snapshots[1][5:] == [194, 70, 87, 104, 0, 5, 7, 2, 7, 4, 5, 2, 2, 0, 0, 0]


@frozen_too
def test_requests_and_people_are_answered(agent_command, proc_dir, line):
    with Daemon(agent_command, "--serial", str(line.path), proc=proc_dir):
        host = line.host
        boot = host.until_snapshots(3).facts["boot"]
        for byte in b"\nneed 61440\r":  # as a terminal program sends it
            host.say(bytes([byte]))
        host.until_text(b"need 61440: ok; order 4")
        host.say(b"/ # xyzzy\n" + wire_host.ask_frames(boot, 1, 2) + b"\n")
        decoder = host.until(lambda stream: (d := Decoder(stream.lines)) and d.numbers.count(2) == 2 and d, "frame 2")
        assert decoder.numbers.count(1) == 2
    assert b"unknown" not in host.heard


def fill(descriptor):
    """Write until a tty takes no more."""
    os.set_blocking(descriptor, False)
    try:
        while True:
            os.write(descriptor, b"a line of something else\n" * 10)
    except BlockingIOError:
        pass


@frozen_too
def test_line_that_nobody_reads_delays_no_poll(agent_command, proc_dir, line):
    port = rig.free_port()
    fill(line.slave)
    with Daemon(agent_command, "--serial", str(line.path), "--telnet", str(port), proc=proc_dir):
        host = telnet(port)
        first = int(host.ask_hello()["next"])
        numbers = host.until_frames(50).numbers
        assert numbers == list(range(first, first + len(numbers)))
        waited = line.host.until_frames(51).numbers
        assert waited == list(range(1, len(waited) + 1))


@frozen_too
def test_device_that_vanishes_and_comes_back_goes_on_where_it_stopped(agent_command, proc_dir, line):
    with Daemon(agent_command, "--serial", str(line.path), proc=proc_dir) as daemon:
        before = line.host.until_snapshots(5)
        line.unplug()
        wait_for(lambda: not any(b"/pts/" in os.fsencode(link) for link in links(daemon)), "the agent to let go of it")
        line.plug()
        line.host.until(lambda stream: len(stream.lines) > 5, "the line to come back")
        after = Decoder(line.host.lines)
        assert after.facts["boot"] == before.facts["boot"]
        lost = after.numbers[0] - before.numbers[-1] - 1
        assert 0 <= lost < 10, "only what was on its way when the device went"
        assert after.numbers == list(range(after.numbers[0], after.numbers[0] + len(after.numbers)))
        assert daemon.process.poll() is None


def links(daemon):
    """What the agent's descriptors lead to."""
    found = []
    for entry in (daemon.proc / "fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except FileNotFoundError:
            pass
    return found


@frozen_too
def test_device_that_comes_late_is_opened(agent_command, proc_dir, line):
    line.unplug()
    port = rig.free_port()
    with Daemon(agent_command, "--serial", str(line.path), "--telnet", str(port), proc=proc_dir):
        telnet(port).until_text(b"Type help.")
        line.plug()
        assert line.host.until_snapshots(3).numbers[0] == 1


@frozen_too
def test_line_does_not_become_the_controlling_terminal(agent_command, proc_dir, line):
    """Or a hang-up and a byte 0x03 on the line would end the agent. It is a session leader here."""
    with Daemon(agent_command, "--serial", str(line.path), proc=proc_dir) as daemon:
        line.host.until_snapshots(1)
        fields = (daemon.proc / "stat").read_text().rpartition(")")[2].split()
        pid, session, terminal = daemon.process.pid, int(fields[3]), int(fields[4])
        assert session == pid
        assert terminal == 0
        line.host.say(b"\x03\x04\x13\x1c")
        seen = len(line.host.lines)
        line.host.until(lambda stream: len(stream.lines) > seen + 5, "frames after the control characters")
