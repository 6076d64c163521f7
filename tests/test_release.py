"""scripts/build-release: what is in the folder is whole, is what it says, and runs."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from programfiles import flat

TOP = Path(__file__).resolve().parent.parent
SCRIPT = TOP / "scripts" / "build-release"


def built(out: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPT), str(out)], env=os.environ | env, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def release(frozen_micropython: str, mpy_cross: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with two compilers of one version, and a program for the board."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "board").mkdir()
    (folder / "board" / "buddyd.flat").write_bytes(flat())
    out = folder / "out"
    done = built(out, MPY_CROSS=f"{mpy_cross} /nonexistent/mpy-cross", BOARD=str(folder / "board"))
    assert done.returncode == 0, done.stderr
    assert "no .mpy by /nonexistent/mpy-cross" in done.stderr
    return out


def has_arm() -> bool:
    return shutil.which("arm-linux-gnueabi-gcc") is not None


def one(release: Path, pattern: str) -> Path:
    (found,) = release.glob(pattern)
    return found


def test_sums_are_right_and_complete(release: Path) -> None:
    checked = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=release, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    listed = {line.split()[1] for line in (release / "SHA256SUMS").read_text().splitlines()}
    assert listed | {"SHA256SUMS"} == {path.name for path in release.iterdir()}


def test_every_build_is_described_and_has_its_licence(release: Path) -> None:
    text = (release / "README.txt").read_text()
    builds = {path.name for path in release.glob("buddyd-*")}
    assert len(builds) == 4 + has_arm() and {name for name in builds if name not in text} == set()
    assert (release / "LICENSE").read_text() == (TOP / "LICENSE").read_text()
    assert "GCC Runtime Library Exception" in text and "MIT" in text


def test_the_source_is_the_agents(release: Path, tmp_path: Path) -> None:
    with tarfile.open(one(release, "*-py.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    found = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.py")}
    agent = TOP / "agent"
    assert found == {path.relative_to(agent): path.read_bytes() for path in (agent / "buddyd").rglob("*.py")}
    run = subprocess.run(
        [sys.executable, "-m", "buddyd", "--help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "--telnet" in run.stdout + run.stderr


def test_the_compiled_files_run(release: Path, micropython: str, tmp_path: Path) -> None:
    path = one(release, "*-mpy-*.tar.gz")
    assert "-mpy-1.25.0-format-6.3." in path.name
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    assert not list(tmp_path.rglob("*.py"))
    env = {"MICROPYPATH": str(tmp_path)}
    run = subprocess.run(
        [micropython, "-X", "heapsize=192k", "-m", "buddyd", "--once"],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0 and "free" in run.stdout, run.stderr


def test_program_for_arm_runs_without_libraries(release: Path, tmp_path: Path) -> None:
    emulator = shutil.which("qemu-arm") or shutil.which("qemu-arm-static")
    if not has_arm() or emulator is None:
        pytest.skip("no arm-linux-gnueabi-gcc or no qemu-arm; as root: apt install gcc-arm-linux-gnueabi qemu-user")
    program = one(release, "*-frozen-armel")
    command = [emulator, "-L", str(tmp_path), str(program), "-X", "heapsize=80k", "-m", "buddyd", "--once"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and "free" in run.stdout, run.stderr


def test_what_is_no_release_stays(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("mine")
    done = built(tmp_path)
    assert done.returncode == 2 and "is no release" in done.stderr
    assert (tmp_path / "LICENSE").read_text() == "mine"
