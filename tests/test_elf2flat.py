"""From ELF to bFLT on boards whose programs lie in RAM as a whole: what the kernel's loader makes of the file."""

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "agent" / "board" / "flat" / "elf2flat.py"
spec = importlib.util.spec_from_file_location("elf2flat", SCRIPT)
assert spec and spec.loader
elf2flat = importlib.util.module_from_spec(spec)
sys.modules["elf2flat"] = elf2flat
spec.loader.exec_module(elf2flat)

RISCV, ARM = 243, 40
TEXT = b"code" * 8
LOADED_AT = 0x80001000
STACK_BYTES = 8192
Bytes = dict[str, tuple[int, int, bytes]]  # section: its type, address, content


def program(machine: int, is_wide: bool, gap: int, words: list[tuple[int, int]], kind: int) -> bytes:
    """An ELF file with a text of 32 bytes, data, 16 bytes of bss; words: (offset in the data, the address there)."""
    word = "<Q" if is_wide else "<I"
    data_at = len(TEXT) + gap
    data = bytearray(64)
    relocations = b""
    for at, address in words:
        if machine == ARM:
            struct.pack_into(word, data, at, address)
            relocations += struct.pack("<II", data_at + at, kind)
        else:
            relocations += struct.pack("<QQq" if is_wide else "<IIi", data_at + at, kind, address)
    name = ".rel.dyn" if machine == ARM else ".rela.dyn"
    sections = {"": (0, 0, b""), ".text": (1, 0, TEXT), ".data": (1, data_at, bytes(data)), name: (4, 0, relocations)}
    sections |= {".bss": (8, data_at + len(data), bytes(16)), ".shstrtab": (3, 0, b"")}
    return _file(machine, is_wide, sections)


def _file(machine: int, is_wide: bool, sections: Bytes) -> bytes:
    names = b"\0".join(name.encode() for name in sections) + b"\0"
    head_bytes, form = (64, "<IIQQQQIIQQ") if is_wide else (52, "<10I")
    body, headers = b"", b""
    for name, (kind, address, content) in sections.items():
        content = names if name == ".shstrtab" else content
        name_at = names.index(name.encode() + b"\0")
        headers += struct.pack(form, name_at, kind, 0, address, head_bytes + len(body), len(content), 0, 0, 0, 0)
        body += b"" if kind == 8 else content
    ident = b"\x7fELF" + bytes([2 if is_wide else 1, 1, 1]) + bytes(9)
    entry = struct.pack("<HHI" + ("QQQ" if is_wide else "III"), 3, machine, 1, 4, 0, head_bytes + len(body))
    size, count = struct.calcsize(form), len(sections)
    return ident + entry + struct.pack("<I6H", 0, head_bytes, 0, 0, size, count, count - 1) + body + headers


def loaded(flat: bytes, gap: int, is_wide: bool) -> tuple[bytes, dict[str, int]]:
    """Memory as load_flat_file() of fs/binfmt_flat.c (6.1) leaves it on a little-endian machine, at LOADED_AT."""
    numbers = struct.unpack_from(">9I", flat, 4)
    names = ("version", "entry", "data_start", "data_end", "bss_end", "stack_bytes", "reloc_start", "count", "flags")
    header = dict(zip(names, numbers, strict=True))
    text_bytes = header["data_start"] - 64
    memory = bytearray(flat[64 : header["data_start"]] + bytes(gap) + flat[header["data_start"] : header["data_end"]])
    memory += bytes(header["bss_end"] - header["data_end"])
    for number in range(header["count"]):
        (place,) = struct.unpack_from(">I", flat, header["reloc_start"] + 4 * number)
        place += gap if place >= text_bytes else 0
        (address,) = struct.unpack_from(">I", memory, place)
        address += gap if address >= text_bytes else 0
        struct.pack_into("<I", memory, place, LOADED_AT + address)
    return bytes(memory), header


@pytest.mark.parametrize(
    ("machine", "is_wide", "gap", "kind"), [(RISCV, True, 0, 3), (RISCV, False, 0, 3), (ARM, False, 32, 23)]
)
def test_loader_leaves_addresses_that_are_right(machine: int, is_wide: bool, gap: int, kind: int) -> None:
    data_at = len(TEXT) + gap
    wanted = [(0, 8), (16, data_at + 24), (40, data_at + 64 + 4)]  # code, a variable, one of the bss
    memory, header = loaded(elf2flat.convert(program(machine, is_wide, gap, wanted, kind), STACK_BYTES), gap, is_wide)
    for at, address in wanted:
        found = int.from_bytes(memory[data_at + at : data_at + at + (8 if is_wide else 4)], "little")
        assert found == LOADED_AT + address
    assert memory[: len(TEXT)] == TEXT
    assert len(memory) == data_at + 64 + 16
    assert (header["version"], header["flags"], header["stack_bytes"]) == (4, 1, STACK_BYTES)
    assert header["entry"] == 64 + 4


def test_word_for_the_dynamic_loader_is_0() -> None:
    """The first of the table of addresses is that of .dynamic, which is not loaded."""
    memory, header = loaded(elf2flat.convert(program(RISCV, True, 0, [(0, 0x4000)], 3), 4096), 0, True)
    assert memory[len(TEXT) : len(TEXT) + 8] == bytes(8)
    assert header["count"] == 0


@pytest.mark.parametrize(
    ("elf", "complaint"),
    [
        (b"#!/bin/sh\n" + bytes(60), "no little-endian ELF file"),
        (program(62, True, 0, [], 3), "machine 62: neither RISC-V nor ARM"),
        (program(RISCV, True, 0, [(0, 8)], 5), "relocation 5 at 0x20: compile with -fPIE, link with -pie -Bsymbolic"),
        (program(RISCV, True, 0, [(-16, 8)], 3), "an address in the text, at 0x10: compile with -fPIE"),
        (program(ARM, False, 0, [], 23), "data at 0x20: link it with flat.ld"),
    ],
)
def test_program_that_cannot_become_one_is_refused_in_a_line(tmp_path: Path, elf: bytes, complaint: str) -> None:
    path = tmp_path / "program.elf"
    path.write_bytes(elf)
    command = [sys.executable, str(SCRIPT), str(path), str(tmp_path / "program")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"elf2flat: {path}: ") and line.endswith(complaint)
    assert list(tmp_path.iterdir()) == [path]
