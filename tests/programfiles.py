"""Program files for the tests: headers built field by field from the layouts of linux/flat.h and elf.h."""

import struct

EM_68K = 4


def flat(
    *,
    text: int = 100_000,
    data: int = 8_000,
    bss: int = 30_000,
    stack: int = 4096,
    relocs: int = 0,
    flags: int = 0,
    rev: int = 4,
) -> bytes:
    """A bFLT header; text includes the 64 bytes of the header itself, as in the file."""
    return b"".join(
        [
            b"bFLT",
            struct.pack(">I", rev),
            struct.pack(">I", 0x44),  # entry
            struct.pack(">I", text),  # data_start
            struct.pack(">I", text + data),  # data_end
            struct.pack(">I", text + data + bss),  # bss_end
            struct.pack(">I", stack),
            struct.pack(">I", text + data),  # reloc_start
            struct.pack(">I", relocs),
            struct.pack(">I", flags),
            struct.pack(">I", 0x4A000000),  # build_date
            bytes(20),
        ]
    )


def elf(
    segments: list[tuple[int, int, int, int, int, int]],
    *,
    machine: int = EM_68K,
    bits: int = 32,
    order: str = ">",
    kind: int = 3,
    osabi: int = 0,
    e_flags: int = 0,
) -> bytes:
    """An ELF header and its program headers; segments: (type, flags, offset, address, file bytes, memory bytes)."""
    wide = bits == 64
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1, osabi]) + bytes(8)
    word = "Q" if wide else "I"
    header_bytes, entry_bytes = (64, 56) if wide else (52, 32)
    head = struct.pack(order + "HHI" + 3 * word, kind, machine, 1, 0x100, header_bytes, 0)
    head += struct.pack(order + "IHHHHHH", e_flags, header_bytes, entry_bytes, len(segments), 0, 0, 0)
    table = b""
    for segment_kind, flags, offset, address, file_bytes, memory_bytes in segments:
        if wide:
            table += struct.pack(
                order + "IIQQQQQQ", segment_kind, flags, offset, address, address, file_bytes, memory_bytes, 4096
            )
        else:
            table += struct.pack(
                order + "8I", segment_kind, offset, address, address, file_bytes, memory_bytes, flags, 4096
            )
    return ident + head + table
