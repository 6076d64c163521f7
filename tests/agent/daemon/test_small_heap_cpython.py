"""Near the smallest heap in which the agent starts: whatever clients do, they cost it nothing but what they ask for."""

import contextlib
import os
import random
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import heaptrial
import pytest
import rig
from buddyd import wire_host

STEP_BYTES = 512
STEPS = 4
FRAMES_BETWEEN = 6  # so many polls must find room after each visit; eight on end without would end the agent
FORMS = {"frozen": 63 << 10, "mpy": 118 << 10}  # form: a heap in which it does not start
RUBBISH = random.Random(7).randbytes(600)
LISTEN_S = 0.04
PIECES_MAX = 20  # a client that asked for frames gets one in each poll, and would listen for ever
VISITS = (  # clients at once, what each says
    (1, (b"",)),
    (1, (RUBBISH,)),
    (1, (b"xyzzy foo\r\n" * 12,)),
    (1, (b"help\r\n", b"status\r\n", b"need 61440\r\n", b"recent 20\r\n", b"about\r\n", b"watch\r\n")),
    (1, (wire_host.ask_hello() + b"\n", wire_host.ask_frames("00000000", 1, 100) + b"\n")),
    (5, (b"help\r\n", RUBBISH[:100])),
)


class Running:
    """An agent that streams to standard output and listens; frames: what it streams."""

    def __init__(self, command: list[str], env: dict[str, str], proc: Path, heap_bytes: int, stderr: Path) -> None:
        self.port = rig.free_port()
        argv = [*command, "-X", f"heapsize={heap_bytes}", "-m", "buddyd", "--telnet", str(self.port), "--stdout"]
        argv += ["--interval", "0.05", "--proc", str(proc), "--name", "trial"]
        with stderr.open("wb") as file:
            self.process = subprocess.Popen(
                argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file
            )
        self.frames = heaptrial.Frames(self.process)
        self.frames.start()

    def go_on(self) -> None:
        """Wait for some more frames; OSError where the agent has ended."""
        self.frames.wait_for(self.frames.sequence + FRAMES_BETWEEN)

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        self.frames.join()
        return self.process.wait()


def visit(port: int, words: tuple[bytes, ...], clients: int) -> None:
    """Connect so often, say everything, listen for a while, and go. Being refused is no error."""
    with contextlib.ExitStack() as stack:
        streams = []
        for _ in range(clients):
            with contextlib.suppress(OSError):
                streams.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=LISTEN_S)))
        for word in words:
            for stream in streams:
                with contextlib.suppress(OSError):
                    stream.sendall(word)
            for stream in streams:
                with contextlib.suppress(OSError):
                    for _ in range(PIECES_MAX):
                        if not stream.recv(4096):
                            break


@pytest.fixture(params=FORMS)
def agent_form(request: pytest.FixtureRequest) -> tuple[list[str], dict[str, str], int]:
    """(command, environment, a heap in which it does not start) of the agent frozen and as .mpy."""
    if request.param == "frozen":
        return [request.getfixturevalue("frozen_micropython")], dict(os.environ), FORMS["frozen"]
    path = request.getfixturevalue("compiled_agent")
    return [request.getfixturevalue("micropython")], os.environ | {"MICROPYPATH": path}, FORMS["mpy"]


def started(form: tuple[list[str], dict[str, str], int], proc: Path, stderr: Path) -> Iterator[tuple[int, Running]]:
    """(heap_bytes, agent), for the STEPS smallest heaps in which it starts."""
    command, env, heap_bytes = form
    too_small, count = heap_bytes, 0
    while count < STEPS:
        heap_bytes += STEP_BYTES
        agent = Running(command, env, proc, heap_bytes, stderr)
        try:
            agent.go_on()
        except OSError:
            assert agent.end() == 2, stderr.read_text()
        else:
            assert heap_bytes > too_small + STEP_BYTES, "it may start in less: lower FORMS"
            count += 1
            yield heap_bytes, agent


def test_clients_end_no_agent_in_any_heap_in_which_it_starts(
    agent_form: tuple[list[str], dict[str, str], int], proc_dir: Path, tmp_path: Path
) -> None:
    for heap_bytes, agent in started(agent_form, proc_dir, tmp_path / "stderr"):
        for clients, words in VISITS:
            visit(agent.port, words, clients)
            try:
                agent.go_on()
            except OSError:
                assert agent.process.poll() is None, f"{clients} clients that say {words} at a heap of {heap_bytes}"
                raise
        assert agent.end() == 0, (tmp_path / "stderr").read_text()
