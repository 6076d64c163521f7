"""What `make board` says of a source or an image of Linux 2.6.30 that it cannot take: one line, before it builds."""

import lzma
import struct
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
KERNEL = TOP / "agent" / "board" / "kernel"
RELEASE = "2.6.30"
SECTION_BYTES = 40
BANNER = b"Linux version 2.6.30 (somebody@somewhere)\0"


def header(sections_at: int) -> bytes:
    """Of an ELF file of a kernel for m68k: 32 bits, big-endian, executable, machine; a table of one section."""
    start = bytes.fromhex("7f454c46010201") + bytes(9) + bytes.fromhex("00020004")
    return start + struct.pack(">4x4x4xI4x2x2x2xHHH", sections_at, SECTION_BYTES, 1, 0)


HEADER = header(52 + len(BANNER))
IMAGE = HEADER + BANNER + bytes(SECTION_BYTES)


def refusal(script: str, *arguments: str | Path) -> str:
    """The one line with which the script refuses."""
    done = subprocess.run([KERNEL / script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def source(folder: Path, sublevel: int, extra: str = "") -> Path:
    """A folder that looks like a kernel's source, its files not as they were released."""
    version = f"VERSION = 2\nPATCHLEVEL = 6\nSUBLEVEL = {sublevel}\nEXTRAVERSION = {extra}\nNAME = Man-Eating Seals\n"
    (folder / "mm").mkdir()
    (folder / "Makefile").write_text(version)
    (folder / "mm" / "page_alloc.c").write_text("int rule;\n")
    return folder


def test_folder_without_a_kernels_source_is_refused(tmp_path: Path) -> None:
    line = refusal("check-source", tmp_path, RELEASE)
    assert line.startswith(f"no source of a Linux kernel in {tmp_path}; needed: the source of Linux 2.6.30")


def test_archive_in_place_of_a_folder_is_to_be_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "linux-2.6.30.tar.xz"
    archive.write_bytes(lzma.compress(b"tar"))
    line = refusal("check-source", archive, RELEASE)
    assert line == f"{archive} is no folder; unpack it, and give the folder linux-2.6.30 that is in it"


def test_another_release_is_refused_by_its_number(tmp_path: Path) -> None:
    line = refusal("check-source", source(tmp_path, 31), RELEASE)
    assert line.startswith(f"{tmp_path} is Linux 2.6.31; needed:")


@pytest.mark.parametrize("extra", ["", ".2", "-uc0"])
def test_source_that_is_not_as_it_was_released_is_refused(tmp_path: Path, extra: str) -> None:
    assert "needed: the source of Linux 2.6.30 (" in refusal("check-source", source(tmp_path, 30, extra), RELEASE)


def test_file_that_differs_is_named(tmp_path: Path) -> None:
    line = refusal("check-source", source(tmp_path, 30), RELEASE)
    assert line.startswith(f"{tmp_path}/mm/page_alloc.c is not as it was released")


def test_each_series_has_all_that_a_build_takes() -> None:
    for series in {path.parents[1] for path in KERNEL.glob("*/flavours/*")}:
        assert (series / "settings").is_file() and (series / "config").is_file()
    names = [path.name for path in KERNEL.glob("*/flavours/*")]
    assert len(set(names)) == len(names)  # a flavour's name says of which series it is
    assert {"2.6.30", "4k", "4k-2.6.30", "8k", "4k-slub", "rv64"} <= set(names)


def test_words_for_the_command_line_go_behind_the_others(tmp_path: Path) -> None:
    """And what a flavour says of an option wins over what the configuration of its series says."""
    build = (KERNEL / "build").read_text()
    function = build[build.index("wanted_config() {") : build.index("# The options of which")]
    script = f"series=$1 flavour=4k-slub-order-0 rom_romfs_offset=0x10000\n. $1/settings\n{function}wanted_config"
    lines = subprocess.run(
        ["sh", "-c", script, "sh", KERNEL / "6.1"], capture_output=True, text=True, check=True
    ).stdout
    assert ' uclinux.physaddr=0x10000 root=mtd0 rootfstype=romfs slub_max_order=0"' in lines
    assert "# CONFIG_SLOB is not set" in lines and "CONFIG_SLOB=y" not in lines


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is no ELF file"),
        (b"#!/bin/sh\n", "is no ELF file"),
        (IMAGE.replace(b"2.6.30", b"6.1.20"), "is no Linux 2.6.30"),
        (IMAGE[:-1], f"is cut: it has {len(IMAGE) - 1} of {len(IMAGE)} bytes"),
        (HEADER[:40], "is cut: it has 40 of "),
    ],
)
def test_image_of_something_else_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    image, out = tmp_path / "image", tmp_path / "vmlinux"
    image.write_bytes(content)
    assert refusal("take-image", image, out, RELEASE).startswith(f"{image} {complaint}")
    assert list(tmp_path.iterdir()) == [image]


def test_image_that_is_not_there_or_damaged_is_refused_and_the_one_before_kept(tmp_path: Path) -> None:
    image, out = tmp_path / "image.xz", tmp_path / "vmlinux"
    out.write_bytes(b"before")
    assert refusal("take-image", image, out, RELEASE) == f"no file {image} that can be read"
    image.write_bytes(b"not xz")
    assert refusal("take-image", image, out, RELEASE) == f"{image} cannot be decompressed by xz"
    assert out.read_bytes() == b"before"


@pytest.mark.parametrize("is_compressed", [False, True])
def test_image_is_taken_plain_and_compressed(tmp_path: Path, is_compressed: bool) -> None:
    content = IMAGE
    image, out = tmp_path / ("image.xz" if is_compressed else "image"), tmp_path / "vmlinux"
    image.write_bytes(lzma.compress(content) if is_compressed else content)
    subprocess.run([KERNEL / "take-image", image, out, RELEASE], check=True)
    assert out.read_bytes() == content


def board_step(folder: Path) -> str:
    """What a step of the build says that copies the file `made` to the folder's `out`; its input is the file `made`."""
    script = (
        'say() { echo "$*"; }; die() { say "$*"; exit 1; }; reason() { :; }\n'
        f". {KERNEL.parent / 'steps.sh'}\nboard=$PWD\nstep copy copy $PWD/out cp $PWD/made $PWD/out -- $PWD/made\n"
    )
    done = subprocess.run(["sh", "-uc", script], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.partition(" in ")[0].strip()


def test_result_that_another_build_or_an_image_replaced_is_made_again(tmp_path: Path) -> None:
    for name in ("done", "log"):
        (tmp_path / name).mkdir()
    (tmp_path / "made").write_bytes(IMAGE)
    said = [board_step(tmp_path), board_step(tmp_path)]
    (tmp_path / "out").write_bytes(b"of somebody else")
    said += [board_step(tmp_path), board_step(tmp_path)]
    (tmp_path / "out").unlink()
    said.append(board_step(tmp_path))
    assert said == ["copy: done", "copy: nothing to do", "copy: done", "copy: nothing to do", "copy: done"]
    assert (tmp_path / "out").read_bytes() == IMAGE
