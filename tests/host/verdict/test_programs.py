"""What executing a program takes: headers built byte by byte from the layouts of flat.h and elf.h, and real files."""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from buddywatch.verdict.programs import Block, ProgramError, contiguous_blocks, need_bytes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programfiles import EM_68K, elf, flat

RAM, GOTPIC, GZIP, GZDATA, KTRACE = 0x1, 0x2, 0x4, 0x8, 0x10
EM_ARM, EM_SH, EM_XTENSA, EM_BLACKFIN = 40, 42, 94, 106
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_GNU_STACK = 1, 2, 3, 0x6474E551
READ_EXEC, READ_WRITE, READ_ONLY = 5, 6, 4

TWO_LOADS = [
    (PT_LOAD, READ_EXEC, 0, 0x1000, 0x20000, 0x20000),
    (PT_LOAD, READ_WRITE, 0x20000, 0x22F00, 0x1000, 0x9000),
]


def program(folder: Path, content: bytes, name: str = "prog") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def sizes(blocks: list[Block]) -> list[tuple[str, int, bool]]:
    return [(block.what, block.bytes, block.shareable) for block in blocks]


# Expected sizes are written out as page counts; each is the arithmetic of load_flat_file() done by hand.
FLAT_CASES = {
    # data: 8000 + 30000 + 4096 + 4 = 42100
    "two mappings": (flat(), [("text", 25 * 4096, True), ("data", 11 * 4096, False)]),
    "gotpic and ktrace change nothing": (
        flat(flags=GOTPIC | KTRACE),
        [("text", 25 * 4096, True), ("data", 11 * 4096, False)],
    ),
    # 100000 + 42100 = 142100
    "ram": (flat(flags=RAM), [("image", 35 * 4096, False)]),
    "ram with gotpic": (flat(flags=RAM | GOTPIC), [("image", 35 * 4096, False)]),
    # the workspace: 32768 + 108 + 640 + 576 + 8192 = 42284
    "gzip": (flat(flags=GZIP), [("image", 35 * 4096, False), ("unzip workspace", 11 * 4096, False)]),
    "gzdata": (
        flat(flags=GZDATA),
        [("text", 25 * 4096, True), ("data", 11 * 4096, False), ("unzip workspace", 11 * 4096, False)],
    ),
    "ram and gzdata": (flat(flags=RAM | GZDATA), [("image", 35 * 4096, False), ("unzip workspace", 11 * 4096, False)]),
    # rev 2 knows one flag: in RAM, whichever bit is set
    "rev 2": (flat(rev=2), [("text", 25 * 4096, True), ("data", 11 * 4096, False)]),
    "rev 2 with any flag": (flat(rev=2, flags=GZIP), [("image", 35 * 4096, False)]),
    # relocations are read behind the data: 4 * 20000 = 80000 > bss + stack; 8000 + 80000 + 4 = 88004
    "more relocations than bss and stack": (
        flat(relocs=20_000),
        [("text", 25 * 4096, True), ("data", 22 * 4096, False)],
    ),
    "exactly one page": (
        flat(text=4096, data=0, bss=0, stack=4092),
        [("text", 4096, True), ("data", 4096, False)],
    ),
    "one byte over a page": (
        flat(text=4097, data=0, bss=0, stack=4093),
        [("text", 8192, True), ("data", 8192, False)],
    ),
}


@pytest.mark.parametrize(("content", "expected"), FLAT_CASES.values(), ids=FLAT_CASES.keys())
def test_flat_blocks_are_those_the_kernel_maps(
    tmp_path: Path, content: bytes, expected: list[tuple[str, int, bool]]
) -> None:
    assert sizes(contiguous_blocks(program(tmp_path, content))) == expected


def test_flat_lengths_of_the_file_do_not_matter_so_a_compressed_one_counts_unpacked(tmp_path: Path) -> None:
    header_only = program(tmp_path, flat(flags=GZIP), "header")
    packed = program(tmp_path, flat(flags=GZIP) + bytes(50_000), "packed")
    assert contiguous_blocks(header_only) == contiguous_blocks(packed)


def test_seed_program_needs_61440_bytes(tmp_path: Path) -> None:
    """The rm of the failure report: text in place, data, bss and stack between 57345 and 61440 bytes."""
    smallest = program(tmp_path, flat(text=180_000, data=20_000, bss=33_245, stack=4096), "smallest")
    largest = program(tmp_path, flat(text=180_000, data=20_000, bss=37_340, stack=4096), "largest")
    over = program(tmp_path, flat(text=180_000, data=20_000, bss=37_341, stack=4096), "over")
    assert [need_bytes(path) for path in (smallest, largest, over)] == [61440, 61440, 65536]


def test_arguments_add_to_the_data_of_a_flat_program(tmp_path: Path) -> None:
    path = program(tmp_path, flat(data=20_000, bss=37_340, stack=4096))
    assert (need_bytes(path), need_bytes(path, argument_bytes=1)) == (61440, 65536)


def test_larger_pages_round_up_further(tmp_path: Path) -> None:
    path = program(tmp_path, flat())
    assert sizes(contiguous_blocks(path, 8192)) == [("text", 13 * 8192, True), ("data", 6 * 8192, False)]


def test_page_bytes_must_be_a_power_of_two(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="page_bytes = 5000: expected a power of two"):
        contiguous_blocks(program(tmp_path, flat()), 5000)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_static_pie_is_one_image_and_a_stack(tmp_path: Path, bits: int, order: str) -> None:
    """From 0x1000 to 0x22f00 + 0x9000: 0x2af00 bytes are 43 pages; the stack is the kernel's default of 128 kB."""
    path = program(tmp_path, elf(TWO_LOADS, bits=bits, order=order))
    assert sizes(contiguous_blocks(path)) == [("image", 43 * 4096, False), ("stack", 131072, False)]
    assert need_bytes(path) == 43 * 4096


@pytest.mark.parametrize(
    ("asked_bytes", "page_bytes", "stack_bytes"),
    [(0, 4096, 131072), (1, 4096, 8192), (12_289, 4096, 16384), (8192, 8192, 16384), (1 << 20, 4096, 1 << 20)],
)
def test_elf_stack_is_what_the_program_asks_and_two_pages_at_least(
    tmp_path: Path, asked_bytes: int, page_bytes: int, stack_bytes: int
) -> None:
    path = program(tmp_path, elf([*TWO_LOADS, (PT_GNU_STACK, READ_WRITE, 0, 0, 0, asked_bytes)]))
    stack = contiguous_blocks(path, page_bytes)[-1]
    assert (stack.what, stack.bytes) == ("stack", stack_bytes)


FDPIC_MARKS = {
    "arm": {"machine": EM_ARM, "osabi": 65, "order": "<"},
    "sh": {"machine": EM_SH, "e_flags": 0x8000},
    "xtensa": {"machine": EM_XTENSA, "osabi": 65, "order": "<"},
    "blackfin": {"machine": EM_BLACKFIN, "e_flags": 0x2, "order": "<"},
}


@pytest.mark.parametrize("kind", [2, 3], ids=["exec", "dyn"])
@pytest.mark.parametrize("marks", FDPIC_MARKS.values(), ids=FDPIC_MARKS.keys())
def test_fdpic_segments_are_placed_one_by_one(tmp_path: Path, marks: dict[str, object], kind: int) -> None:
    """The second starts 0xf00 into its page: 0xf00 + 0x9000 bytes are 10 pages."""
    constants = (PT_LOAD, READ_ONLY, 0x30000, 0x40000, 0x10, 0x10)
    path = program(tmp_path, elf([*TWO_LOADS, constants], kind=kind, **marks))  # type: ignore[arg-type]
    expected = [("text", 0x20000, True), ("data", 0xA000, False), ("constants", 0x1000, True), ("stack", 131072, False)]
    assert sizes(contiguous_blocks(path)) == expected


@pytest.mark.parametrize(
    "marks",
    [
        {"machine": EM_ARM, "osabi": 65, "e_flags": 0x20},
        {"machine": EM_SH, "e_flags": 0x8100},
        {"machine": EM_BLACKFIN, "e_flags": 0x3},
        {"machine": EM_SH, "osabi": 65},
        {"machine": EM_68K, "osabi": 65, "e_flags": 0x8000},
    ],
    ids=["arm tied", "sh tied", "blackfin tied", "sh without its flag", "m68k has no fdpic"],
)
def test_segments_that_must_keep_their_distance_are_one_image(tmp_path: Path, marks: dict[str, int]) -> None:
    path = program(tmp_path, elf(TWO_LOADS, **marks))  # type: ignore[arg-type]
    assert [block.what for block in contiguous_blocks(path)] == ["image", "stack"]


def test_need_leaves_out_what_may_be_shared(tmp_path: Path) -> None:
    flat_file = program(tmp_path, flat(), "flat")
    small_stack = (PT_GNU_STACK, READ_WRITE, 0, 0, 0, 4096)
    fdpic_file = program(tmp_path, elf([*TWO_LOADS, small_stack], machine=EM_ARM, osabi=65, order="<"), "fdpic")
    assert (need_bytes(flat_file), need_bytes(fdpic_file)) == (11 * 4096, 10 * 4096)


def test_interpreter_is_named_in_the_notes(tmp_path: Path) -> None:
    name = b"/lib/ld-uClibc.so.0\0"
    content = elf([*TWO_LOADS, (PT_INTERP, READ_ONLY, 52 + 3 * 32, 0, len(name), len(name))]) + name
    assert (
        "loads /lib/ld-uClibc.so.0, which needs its own blocks" in contiguous_blocks(program(tmp_path, content))[0].note
    )


REFUSED = {
    "empty": (b"", "prog: empty; expected a bFLT or ELF program"),
    "text": (b"hello world", "prog: starts with bytes 68 65 6c 6c; expected a bFLT or ELF program"),
    "script": (b"#! /bin/sh -e\necho\n", "prog: a script run by /bin/sh; give that program's file instead"),
    "script of nothing": (b"#!\n", "prog: a script run by no program"),
    "short flat": (flat()[:40], "prog: 40 bytes of a bFLT header of 64; copy the file again"),
    "flat revision": (flat(rev=5), "prog: bFLT revision 5; the kernel loads 2 and 4"),
    "flat text shorter than its header": (flat(text=63), "data 0x3f to"),
    "flat data backwards": (flat()[:16] + struct.pack(">I", 50) + flat()[20:], "data 0x186a0 to 0x32, bss"),
    "flat bss backwards": (flat()[:20] + struct.pack(">I", 50) + flat()[24:], "bss to 0x32"),
    "flat stack too large": (flat(stack=1 << 28), "stack 0x10000000"),
    "flat relocations too many": (flat(relocs=1 << 28), "268435456 relocations"),
    "short elf": (elf(TWO_LOADS)[:51], "prog: 51 bytes of an ELF header; copy the file again"),
    "short elf, 64 bit": (elf(TWO_LOADS, bits=64)[:63], "prog: 63 bytes of an ELF header; copy the file again"),
    "elf class": (b"\x7fELF\x03\x01" + bytes(60), "prog: ELF class 3, data 1; expected 1 or 2 each"),
    "elf data": (b"\x7fELF\x01\x00" + bytes(60), "prog: ELF class 1, data 0; expected 1 or 2 each"),
    "object file": (elf(TWO_LOADS, kind=1), "prog: ELF type 1; expected a program (type 2 or 3)"),
    "fixed address": (elf(TWO_LOADS, kind=2), "fixed address (type 2); a kernel without an MMU loads only"),
    "header size": (
        elf(TWO_LOADS)[:42] + b"\0\x21" + elf(TWO_LOADS)[44:],
        "2 program headers of 33 bytes; expected 32",
    ),
    "table cut": (elf(TWO_LOADS)[:-1], "ends before its 2 program headers at byte 52; copy the file again"),
    "table nowhere": (
        elf(TWO_LOADS, bits=64)[:32] + b"\xff" * 8 + elf(TWO_LOADS, bits=64)[40:],
        "ends before its 2 program headers at byte 18446744073709551615",
    ),
    "nothing to load": (elf([(PT_DYNAMIC, READ_WRITE, 0, 0, 0, 0)]), "prog: ELF without anything to load"),
    "more in file than in memory": (elf([(PT_LOAD, 5, 0, 0, 9, 8)]), "has 9 bytes in the file and 8 in memory"),
    "past the address space": (elf([(PT_LOAD, 5, 0, 0xFFFFF000, 0, 0x2000)]), "end within the address space"),
    "interpreter without end": (
        elf([*TWO_LOADS, (PT_INTERP, 4, 52 + 3 * 32, 0, 4, 4)]) + b"/lib",
        "interpreter name is 4 bytes without an end",
    ),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_file_is_told_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = program(tmp_path, content)
    with pytest.raises(ProgramError) as caught:
        contiguous_blocks(path)
    line = str(caught.value)
    assert message in line
    assert line.startswith(f"{path}: ")
    assert len(line.splitlines()) == 1


def test_missing_file_folder_and_pipe_are_told_in_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    cases = {
        "gone": "gone: cannot be read (No such file or directory); give the path",
        "pipe": "pipe: not a file; name the program file itself",
        ".": "not a file; name the program file itself",
        "a\0b": "cannot be read (",
    }
    for name, message in cases.items():
        with pytest.raises(ProgramError) as caught:
            contiguous_blocks(str(tmp_path) + "/" + name)
        assert message in str(caught.value)
        assert str(caught.value).isprintable()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=100).map(lambda tail: b"bFLT\0\0\0\x04" + tail),
        st.tuples(st.integers(0, 90), st.binary(max_size=12)).map(
            lambda edit: elf(TWO_LOADS)[: edit[0]] + edit[1] + elf(TWO_LOADS)[edit[0] + len(edit[1]) :]
        ),
    )
)
def test_any_bytes_give_blocks_or_one_line(tmp_path: Path, content: bytes) -> None:
    path = program(tmp_path, content)
    try:
        blocks = contiguous_blocks(path)
    except ProgramError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert all(block.bytes > 0 and block.bytes % 4096 == 0 for block in blocks)
        assert need_bytes(path) == max(block.bytes for block in blocks if not block.shareable)


def readelf_image_bytes(path: Path) -> int:
    """The span of the LOAD segments as readelf prints them: an independent reading of the same file."""
    text = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True, check=True).stdout
    spans = re.findall(r"^ +LOAD +0x[0-9a-f]+ 0x([0-9a-f]+) 0x[0-9a-f]+ 0x[0-9a-f]+ 0x([0-9a-f]+) ", text, re.MULTILINE)
    starts = [int(start, 16) for start, _ in spans]
    ends = [int(start, 16) + int(memory, 16) for start, memory in spans]
    return max(ends) - min(starts)


@pytest.mark.skipif(shutil.which("readelf") is None, reason="no readelf here to check against")
@pytest.mark.parametrize("name", ["/bin/true", "/bin/sh", "/bin/ls"])
def test_real_program_agrees_with_readelf(name: str) -> None:
    path = Path(name).resolve()
    if struct.unpack_from("=H", path.read_bytes(), 16)[0] != 3:
        pytest.skip(f"{name} is not position-independent on this machine")
    image, stack = contiguous_blocks(path)
    assert image.what == "image"
    assert 0 <= image.bytes - readelf_image_bytes(path) < 4096
    assert (stack.what, stack.bytes) == ("stack", 131072)
    assert "loads /lib" in image.note
