"""Runs the agent with a small heap, talks to it as a user and as a host, and reports what it did."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import rig
from buddyd import wire, wire_host
from waiting import DEADLINE_S

RECENT = 20
HELLOS = 10


@dataclass
class Outcome:
    """failure: what the agent did not do, "" where it did everything.

    sequence: of the last frame on standard output. facts: of the hellos there. status, recent: what a person was told.
    """

    failure: str = ""
    exit_code: int | None = None
    stderr: str = ""
    sequence: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    status: str = ""
    recent: list[str] = field(default_factory=list)


class Frames(threading.Thread):
    """Reads the agent's standard output: the number of the last frame with a right check, and the hellos' facts."""

    def __init__(self, agent: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.agent = agent
        self.facts: dict[str, str] = {}
        self.sequence = 0

    def run(self) -> None:
        assert self.agent.stdout is not None
        with self.agent.stdout as lines:
            for line in lines:
                self._line(line.rstrip(b"\r\n"))

    def _line(self, line: bytes) -> None:
        if line[:2] == wire.MARK + wire.HELLO:
            self.facts |= wire_host.parse_facts(wire.unseal(line) or b"")
        elif "boot" in self.facts and line[:1] == wire.MARK and line[1:2] in (b"%c" % kind for kind in wire.NUMBERED):
            sequence = wire_host.candidate_sequence(line, self.sequence + 1)
            if sequence and wire.unseal(line, wire.context(self.facts["boot"], sequence)):
                self.sequence = sequence

    def wait_for(self, sequence: int) -> None:
        """OSError when the frame does not come."""
        deadline = time.monotonic() + DEADLINE_S
        while self.sequence < sequence:
            if self.agent.poll() is not None or time.monotonic() > deadline:
                raise OSError(f"frame {sequence} did not come after {self.sequence}")
            time.sleep(0.01)


class Client:
    """A telnet client. OSError when the agent hangs up or does not answer."""

    def __init__(self, agent: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
                break
            except OSError:
                if agent.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        self.heard = b""
        self.until(b"Type help.\r\n")

    def until(self, end: bytes) -> bytes:
        """The received text up to and including `end`."""
        while end not in self.heard:
            chunk = self.socket.recv(4096)
            if not chunk:
                raise OSError(f"the agent hung up after {self.heard[-80:]!r}")
            self.heard += chunk
        text, _, self.heard = self.heard.partition(end)
        return text + end

    def ask(self, line: bytes, end: bytes) -> bytes:
        self.socket.sendall(line + b"\r\n")
        return self.until(end)

    def ask_as_person(self, outcome: Outcome) -> None:
        outcome.status = self.ask(b"status", b"overwritten\r\n").decode()
        # A word that the agent does not know, to have the end of the answer before it.
        text = self.ask(b"recent %d\r\nend" % RECENT, b"unknown: end. Type help.\r\n").decode()
        outcome.recent = text.splitlines()[:-1]

    def ask_as_host(self, facts: dict[str, str]) -> None:
        """A hello, and frames that the ring no longer or still has, after which live ones follow."""
        self.ask(wire_host.ask_hello(), b" next=")
        self.ask(wire_host.ask_frames(facts["boot"], 1, 1024), b"\n" + wire.MARK)


def other_counts(text: str, turn: int) -> str:
    """buddyinfo (text) with other numbers in it, for each turn other ones."""
    zone_end = text.index("zone") + 13  # the width of a zone's name, mm/vmstat.c
    counts = re.sub(
        r"\d+", lambda match: str(int(match[0]) + (turn * 7919 + match.start()) % 3000), text[zone_end:], count=11
    )
    return text[:zone_end] + counts


def change_counts(proc: Path, done: threading.Event) -> None:
    """Rewrite <proc>/buddyinfo again and again, so that frames are long and the ring is soon full."""
    original, turn, new = (proc / "buddyinfo").read_text(), 0, proc / "buddyinfo.new"
    while not done.wait(0.004):
        turn += 1
        new.write_text(other_counts(original, turn))
        new.replace(proc / "buddyinfo")


def converse(reader: Frames, port: int, frames: int, outcome: Outcome) -> None:
    """Ask as a person at the start, wait for the frames, ask as a person and as a host at the end."""
    client = Client(reader.agent, port)
    try:
        reader.wait_for(RECENT)
        client.ask_as_person(outcome)
        reader.wait_for(frames)
        client.ask_as_person(outcome)
        client.ask_as_host(reader.facts)
    finally:
        client.socket.close()


@contextlib.contextmanager
def changing(proc: Path) -> Iterator[None]:
    """Change buddyinfo all the time if a folder replaces /proc; the real one changes anyway."""
    done = threading.Event()
    thread = threading.Thread(target=change_counts, args=(proc, done))
    if proc != Path("/proc"):
        thread.start()
    try:
        yield
    finally:
        done.set()
        if proc != Path("/proc"):
            thread.join()


def trial(argv: list[str], env: Mapping[str, str], proc: Path, frames: int) -> Outcome:
    """The agent with its default ring, until so many frames have come and it has answered on telnet; then SIGINT.

    argv: up to and with `-m buddyd`. proc: /proc, or a folder that may be changed.
    """
    port = rig.free_port()
    telnet = ["--telnet", str(port)]
    return _run([*argv, *telnet], env, proc, lambda reader, outcome: converse(reader, port, frames, outcome))


def trial_of_one_link(argv: list[str], env: Mapping[str, str], proc: Path, frames: int) -> Outcome:
    """The same on standard output alone, without any requests."""
    return _run(argv, env, proc, lambda reader, outcome: reader.wait_for(frames))


def heap_in_use(argv: list[str], env: Mapping[str, str], proc: Path) -> tuple[int, int]:
    """(bytes in use at the start, bytes after a person has asked), as the hellos say.

    The second is the least of some: a line that is being sent comes and goes.
    """
    port, looks = rig.free_port(), []

    def talk(reader: Frames, outcome: Outcome) -> None:
        reader.wait_for(1)
        looks.append(int(reader.facts["heap_used"]))
        client = Client(reader.agent, port)
        try:
            reader.wait_for(RECENT)
            client.ask_as_person(outcome)
            for _ in range(HELLOS):
                hello = client.ask(wire_host.ask_hello(), b" next=")
                looks.extend(int(used) for used in re.findall(rb"heap_used=(\d+) ", hello))
        finally:
            client.socket.close()

    outcome = _run([*argv, "--telnet", str(port)], env, proc, talk)
    if outcome.failure:
        raise OSError(outcome.failure)
    return looks[0], min(looks[1:])


def _run(argv: list[str], env: Mapping[str, str], proc: Path, talk: Callable[[Frames, Outcome], None]) -> Outcome:
    outcome = Outcome()
    # As a relative path: the length of an absolute one would be in the figures.
    folder, place = (proc.parent, proc.name) if proc != Path("/proc") else (Path("/"), "/proc")
    options = ["--stdout", "--interval", "0.01", "--proc", place, "--name", "trial"]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
    with tempfile.TemporaryFile() as stderr, changing(proc):
        agent = subprocess.Popen([*argv, *options], env=env, stderr=stderr, cwd=folder, **pipes)
        reader = Frames(agent)
        reader.start()
        try:
            talk(reader, outcome)
            agent.send_signal(signal.SIGINT)
            outcome.exit_code = agent.wait(DEADLINE_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            outcome.failure = str(error)
            agent.kill()
            outcome.exit_code = agent.wait()
        reader.join()
        outcome.sequence, outcome.facts = reader.sequence, reader.facts
        stderr.seek(0)
        outcome.stderr = stderr.read().decode()
    return outcome
