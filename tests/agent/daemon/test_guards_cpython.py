"""--reserve, --watchdog and --blackbox of the agent as a process, frozen as on a board as well."""

import os
import signal

import pytest
import rig
from daemons import Daemon, Decoder, telnet
from waiting import wait_for

pytestmark = [
    pytest.mark.parametrize("agent_command", ["cpython", "micropython", "frozen"], indirect=True),
    pytest.mark.parametrize("proc_dir", ["fresh-4k-bflt-2.6.30"], indirect=True),
]
FAILED = "Allocation of length 61440 from process 6821 (rm) failed"
TORN = "Node 0, zone      DMA 140 60 20 9 0 0 0 0 0 0 0\n"


@pytest.fixture
def port():
    return rig.free_port()


@pytest.fixture
def dog(tmp_path):
    """A FIFO in place of a watchdog's device: its path and a descriptor that reads what is written."""
    path = tmp_path / "watchdog"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    yield path, descriptor
    os.close(descriptor)


def written(descriptor):
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


def fed(descriptor, count):
    """Wait until it was fed so often."""
    found = bytearray()

    def enough():
        found.extend(written(descriptor))
        return len(found) >= count

    wait_for(enough, f"{count} bytes for the watchdog")
    return bytes(found)


def mapped_kb(daemon):
    fields = dict(line.split(":") for line in (daemon.proc / "status").read_text().splitlines() if ":" in line)
    return int(fields["VmSize"].split()[0])


def test_wished_end_stops_the_watchdog_and_no_other_end_does(agent_command, proc_dir, port, dog):
    path, descriptor = dog
    for number, last in ((signal.SIGINT, b"V"), (signal.SIGKILL, b"\0")):
        with Daemon(agent_command, "--telnet", str(port), "--watchdog", str(path), proc=proc_dir) as daemon:
            found = fed(descriptor, 5)
            daemon.stop(number)
            found += written(descriptor)
            assert set(found[:-1]) == {0}
            assert found[-1:] == last


def test_refused_start_gets_the_reserve_at_once(agent_command, proc_dir, port):
    os.mkfifo(proc_dir / "kmsg")
    options = "--telnet", str(port), "--reserve", "256k,256k", "--reserve-auto", "--interval", "3"
    with Daemon(agent_command, *options, proc=proc_dir) as daemon:
        host = telnet(port)
        assert host.ask_hello()["reserve"] == "262144:held,262144:held"
        before_kb = mapped_kb(daemon)
        (proc_dir / "buddyinfo").write_text(TORN)
        log = os.open(proc_dir / "kmsg", os.O_WRONLY)
        os.write(log, b"<4>" + FAILED.encode() + b"\n")
        text = "reserve: gave 262144 bytes back, as the kernel refused 61440 bytes to rm; now: "
        host.until(lambda stream: [e for _, e in Decoder(stream.lines).events if e[5].startswith(text)], "a block back")
        if agent_command.interpreter != "cpython":  # whose own memory moves as well
            assert before_kb - mapped_kb(daemon) >= 256
        assert host.ask_hello()["reserve"] == "262144:-,262144:held"
        os.close(log)
