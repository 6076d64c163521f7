"""Starts the real agent as a process, reads its output, and waits for conditions instead of a fixed time."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, TypeVar

from buddyd import wire, wire_host, wire_read
from waiting import DEADLINE_S, wait_for

T = TypeVar("T")


class Command(Protocol):
    """conftest's AgentCommand."""

    interpreter: str
    argv: list[str]
    env: dict[str, str]


def run(command: Command, *options: str) -> subprocess.CompletedProcess[str]:
    """Run an agent to its end."""
    argv = [*command.argv, *options]
    return subprocess.run(argv, env=command.env, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


class Daemon:
    """`with Daemon(command, "--telnet", "2323") as daemon`: an agent that polls every 20 ms, killed at the end."""

    def __init__(
        self, command: Command, *options: str, proc: Path | str = "/proc", stdout: int | IO[bytes] = subprocess.DEVNULL
    ) -> None:
        argv = [*command.argv, "--proc", str(proc), "--interval", "0.02", "--name", "xport-07", *options]
        self.process = subprocess.Popen(
            argv,
            env=command.env,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> Daemon:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def stop(self, signal_number: int = signal.SIGINT) -> tuple[int, str]:
        """End it by a signal; returns its exit code and its standard error."""
        self.process.send_signal(signal_number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait for its end; returns its exit code and its standard error."""
        _, stderr = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, (stderr or b"").decode()

    @property
    def proc(self) -> Path:
        return Path("/proc", str(self.process.pid))


class Stream:
    """The host's side of a link: a descriptor or a socket, read line by line."""

    def __init__(self, file: int | socket.socket) -> None:
        self.file = file
        self.fd = file if isinstance(file, int) else file.fileno()
        self.heard = b""  # all of it
        self.lines: list[bytes] = []  # the whole lines in it
        self._rest = b""

    def say(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.fd, data) :]

    def listen(self, timeout_s: float = 0.01) -> bool:
        """Read what arrives within the time; False at the end."""
        if select.select([self.fd], [], [], timeout_s)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # EIO of a pseudo-terminal, ECONNRESET
                data = b""
            if not data:
                return False
            self.heard += data
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.lines += [line.strip(b"\r") for line in lines]
        return True

    def until(self, condition: Callable[[Stream], T | None], what: str) -> T:
        """Listen until condition(self) is true; its result."""

        def heard() -> T | None:
            going_on = self.listen()
            result = condition(self)
            assert result or going_on, f"the link ended before {what}; heard {self.heard[-500:]!r}"
            return result

        return wait_for(heard, what)

    def until_end(self) -> bytes:
        """Everything up to the end of the link."""
        wait_for(lambda: not self.listen(), "the end of the link")
        return self.heard

    def until_text(self, text: bytes) -> bytes:
        """Listen until text was heard anywhere; everything heard so far."""
        self.until(lambda stream: text in stream.heard, repr(text))
        return self.heard

    def until_frames(self, count: int) -> Decoder:
        """Read until `count` numbered frames have come."""

        def decoded(stream: Stream) -> Decoder | None:
            decoder = Decoder(stream.lines)
            return decoder if len(decoder.numbers) >= count else None

        return self.until(decoded, f"{count} frames")

    def until_snapshots(self, count: int) -> Decoder:
        """Read until `count` snapshots can be decoded from the lines."""

        def decoded(stream: Stream) -> Decoder | None:
            decoder = Decoder(stream.lines)
            return decoder if len(decoder.snapshots) >= count else None

        return self.until(decoded, f"{count} snapshots")

    def ask_hello(self) -> dict[str, str]:
        """Ask for a hello; the facts of the next whole one."""
        before = len(self.lines)
        self.say(wire_host.ask_hello() + b"\n")

        def facts(stream: Stream) -> dict[str, str] | None:
            found = Decoder(stream.lines[before:]).facts
            return found if "next" in found and "v" in found else None

        return self.until(facts, "a hello")

    def close(self) -> None:
        if isinstance(self.file, int):
            os.close(self.file)
        else:
            self.file.close()


class Decoder:
    """The contents of lines: facts of hellos, snapshots by sequence number, events, gaps, and sequence numbers."""

    def __init__(self, lines: list[bytes]) -> None:
        self.facts: dict[str, str] = {}
        self.numbers: list[int] = []
        self.snapshots: dict[int, list[int]] = {}
        self.events: list[tuple[int, tuple[object, ...]]] = []
        self.gaps: list[tuple[int, int]] = []
        self._vector: list[int] | None = None
        self._column = 0
        for line in lines:
            if line.startswith((b"~H", b"~G")):
                self._unnumbered(wire.unseal(line))
            elif line.startswith(b"~"):
                self._numbered(line)

    def _unnumbered(self, content: bytes | None) -> None:
        assert content is not None, "damaged on a perfect line"
        if content.startswith(b"~H"):
            self.facts |= wire_host.parse_facts(content)
        else:
            self.gaps.append(wire.parse_numbers(content)[1:])

    def _numbered(self, line: bytes) -> None:
        number = wire_host.candidate_sequence(line, self.numbers[-1] + 1 if self.numbers else 1)
        content = wire.unseal(line, wire.context(self.facts["boot"], number))
        assert content is not None, f"damaged on a perfect line: {line!r}"
        if self.numbers and number != self.numbers[-1] + 1:
            self._vector = None
        self.numbers.append(number)
        kind = content[1:2]
        if kind == wire.EVENT:
            self.events.append((number, wire_host.parse_event(content[4:])))
            return
        if kind in wire.STARTS_GROUP and self._vector is None:
            self._vector, self._column = [0] * self._columns(), 0
        if self._vector is not None:
            self._column = wire_read.apply_frame(content, self._vector, self._column, int(self.facts["interval_cs"]))
            if self._column == 0:
                self.snapshots[number] = list(self._vector)

    def _columns(self) -> int:
        zones = [self.facts[f"z{i}"].split("/") for i in range(int(self.facts["zones"]))]
        return len(self.facts["cols"].split(",")) + sum(int(zone[2]) + 4 * (zone[3] != "-") for zone in zones)


def telnet(port: int, buffer_bytes: int | None = None) -> Stream:
    """A client, connected as soon as the port listens. buffer_bytes: of its socket, in each direction."""

    def connected() -> socket.socket | None:
        client = socket.socket()
        if buffer_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        try:
            client.connect(("127.0.0.1", port))
        except ConnectionRefusedError:
            client.close()
            return None
        return client

    return Stream(wait_for(connected, f"somebody on port {port}"))
