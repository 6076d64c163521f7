"""A million arbitrary bytes at each door of the collector: no exception, no growth, and it still does its work."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import noise
import pytest
import rig
from buddywatch.collect import control_socket
from daemons import Daemon
from system_parts import Collector, buddywatch
from waiting import DEADLINE_S, wait_for

WARM_UP_BYTES = 200_000
RSS_GROWTH_KB = 8192  # of an interpreter that keeps what it has freed


class Target:
    """A collector that listens, and the connections of the noise."""

    def __init__(self, folder: Path) -> None:
        self.db, self.config, self.port = folder / "x.db", folder / "config.toml", rig.free_port()
        (folder / "roof.secret").write_text("correct-horse-battery-staple\n")
        (folder / "roof.secret").chmod(0o600)
        self.config.write_text('[[board]]\nname = "roof"\nsecret_file = "roof.secret"\n')
        self.collector = Collector(self.db, self.config, [f"listen://127.0.0.1:{self.port}"])
        wait_for(lambda: control_socket.control_path(self.db).exists(), "the collector's door")
        self.collector.wait_until_it_says(": open")

    def call(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port))

    def knock(self) -> socket.socket:
        return control_socket.connect(control_socket.control_path(self.db))

    def descriptors(self, kind: str = "") -> int:
        """How many descriptors of the collector lead to something whose name begins so."""
        names = []
        for link in Path(f"/proc/{self.collector.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                names.append(os.readlink(link))
        return sum(name.startswith(kind) for name in names)

    def rss_kb(self) -> int:
        status = Path(f"/proc/{self.collector.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    target = Target(tmp_path)
    with closing(target.collector):
        yield target


def throw(connect: Callable[[], socket.socket], seed: int, total: int) -> None:
    """Send all of it, over a new connection whenever the old one is closed, and take what comes."""
    stream: socket.socket | None = None
    for data in noise.chunks(seed, total):
        while data:
            if stream is None:
                stream = connect()
                stream.setblocking(False)
            readable, writable, _ = select.select([stream], [stream], [], DEADLINE_S)
            assert readable or writable, "the collector takes nothing and says nothing"
            try:
                if readable and not stream.recv(65536):
                    raise ConnectionResetError
                if writable:
                    data = data[stream.send(data[:4096]) :]
            except BlockingIOError:
                continue
            except OSError:
                stream.close()
                stream = None
    if stream is not None:
        with suppress(OSError):
            stream.shutdown(socket.SHUT_WR)
        stream.settimeout(DEADLINE_S)
        with suppress(ConnectionError):
            while stream.recv(65536):  # until it has read all and closed
                pass
        stream.close()


@pytest.mark.parametrize("door", ["call", "knock"], ids=["listen", "console"])
def test_million_bytes_of_noise_cost_nothing(target: Target, door: str, agent_command, proc_dir: Path) -> None:
    connect = getattr(target, door)
    sockets = target.descriptors("socket:")
    throw(connect, 1, WARM_UP_BYTES)
    wait_for(lambda: target.descriptors("socket:") == sockets, "the noise to be disconnected")
    rss_kb, before = target.rss_kb(), target.descriptors()  # by now the writer has its database open, too
    throw(connect, 2, noise.TOTAL_BYTES)
    wait_for(lambda: target.descriptors() == before, "the noise to be disconnected")
    assert target.rss_kb() <= rss_kb + RSS_GROWTH_KB
    assert target.collector.process.poll() is None
    there = ("--connect", f"127.0.0.1:{target.port}")
    with Daemon(agent_command, *there, "--name", "shed", proc=proc_dir):
        wait_for(lambda: buddywatch(target.db, target.config, "history", "--json", "shed").code == 0, "a board")
        answer = buddywatch(target.db, target.config, "console", "shed", input="need 61440\n")
        assert "need 61440: ok" in answer.out, answer
    assert target.collector.stop() == 0
    assert target.collector.err == ""
