"""A link under watch, and buddyd under each interpreter with a telnet port or on a terminal."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import rig
from conftest import AgentCommand
from termtools import server
from watching import Watch

Watching = Callable[[str], Watch]


@pytest.fixture
def watching() -> Iterator[Watching]:
    watches: list[Watch] = []

    def watch(url: str) -> Watch:
        watches.append(Watch(url))
        return watches[-1]

    yield watch
    for one in watches:
        one.close()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def buddyd_port(agent_command: AgentCommand, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> int:
    """A buddyd that listens for telnet there."""
    port = rig.free_port()
    for name in ("PYTHONPATH", "MICROPYPATH"):
        if name in agent_command.env:
            monkeypatch.setenv(name, agent_command.env[name])
    stack.enter_context(server([*agent_command.argv, "--telnet", str(port), "--interval", "0.2"], port))
    return port


@pytest.fixture
def start(stack: ExitStack) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts a server that is ended with the test."""
    return lambda argv, port: stack.enter_context(server(argv, port))


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("open sesame\n")
    path.chmod(0o600)
    return path
