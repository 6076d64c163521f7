"""For the tests of the whole system: an agent, and a look at what each test leaves behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import rig
import stage
import story
from conftest import made_once
from system_parts import Command, Scene, cpython_agent
from waiting import wait_for


def descriptors() -> dict[str, str]:
    """Our open files, by number: what each is."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the one that was open for the listing
    return found


def children() -> set[int]:
    """Processes that we are the parent of, zombies included."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(stat.parent.name))
    return found


def leftovers(before: tuple[dict[str, str], set[int]]) -> list[str]:
    files, processes = before
    opened = [f"descriptor {fd}: {name}" for fd, name in descriptors().items() if files.get(fd) != name]
    return opened + [f"process {pid}" for pid in children() - processes]


@pytest.fixture(autouse=True, scope="module")
def nothing_left_by_module() -> Iterator[None]:
    yield from nothing_left()


@pytest.fixture(autouse=True)
def nothing_left_by_test() -> Iterator[None]:
    yield from nothing_left()


def nothing_left() -> Iterator[None]:
    before = descriptors(), children()
    yield
    # A thread may still be about to close something.
    wait_for(lambda: not leftovers(before), lambda: f"these to go: {leftovers(before)}")


@pytest.fixture(scope="session")
def agent(request: pytest.FixtureRequest) -> Command:
    """How to start buddyd: under MicroPython where there is one. With CI=true there must be one."""
    command = rig.interpreter()
    if "micropython" not in command[0][0] and os.environ.get("CI") == "true":
        request.getfixturevalue("micropython")
    return command


@pytest.fixture(scope="session")
def cpython() -> Command:
    return cpython_agent()


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory, cpython: Command) -> Path:
    """What buddyd wrote to its standard output while a board went to its failure."""

    def play(folder: Path) -> None:
        with Scene(folder, cpython) as scene:
            scene.raise_curtain()
            states = story.way_to_failure(80)
            scene.play(states)
            scene.stage.board.kernel_says(story.KERNEL_LINE)
            scene.play(states[-1:] * 2)

    return made_once(tmp_path_factory, "recording", play) / stage.RECORD
