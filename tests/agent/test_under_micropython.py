"""Runs the agent's tests again under MicroPython: each file from source, and the agent compiled to .mpy."""

import os
import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
AGENT = TOP / "agent"
TIMEOUT_S = 300

CPYTHON_ONLY = {Path(__file__), *HERE.rglob("test_*_cpython.py")}
FILES = sorted(str(path.relative_to(HERE)) for path in set(HERE.rglob("test_*.py")) - CPYTHON_ONLY)
MODULES = sorted(
    ".".join(path.relative_to(AGENT).with_suffix("").parts)
    for path in (AGENT / "buddyd").rglob("*.py")
    if not path.stem.endswith("cpython") and path.stem[0] != "_"
)


def run(command: list[str], search_path: str) -> subprocess.CompletedProcess[str]:
    """Run a MicroPython command; stdout holds stderr as well, in the order of printing."""
    return subprocess.run(
        command,
        env={**os.environ, "MICROPYPATH": search_path},
        cwd=TOP,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def run_test_file(command: list[str], path: Path) -> subprocess.CompletedProcess[str]:
    return run([*command, str(HERE / "run_tests.py"), str(path)], f"{AGENT}:{HERE}")


def check_file_passes(command: list[str], name: str) -> None:
    result = run_test_file(command, HERE / name)
    assert result.returncode == 0, result.stdout
    assert re.search(r"^[1-9]\d* passed, 0 failed$", result.stdout, re.MULTILINE), result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_file_passes_under_micropython(micropython: str, name: str) -> None:
    check_file_passes([micropython], name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_file_passes_on_the_boards_processor(board_micropython: list[str], name: str) -> None:
    check_file_passes(board_micropython, name)


@pytest.mark.parametrize(
    ("source", "last_line"),
    [
        pytest.param("def test_a(): pass\ndef test_b(): assert 1 == 2\n", "1 passed, 1 failed", id="failing-assert"),
        pytest.param("def test_a(): raise SystemExit(0)\n", "0 passed, 1 failed", id="exit"),
        pytest.param("def helper(): pass\n", "0 passed, 0 failed", id="no-test"),
    ],
)
def test_runner_fails_with_file(micropython: str, tmp_path: Path, source: str, last_line: str) -> None:
    path = tmp_path / "test_sample.py"
    path.write_text(source)
    result = run_test_file([micropython], path)
    assert result.returncode == 1, result.stdout
    assert result.stdout.splitlines()[-1] == last_line


def test_compiled_modules_import_under_micropython(micropython: str, compiled_agent: str) -> None:
    assert MODULES
    lines = ["import sys", *(f"import {name}" for name in MODULES), "print(sys.modules['buddyd'].__file__)"]
    result = run([micropython, "-c", "\n".join(lines)], compiled_agent)
    assert result.returncode == 0, result.stdout
    assert result.stdout.strip() == f"{compiled_agent}/buddyd/__init__.mpy"


def test_compiled_agent_refuses_unknown_option(micropython: str, compiled_agent: str) -> None:
    result = run([micropython, "-m", "buddyd", "--no-such-option"], compiled_agent)
    assert result.returncode == 2, result.stdout
    assert "--no-such-option" in result.stdout
    assert len(result.stdout.splitlines()) == 1
