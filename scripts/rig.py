"""Connects an agent to a collector on one machine: a serial line made of two pseudo-terminals, a TCP line, a process.

Both lines can be cut and restored, like a cable.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import selectors
import signal
import socket
import subprocess
import sys
import termios
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from typing import IO

TOP = Path(__file__).resolve().parent.parent
CHUNK_BYTES = 4096
PENDING_MAX_BYTES = 1 << 20  # bytes that a line may hold in transit
FIRST_PORT, PORTS = 20000, 12000
_port_offsets = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """A free TCP port on loopback.

    It is below the range from which the kernel assigns ports (32768 and up, ip_local_port_range in ip(7)), so no other
    program gets it by chance before it is used here. Parallel processes start at different numbers.
    """
    while True:
        port = FIRST_PORT + next(_port_offsets) % PORTS
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def interpreter(download: bool = False) -> tuple[list[str], dict[str, str]]:
    """How to start buddyd: (command up to `-m buddyd`, environment). MicroPython if there is one, else this Python."""
    search = [] if download else ["--no-download"]
    get = ["sh", str(TOP / "scripts/get-micropython"), *search]
    found = subprocess.run(get, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    environment = dict(os.environ)
    if found.returncode == 0:
        environment["MICROPYPATH"] = str(TOP / "agent")
        return [found.stdout.strip(), "-m", "buddyd"], environment
    environment["PYTHONPATH"] = str(TOP / "agent")
    return [sys.executable, "-m", "buddyd"], environment


def start_agent(
    command: tuple[list[str], dict[str, str]], options: list[str], stdout: int | IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start buddyd with `options`, in its own process group, so that Ctrl-C in the terminal does not end it."""
    argv, environment = command
    return subprocess.Popen(
        [*argv, *options], env=environment, process_group=0, stdin=subprocess.DEVNULL, stdout=stdout
    )


def stop_agent(agent: subprocess.Popen[bytes]) -> int:
    """End it with SIGINT, which both interpreters handle; returns its exit code."""
    if agent.poll() is None:
        agent.send_signal(signal.SIGINT)
    try:
        return agent.wait(10)
    except subprocess.TimeoutExpired:
        agent.kill()
        return agent.wait()


class Line:
    """Carries bytes both ways between pairs of descriptors, in its own thread, until closed."""

    def __init__(self) -> None:
        self.cut = threading.Event()  # while set, all arriving bytes are lost
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        os.write(self._wake_write, b"x")
        self._thread.join()
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _carry(self) -> None:
        while True:
            for key, _ in self._selector.select(self._due_in_s()):
                if key.data is None:
                    return
                key.data()
            self._tend()

    def _due_in_s(self) -> float | None:
        """When to call _tend() at the latest; None: not before data comes."""
        return None

    def _tend(self) -> None:
        """Do what is due."""


class SerialLine(Line):
    """Two pseudo-terminals joined by their masters: each side reads what the other writes. Both ends are real ttys."""

    def __init__(self) -> None:
        super().__init__()
        self.tap: Callable[[bytes], object] | None = None  # gets the bytes of the board that are not lost
        self._masters, self._slaves = [], []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave, termios.TCSANOW)
            os.set_blocking(master, False)
            self._masters.append(master)
            self._slaves.append(slave)  # held open, so that the line survives a side that opens and closes it
        self.board_path, self.host_path = (os.ttyname(slave) for slave in self._slaves)
        for here, there in (self._masters, reversed(self._masters)):
            self._selector.register(here, selectors.EVENT_READ, lambda h=here, t=there: self._move(h, t))

    def _move(self, here: int, there: int) -> None:
        try:
            data = os.read(here, CHUNK_BYTES)
        except OSError:
            return
        if self.cut.is_set():
            return
        # A real line has no memory: bytes that the other side does not read in time are lost.
        with contextlib.suppress(BlockingIOError):
            written = os.write(there, data)
            if self.tap is not None and here == self._masters[0]:
                self.tap(data[:written])

    def close(self) -> None:
        super().close()
        for descriptor in self._masters + self._slaves:
            os.close(descriptor)


class TcpLine(Line):
    """A TCP port that forwards to another. A cut closes its connections and refuses new ones."""

    def __init__(self, target_port: int) -> None:
        super().__init__()
        self._target_port = target_port
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        if self.cut.is_set():
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
        except OSError:
            near.close()
            return
        for here, there in ((near, far), (far, near)):
            self._pairs[here] = there
            self._selector.register(here, selectors.EVENT_READ, lambda h=here: self._move(h))

    def _move(self, here: socket.socket) -> None:
        if here not in self._pairs:
            return
        there = self._pairs[here]
        try:
            data = here.recv(CHUNK_BYTES)
            if data and not self.cut.is_set():
                there.sendall(data)
                return
        except OSError:
            pass
        for end in (here, there):
            self._selector.unregister(end)
            del self._pairs[end]
            end.close()

    def close(self) -> None:
        super().close()
        for end in (*self._pairs, self._listener):
            end.close()
