"""Fixtures for all tests: the interpreters, and writable copies of a real board's /proc."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
GET_MICROPYTHON = TOP / "scripts" / "get-micropython"


@dataclass(frozen=True)
class AgentCommand:
    """How to start buddyd under one interpreter: argv is complete up to `-m buddyd`; options follow."""

    interpreter: str
    argv: list[str]
    env: dict[str, str]


def _find_micropython(*options: str) -> tuple[str | None, str]:
    """Return (path or None, what the script said when there is none)."""
    found = subprocess.run(["sh", str(GET_MICROPYTHON), *options], capture_output=True, text=True, check=False)
    lines = found.stderr.strip().splitlines()
    return (found.stdout.strip() or None), (lines[-1] if lines else "")


def pytest_report_header() -> str:
    path, complaint = _find_micropython("--no-download")
    cpython = f"CPython {sys.version.split()[0]} ({sys.executable})"
    return f"interpreters: {cpython}, MicroPython {path or f'missing: {complaint}'}"


@pytest.fixture(scope="session")
def micropython() -> str:
    """The path of a MicroPython. Without one the test is skipped, and under CI=true it fails."""
    path, complaint = _find_micropython()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(f"no MicroPython, and CI=true demands one: {complaint}", pytrace=False)
    if path is None:
        pytest.skip(complaint)
    return path


@pytest.fixture(params=["cpython", "micropython"])
def agent_command(request: pytest.FixtureRequest) -> AgentCommand:
    """buddyd from the source tree, once under each interpreter."""
    agent = str(TOP / "agent")
    if request.param == "cpython":
        return AgentCommand("cpython", [sys.executable, "-m", "buddyd"], {**os.environ, "PYTHONPATH": agent})
    path = request.getfixturevalue("micropython")
    return AgentCommand("micropython", [path, "-m", "buddyd"], {**os.environ, "MICROPYPATH": agent})


@pytest.fixture
def proc_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A writable copy of a real board's /proc: fresh-4k-bflt, or the capture named by indirect parametrization."""
    capture = getattr(request, "param", "fresh-4k-bflt")
    target = tmp_path / "proc"
    shutil.copytree(TOP / "tests" / "fixtures" / "captures" / capture / "proc", target)
    return target
