"""The agent as a process, reading the kernel's log from a FIFO in the place of /proc/kmsg."""

import os
import subprocess
from pathlib import Path

import pytest
import rig
from buddyd import wire_host
from daemons import Daemon, Decoder, Stream, telnet
from waiting import wait_for

# Frozen, it runs without ffi, as on a board.
pytestmark = pytest.mark.parametrize("agent_command", ["cpython", "micropython", "frozen"], indirect=True)

TOP = Path(__file__).resolve().parents[3]
FAILED = "Allocation of length 61440 from process 6821 (rm) failed"


@pytest.fixture
def port():
    return rig.free_port()


@pytest.fixture
def kmsg(proc_dir):
    os.mkfifo(proc_dir / "kmsg")
    return proc_dir / "kmsg"


def open_kmsg(path):
    """Open the FIFO for writing; the agent has it open for reading."""

    def opened():
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # ENXIO: nobody reads yet
            return None

    return wait_for(opened, "the agent to read the kernel's log")


def events_of(host, count):
    return host.until(lambda stream: (d := Decoder(stream.lines)) and len(d.events) >= count and d, f"{count} events")


def test_kernel_line_becomes_an_event(agent_command, proc_dir, kmsg, port):
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir):
        host = telnet(port)
        facts = host.ask_hello()
        assert "kernel-log" not in facts["missing"]
        log = open_kmsg(kmsg)
        os.write(log, b"<6>[   12.340000] eth0: link up\n<3>[   13.870000] nommu: " + FAILED.encode() + b"\n")
        number, event = events_of(host, 1).events[0]
        assert event == (1387, "alloc", 61440, 6821, "rm", "nommu: " + FAILED)
        assert number >= int(facts["next"])
        os.close(log)


def test_line_that_comes_in_pieces_is_one_event(agent_command, proc_dir, kmsg, port):
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir):
        host = telnet(port)
        host.ask_hello()
        log = open_kmsg(kmsg)
        os.write(log, b"<4>Allocation of length 61440 from ")
        host.until_frames(5)
        os.write(log, b"process 6821 (rm) failed\n")
        event = events_of(host, 1).events[0][1]
        assert event[1:] == ("alloc", 61440, 6821, "rm", FAILED)
        uptime_cs = int((proc_dir / "uptime").read_text().split()[0].replace(".", ""))
        assert event[0] == uptime_cs, "without a time stamp it is told at the uptime of the last poll"
        os.close(log)


def test_mark_in_a_kernel_line_does_not_look_like_a_frame(agent_command, proc_dir, kmsg, port):
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir):
        host = telnet(port)
        host.ask_hello()
        log = open_kmsg(kmsg)
        os.write(log, b'<3>~d!": page allocation failure: order:4, mode:0xd0\n')
        event = events_of(host, 1).events[0][1]
        assert event[1:] == ("page", 4, None, '?d!"', '?d!": page allocation failure: order:4, mode:0xd0')
        os.close(log)


def test_real_log_gives_its_events(agent_command, proc_dir, kmsg, port):
    text = (TOP / "tests/fixtures/captures/frag-4k-bflt/kmsg.txt").read_bytes()
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir):
        host = telnet(port)
        host.ask_hello()
        log = open_kmsg(kmsg)
        sent = 0

        def told(stream):
            nonlocal sent
            try:
                sent += os.write(log, text[sent : sent + 4096])
            except BlockingIOError:
                pass
            return sent == len(text) and any(b"|61440|37|rm|" in line for line in stream.lines)

        host.until(told, "the failure of rm")
        kinds = [event[1] for _, event in events_of(host, 1).events]
        assert "alloc" in kinds
        assert set(kinds) <= {"alloc", "page", "load"}
        os.close(log)


def sleeps(daemon):
    """Whether the agent was asleep each of many times that one looks."""
    return all((daemon.proc / "stat").read_text().rpartition(")")[2].split()[0] == "S" for _ in range(200))


def test_writer_that_goes_wakes_nobody_for_ever(agent_command, proc_dir, kmsg, port):
    with Daemon(agent_command, "--telnet", str(port), "--interval", "60", proc=proc_dir) as daemon:
        person = telnet(port)
        person.until_text(b"Type help.")
        os.close(open_kmsg(kmsg))
        person.say(b"need 1\n")
        person.until_text(b"need 1: ")
        wait_for(lambda: sleeps(daemon), "the agent to sleep")
        assert daemon.process.poll() is None


def test_log_that_is_written_again_later_is_read_again(agent_command, proc_dir, kmsg, port):
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir):
        host = telnet(port)
        host.ask_hello()
        for number in (1, 2):
            log = open_kmsg(kmsg)
            os.write(log, b"<4>Allocation of length 61440 from process %d (rm) failed\n" % number)
            os.close(log)
            assert events_of(host, number).events[-1][1][3] == number


def test_serial_line_carries_the_event_too(agent_command, proc_dir, kmsg):
    master, slave = os.openpty()
    with Daemon(agent_command, "--serial", os.ttyname(slave), proc=proc_dir):
        host = Stream(master)
        log = open_kmsg(kmsg)
        os.write(log, b"<4>" + FAILED.encode() + b"\n")
        assert events_of(host, 1).events[0][1][1] == "alloc"
        os.close(log)
    host.close()
    os.close(slave)


def fdinfo(daemon, path):
    """The kernel's information about the agent's descriptor for a file."""
    for entry in (daemon.proc / "fd").iterdir():
        if entry.readlink() == path:
            return (daemon.proc / "fdinfo" / entry.name).read_text()
    raise AssertionError(f"{path} is not open")


def test_log_is_opened_so_that_no_read_can_wait(agent_command, proc_dir, kmsg, port):
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir) as daemon:
        telnet(port).until_text(b"Type help.")
        flags = int(fdinfo(daemon, kmsg).split("flags:")[1].split()[0], 8)
        assert flags & os.O_NONBLOCK and flags & os.O_CLOEXEC


def test_reader_beside_the_agent_never_stops_it(agent_command, proc_dir, kmsg, port):
    """As klogd beside it on /proc/kmsg: what poll() has seen is gone by the time of the read."""
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir):
        host = telnet(port)
        log = open_kmsg(kmsg)
        with subprocess.Popen(["cat", kmsg], stdout=subprocess.DEVNULL) as other:
            for answers in range(1, 11):
                for _ in range(20):
                    os.write(log, b"<4>a line of some driver that nobody wants to know of\n")
                    os.sched_yield()
                host.say(wire_host.ask_hello() + b"\n")
                host.until(lambda stream, n=answers: sum(b" next=" in line for line in stream.lines) >= n, "a hello")
            assert other.poll() is None  # it read beside the agent until now
            other.kill()
        os.close(log)


def reads(daemon):
    """How often it has called read(2)."""
    return int((daemon.proc / "io").read_text().split("syscr:")[1].split()[0])


def test_long_log_costs_few_reads(agent_command, proc_dir, kmsg, port):
    with Daemon(agent_command, "--telnet", str(port), "--interval", "60", proc=proc_dir) as daemon:
        host = telnet(port)
        host.ask_hello()
        log = open_kmsg(kmsg)
        os.write(log, b"<4>" + FAILED.encode() + b"\n")
        events_of(host, 1)  # the module that knows failures is loaded now, and the blocks and the map have been read
        before = reads(daemon)
        os.write(log, (b"<6>" + b"x" * 60 + b"\n") * 128 + b"<4>" + FAILED.encode() + b"\n")
        events_of(host, 2)
        assert reads(daemon) - before < 100, "8 kB cost 16,397 system calls once, two for each byte"
        os.close(log)
