#!/usr/bin/env python3
"""Turns a statically linked m68k ELF program into bFLT version 4, the program format of uClinux.

    elf2flat.py PROGRAM.elf OUTPUT --stack BYTES

The program must have been compiled with -msep-data and linked with flat.ld and `--emit-relocs`. What the flat loader
has to adjust is every word of the data that holds an address: those that the linker names (R_68K_32), and all of the
table of addresses at the start of the data. The text must hold none, for it may lie in a ROM.

Header and relocations: include/linux/flat.h and fs/binfmt_flat.c, Linux 6.1.
"""

import argparse
import pathlib
import struct
import sys

HEADER_BYTES = 64
VERSION = 4
R_68K_32 = 1
SHT_PROGBITS, SHT_RELA, SHT_NOBITS = 1, 4, 8
SHF_ALLOC = 2


class Unusable(Exception):
    """The program cannot become a flat one."""


def read_sections(elf):
    """{name: (index, type, flags, address, content)} of an ELF file's sections; content: its size where it has none."""
    if elf[:6] != b"\x7fELF\x01\x02" or struct.unpack_from(">H", elf, 18) != (4,):
        raise Unusable("no big-endian 32-bit m68k ELF file")
    (table,) = struct.unpack_from(">I", elf, 32)
    size, count, names_index = struct.unpack_from(">HHH", elf, 46)
    headers = [struct.unpack_from(">10I", elf, table + i * size) for i in range(count)]
    names = elf[headers[names_index][4] :]
    sections = {}
    for index, (name, kind, flags, address, offset, length, *_rest) in enumerate(headers):
        content = length if kind == SHT_NOBITS else elf[offset : offset + length]
        sections[names[name : names.index(b"\0", name)].decode()] = (index, kind, flags, address, content)
    return sections


def relocations(sections, name):
    """The addresses of words in the section `name` that hold an address, as the linker names them."""
    content = sections.get(".rela" + name, (0, 0, 0, 0, b""))[4]
    for at in range(0, len(content), 12):
        address, info, _addend = struct.unpack_from(">IIi", content, at)
        if info & 0xFF == R_68K_32:
            yield address


def convert(elf, stack_bytes):
    """The bFLT file (bytes) of an ELF file (bytes); Unusable."""
    sections = read_sections(elf)
    (entry,) = struct.unpack_from(">I", elf, 24)
    _, _, _, text_at, text = sections[".text"]
    _, _, _, data_at, data = sections[".data"]
    bss_end = sections[".bss"][3] + sections[".bss"][4] if ".bss" in sections else data_at + len(data)
    if text_at != 0 or data_at != len(text):
        raise Unusable(f"text at {text_at:#x} with {len(text):#x} bytes, data at {data_at:#x}: link it with flat.ld")
    stray = list(relocations(sections, ".text"))
    if stray:
        raise Unusable(f"{len(stray)} addresses in the text, the first at {stray[0]:#x}: compile with -fPIC -msep-data")
    words = set(relocations(sections, ".data")) | table_words(sections, data_at, data)
    # A word that holds 0 is a weak symbol that nobody defines: it must stay 0.
    words = sorted(at for at in words if data[at - data_at : at - data_at + 4] != b"\0\0\0\0")
    data_start = HEADER_BYTES + len(text)
    data_end = data_start + len(data)
    header = struct.pack(
        ">4s9I24x",
        b"bFLT",
        VERSION,
        HEADER_BYTES + entry,
        data_start,
        data_end,
        HEADER_BYTES + bss_end,
        stack_bytes,
        data_end,
        len(words),
        0,
    )
    return header + text + data + b"".join(struct.pack(">I", at) for at in words)


def table_words(sections, data_at, data):
    """The words of the table of addresses (GOT), which lies between two symbols that flat.ld defines."""
    start, end = symbol(sections, "_got_start"), symbol(sections, "_got_end")
    if start != data_at or not start <= end <= data_at + len(data):
        raise Unusable(f"table of addresses from {start:#x} to {end:#x}: link it with flat.ld")
    return set(range(start, end, 4))


def symbol(sections, name):
    """The value of a symbol."""
    names, table = sections[".strtab"][4], sections[".symtab"][4]
    for at in range(0, len(table), 16):
        where, value = struct.unpack_from(">II", table, at)
        if names[where : names.index(b"\0", where)] == name.encode():
            return value
    raise Unusable(f"no symbol {name}: link it with flat.ld")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
