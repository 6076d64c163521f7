"""The agent as a process, on its telnet port: people and hosts."""

import re
import resource

import pytest
import rig
from buddyd import wire_host
from daemons import Daemon, Decoder, telnet
from waiting import DEADLINE_S, wait_for

# For what a board's interpreter, which has no ffi, does its own way.
frozen_too = pytest.mark.parametrize("agent_command", ["cpython", "micropython", "frozen"], indirect=True)

GREETING = b"buddyd 0.1.0 on xport-07. Type help.\r\n"


@pytest.fixture
def port() -> int:
    return rig.free_port()


@pytest.fixture
def daemon(agent_command, proc_dir, port):
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir) as daemon:
        yield daemon


@frozen_too
def test_person_is_answered(daemon, port):
    person = telnet(port)
    person.until_text(GREETING)
    person.say(b"help\r\n")
    person.until_text(b"Machine frames flow when a collector asks for them.\r\n")
    person.say(b"status\r\n")
    person.until_text(b"frames 1 to ")
    person.say(b"need 61440\r\n")
    person.until_text(b"need 61440: ok; order 4, a block of 64kB; margin 592 pages")
    person.say(b"xyzzy\r\n")
    person.until_text(b"unknown: xyzzy. Type help.\r\n")
    person.say(b"recent 3\r\nxyzzy\r\n")
    rows = person.until_text(b"unknown: xyzzy. Type help.\r\n").split(b"\r\n")
    assert b"Linux 6.1.192 on COLDFIRE(m520x), no MMU" in person.heard
    assert b"~" not in person.heard, "no frame without being asked"
    assert len(rows) > 10


def test_recent_gives_so_many_rows(daemon, port):
    person = telnet(port)
    person.until_text(GREETING)
    person.ask_hello()
    person.until_frames(5)
    person.say(b"recent 3\r\nneed 1\r\n")
    person.until_text(b"need 1: ")
    rows = [line for line in person.lines if b" up 0:00:00:" in line and b" DMA 5 7 2 7 4 5 2 2 0 0 0" in line]
    assert len(rows) == 3
    numbers = [int(row.split()[0]) for row in rows]
    assert numbers == sorted(numbers)


def test_commands_of_a_telnet_client_are_refused_politely(daemon, port):
    person = telnet(port)
    person.until_text(GREETING)
    person.say(b"\xff\xfd\x03\xff\xfb\x18ne\xff\xf4\xff\xfd\x06ed 1\r\0")
    person.until_text(b"need 1: ok")
    assert b"\xff\xfc\x03\xff\xfe\x18\xff\xfc\x06" in person.heard


@frozen_too
def test_host_gets_hello_and_frames(daemon, port):
    host = telnet(port)
    facts = host.ask_hello()
    assert facts["name"] == "xport-07"
    assert facts["z0"] == "0/DMA/11/70/87/104/0"
    host.say(wire_host.ask_frames(facts["boot"], 1, 1) + b"\n")
    decoder = host.until_frames(20)
    live = [number for number in decoder.numbers if number != 1]
    assert live == list(range(live[0], live[-1] + 1))
    assert 1 in decoder.numbers


@frozen_too
def test_third_client_is_told_and_the_others_go_on(daemon, port):
    clients = [telnet(port), telnet(port)]
    for client in clients:
        client.until_text(GREETING)
    third = telnet(port)
    assert third.until_end() == b"busy: 2 clients are connected\r\n"
    for client in clients:
        client.say(b"need 1\r\n")
        client.until_text(b"need 1: ok")
    clients[0].close()
    fourth = None
    while fourth is None or b"busy" in fourth.heard:
        fourth = telnet(port)
        fourth.until(lambda stream: stream.lines, "an answer")
    assert fourth.heard == GREETING


def takes(stream, data):
    """Whether a socket takes data at once."""
    try:
        return stream.file.send(data) > 0
    except BlockingIOError:
        return False


def test_client_that_never_reads_delays_no_poll(daemon, port):
    dead = telnet(port, buffer_bytes=1024)
    dead.file.setblocking(False)
    host = telnet(port)
    first = int(host.ask_hello()["next"])
    moved = 0  # how many frames the host had when the agent last took something from the dead client

    def stuck(stream):
        nonlocal moved
        frames = len(stream.lines)
        if takes(dead, (wire_host.ask_hello() + b"\n") * 100):
            moved = frames
        return frames - moved >= 100

    host.until(stuck, "100 frames without a move of the dead client")
    numbers = Decoder(host.lines).numbers
    assert numbers == list(range(first, first + len(numbers)))


def test_agent_without_descriptors_sleeps_and_recovers(agent_command, port):
    """accept() fails, and would be ready again at once; who is connected must not notice."""
    with Daemon(agent_command, "--telnet", str(port)) as daemon:  # on the real /proc, whose files stay open
        host = telnet(port)
        host.ask_hello()
        pid = daemon.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        # The limit is on the number, not on the count: the next free one is just not allowed any more.
        highest = max(int(entry.name) for entry in (daemon.proc / "fd").iterdir())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
        turned_away = telnet(port)
        seen = len(host.lines)
        host.until(lambda stream: len(stream.lines) > seen + 20, "frames for who is connected")
        wait_for(lambda: naps(daemon) > 10, "the agent to sleep between its polls")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        turned_away.close()

        def served():
            person = telnet(port)
            person.listen(DEADLINE_S)
            return b"Type help." in person.heard

        wait_for(served, "the port to be open again")
        host.say(b"need 1\n")
        host.until_text(b"need 1: ok")
        assert daemon.process.poll() is None


def naps(daemon):
    """How many of 100 looks find the agent asleep."""
    return sum((daemon.proc / "stat").read_text().rpartition(")")[2].split()[0] == "S" for _ in range(100))


FLOOD_BYTES = 1 << 20


def test_client_that_floods_delays_nobody(daemon, port):
    flood = telnet(port, 65536)  # what waits in it is read at a bounded rate, and an answer comes behind it
    flood.until_text(GREETING)
    flood.file.setblocking(False)
    host = telnet(port)
    first = int(host.ask_hello()["next"])
    sent = 0

    def flooded(stream):
        nonlocal sent
        try:  # no more than that: the kernels' buffers may take several times as much, and all of it is read slowly
            sent += flood.file.send(b"x" * min(65536, FLOOD_BYTES - sent)) if sent < FLOOD_BYTES else 0
        except BlockingIOError:
            pass
        return sent >= FLOOD_BYTES and len(Decoder(stream.lines).numbers) >= 20

    host.until(flooded, "a megabyte and 20 frames")
    numbers = Decoder(host.lines).numbers
    assert numbers == list(range(first, first + len(numbers)))
    flood.file.setblocking(True)
    # A line in a second in which too much has come is dropped with a word.
    told = re.compile(
        rb"(line too long: at most 128 characters|too fast: at most 20 lines a second; some were dropped)\r\n"
    )
    flood.say(b"\n")
    assert len(flood.until(lambda stream: told.findall(stream.heard), "a word about the long line")) == 1

    def answered(stream):
        flood.say(b"need 1\n")
        return b"need 1: ok" in stream.heard

    flood.until(answered, "an answer in a later second")
