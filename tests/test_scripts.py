"""The set-up scripts and the Makefile: what they find, and what they say when something is missing. No network."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
SH = shutil.which("sh") or "/bin/sh"
# All that get-micropython calls, so that a PATH can be made that has it all and no micropython.
TOOLS = "apt-cache apt-get cat chmod dpkg find grep head mkdir mktemp mv paste rm sed sort tail"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script of scripts/ in an empty folder. Keyword arguments are added to an otherwise bare environment."""

    def run_script(name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        bare = {"HOME": str(tmp_path), "PATH": str(tmp_path / "empty"), "LC_ALL": "C"}
        command = [SH, str(TOP / "scripts" / name), *arguments]
        return subprocess.run(command, env=bare | env, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run_script


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{SH}\n{script}\n")
    path.chmod(0o755)
    return path


def tools(folder: Path) -> str:
    """A PATH with everything that get-micropython calls, except micropython."""
    folder.mkdir()
    for name in TOOLS.split():
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return str(folder)


def refusal(result: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The one line on standard error of a script that refused with exit code `code`."""
    assert (result.returncode, result.stdout) == (code, "")
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_get_micropython_takes_the_one_that_is_set(run: Run, micropython: str) -> None:
    result = run("get-micropython", MICROPYTHON=micropython)
    assert (result.returncode, result.stdout, result.stderr) == (0, micropython + "\n", "")


@pytest.mark.parametrize("value", ["/nonexistent/micropython", shutil.which("false"), sys.executable])
def test_get_micropython_names_a_set_one_that_does_not_work(run: Run, value: str) -> None:
    assert f"MICROPYTHON={value}" in refusal(run("get-micropython", MICROPYTHON=value))


def test_get_micropython_takes_the_one_on_path(run: Run, micropython: str, tmp_path: Path) -> None:
    command = executable(tmp_path / "bin" / "micropython", f'exec "{micropython}" "$@"')
    assert run("get-micropython", PATH=str(command.parent)).stdout == f"{command}\n"


@pytest.mark.parametrize(
    ("env", "place"),
    [
        pytest.param({}, ".cache/buddywatch", id="home"),
        pytest.param({"XDG_CACHE_HOME": "{tmp}/xdg"}, "xdg/buddywatch", id="xdg"),
        pytest.param({"XDG_CACHE_HOME": "{tmp}/xdg", "BUDDYWATCH_CACHE": "{tmp}/own"}, "own", id="own"),
    ],
)
def test_get_micropython_passes_an_old_one_by_for_the_cached(
    run: Run, micropython: str, tmp_path: Path, env: dict[str, str], place: str
) -> None:
    old = executable(tmp_path / "bin" / "micropython", "echo False")
    cached = executable(tmp_path / place / "micropython" / "micropython", f'exec "{micropython}" "$@"')
    env = {name: value.format(tmp=tmp_path) for name, value in env.items()}
    assert run("get-micropython", "--no-download", PATH=str(old.parent), **env).stdout == f"{cached}\n"


def test_get_micropython_only_looks_when_told(run: Run, tmp_path: Path) -> None:
    executable(tmp_path / ".cache" / "buddywatch" / "micropython" / "micropython", "exit 1")
    assert "apt install micropython" in refusal(run("get-micropython", "--no-download", PATH=tools(tmp_path / "bin")))


def test_get_micropython_without_apt_says_what_to_set(run: Run) -> None:
    assert "MICROPYTHON=" in refusal(run("get-micropython"))


@pytest.mark.skipif(not shutil.which("apt-get"), reason="apt-get is not on this machine")
def test_get_micropython_names_a_cache_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    cache = "/proc/nowhere"
    result = run("get-micropython", PATH=tools(tmp_path / "bin"), BUDDYWATCH_CACHE=cache)
    assert cache in refusal(result)
    assert "BUDDYWATCH_CACHE" in result.stderr


@pytest.mark.skipif(not shutil.which("apt-get"), reason="apt-get is not on this machine")
def test_get_micropython_leaves_nothing_behind_when_apt_has_none(run: Run, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    (lists / "partial").mkdir(parents=True)
    config = tmp_path / "apt.conf"
    config.write_text(
        f'Dir::Etc::SourceList "/dev/null";\nDir::Etc::SourceParts "/dev/null";\nDir::State::Lists "{lists}";\n'
    )
    result = run("get-micropython", PATH=tools(tmp_path / "bin"), APT_CONFIG=str(config))
    assert (result.returncode, result.stdout) == (1, "")
    assert "no MicroPython to be had" in result.stderr.splitlines()[-1]
    assert list((tmp_path / ".cache" / "buddywatch").iterdir()) == []


def outcome_of(test: str, **env: str) -> tuple[str, str]:
    """(last line, all that was printed) of a pytest that runs one test with another environment."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    result = subprocess.run(command, env=os.environ | env, cwd=TOP, capture_output=True, text=True, check=False)
    return result.stdout.splitlines()[-1], result.stdout


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")], ids=["user", "ci"])
def test_missing_micropython_skips_and_in_ci_fails(ci: str, outcome: str) -> None:
    test = f"{__file__}::test_get_micropython_takes_the_one_that_is_set"
    last_line, text = outcome_of(test, CI=ci, MICROPYTHON="/nonexistent/micropython")
    assert outcome in last_line
    assert "MICROPYTHON=/nonexistent/micropython" in text


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")], ids=["user", "ci"])
def test_missing_compiler_skips_and_in_ci_fails(tmp_path: Path, ci: str, outcome: str) -> None:
    (tmp_path / "sh").symlink_to(SH)
    test = f"{TOP}/tests/agent/daemon/test_heap_cpython.py::test_agent_on_this_machines_proc_fits"
    last_line, text = outcome_of(test, CI=ci, PATH=str(tmp_path))
    assert outcome in last_line
    assert "no cc found; as root: apt install" in text


PYTHON_3_10 = 'case "$2" in *print*) echo 3.10 ;; *) exit 1 ;; esac'
NO_ENSUREPIP = f'[ "$2" != "import ensurepip" ] && exec "{sys.executable}" "$@"'


@pytest.mark.parametrize(
    ("stub", "way_out"),
    [
        pytest.param("exit 127", "install Python 3.11 or newer", id="no-python"),
        pytest.param(PYTHON_3_10, "3.11 or newer is needed: make PYTHON=", id="python-3.10"),
        pytest.param(NO_ENSUREPIP, "apt install python3-venv", id="no-ensurepip"),
    ],
)
def test_make_venv_says_what_to_install(run: Run, tmp_path: Path, stub: str, way_out: str) -> None:
    python = executable(tmp_path / "bin" / "python3", stub)
    assert way_out in refusal(run("make-venv", "run", PYTHON=str(python), PATH=tools(tmp_path / "tools")))
    assert not (tmp_path / ".venv").exists()


def test_build_agent_names_the_missing_compiler(run: Run, tmp_path: Path) -> None:
    result = run("build-agent", "out", MPY_CROSS="/nonexistent/mpy-cross", PATH=os.environ["PATH"])
    assert "/nonexistent/mpy-cross" in refusal(result)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("missing", "way_out"),
    [
        pytest.param("cc", "apt install gcc", id="cc"),
        pytest.param("make", "apt install make", id="make"),
        pytest.param("python3", "apt install python3", id="python3"),
        pytest.param("mpy-cross", "MPY_CROSS=", id="mpy-cross"),
        pytest.param("dpkg-source", "apt install dpkg-dev", id="dpkg-source"),
        pytest.param("apt-get", "unpack MicroPython", id="apt-get"),
    ],
)
def test_build_frozen_says_what_to_install(run: Run, tmp_path: Path, missing: str, way_out: str) -> None:
    for name in ["cc", "make", "python3", "flock", "mpy-cross", "dpkg-source", "apt-get"]:
        if name != missing:
            executable(tmp_path / "bin" / name, "exit 1")
    line = refusal(run("build-frozen", PATH=str(tmp_path / "bin"), MPY_CROSS="mpy-cross"))
    assert missing in line
    assert way_out in line


def test_build_frozen_names_what_the_compiler_said(run: Run, tmp_path: Path) -> None:
    ports = tmp_path / "cache" / "micropython-source" / "ports" / "unix"
    ports.mkdir(parents=True)
    (ports / "Makefile").write_text("all:\n\t@echo 'fatal error: stdio.h: No such file or directory'; exit 1\n")
    mpy_cross = executable(tmp_path / "bin" / "mpy-cross", "exit 1")
    env = {"PATH": os.environ["PATH"], "BUDDYWATCH_CACHE": str(tmp_path / "cache"), "MPY_CROSS": str(mpy_cross)}
    result = run("build-frozen", **env)
    assert (result.returncode, result.stdout) == (1, "")
    assert "the build failed: fatal error: stdio.h" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get-micropython", ["--fast"]),
        ("make-venv", []),
        ("make-venv", ["all"]),
        ("build-agent", []),
        ("build-frozen", ["a", "b"]),
    ],
)
def test_script_refuses_wrong_usage(run: Run, name: str, arguments: list[str]) -> None:
    assert f"usage: {name}" in refusal(run(name, *arguments, PATH=os.environ["PATH"]), code=2)


def make(*arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=TOP, env=env, capture_output=True, text=True, check=True).stdout


def test_make_alone_explains_every_target() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", (TOP / "Makefile").read_text(), re.MULTILINE)
    assert phony
    explained = set(re.findall(r"^make ([\w-]+)", make(), re.MULTILINE))
    assert explained == set(phony[1].split()) - {"help"}


@pytest.mark.parametrize(
    ("arguments", "command"),
    [(["run"], "scripts/run.py"), (["run", "FOR=15"], "scripts/run.py --for 15"), (["demo"], "scripts/demo.py")],
)
def test_make_starts_its_script_in_the_venv(arguments: list[str], command: str) -> None:
    dry_run = make("--dry-run", "--assume-old=.venv/.run-stamp", *arguments)
    assert dry_run.strip() == f".venv/bin/python {command}"


def test_build_hush_takes_no_argument(run: Run) -> None:
    assert refusal(run("build-hush", "now"), 2) == "build-hush: usage: build-hush"


def test_build_hush_says_what_it_needs(run: Run, tmp_path: Path) -> None:
    assert refusal(run("build-hush")) == "build-hush: no cc found; as root: apt install build-essential dpkg-dev"


def test_ci_packages_names_a_package_for_each_command() -> None:
    lines = (TOP / "scripts" / "ci-packages").read_text().splitlines()
    assert {len(line.split()) for line in lines if not line.startswith("#")} == {2}


@pytest.mark.slow
def test_the_week_prints_each_mail_and_how_many_of_each_kind() -> None:
    """Its first day, on which boards fail and are rebooted."""
    done = subprocess.run(
        [sys.executable, str(TOP / "scripts" / "week.py"), "--messages", "--days", "1"],
        env=os.environ | {"PYTHONPATH": str(TOP / "agent")},
        capture_output=True,
        text=True,
        check=True,
    )
    mails = re.findall(r"^--- (\d+) of (\d+): (\w+ \d\d:\d\d)\n(.*)\n\n", done.stdout, re.M)
    counts = re.findall(r"^ *(\d+)  (.+)$", done.stdout, re.M)
    assert [int(number) for number, *_ in mails] == list(range(1, len(mails) + 1))
    assert {int(all_of) for _, all_of, *_ in mails} == {len(mails)} == {int(counts[-1][0])}
    assert counts[-1][1] == "in all" and sum(int(count) for count, _ in counts[:-1]) == len(mails)
    assert any("CRIT roof-1: rm can no longer start" in subject for *_, subject in mails)
    assert re.search(r"^1 days of 12 boards replayed in [\d.]+ s of processor time$", done.stdout, re.M)
