#!/usr/bin/env python3
"""Turns a static position-independent ELF program for RISC-V or ARM into bFLT version 4 that lies in RAM as a whole.

    elf2flat.py PROGRAM.elf OUTPUT --stack BYTES

The program must have been linked with flat.ld. Each word that the linker would leave to a dynamic loader (R_*_RELATIVE)
becomes one that the flat loader adjusts. That one adjusts 32 bits: on a 64-bit processor RAM must lie below 4 GB.

Header and relocations: include/linux/flat.h and fs/binfmt_flat.c, Linux 6.1.
"""

from __future__ import annotations

import argparse
import pathlib
import struct
import sys
from typing import NamedTuple

HEADER_BYTES = 64
VERSION = 4
FLAT_FLAG_RAM = 1
ELFCLASS64, ELFDATA2LSB = 2, 1
SHT_NOBITS = 8


class Unusable(Exception):
    """The program cannot become a flat one."""


class Target(NamedTuple):
    """What differs between processors."""

    relative: int  # the number of R_*_RELATIVE
    has_addends: bool  # the relocation has the address; else the word that it is about
    gap_bytes: int  # between text and data, where the loader has a table for shared libraries


TARGETS = {
    243: Target(relative=3, has_addends=True, gap_bytes=0),
    40: Target(relative=23, has_addends=False, gap_bytes=32),
}


class Section(NamedTuple):
    """Of the file: where it is loaded, and its bytes, or how many there are without any in the file."""

    address: int
    content: bytes
    size: int


class Program:
    """An ELF file, 32 or 64 bit, little-endian."""

    def __init__(self, elf: bytes) -> None:
        if elf[:4] != b"\x7fELF" or elf[5] != ELFDATA2LSB:
            raise Unusable("no little-endian ELF file")
        self.is_wide = elf[4] == ELFCLASS64
        (machine,) = struct.unpack_from("<H", elf, 18)
        if machine not in TARGETS:
            raise Unusable(f"machine {machine}: neither RISC-V nor ARM")
        self.target = TARGETS[machine]
        self.entry, _, table = struct.unpack_from("<3Q" if self.is_wide else "<3I", elf, 24)
        size, count, names_index = struct.unpack_from("<3H", elf, 58 if self.is_wide else 46)
        form = "<IIQQQQIIQQ" if self.is_wide else "<10I"
        headers = [struct.unpack_from(form, elf, table + i * size) for i in range(count)]
        names = elf[headers[names_index][4] :]
        self._sections = {}
        for name, kind, _flags, address, offset, length, *_rest in headers:
            content = b"" if kind == SHT_NOBITS else elf[offset : offset + length]
            self._sections[names[name : names.index(b"\0", name)].decode()] = Section(address, content, length)

    def section(self, name: str) -> Section:
        return self._sections.get(name, Section(0, b"", 0))

    def relocations(self) -> list[tuple[int, int | None]]:
        """(address of a word, what it is to hold or None if it holds that already)."""
        found: list[tuple[int, int | None]] = []
        form = ("<QQq" if self.is_wide else "<IIi") if self.target.has_addends else "<II"
        content = self.section(".rela.dyn" if self.target.has_addends else ".rel.dyn").content
        for at, info, *addend in struct.iter_unpack(form, content):
            kind = info & (0xFFFFFFFF if self.is_wide else 0xFF)
            if info and kind != self.target.relative:
                raise Unusable(f"relocation {kind} at {at:#x}: compile with -fPIE, link with -pie -Bsymbolic")
            if info:
                found.append((at, addend[0] if addend else None))
        return found


def convert(elf: bytes, stack_bytes: int) -> bytes:
    """The bFLT file of an ELF file."""
    program = Program(elf)
    text, data, bss = (program.section(name) for name in (".text", ".data", ".bss"))
    gap = program.target.gap_bytes
    if text.address != 0 or data.address != text.size + gap or text.size % 32:
        raise Unusable(
            f"text at {text.address:#x} with {text.size:#x} bytes, data at {data.address:#x}: link it with flat.ld"
        )
    image = bytearray(text.content + data.content)
    places = adjust(image, program, bss.address + bss.size)
    data_start, data_end = HEADER_BYTES + text.size, HEADER_BYTES + len(image)
    bss_end = HEADER_BYTES + bss.address + bss.size - gap
    numbers = VERSION, HEADER_BYTES + program.entry, data_start, data_end, bss_end, stack_bytes, data_end, len(places)
    header = struct.pack(">4s9I24x", b"bFLT", *numbers, FLAT_FLAG_RAM)
    return header + image + b"".join(struct.pack(">I", place) for place in sorted(places))


def adjust(image: bytearray, program: Program, end: int) -> list[int]:
    """The places in the image, which has no gap, of the words that hold addresses, made ready for the loader."""
    data_at, gap = program.section(".data").address, program.target.gap_bytes
    word_bytes = 8 if program.is_wide else 4
    places = []
    for at, addend in program.relocations():
        if at < data_at:
            raise Unusable(f"an address in the text, at {at:#x}: compile with -fPIE")
        place = at - gap
        address = addend if addend is not None else struct.unpack_from("<I", image, place)[0]
        image[place : place + word_bytes] = bytes(word_bytes)
        if address > end:
            continue  # _DYNAMIC, in the table of addresses: it is not loaded, and the C library takes 0 for "none"
        # The loader reads it as big-endian (unless FLAT_FLAG_GOTPIC is set), and writes the sum in the CPU's order.
        struct.pack_into(">I", image, place, address - gap if address >= data_at else address)
        places.append(place)
    return places


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--stack", type=int, default=4096, metavar="BYTES", help="bytes of the stack (default 4096)")
    arguments = parser.parse_args()
    try:
        arguments.output.write_bytes(convert(arguments.program.read_bytes(), arguments.stack))
        arguments.output.chmod(0o755)
    except (OSError, Unusable) as error:
        print(f"elf2flat: {arguments.program}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
