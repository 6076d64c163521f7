"""Arbitrary bytes at each way in, under both interpreters: no exception, no growth, and it still answers.

A serial line takes a million. A network client gets at most 20 lines read in a second: a million would take minutes.
"""

import os
import re
import select
import socket
from contextlib import suppress
from dataclasses import replace

import noise
import pytest
import rig
from buddyd import wire
from buddyd.talk import secret
from daemons import Daemon, telnet
from waiting import DEADLINE_S, wait_for

WARM_UP = 0.1  # this share of the noise loads what is only loaded for a person
NETWORK_BYTES = 20_000
LOOKS = 5
BUFFER_BYTES = 4096  # what waits in a socket is read at a bounded rate, and an answer comes behind it
HEAP = "192k"
KEY = "correct-horse-battery-staple"


class Door:
    """A way in for noise. open(): a new connection, a socket or a descriptor."""

    def __init__(self, open_, close):
        self.open = open_
        self._close = close
        self.file = None

    def throw(self, data):
        """Send all of it, and take what comes meanwhile; over a new connection where the old one was closed."""
        while data:
            if self.file is None:
                self.file = self.open()
            descriptor = self.file if isinstance(self.file, int) else self.file.fileno()
            readable, writable, _ = select.select([descriptor], [descriptor], [], DEADLINE_S)
            assert readable or writable, "the agent takes nothing and says nothing"
            try:
                if readable and not os.read(descriptor, 65536):
                    raise ConnectionResetError
                if writable:
                    data = data[os.write(descriptor, data[:4096]) :]
            except BlockingIOError:
                pass
            except OSError:
                self.let_go()

    def settle(self, words, answer):
        """Say words until they are answered, or the connection is closed because of them: all before them is read."""
        heard = b""
        self.throw(b"\n")
        while self.file is not None and answer not in heard:
            descriptor = self.file if isinstance(self.file, int) else self.file.fileno()
            with suppress(BlockingIOError):
                os.write(descriptor, words)
            for _ in range(10):  # frames may flow all the time
                if self.file is not None and answer not in heard and select.select([descriptor], [], [], 0.1)[0]:
                    heard = heard[-100:] + self._read(descriptor)

    def _read(self, descriptor):
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            data = b""
        if not data:
            self.let_go()
        return data

    def let_go(self):
        if self.file is not None:
            self._close(self.file)
            self.file = None


def rss_kb(daemon):
    (line,) = [line for line in (daemon.proc / "status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


def figures(daemon, monitor):
    """(bytes of heap in use, kB of resident memory, number of descriptors) of the agent."""
    told = len(monitor.heard)
    monitor.say(b"status\n")
    monitor.until(lambda stream: b"overwritten\r\n" in stream.heard[told:], "the status")
    (heap,) = re.findall(rb"heap (\d+ of|not)", monitor.heard[told:])
    heap = int(heap.split()[0]) if heap != b"not" else 0
    return heap, rss_kb(daemon), len(list((daemon.proc / "fd").iterdir()))


def load_what_words_need(monitor):
    """Say each word once: MicroPython keeps the names of a module that it has loaded once (py/qstr.c)."""
    for word in (b"help", b"about", b"recent 20", b"need 1"):
        monitor.say(word + b"\r\n")
    monitor.until_text(b"need 1: ")


def level(daemon, monitor):
    """The figures when nothing is on the way: a line being sent, or a generator that makes one, comes and goes."""
    looks = [figures(daemon, monitor) for _ in range(LOOKS)]
    return [min(of_one_kind) for of_one_kind in zip(*looks, strict=True)]


def check_no_growth(interpreter, before, now):
    """now(): the figures at the moment. What has grown never falls to the level before; what is on the way does."""
    slack_kb = 64 if interpreter == "micropython" else 4096
    bounds = [before[0], before[1] + slack_kb, before[2]]
    found = []

    def has_fallen():
        found[:] = now()
        return all(value <= bound for value, bound in zip(found, bounds, strict=True))

    wait_for(has_fallen, lambda: f"{found} (heap, kB in memory, descriptors), at most {bounds}")


def proven(port):
    """A connection to a board that has the secret."""
    stream = telnet(port)
    stream.until_text(b"~S ")
    stream.until(lambda stream: stream.lines[-1:] and stream.lines[-1].startswith(b"~S "), "the whole challenge")
    name, of_board = secret.parse(stream.lines[-1], secret.CHALLENGE, 2)
    stream.say(secret.answer(KEY.encode(), name, of_board, b"h" * secret.TOKEN_CHARS) + b"\n")
    stream.until_text(b"Type help.")
    return stream


def of_network(open_):
    def opened():
        stream = open_()
        stream.setblocking(False)
        return stream

    return Door(opened, lambda stream: stream.close())


def taken(collector):
    """The connection that the agent has dialled."""
    stream = collector.accept()[0]
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    return stream


@pytest.fixture
def ways(tmp_path, proc_dir):
    """By name: the agent's options, its door, and how to watch it; everything is closed at the end."""
    port, collector = rig.free_port(), socket.create_server(("127.0.0.1", 0))
    collector.settimeout(DEADLINE_S)
    (tmp_path / "secret").write_text(KEY + "\n")
    (tmp_path / "secret").chmod(0o600)
    master, slave = os.openpty()
    os.set_blocking(master, False)
    watch = ("--telnet", str(port))
    guarded = (*watch, "--secret-file", str(tmp_path / "secret"))
    dial = ("--connect", f"127.0.0.1:{collector.getsockname()[1]}")
    by_telnet = of_network(lambda: telnet(port, BUFFER_BYTES).file)
    yield {
        "telnet": (watch, by_telnet, lambda: telnet(port)),
        "secret": (guarded, by_telnet, lambda: proven(port)),
        "connect": ((*watch, *dial), of_network(lambda: taken(collector)), lambda: telnet(port)),
        "serial": ((*watch, "--serial", os.ttyname(slave)), Door(lambda: master, lambda _: None), lambda: telnet(port)),
    }
    collector.close()
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("way", ["telnet", "secret", "connect", "serial"])
def test_noise_costs_nothing(agent_command, proc_dir, ways, way):
    options, door, watch = ways[way]
    if agent_command.interpreter == "micropython":  # a heap that the warm-up has touched as a whole
        interpreter, *rest = agent_command.argv
        agent_command = replace(agent_command, argv=[interpreter, "-X", f"heapsize={HEAP}", *rest])
    total = noise.TOTAL_BYTES if way == "serial" else NETWORK_BYTES
    with Daemon(agent_command, *options, proc=proc_dir) as daemon:
        monitor = watch()
        monitor.until_text(b"Type help.")
        load_what_words_need(monitor)
        before = []
        for seed, share in enumerate((WARM_UP, 1 / 3, 1 / 3, 1 / 3), 1):
            for data in noise.chunks(seed, int(total * share)):
                door.throw(data)
            # What opens no door closes it, so that it is known to be read.
            door.settle(
                wire.seal(b"@s x x ") + b"\n" if way == "secret" else b"need 7%d\n" % seed, b"need 7%d: " % seed
            )
            if seed <= 2:
                before = [max(values) for values in zip(level(daemon, monitor), before or [0] * 3, strict=True)]
            else:
                check_no_growth(agent_command.interpreter, before, lambda: figures(daemon, monitor))
        monitor.say(b"need 1\n")
        monitor.until_text(b"need 1: ok")
        door.let_go() if way != "serial" else None

        def welcome():
            """Somebody else, as soon as the agent has seen that the noise has gone."""
            person = watch()
            person.until(lambda stream: stream.lines, "a greeting")
            return person if b"busy" not in person.heard else None

        wait_for(welcome, "a place for somebody else").ask_hello()
        code, said = daemon.stop()
        assert code == 0
        assert len(said.splitlines()) == 1, said


def test_noise_is_of_all_kinds_and_as_long_as_it_says():
    heard = b"".join(noise.chunks(2))
    assert len(heard) == noise.TOTAL_BYTES
    assert len(set(heard)) == 256
    lines = heard.split(b"\n")
    assert len([line for line in lines if wire.unseal(line)]) > 500
