"""The family of emulated boards: what each has for itself is whole, and what is missing is said in one line."""

import os
import struct
import subprocess
from pathlib import Path

import pytest
from kind import BOARDS, DEFAULT, KERNEL_GIVEN, Kind, MachineError, artefacts, kind_named, kind_of, names, out_of

BOARD = BOARDS.parent
TOP = BOARDS.parents[2]


@pytest.fixture(params=names())
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def kind(name: str) -> Kind:
    return kind_named(name)


def settings(name: str) -> dict[str, str]:
    """As sh reads them."""
    show = "echo series=$kernel_series; echo flavours=$kernel_flavours; echo line=$init_line"
    done = subprocess.run(
        ["sh", "-c", f". ./settings; {show}"], cwd=BOARDS / name, capture_output=True, text=True, check=True
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_default_is_the_first() -> None:
    assert names()[0] == DEFAULT


def test_board_has_all_that_a_build_takes(name: str) -> None:
    assert {path.name for path in (BOARDS / name).iterdir()} >= {"settings", "compiler.sh", "image.sh", "packages"}
    found = settings(name)
    assert found["flavours"].split()
    for flavour in found["flavours"].split():
        assert (BOARD / "kernel" / found["series"] / "flavours" / flavour).is_file()


def test_boot_script_and_tests_mean_the_same_line(name: str, kind: Kind) -> None:
    assert settings(name)["line"] == kind.agent_device


def test_command_has_nothing_left_to_fill_in(kind: Kind) -> None:
    for flavour in kind.flavours:
        command = kind.command(Path("/out"), flavour, "flat", ",hostfwd=tcp:127.0.0.1:1-:2323")
        assert not [word for word in command if "{" in word]
        assert any(",hostfwd=tcp:127.0.0.1:1-:2323" in word for word in command)
        ends = " ".join(command).replace("chardev:", "chardev=")
        assert all(f"chardev={end}" in ends for end in ("console", "agent"))
        assert ("chardev=spare" in ends) == kind.has_spare_line


def test_what_is_not_built_is_named_with_the_command_that_builds_it(name: str, kind: Kind, tmp_path: Path) -> None:
    out = tmp_path / out_of(name).name
    command = "make board" if name == DEFAULT else f"make board BOARD={name}"
    with pytest.raises(MachineError, match=rf"^no board in {out}; run `{command}` first$"):
        kind_of(out)
    out.mkdir()
    (out / "machine.toml").write_bytes((BOARDS / name / "machine.toml").read_bytes())
    with pytest.raises(MachineError, match=rf" not in {out}; run `{command}` first$"):
        artefacts(out, kind.default_flavour, "flat")


def test_what_is_built_is_found(name: str, kind: Kind, tmp_path: Path) -> None:
    (tmp_path / "machine.toml").write_bytes((BOARDS / name / "machine.toml").read_bytes())
    for word in kind.command(tmp_path, kind.default_flavour, "flat"):
        if word.startswith(f"{tmp_path}/"):
            Path(word).touch()
    assert artefacts(tmp_path, kind.default_flavour, "flat")


def test_flavour_or_form_of_another_board_is_refused() -> None:
    with pytest.raises(MachineError, match=r"^no 8k with programs as flat on this board; it has: 1-cpu, 2-cpus, flat$"):
        kind_named("rv64").command(Path("/out"), "8k", "flat")
    with pytest.raises(MachineError, match=r"^no 1-cpu with programs as elf"):
        kind_named("rv64").command(Path("/out"), "1-cpu", "elf")


def test_given_kernel_is_not_one_that_is_built() -> None:
    assert KERNEL_GIVEN in kind_named(DEFAULT).flavours
    assert KERNEL_GIVEN not in kind_named(DEFAULT).flavours_built


@pytest.mark.parametrize("board", ["mips", "", "../boards/rv64", "."])
def test_board_that_is_not_there_is_refused_with_those_that_are(board: str, tmp_path: Path) -> None:
    environment = os.environ | {"BOARD": board or "/", "BUDDYWATCH_CACHE": str(tmp_path)}
    done = subprocess.run([BOARD / "build"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"build: no board {board or '/'}; there are: {' '.join(sorted(names()))}\n"
    assert not list(tmp_path.iterdir())


def flat_header(text_bytes: int, data_bytes: int, is_in_ram: bool) -> bytes:
    """All that is read of a bFLT program to tell what its start takes; with a stack of 32 kB."""
    data_start, data_end = 64 + text_bytes, 64 + text_bytes + data_bytes
    return struct.pack(">4s9I24x", b"bFLT", 4, 64, data_start, data_end, data_end, 32768, data_end, 0, int(is_in_ram))


@pytest.mark.parametrize(
    ("header", "block_kb"),
    [
        (flat_header(230_000, 20_000, is_in_ram=False), 128),  # the heap's block: the text stays in the ROM
        (flat_header(190_000, 20_000, is_in_ram=True), 256),
        (flat_header(250_000, 20_000, is_in_ram=True), 512),
    ],
    ids=["text in the ROM", "in RAM", "a larger one in RAM"],
)
def test_boot_script_waits_for_the_block_that_buddyds_header_tells(
    name: str, kind: Kind, tmp_path: Path, header: bytes, block_kb: int
) -> None:
    for folder in ("config", "rm.config", "nofork.config"):
        (tmp_path / "objects" / f"{folder}-flat").mkdir(parents=True)
        (tmp_path / "objects" / f"{folder}-flat" / "busybox").touch()
    (tmp_path / "objects/config-flat/busybox.links").write_text("/bin/rm\n/bin/ls\n")
    (tmp_path / "objects/probe-flat").mkdir()
    (tmp_path / "buddyd.flat").write_bytes(header)
    command = [BOARD / "rootfs" / "stage", "flat", tmp_path, tmp_path, tmp_path / "root"]
    subprocess.run(command, env=os.environ | {"BOARD": name}, check=True)
    script = (tmp_path / "root/sbin/init").read_text()
    assert f"\n/sbin/start-buddyd {block_kb} --serial {kind.agent_device}:115200 " in script
    assert "@" not in script.replace("in @ is", "")


def test_tools_name_the_packages_of_the_board(tmp_path: Path) -> None:
    """Where no command is found, all of them, in the command that installs them."""
    for command in ("cat", "dirname"):
        (tmp_path / command).symlink_to(f"/bin/{command}" if command == "cat" else "/usr/bin/dirname")
    environment = {"PATH": str(tmp_path), "BOARD": "rv64"}
    done = subprocess.run(["/bin/sh", BOARD / "tools"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    line = done.stderr.splitlines()[1]
    assert line.startswith("  apt-get install --no-install-recommends build-essential ")
    assert " gcc-riscv64-linux-gnu " in line and "m68k" not in line
